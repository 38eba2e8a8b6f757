"""The QR code at the kiosk and the pad on one's own phone, over HTTP and in two real browsers."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from xml.etree import ElementTree

import pytest
from aiohttp import ClientResponse
from markupsafe import Markup
from playwright.async_api import Browser as Chromium
from playwright.async_api import expect

from scheduling.minutes.phone_signing import LIFETIME
from scheduling.minutes.record import MinutesState
from tests.scenarios.browsers import needs_chromium, until
from tests.scheduling.test_minutes_signing import handwriting
from tests.web.conftest import Browser, House
from tests.web.test_axe import LARGE_TYPE, Looker
from tests.web.test_signing import Case, arrange
from web.http.access import LINK_COOKIE
from web.minutes.live_strokes import CEILING, LiveStrokes
from web.pages import phone_signing
from web.qr import qr_svg


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were shown as QR codes."""
    found: list[str] = []

    def draw(text: str, label: str = "", alone: bool = False) -> Markup:
        found.append(text)
        return qr_svg(text, label, alone=alone)

    monkeypatch.setattr(phone_signing, "qr_svg", draw)
    return found


async def ready(house: House) -> tuple[Case, str]:
    """Minutes to be signed; the citizen's link is open at the kiosk. And the text's digest."""
    case = await arrange(house, MinutesState.READ_BACK, MinutesState.SIGNING)
    return case, await case.digest()


async def told(answer: ClientResponse) -> tuple[int, str]:
    body = await answer.json()
    return answer.status, body.get("error", {}).get("code") or body.get("state", "")


async def test_from_the_code_to_the_signature(house: House, shown: list[str]) -> None:
    case, digest = await ready(house)
    at, kiosk, phone, second = f"{case.mine}/phone", case.phone, house.browser(), house.browser()
    assert await told(await kiosk.post(at, json={"digest": "0" * 64})) == (409, "minutes_changed")
    assert await told(await phone.post(at, json={"digest": digest})) == (403, "link_invalid")
    issued = await (await kiosk.post(at, json={"digest": digest})).json()
    kind, _, picture = issued["qr"].partition(",")
    assert kind == "data:image/svg+xml;base64" and issued["short"] == digest[:8]
    # Without its namespace a browser takes it for no picture at all.
    assert ElementTree.fromstring(b64decode(picture)).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314
    where, secret = shown[-1].removeprefix(kiosk.base).split("#")
    before = await (await phone.get(where)).text()
    assert "开始签字" in before and "李德福" not in before and digest[:8] not in before
    assert await told(await phone.post(f"{where}/open", json={"secret": "x"})) == (404, "signing_unknown")
    assert (await phone.post(f"{where}/open", json={"secret": secret})).status == 200
    assert await told(await second.post(f"{where}/open", json={"secret": secret})) == (409, "signing_used")
    assert "李德福" in await (await phone.get(where)).text()
    assert "李德福" not in await (await second.get(where)).text()
    half = json.loads(handwriting()) | {"more": "is left out"}
    assert (await phone.post(f"{where}/strokes", json=half)).status == 200
    assert await told(await second.post(f"{where}/strokes", json=half)) == (403, "link_invalid")
    assert await told(await phone.post(f"{where}/strokes", json={"width": 1})) == (
        422,
        "signature_unreadable",
    )
    seen = await (await kiosk.get(at)).json()
    assert seen == {"state": "opened", "drawn": {name: half[name] for name in ("width", "height", "strokes")}}
    assert "正在用手机签字" in await (await case.host.get(case.theirs)).text()
    dot = {"width": 800, "height": 360, "strokes": [[[5, 5, 0]]]}
    assert await told(await phone.post(f"{where}/sign", json=dot)) == (422, "signature_too_small")
    for odd in (b"\xff\x00", b"[" * 60_000, b"null"):
        for what in ("strokes", "sign", "open"):
            assert (await phone.post(f"{where}/{what}", data=odd, headers=JSON)).status in (404, 422), what
    assert (await phone.get(f"/j/{case.given.code}/phone/%00%F0%9F%98%80")).status == 200
    assert (await phone.post(f"{where}/sign", data=handwriting(), headers=JSON)).status == 200
    assert await (await kiosk.get(at)).json() == {"state": "signed", "drawn": None}
    assert "您已提交" in await (await kiosk.get(case.mine)).text()
    assert "签字完成" in await (await phone.get(where)).text()
    assert await told(await phone.post(f"{where}/sign", json=half)) == (409, "signing_over")


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("end", ["clerk", "signer", "time"])
async def test_a_code_ends_before_it_is_used(house: House, shown: list[str], end: str) -> None:
    case, digest = await ready(house)
    at, phone = f"{case.mine}/phone", house.browser()
    await case.phone.post(at, json={"digest": digest})
    where, secret = shown[-1].removeprefix(phone.base).split("#")
    assert (await phone.post(f"{where}/open", json={"secret": secret})).status == 200
    if end == "clerk":
        await case.act(303, act="cancel_phone", signer_id=case.given.invitation_id)
    elif end == "signer":
        assert (await case.phone.post(f"{at}/cancel", json={})).status == 200
    else:
        house.clock.advance(seconds=LIFETIME.total_seconds())
    state = "expired" if end == "time" else "cancelled"
    assert (await (await case.phone.get(at)).json())["state"] == state
    drawn = json.loads(handwriting())
    for what in ("strokes", "sign"):
        assert await told(await phone.post(f"{where}/{what}", json=drawn)) == (409, "signing_over")
    assert "再生成一个" in await (await phone.get(where)).text()
    assert "您已提交" not in await (await case.phone.get(case.mine)).text()


