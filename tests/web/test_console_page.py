"""The console while people sit in it, by keyboard alone: a sitting is opened, marked, paused and closed."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from cases.policy import Actor, ActorKind
from scheduling.minutes.reading import object_to
from scheduling.minutes.record import MinutesState, move_minutes
from scheduling.sessions.invitations import list_invitations
from signaling.handlers.minutes import refresh
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.test_axe import Looker, database_system  # noqa: F401
from tests.web.test_minutes import arrange
from tests.web.test_minutes_page import citizen_in_room, signed_in
from tests.web.walks import fine_print, small_targets, walk
from web.keys import REGISTRY

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(180)]
STATE = "[data-part=state]"


async def examine(host: Looker, name: str) -> list[str]:
    """Faults of the console as it stands, on a small and on a large desk."""
    faults: list[str] = []
    for width, height in ((1280, 720), (1920, 1080)):
        await host.page.set_viewport_size({"width": width, "height": height})
        await host.look(f"{name} @{width}")
        faults += [f"{name} @{width}: {each}" for each in await small_targets(host.page)]
        faults += [f"{name} @{width}: {each}" for each in await fine_print(host.page)]
    return faults


async def answer(page: Page, *keys: str) -> None:
    """Press keys in the dialog that is open; it goes."""
    await expect(page.locator("dialog[open]")).to_be_visible()
    for key in keys:
        await page.keyboard.press(key)
    await expect(page.locator("dialog")).to_have_count(0)


async def test_a_sitting_is_conducted_by_keyboard(house: House, chrome: Browser) -> None:
    session = await arrange(house)
    host = await signed_in(house, chrome, "chengguan.receptionist")
    page = host.page
    await page.goto(f"{host.base}/sessions/{session.id}/room")
    citizen = await citizen_in_room(house, chrome, session)
    await expect(page.locator("[data-part=lobby] li")).to_have_count(1, timeout=30_000)
    await page.get_by_role("button", name="准入").focus()
    await page.keyboard.press("Enter")
    await citizen.page.get_by_role("button", name="回到接访").click(timeout=30_000)
    await expect(page.locator("[data-part=people] .seat")).to_have_count(2)

    await page.locator("[data-action=open]").focus()
    await page.keyboard.press("Enter")
    await answer(page, "Tab", "Enter")
    await expect(page.locator(STATE)).to_have_attribute("data-state", "live")
    await page.keyboard.press("Control+Shift+2")
    await page.locator("#tab-people").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("[data-mark=promise]")).to_have_count(1)
    await page.keyboard.press("ArrowLeft")

    # The seldom acts of a person: opened, walked, left by Escape, and the focus is where it was.
    more = page.locator("[aria-label='操作：李德福']")
    await more.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".person-acts:not([hidden])")).to_be_visible()
    faults = await examine(host, "console, acts of a person")
    faults += [f"acts of a person: {each}" for each in await walk(page)]
    await more.focus()
    await page.keyboard.press("Escape")
    await expect(more).to_be_focused()
    await expect(page.locator(".person-acts:not([hidden])")).to_have_count(0)

    # What it means is said before; without a reason nobody pauses; thinking better of it changes nothing.
    await page.keyboard.press("Alt+Shift+P")
    await expect(page.locator("dialog")).to_contain_text("暂停期间不录音录像")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog[open]")).to_be_visible()
    await page.keyboard.type("信访人需要休息")
    await answer(page, "Enter")
    await expect(page.locator(STATE)).to_have_attribute("data-state", "paused")
    await page.keyboard.press("Alt+Shift+P")
    await expect(page.locator(STATE)).to_have_attribute("data-state", "live")
    await page.keyboard.press("Alt+Shift+X")
    await expect(page.locator("dialog")).to_contain_text("录音录像停止并封存")
    await expect(page.locator(".dialog-warning").first).to_contain_text("还没有交信访人核对")
    faults += await examine(host, "console, asked before closing")
    await answer(page, "Escape")
    await expect(page.locator(STATE)).to_have_attribute("data-state", "live")
    await page.keyboard.press("Alt+Shift+X")
    await expect(page.locator("dialog[open]")).to_be_visible()
    # What is signed is recorded as well: a click alone does not end it before that.
    await page.get_by_role("button", name="结束接访").last.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog[open]")).to_be_visible()
    await page.locator("#dialog-reason").focus()
    await page.keyboard.type("改日核对签字")
    await answer(page, "Enter")
    await expect(page.locator("[data-part=farewell]")).to_be_visible()
    assert not faults + host.faults, "\n".join(faults + host.faults)


async def object_in(house: House, session_id: str) -> None:
    """The petitioner has something to say against the minutes that were read back."""
    async with house.database.session() as db:
        host = house.world.actor("chengguan.receptionist")
        await move_minutes(db, house.clock, host, session_id, MinutesState.READ_BACK)
        guest = next(each for each in await list_invitations(db, session_id) if each.role == "petitioner")
        citizen = Actor(
            ActorKind.INVITEE, guest.display_name, invitation_id=guest.id, session_id=session_id,
            invitation_role=guest.role,
        )  # fmt: skip
        await object_to(db, house.clock, citizen, session_id, None, "少写了电梯")
    await refresh(house.server.app[REGISTRY].rooms[session_id])


async def test_objections_are_seen_from_any_tab_and_marks_have_keys_of_ones_own(
    house: House, chrome: Browser
) -> None:
    session = await arrange(house)
    host = await signed_in(house, chrome, "chengguan.receptionist")
    page = host.page
    await page.goto(f"{host.base}/sessions/{session.id}/room")
    await page.locator("[data-action=open]").click()
    await answer(page, "Tab", "Enter")
    await expect(page.locator(STATE)).to_have_attribute("data-state", "live")

    await page.keyboard.press("Alt+Shift+K")
    change = page.locator("[data-mark-key=promise]")
    await change.focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Alt+Shift+M")
    await expect(page.locator(".mark-keys-hint")).to_contain_text("已经有别的用处")
    await page.keyboard.press("F8")
    await expect(page.locator(".mark-keys-hint")).to_contain_text("「承诺」的键改为 F8")
    faults = await examine(host, "console, table of keys")
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog")).to_have_count(0)
    await page.reload()
    await expect(page.locator(STATE)).to_have_attribute("data-state", "live")
    await page.keyboard.press("Control+Shift+2")
    await page.keyboard.press("F8")
    await page.locator("#tab-marks").click()
    await expect(page.locator("[data-mark]")).to_have_count(1)
    await expect(page.locator("[data-mark=promise]")).to_have_count(1)

    await object_in(house, session.id)
    objections = page.locator("[data-action=objections]")
    await expect(objections).to_have_text("1 条意见没有答复")
    faults += await examine(host, "console, an objection is open")
    await page.keyboard.press("Alt+Shift+X")
    await expect(page.locator(".dialog-warning").first).to_contain_text("有 1 条意见还没有答复")
    await answer(page, "Escape")
    await objections.click()
    await expect(page.locator("#panel-minutes")).to_be_visible()
    assert not faults + host.faults, "\n".join(faults + host.faults)
