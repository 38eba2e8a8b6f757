"""Every page of the citizen's journey in a real browser: taps, sizes, contrast, targets, narrow screens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageOps
from playwright.async_api import Browser, FloatRect, Page, expect

from cases.policy import SYSTEM
from scheduling.booking.bookings import BookPublicly, book_publicly
from scheduling.reach import load_session
from scheduling.session import SessionState
from scheduling.sessions.sessions import move_session
from tests.factories import make_slots
from tests.journey.measures import measure
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.test_identity import CODE, Phone
from tests.web.test_links import Given, make_link
from web.keys import SETTINGS
from web.setting_groups import ReceptionSettings
from web.tending.messages import MESSENGER

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(180)]
MOST_TAPS = 7


@pytest.fixture
def database_system() -> str:
    """One system is enough: pages look alike on both."""
    return "sqlite"


@pytest.fixture
async def strict(house: House) -> House:
    """As an operator runs it, with a pocket for messages and a code that is known."""
    app = house.server.app
    app._state[SETTINGS] = replace(  # type: ignore[union-attr]
        app[SETTINGS], reception=ReceptionSettings(identity=True, unrecorded=True)
    )
    messenger = app[MESSENGER]
    messenger.gateway = Phone()
    messenger.secrets = replace(messenger.secrets, make_code=lambda: CODE)
    return house


@dataclass
class Walk:
    """One way through the pages; counts taps, keeps what is wrong."""

    page: Page
    base: str
    taps: int = 0
    faults: list[str] = field(default_factory=list)

    async def tap(self, what: str) -> None:
        self.taps += 1
        await self.page.locator(what).locator("visible=true").first.click(timeout=30_000)

    async def look(self, name: str) -> None:
        self.faults += [f"{name}: {fault}" for fault in await measure(self.page)]


async def walk(chrome: Browser, house: House) -> Walk:
    context = await chrome.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    return Walk(await context.new_page(), f"http://127.0.0.1:{house.server.port}")


async def test_the_whole_journey(strict: House, chrome: Browser) -> None:
    given: Given = await make_link(strict)
    one, link = await walk(chrome, strict), f"/j/{given.code}#{given.secret}"
    page = one.page
    await page.goto(one.base + link)
    await page.locator("[data-part=offices]").wait_for(state="visible")
    await expect(page.locator("[data-part=offices]")).to_contain_text("城关区信访局")
    await expect(page.locator("[data-part=when]")).to_have_text("今天上午 9:00")
    await expect(page.get_by_role("heading", level=1)).to_have_text("视频接访邀请", use_inner_text=True)
    await one.look("c1-landing")
    await one.tap("[data-action=start]")
    await page.locator("#code").wait_for()
    await one.look("c3-identity")
    await page.fill("#code", "000000")
    await page.keyboard.press("Enter")
    await page.locator(".error-summary").wait_for()
    await one.look("c3-identity-wrong")
    await page.fill("#code", CODE)
    await one.tap("button[value=confirm]")
    await page.locator("#agree").wait_for()
    await one.look("c4-notice")
    await page.goto(f"{one.base}/j/{given.code}/companions")
    await one.look("c2-companions")
    await page.goto(f"{one.base}/j/{given.code}/notice")
    await one.tap("button[value=agree]")
    for name in ("switch_on", "picture_yes", "voice_yes", "sound_yes"):
        await page.locator(f"[data-action={name}]").locator("visible=true").first.wait_for()
        await one.look(f"c5-{name}")
        await one.tap(f"[data-action={name}]")
    await page.locator("[data-screen=waiting]").wait_for(state="visible")
    await one.look("c7-waiting")
    await look_at_arrow(page)
    assert one.taps <= MOST_TAPS
    await page.goto(f"{one.base}/j/{given.code}/declined")
    await one.look("c4-declined")
    await _end(strict, given)
    await page.goto(f"{one.base}/j/{given.code}/rate")
    for name in ("timely", "manner", "outcome"):
        await page.wait_for_url(f"**/rate/{name}")
        await one.look(f"c11-rate-{name}")
        await page.check("#score-4")
        await one.tap("button[value=rate]")
    await page.wait_for_url("**/receipt")
    await one.look("c12-receipt")
    await page.goto(f"{one.base}/j/{given.code}/rate/timely")
    await one.look("c11-rate-again")
    for path in ("/progress", "/accessibility", "/privacy"):
        await page.goto(one.base + path)
        await one.look(f"c13{path.replace('/', '-')}")
    await page.context.close()
    stranger = await walk(chrome, strict)
    await stranger.page.goto(one.base + link)
    await stranger.tap("[data-action=start]")
    await stranger.page.locator("[data-problem=link_in_use]").wait_for(state="visible")
    await stranger.look("c0-in-use")
    await stranger.tap("[data-problem=link_in_use] [data-help]")
    await stranger.page.locator("[data-problem=link_in_use] [data-help-asked]").wait_for(state="visible")
    await stranger.look("c0-in-use-asked")
    await stranger.page.context.close()
    assert not one.faults + stranger.faults, "\n".join(one.faults + stranger.faults)


async def look_at_arrow(page: Page) -> None:
    """The arrow of what unfolds stands in the first line of a title of two, not between or beneath them."""
    summary = page.locator(".queue-rule > summary")
    await summary.scroll_into_view_if_needed()
    box, first, lines = await summary.evaluate(TWO_LINES)
    assert lines == 2
    clip = FloatRect(x=box["x"], y=box["y"], width=first["x"] - box["x"] - 1, height=box["height"])
    picture = Image.open(BytesIO(await page.screenshot(clip=clip))).convert("L")
    _, top, _, bottom = ImageOps.invert(picture).point(lambda ink: 255 * (ink > 90)).getbbox() or (0, 0, 0, 0)
    middle = box["y"] + (top + bottom) / 2 * box["height"] / picture.height
    assert first["y"] < middle < first["y"] + first["height"], (first, middle)


TWO_LINES = """(summary) => {
  summary.textContent = "怎样排号、叫号，来晚了或者中途离开以后怎么办，号还留不留";
  const words = document.createRange();
  words.selectNodeContents(summary);
  const [first, ...more] = words.getClientRects();
  return [summary.getBoundingClientRect().toJSON(), first.toJSON(), 1 + more.length];
}"""


async def _end(house: House, given: Given) -> None:
    async with house.database.session() as db:
        session = await load_session(db, given.session_id)
        if session.state is not SessionState.LIVE:
            await move_session(db, house.clock, SYSTEM, given.session_id, SessionState.LIVE)
        await move_session(db, house.clock, SYSTEM, given.session_id, SessionState.CLOSED)


VOICES = """
const voices = (localStorage.getItem("test.voices") || "zh-CN").split(",");
window.spoken = [];
window.SpeechSynthesisUtterance = function (text) { this.text = text; };
Object.defineProperty(window, "speechSynthesis", { configurable: true, value: {
  getVoices: () => voices.map((lang) => ({ lang })), addEventListener() {}, cancel() {},
  speak(one) { window.spoken.push(one.text); },
} });
"""


async def test_reading_aloud_is_remembered_and_says_so_where_it_cannot(house: House, chrome: Browser) -> None:
    one = await walk(chrome, house)
    page = one.page
    await page.add_init_script(VOICES)

    async def opened(path: str) -> Any:
        await page.goto(one.base + path)
        return page.locator("[data-read-aloud]")

    button = await opened("/privacy")
    await button.click()
    await page.wait_for_function("window.spoken.length > 8")
    spoken = await page.evaluate("window.spoken")
    assert spoken[0] == "个人信息保护" and len(spoken) == len(set(spoken))
    await expect(button).to_have_attribute("aria-pressed", "true")
    assert await page.evaluate("localStorage.getItem('lianxin.reading')") == "on"
    button = await opened("/accessibility")
    await page.wait_for_function("window.spoken.length > 5")  # Asked for once, read on the next page too.
    await button.click()
    assert await page.evaluate("localStorage.getItem('lianxin.reading')") == "off"
    await page.evaluate("localStorage.setItem('test.voices', 'en-US,fr-FR')")
    button = await opened("/privacy")
    await button.click()
    await page.locator("[data-note=reading]").wait_for(state="visible")
    await expect(page.locator("[data-announcer=polite]")).to_contain_text("没有中文朗读")
    await page.context.set_offline(True)
    await page.locator("[data-note=offline]").wait_for(state="visible")
    await expect(page.locator("[data-announcer=assertive]")).to_contain_text("网络断开了")
    await page.context.set_offline(False)
    await page.locator("[data-note=offline]").wait_for(state="hidden")


LINES = """() => {
  const heading = document.querySelector("h1"), lines = [], letter = document.createRange();
  const walker = document.createTreeWalker(heading, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(), last = null; node; node = walker.nextNode()) {
    for (let at = 0; at < node.length; at += 1) {
      letter.setStart(node, at);
      letter.setEnd(node, at + 1);
      const { top } = letter.getBoundingClientRect();
      if (last === null || Math.abs(top - last) > 8) lines.push("");
      lines[lines.length - 1] += node.data[at];
      last = top;
    }
  }
  return lines.map((line) => line.trim());
}"""
HEADINGS = {
    "接访已结束，谢谢您": ["接访已结束，", "谢谢您"],
    "您没有同意录音录像": ["您没有", "同意录音录像"],
    "摄像头或麦克风没有打开": ["摄像头或麦克风", "没有打开"],
    "您的位置保留 10 分钟": ["您的位置", "保留 10 分钟"],
    "个人信息保护": ["个人信息保护"],
}


async def test_large_headings_break_between_words_and_a_number_stays_with_its_noun(
    house: House, chrome: Browser
) -> None:
    one = await walk(chrome, house)
    await one.page.add_init_script("localStorage.setItem('lianxin.type', 'large')")
    await one.page.goto(f"{one.base}/privacy")
    assert await one.page.locator("html.large-type").count() == 1
    for words in HEADINGS:  # As a module says them later.
        await one.page.evaluate("(words) => { document.querySelector('h1').textContent = words; }", words)
        await expect(one.page.locator("h1")).to_have_text(words)
        lines = await one.page.evaluate(LINES)
        assert "".join(lines).replace(" ", "") == words.replace(" ", "")
        assert lines == HEADINGS[words], words


async def test_an_invitation_to_mediate_says_so_and_a_day_stays_whole(house: House, chrome: Browser) -> None:
    given, one = await make_link(house), await walk(chrome, house)
    told = {"offices": "城关区信访局", "when": "明天上午 9:00", "early": True, "mediation": True}
    await one.page.route("**/look", lambda route: route.fulfill(json=told))
    await one.page.goto(f"{one.base}/j/{given.code}#{given.secret}")
    await expect(one.page.locator("h1 [data-of=mediation]")).to_be_visible()
    await expect(one.page.get_by_text("视频接访邀请", exact=True)).to_be_hidden()
    await expect(one.page.get_by_text("谁组织调解")).to_be_visible()
    async with house.database.session() as db:
        slots = await make_slots(db, house.clock, house.world.chengguan)
        booked = BookPublicly(slots[0].id, "张桂芳", "13900001111", "供暖不热", "")
        booking = await book_publicly(db, house.clock, booked)
    await one.page.add_init_script("localStorage.setItem('lianxin.type', 'large')")
    await one.page.goto(f"{one.base}/book?organisation={house.world.chengguan.id}")
    assert await measure(one.page) == []
    await one.page.goto(f"{one.base}/progress")
    await one.page.fill("#number", booking.petition.number)
    await one.page.fill("#query_code", booking.query_code)
    await one.page.get_by_role("button", name="查询", exact=True).click()
    await expect(one.page.locator(".facts .whole").first).to_have_text("2026年8月6日")
