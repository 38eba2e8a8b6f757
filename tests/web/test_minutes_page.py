"""The minutes in real Chromium: by keyboard, saved within two seconds, offline and reloaded, read along."""

from __future__ import annotations

import re
import time

import pytest
from playwright.async_api import Browser, Page, expect

from cases.policy import SYSTEM, Actor, ActorKind
from scheduling.arrival.consent import record_consent
from scheduling.links import exchange_link, find_link_actor, issue_link
from scheduling.minutes.reading import object_to
from scheduling.session import Session
from scheduling.sessions.invitations import list_invitations
from signaling.handlers.minutes import refresh
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.test_axe import CITIZEN, DESK, OFFICIAL, Looker, database_system, looker  # noqa: F401
from tests.web.test_minutes import arrange
from web.keys import REGISTRY

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(180)]
STATE = ".minutes-state"
ANSWER = "li[data-kind=answer] textarea"


async def signed_in(house: House, chrome: Browser, key: str, width: int = DESK) -> Looker:  # noqa: F811
    eyes = await looker(chrome, f"http://127.0.0.1:{house.server.port}", width)
    await house.seat(eyes.page.context, key)
    return eyes


async def write(page: Page, text: str) -> None:
    await page.keyboard.type(text, delay=5)


async def test_minutes_are_written_by_keyboard_offline_and_by_two(
    house: House, chrome: Browser  # noqa: F811
) -> None:  # fmt: skip
    session = await arrange(house)
    one, two = [
        await signed_in(house, chrome, key) for key in ("chengguan.receptionist", "chengguan.recorder")
    ]
    for eyes in (one, two):
        await eyes.page.goto(f"{eyes.base}/sessions/{session.id}/minutes")
        await expect(eyes.page.locator(STATE)).to_contain_text("已保存")
    page, other = one.page, two.page

    # A question and its answer without a mouse; on the server within two seconds of the first key.
    await page.locator("[data-paragraph] textarea").last.focus()
    await page.keyboard.press("Alt+q")
    await write(page, "漏水多久了？")
    await page.keyboard.press("Control+Enter")
    began = time.monotonic()
    await write(page, "三个月没人修")
    await expect(other.locator(ANSWER)).to_have_value("三个月没人修", timeout=5000)
    await expect(page.locator(STATE)).to_contain_text("已保存")
    assert time.monotonic() - began < 5  # The other page asks every two seconds.
    await expect(page.locator(ANSWER)).to_have_attribute("aria-label", re.compile("答 李德福$"))

    # Both in one paragraph, one of them without a line and reloaded before it is back.
    await page.context.set_offline(True)
    await page.locator(ANSWER).press("End")
    await write(page, "，打过五次电话")
    await expect(page.locator(STATE)).to_contain_text("网络断开")
    await other.locator(ANSWER).press("Home")
    await write(other, "从春天起，")
    await expect(other.locator(STATE)).to_contain_text("已保存")
    await page.context.set_offline(False)
    await page.reload()
    for each in (page, other):
        await expect(each.locator(ANSWER)).to_have_value("从春天起，三个月没人修，打过五次电话")

    # Moved up by keyboard; every version stays.
    await page.locator(ANSWER).focus()
    await page.keyboard.press("Alt+ArrowUp")
    await expect(other.locator("li:has(textarea) >> nth=-2")).to_have_attribute("data-kind", "answer")
    await one.look("/minutes")
    await one.open(f"/sessions/{session.id}/minutes/versions")
    await expect(page.locator(".version ins").first).to_be_visible()
    for width in (OFFICIAL, DESK):
        await page.set_viewport_size({"width": width, "height": 800})
        await one.open(f"/sessions/{session.id}/minutes")
        await expect(page.locator(ANSWER)).to_be_visible()
        await one.look(f"/minutes, open @{width}")
    assert not one.faults, "\n".join(one.faults)


