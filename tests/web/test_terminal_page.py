"""A station's terminal in a real browser: the next person sees nothing of the previous one."""

from __future__ import annotations

import os

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page
from sqlalchemy import select

from scheduling.arrival.visiting_place import set_place
from scheduling.session import Session, SessionState
from tests.scenarios.browsers import collect_errors, needs_chromium, until
from tests.web.conftest import House
from tests.web.test_links import Given, make_link
from tests.web.test_terminal import REGION, START, given_link
from web.http.access import FORM_COOKIE, TERMINAL_COOKIE

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(120)]
SHOTS = os.environ.get("LIANXIN_SHOTS")
# What the person before was called, and what it was about.
SECRETS = ("李德福", "楼道漏水")
TOLD_WHEN_STOPPED = """(() => {
  const stop = MediaStreamTrack.prototype.stop;
  MediaStreamTrack.prototype.stop = function () { console.log(`stopped ${this.kind}`); stop.call(this); };
})()"""
STORED = "localStorage.length + sessionStorage.length"


@pytest.fixture
def database_system() -> str:
    """One system is enough: pages look alike on both."""
    return "sqlite"


class Station:
    """The terminal of one station. Owned: its browser context."""

    def __init__(self, house: House, context: BrowserContext, start: Page) -> None:
        self.house, self.context, self.start = house, context, start
        self.errors: list[str] = []

    async def visit(self, given: Given) -> Page:
        """Scan the link; the visit's own window."""
        await self.start.bring_to_front()
        await self.start.evaluate("document.body.dataset.before = 'yes'")
        await self.start.fill("[name=link]", given_link(given))
        async with self.context.expect_page() as opened:
            await self.start.keyboard.press("Enter")  # As scanners do.
        page = await opened.value
        collect_errors(page, self.errors)
        await page.get_by_text(SECRETS[0]).wait_for()
        return page

    async def is_clean(self, given: Given, visit: Page) -> None:
        """Nothing of the visit is here: window, history, stores, cookies, preferences, pages."""
        await until(lambda: _closed(visit), 15, "the visit's window closes")
        await self.start.locator("body:not([data-before]) input[name=link]:focus").wait_for()
        assert self.context.pages == [self.start]
        assert await self.start.evaluate("history.length") == 2  # As in the beginning: a blank page and this.
        assert await self.start.evaluate(STORED) == 0
        kept = {cookie["name"] for cookie in await self.context.cookies()}
        assert kept <= {TERMINAL_COOKIE, FORM_COOKIE}
        assert await self.start.evaluate("document.documentElement.className") == "ready"
        assert await self.start.locator("[data-read-aloud]").get_attribute("aria-pressed") == "false"
        # Whoever knows the addresses learns nothing from them either.
        for part in ("", "/notice", "/room", "/declined", "/receipt", "/materials"):
            answer = await self.context.request.get(f"{_base(self.house)}/j/{given.code}{part}")
            text = await answer.text()
            assert not any(word in text for word in SECRETS), part


async def test_the_next_person_sees_nothing_of_the_previous(house: House, chrome: Browser) -> None:
    async with house.database.session() as db:
        await set_place(db, REGION, "酒泉路 8 号一楼", "周一至周五 8:30–12:00", "0931-2222")
    context = await chrome.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    await context.add_init_script(TOLD_WHEN_STOPPED)
    await context.clock.install()
    start = await context.new_page()
    await start.goto(_base(house) + START)
    station = Station(house, context, start)
    await _look(start, "start")
    given = await make_link(house)
    await _refuse_and_walk_away(station, given)
    await _end_at_the_camera(station, given)
    await _after_the_reception(station, given)
    assert station.errors == []
    await context.close()


async def _refuse_and_walk_away(station: Station, given: Given) -> None:
    """In large type, read aloud: does not agree, extends once, goes; the terminal clears by itself."""
    page = await station.visit(given)
    await page.click("[data-large-type]")
    await page.click("[data-read-aloud]")
    await page.click("[data-action=start]")
    await page.get_by_role("button", name="不同意").click()
    await page.get_by_role("heading", name="您没有同意").wait_for()
    assert await page.evaluate(STORED) == 2
    dialog = page.locator(".terminal-dialog")
    await station.context.clock.fast_forward(46_000)
    await dialog.wait_for()
    assert "您还在吗" in await page.locator(".terminal [role=alert]").inner_text()
    await _look(page, "warning")
    await page.get_by_role("button", name="我还在，继续使用").click()
    await dialog.wait_for(state="hidden")
    await station.context.clock.fast_forward(30_000)
    assert await dialog.is_hidden()
    await station.context.clock.fast_forward(16_000)
    await dialog.wait_for()
    await station.context.clock.fast_forward(61_000)
    await station.is_clean(given, page)


async def _end_at_the_camera(station: Station, given: Given) -> None:
    """Agrees, opens camera and microphone, and ends by the button."""
    page = await station.visit(given)
    stopped: list[str] = []
    page.on("console", lambda said: stopped.append(said.text))
    await page.click("[data-action=start]")
    await page.get_by_role("button", name="同意并继续").click()
    await page.click("[data-action=switch_on]")
    await page.locator("[data-screen=check_picture]").wait_for()
    await _look(page, "camera")
    await page.click("[data-terminal=ask]")
    await page.click("[data-terminal=end]")
    await station.is_clean(given, page)
    assert {"stopped video", "stopped audio"} <= set(stopped)


async def _after_the_reception(station: Station, given: Given) -> None:
    """The receipt, left open."""
    house = station.house
    page = await station.visit(given)
    async with house.database.session() as db:
        session = (await db.scalars(select(Session).where(Session.id == given.session_id))).one()
        session.state = SessionState.CLOSED
        await db.commit()
    await page.goto(f"{_base(house)}/j/{given.code}/receipt")
    await page.get_by_role("heading", name="接访已结束").wait_for()
    await station.context.clock.fast_forward(46_000)
    await page.locator(".terminal-dialog").wait_for()
    await station.context.clock.fast_forward(61_000)
    await station.is_clean(given, page)


async def _look(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/terminal-{name}.png")
    found = (await Axe().run(page)).response["violations"]
    assert not found, (
        name,
        [(each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in found],
    )


async def _closed(page: Page) -> bool:
    return page.is_closed()


def _base(house: House) -> str:
    return f"http://127.0.0.1:{house.server.port}"
