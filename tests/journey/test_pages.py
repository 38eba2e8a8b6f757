"""Pages and states that the walk of tests/web/test_citizen_pages.py does not lead to, measured like those."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from playwright.async_api import Browser, Page

from cases.policy import SYSTEM
from scheduling.minutes.record import MinutesState, move_minutes
from scheduling.session import SessionState
from scheduling.sessions.sessions import move_session
from tests.journey.measures import measure
from tests.journey.phone import PHONE
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.test_links import make_link
from tests.web.test_signing import HOST, arrange
from web.http.access import LINK_COOKIE

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(180)]
SCREENS = "[...document.querySelectorAll('[data-screen]')].map((s) => s.dataset.screen)"
SHOW = """(name) => {
  for (const s of document.querySelectorAll('[data-screen]')) s.hidden = s.dataset.screen !== name;
}"""
# Words of every length a page may have to show where the room has put none yet.
FILL = """() => {
  for (const name of ['notice', 'held_back', 'connection']) {
    const node = document.querySelector(`[data-part=${name}]`);
    node.hidden = false;
    node.textContent = '连接中断，正在恢复…您的位置保留着，请不要关掉页面。';
  }
}"""


@pytest.fixture
def database_system() -> str:
    """One system is enough: pages look alike on both."""
    return "sqlite"


@dataclass
class Ruler:
    """Opens pages on a phone and notes what they fail in."""

    page: Page
    base: str
    faults: list[str] = field(default_factory=list)
    measured: int = 0

    async def open(self, path: str, status: int = 200) -> None:
        answer = await self.page.goto(self.base + path)
        assert answer is not None and answer.status == status, (path, answer and answer.status)
        assert self.page.url == self.base + path, "led elsewhere"
        await self.hold(path)

    async def hold(self, name: str) -> None:
        self.measured += 1
        self.faults += [f"{name}: {each}" for each in await measure(self.page)]

    async def refused(self, path: str, button: str) -> None:
        """The page again, after that button was pressed without an answer."""
        await self.page.get_by_role("button", name=button, exact=True).first.click()
        await self.page.locator(".error-summary").first.wait_for()
        await self.hold(f"{path}, refused")

    async def carry(self, code: str, secret: str) -> None:
        """Be the device that this link belongs to."""
        where = {"name": LINK_COOKIE, "value": secret, "url": f"{self.base}/j/{code}"}
        await self.page.context.add_cookies([where])  # type: ignore[list-item]


async def ruler(browser: Browser, house: House) -> Ruler:
    context = await browser.new_context(viewport=PHONE, locale="zh-CN")  # type: ignore[arg-type]
    return Ruler(await context.new_page(), f"http://127.0.0.1:{house.server.port}")


async def test_every_state_of_the_room_and_every_refusal_is_measured(house: House, chrome: Browser) -> None:
    given, phone = await make_link(house), house.browser()
    rule, base = await ruler(chrome, house), f"/j/{given.code}"
    await rule.open(base)  # Without the secret: what to do.
    await given.exchange(phone)
    await rule.carry(given.code, phone.cookie(LINK_COOKIE))
    await rule.open(base)  # Known to this device.
    await rule.page.goto(f"{rule.base}{base}/companions")
    await rule.page.fill("#people", "0")
    await rule.refused(f"{base}/companions", "继续")
    await rule.page.goto(f"{rule.base}{base}/notice")
    await rule.page.get_by_role("button", name="同意并继续").click()
    await rule.page.wait_for_url("**/room")
    screens = await rule.page.evaluate(SCREENS)
    await rule.page.evaluate(FILL)
    for screen in screens:
        await rule.page.evaluate(SHOW, screen)
        await rule.hold(f"{base}/room {screen}")
    await rule.page.goto(f"{rule.base}/accessibility")
    async with house.database.session() as db:
        await move_session(db, house.clock, SYSTEM, given.session_id, SessionState.LIVE)
        await move_session(db, house.clock, SYSTEM, given.session_id, SessionState.CLOSED)
    await rule.page.goto(f"{rule.base}{base}/rate/timely")
    await rule.refused(f"{base}/rate/timely", "提交")
    assert len(screens) >= 15 and rule.measured >= 19
    assert not rule.faults, "\n".join(rule.faults)


async def test_the_pages_of_the_minutes_are_measured(house: House, chrome: Browser) -> None:
    case = await arrange(house)
    rule = await ruler(chrome, house)
    await rule.carry(case.given.code, case.phone.cookie(LINK_COOKIE))
    await rule.open(case.mine)
    async with house.database.session() as db:
        actor = house.world.actor(HOST)
        await move_minutes(db, house.clock, actor, case.given.session_id, MinutesState.READ_BACK)
        await rule.open(case.mine)
        await rule.page.locator("summary").first.click()
        await rule.hold("an objection is being written")
        await move_minutes(db, house.clock, actor, case.given.session_id, MinutesState.SIGNING)
    await rule.open(case.mine)
    await rule.page.locator("summary", has_text="我不签字").click()
    await rule.refused(case.mine, "登记不签字")
    assert not rule.faults, "\n".join(rule.faults)


async def test_pages_beside_the_way_are_measured(house: House, chrome: Browser) -> None:
    given, phone = await make_link(house), house.browser()
    rule, base = await ruler(chrome, house), f"/j/{given.code}"
    await rule.open("/book")
    await given.exchange(phone)
    await rule.carry(given.code, phone.cookie(LINK_COOKIE))
    await rule.page.goto(f"{rule.base}{base}/notice")
    await rule.page.get_by_role("button", name="同意并继续").click()
    await rule.page.wait_for_url("**/room")
    await rule.open(f"{base}/check")
    for screen in ("trouble", "picture", "voice", "sound", "line"):
        await rule.page.evaluate(SHOW, screen)
        await rule.hold(f"{base}/check {screen}")
    await rule.open(f"{base}/check/result")
    await rule.open(f"{base}/materials")
    await rule.page.locator("#material-file").wait_for(state="attached")
    await rule.hold(f"{base}/materials with its field")
    await rule.page.goto(f"{rule.base}{base}/no-such-page")
    await rule.hold("no page of a link")
    await rule.page.goto(f"{rule.base}/book")
    await rule.refused("/book", "继续")
    await rule.page.locator("main .tick label").first.click()
    await rule.page.get_by_role("button", name="继续").click()
    await rule.page.locator("main a[href='/book']").first.wait_for()
    await rule.hold("/book, an office without times")
    await rule.open("/book/done")
    assert rule.measured == 14
    assert not rule.faults, "\n".join(rule.faults)