def test_drawings_have_a_ceiling_and_nothing_else_gets_in() -> None:
    live = LiveStrokes()
    drawing = '{"width": 8, "height": 3, "strokes": [[[1, 2, 0]]]}'
    for text in (
        "",
        "[]",
        "[" * 100_000,
        '{"width": 8, "height": 3, "strokes": [[[1, "2", 0]]]}',
        "x" * 200_000,
    ):
        assert not live.draw("a", text)
    for number in range(CEILING + 1):
        assert live.draw(str(number), drawing)
    assert live.of("0") is None and live.of("1") is not None
    live.forget("1")
    assert live.of("1") is None


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_a_kiosk_shows_what_is_written_on_the_phone(
    house: House, shown: list[str], tmp_path: Path, chrome: Chromium
) -> None:
    case, _ = await ready(house)
    kiosk = await (await chrome.new_context(viewport={"width": 1080, "height": 1200})).new_page()
    await kiosk.context.add_cookies([cookie_of(case.phone, case.mine)])
    phone = await (
        await chrome.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    ).new_page()
    screen, pad = Looker(kiosk, case.phone.base), Looker(phone, case.phone.base)
    await kiosk.goto(case.phone.base + case.mine)
    await kiosk.get_by_role("button", name="用自己的手机签字").click()
    await kiosk.get_by_alt_text("手机签字二维码").wait_for()
    # One place to sign at a time: the kiosk's own pad is back when the phone is not wanted any more.
    own = kiosk.locator("form[data-signing]")
    await expect(own).to_be_hidden()
    await kiosk.get_by_role("button", name="不用手机了").click()
    await own.wait_for()
    await kiosk.get_by_role("button", name="用自己的手机签字").click()
    await kiosk.get_by_alt_text("手机签字二维码").wait_for()
    await screen.look("kiosk code")
    await phone.add_init_script(LARGE_TYPE)
    await phone.goto(shown[-1])
    await pad.look("phone before")
    await phone.get_by_role("button", name="开始签字").click()
    canvas = phone.locator("canvas")
    await canvas.wait_for()
    assert "#" not in phone.url, "the secret stays in no history"
    await canvas.scroll_into_view_if_needed()
    box = await canvas.bounding_box()
    assert box is not None
    await phone.mouse.move(box["x"] + 20, box["y"] + 20)
    await phone.mouse.down()
    for step in range(30):
        await phone.mouse.move(box["x"] + 20 + step * 8, box["y"] + 20 + (step % 5) * 20)
    await until(lambda: kiosk.evaluate(INK), 10, "the kiosk shows the strokes before the finger is lifted")
    await phone.mouse.up()
    await pad.look("phone pad")
    await screen.look("kiosk strokes")
    await phone.get_by_role("button", name="确认签字").click()
    await phone.get_by_role("heading", name="签字完成").wait_for()
    await pad.look("phone signed")
    await kiosk.get_by_role("heading", name="您已提交").wait_for()
    assert screen.faults + pad.faults == []


def cookie_of(browser: Browser, path: str) -> dict[str, str]:
    return {"name": LINK_COOKIE, "value": browser.cookie(LINK_COOKIE), "url": browser.base + path}


INK = """() => {
  const canvas = document.querySelector('[data-part=drawing] canvas');
  if (!canvas || !canvas.width) return false;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value) => value > 0);
}"""