async def citizen_in_room(house: House, chrome: Browser, session: Session) -> Looker:  # noqa: F811
    """The petitioner's page with its seat, consent given."""
    eyes = await looker(chrome, f"http://127.0.0.1:{house.server.port}", CITIZEN)
    async with house.database.session() as db:
        guest = next(i for i in await list_invitations(db, session.id) if str(i.role) == "petitioner")
        secret = await issue_link(db, house.clock, SYSTEM, guest.id)
        grant = await exchange_link(db, house.clock, guest.code, secret)
        actor = await find_link_actor(db, house.clock, guest.code, grant.device_secret)
        assert actor is not None
        await record_consent(db, house.clock, actor, "1", "0" * 64)
    address = f"{eyes.base}/j/{guest.code}"
    cookie = {"name": "lx_link", "value": grant.device_secret, "url": address}
    await eyes.page.context.add_cookies([cookie])  # type: ignore[list-item]
    await eyes.page.goto(f"{address}/room")
    return eyes


async def test_the_tab_in_the_room_and_the_petitioner_reading_along(
    house: House, chrome: Browser  # noqa: F811
) -> None:  # fmt: skip
    session = await arrange(house)
    host = await signed_in(house, chrome, "chengguan.receptionist")
    page = host.page
    await page.goto(f"{host.base}/sessions/{session.id}/room")
    await page.get_by_role("tab", name="笔录").click()
    await expect(page.locator(STATE)).to_contain_text("已保存")
    await page.locator("[data-paragraph] textarea").last.focus()
    await page.keyboard.press("Alt+a")
    await write(page, "楼道漏水三个月")
    await expect(page.locator(STATE)).to_contain_text("已保存")
    await host.look("console, minutes")
    assert not host.faults, "\n".join(host.faults)

    citizen = await citizen_in_room(house, chrome, session)
    await page.get_by_role("tab", name="人员").click()
    await page.get_by_role("button", name="准入").click(timeout=30_000)
    await citizen.page.get_by_role("button", name="回到接访").click(timeout=30_000)
    await expect(citizen.page.locator("[data-screen=session]")).to_be_visible(timeout=30_000)
    await expect(citizen.page.locator(".reading")).to_have_count(0)
    await page.get_by_role("tab", name="笔录").click()
    await page.locator("summary", has_text="同步显示和授权").click()
    await page.get_by_label("信访人同步看到笔录").check()
    await citizen.page.locator(".reading summary").click(timeout=10_000)
    await expect(citizen.page.locator(".reading-list")).to_contain_text("楼道漏水三个月")
    await page.locator(ANSWER).focus()
    await page.locator(ANSWER).press("End")
    await write(page, "没人修")
    await expect(citizen.page.locator(".reading-list")).to_contain_text("楼道漏水三个月没人修")
    await citizen.look("reading along")
    await page.get_by_label("信访人同步看到笔录").uncheck()
    await expect(citizen.page.locator(".reading")).to_be_hidden()

    # Read back from the console: the petitioner is sent to the sheet, an objection keeps from signing.
    await page.get_by_role("button", name="记录完毕，交信访人核对").click()
    await expect(page.locator(".minutes-standing")).to_contain_text("请信访人核对")
    await expect(page.get_by_role("button", name="核对完毕，开始签字")).to_be_visible()
    await expect(citizen.page.locator("[data-part=sheet] a")).to_be_visible()
    async with house.database.session() as db:
        said = next(each for each in await list_invitations(db, session.id) if str(each.role) == "petitioner")
        actor = Actor(
            ActorKind.INVITEE, said.display_name, invitation_id=said.id, session_id=session.id,
            invitation_role=said.role,
        )  # fmt: skip
        await object_to(db, house.clock, actor, session.id, None, "少写了电梯")
    await refresh(house.server.app[REGISTRY].rooms[session.id])
    await expect(page.locator(".minutes-standing.is-bad")).to_contain_text("1 条意见还没有答复")
    await expect(page.get_by_role("button", name="核对完毕，开始签字")).to_have_count(0)
    for width in (1280, DESK):
        await page.set_viewport_size({"width": width, "height": 720})
        await host.look(f"console, read back @{width}")
    assert not host.faults, "\n".join(host.faults)
    async with page.context.expect_page() as opened:
        await page.get_by_role("link", name="意见和签字").click()
    await expect((await opened.value).locator("#objections-title")).to_contain_text("1 条没有答复")
    assert not citizen.faults, "\n".join(citizen.faults)
