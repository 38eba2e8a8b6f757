"""Who refuses camera, microphone, consent, signature or rating comes to an end that the staff completes."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser as Chrome
from playwright.async_api import Page, expect

from scheduling.minutes.record import MinutesState
from tests.journey.phone import PHONE
from tests.scenarios.browsers import needs_chromium
from tests.scheduling.test_minutes_signing import handwriting
from tests.web.conftest import Browser, House
from tests.web.test_afterwards import held
from tests.web.test_links import Given, make_link
from tests.web.test_signing import arrange
from web.http.access import LINK_COOKIE
from web.notice import current_notice

HOST = "chengguan.receptionist"
# The person says no: to the camera only, or to both.
REFUSING = """navigator.mediaDevices.getUserMedia = async (wanted) => {
  if (wanted.video || !%s) throw new DOMException("no", "NotAllowedError");
  const context = new AudioContext(), tone = context.createOscillator();
  const out = context.createMediaStreamDestination();
  tone.connect(out);
  tone.start();
  return out.stream;
};"""


@pytest.fixture
def database_system() -> str:
    """One system is enough: what is stored is tested beside what stores it."""
    return "sqlite"


async def agreed(house: House) -> tuple[Given, Browser]:
    """A citizen who read the notice and agreed, on the phone of the link."""
    given, phone = await make_link(house), house.browser()
    await given.exchange(phone)
    notice, page = current_notice(), f"/j/{given.code}/notice"
    said = {"version": notice.version, "digest": notice.digest, "decision": "agree"}
    assert (await phone.send(page, page, **said)).status == 303
    return given, phone


async def refusing(house: House, chrome: Chrome, sound: str) -> tuple[Given, Page]:
    """At the one button for camera and microphone, with a browser that says no to one or both."""
    given, phone = await agreed(house)
    context = await chrome.new_context(viewport=PHONE, locale="zh-CN")  # type: ignore[arg-type]
    await context.add_init_script(REFUSING % sound)
    base = f"http://127.0.0.1:{house.server.port}"
    cookie = {"name": LINK_COOKIE, "value": phone.cookie(LINK_COOKIE), "url": f"{base}/j/{given.code}"}
    await context.add_cookies([cookie])  # type: ignore[list-item]
    page = await context.new_page()
    await page.goto(f"{base}/j/{given.code}/room")
    await page.get_by_role("button", name="打开摄像头和麦克风").click()
    await expect(page.locator("[data-screen=trouble] h1")).to_have_text("没有允许使用摄像头和麦克风")
    return given, page


async def record_call(clerk: Browser, given: Given, **said: str) -> None:
    """The clerk telephoned and writes down what came of it."""
    door = f"/sessions/{given.session_id}/arrivals"
    text = await (await clerk.get(door)).text()
    (call,) = [part.split('"')[0] for part in text.split(f"/sessions/{given.session_id}/requests/")[1:]]
    to = f"/sessions/{given.session_id}/requests/{call}"
    assert (await clerk.send(door, to, **said)).status == 303


@pytest.mark.browser
@needs_chromium
async def test_camera_and_microphone(house: House, chrome: Chrome) -> None:
    clerk = await house.official(HOST)

    _, page = await refusing(house, chrome, "true")  # No camera: sound alone, to the waiting room.
    await page.get_by_role("button", name="只用声音，不用摄像头").click()
    for words in ("会动", "听得到", "进入等候室"):
        await page.get_by_role("button", name=words, exact=True).click()
    await expect(page.locator("[data-screen=waiting]")).to_be_visible()
    await page.context.close()

    given, page = await refusing(house, chrome, "false")  # Neither: a call that the clerk records.
    await page.get_by_role("button", name="只用声音，不用摄像头").click()
    await expect(page.locator("[data-screen=trouble]")).to_be_visible()
    await page.get_by_role("link", name="换一种方式参加").click()
    await page.get_by_role("button", name="请打电话给我").click()
    await expect(page.locator("#call .banner")).to_contain_text("请留意来电")
    async with asyncio.timeout(15):  # The phone tells it on its own, beside the call.
        while "设备受阻" not in await (await clerk.get(f"/sessions/{given.session_id}/arrivals")).text():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await record_call(clerk, given, state="reached", result="by_phone")
    await page.reload()
    await expect(page.locator("#call")).to_contain_text("已经和您通过电话")


async def test_consent(house: House) -> None:
    given, phone = await make_link(house), house.browser()
    await given.exchange(phone)
    clerk, page = await house.official(HOST), f"/j/{given.code}/notice"
    declined = (await phone.send(page, page, decision="decline")).headers["Location"]
    told = await (await phone.get(declined)).text()
    assert "不受影响" in told and "我改变主意" in told
    assert (await phone.send(declined, declined, asked="call_back")).status == 303
    assert "请留意来电" in await (await phone.get(declined)).text()
    await record_call(clerk, given, state="reached", result="by_phone")
    assert "已经和您通过电话" in await (await phone.get(declined)).text()
    # Or he agreed aloud on that call, which the clerk notes: the way is open.
    door = f"/sessions/{given.session_id}/arrivals"
    to = f"{door}/{given.invitation_id}"
    assert (await clerk.send(door, to, act="consent", words="电话里念过告知，说同意")).status == 303
    assert (await phone.get(f"/j/{given.code}/room")).status == 200


async def test_signature(house: House) -> None:
    case = await arrange(house, MinutesState.READ_BACK, MinutesState.SIGNING)
    digest = await case.digest()
    await case.cite(303, act="refuse", digest=digest, reason="有一段我记不清了")
    told = await (await case.phone.get(case.mine)).text()
    assert "您已提交" in told and "拒绝签字" in told and "有一段我记不清了" in told
    await case.act(303, act="sign", digest=digest, strokes=handwriting())
    final = await (await case.host.get(case.theirs)).text()
    assert "已定稿" in final and "有一段我记不清了" in final
    assert (await case.phone.get(f"{case.mine}.pdf")).status == 200


async def test_rating(house: House) -> None:
    given, phone = await held(house)
    base = f"/j/{given.code}"
    for question, then in (("timely", "rate/manner"), ("manner", "rate/outcome"), ("outcome", "receipt")):
        page = f"{base}/rate/{question}"
        answer = await phone.send(page, page, decision="refuse")
        assert answer.headers["Location"] == f"{base}/{then}"
    receipt = await (await phone.get(f"{base}/receipt")).text()
    assert "接访已结束" in receipt and "评价这次接访" not in receipt and "保存回执" in receipt
    clerk = await house.official(HOST)
    assert (await clerk.get(f"/sessions/{given.session_id}")).status == 200
