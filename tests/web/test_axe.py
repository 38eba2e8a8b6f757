"""Every page in a real browser: axe finds no violation, and nothing scrolls sideways on a small phone."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from cases.database import Database
from cases.policy import SYSTEM
from recordings.alarms import AlarmState, list_alarms
from recordings.evidence.proof import note_verdict
from recordings.evidence.verification import Finding, Verdict
from recordings.recording import RecordingState, load_recording, start_recording, stop_recording
from scheduling.arrival.consent import record_consent
from scheduling.links import exchange_link, find_link_actor, issue_link
from scheduling.session_events import WAITS, append_event
from scheduling.sessions.invitations import list_invitations
from signaling.seat import take_seat
from tests.axe import violations
from tests.clock import FixedClock
from tests.disk import AMPLE
from tests.factories import PASSWORD, make_petition, make_session
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from web.app import create_app
from web.demo.day import ready_session, seed_day
from web.setting_groups import DatabaseSettings
from web.settings import Settings

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(180)]
OFFICIAL, CITIZEN, DESK = 360, 320, 1280
# Nobody's screen shots are kept unless a folder for them is named.
SHOTS = os.environ.get("LIANXIN_SHOTS")
LARGE_TYPE = "localStorage.setItem('lianxin.type', 'large')"
WIDER = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll('body *')]
    .filter((e) => e.getBoundingClientRect().right > wide + 1)
    .map((e) => `${e.tagName}.${e.className} ${Math.round(e.getBoundingClientRect().right)}>${wide}`)
    .slice(0, 5);
}"""
SHOW = """(name) => {
  for (const s of document.querySelectorAll('[data-screen]')) s.hidden = s.dataset.screen !== name;
}"""
COUNTED = ("persons", "waited", "recordings")
UNFOLD = "document.querySelectorAll('#desk details').forEach((one) => (one.open = true))"


@pytest.fixture
def database_system() -> str:
    """One system is enough: pages look alike on both."""
    return "sqlite"


@dataclass
class Looker:
    """Looks at each page at these widths, or as wide as it is, and collects what is wrong."""

    page: Page
    base: str
    faults: list[str] = field(default_factory=list)
    widths: tuple[int, ...] = ()

    async def open(self, path: str, status: int = 200) -> None:
        answer = await self.page.goto(self.base + path)
        assert answer is not None and answer.status == status, (path, answer and answer.status)
        await self.look(urlsplit(path).path)

    async def look(self, name: str) -> None:
        size = self.page.viewport_size
        assert size is not None
        for width in self.widths or (size["width"],):
            if self.widths:
                await self.page.set_viewport_size({"width": width, "height": size["height"]})
            await self._look(name, width)

    async def _look(self, name: str, width: int) -> None:
        if SHOTS:
            shot = f"{name.strip('/').replace('/', '-').replace(' ', '_') or 'home'}-{width}.png"
            await self.page.screenshot(path=f"{SHOTS}/{shot}", full_page=True)
        self.faults += [f"{name} @{width}: {each}" for each in await violations(self.page)]
        if wider := await self.page.evaluate(WIDER):
            self.faults.append(f"{name} @{width}: sideways {wider}")


async def looker(browser: Browser, base: str, *widths: int, large: bool = False) -> Looker:
    """A page of its own; one visit is enough for several widths."""
    context = await browser.new_context(viewport={"width": widths[0], "height": 800}, locale="zh-CN")
    if large:
        await context.add_init_script(LARGE_TYPE)
    return Looker(await context.new_page(), base, widths=widths if len(widths) > 1 else ())


@dataclass(frozen=True)
class Things:
    petition: str
    session: str
    recording: str
    code: str
    secret: str
    alarm: str
    name: str


async def arrange(house: House) -> Things:
    """A case with a session, a sealed recording that is not as it was, and a link nobody opened.

    Somebody waited for it and was let in.
    """
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
        session = await make_session(db, house.clock, house.world, petition)
        root = house.settings.recordings_root
        made = await start_recording(db, house.clock, SYSTEM, session.id, root, AMPLE)
        recording = await stop_recording(db, house.clock, SYSTEM, made.id, "session_closed")
        recording.move_to(RecordingState.SEALED)
        recording.sealed_at, recording.manifest_sha256 = house.clock.now(), "a" * 64
        await db.commit()
        finding = Finding(
            "segment_damaged", "tracks/p-camera/000001.lxj", "分段 1 的字节 100 至 200 被改动。", ""
        )
        verdict = Verdict(root, [finding], "f" * 64, "a" * 64, 4, 1000)
        await note_verdict(
            db, house.clock, await load_recording(db, recording.id), house.clock.now(), 1500, verdict
        )
        found = await list_invitations(db, session.id)
        guest = next(row for row in found if str(row.role) == "petitioner")
        secret = await issue_link(db, house.clock, SYSTEM, guest.id)
        (alarm,) = await list_alarms(db, SYSTEM, AlarmState.OPEN)
        seat = await take_seat(db, house.clock, guest, house.world.chengguan.id)
        for kind in WAITS:
            await append_event(db, house.clock, session.id, kind, guest.display_name, seat.id)
        session.opened_at = house.clock.now()
        await db.commit()
        return Things(petition.id, session.id, recording.id, guest.code, secret, alarm.id, guest.display_name)


async def test_pages_of_officials(house: House, chrome: Browser) -> None:
    """States of theirs that tests/web/test_officials_pages.py, which looks at every page, does not have."""
    things, base = await arrange(house), f"http://127.0.0.1:{house.server.port}"
    username = house.world.officials["chengguan.receptionist"].username
    eyes = await looker(chrome, base, OFFICIAL, DESK)
    for path, status in (("/", 200), ("/signin", 200), ("/styleguide", 200), ("/nowhere", 404)):
        await eyes.open(path, status)
    await eyes.page.goto(base + "/signin")
    await eyes.page.click("main form button[type=submit]")
    await eyes.look("/signin, refused")
    await eyes.page.fill("[name=username]", username)
    await eyes.page.fill("[name=password]", PASSWORD)
    await eyes.page.click("main form button[type=submit]")
    await eyes.page.wait_for_url("**/board")
    for path in (
        "/cases?search=nothing", f"/recordings/{things.recording}", "/alarms?state=acknowledged",
        f"/alarms/{things.alarm}", *(f"/figures/receptions/list?count={each}" for each in COUNTED),
    ):  # fmt: skip
        await eyes.open(path)
        if "?count=" in path:
            await expect(eyes.page.locator("tbody tr")).to_have_count(1)
    await eyes.page.goto(base + "/figures/receptions/list?count=waited")
    await expect(eyes.page.locator("tbody")).to_contain_text(things.name)
    await eyes.page.goto(base + "/cases/new")
    await eyes.page.click("main form .form-acts button[type=submit]")
    await eyes.look("/cases/new, refused")
    await eyes.page.context.close()
    faults = eyes.faults
    await look_at_export(house, chrome, things.recording, faults)
    await look_at_desk(house, chrome, things.recording, faults)
    assert not faults, "\n".join(faults)


async def look_at_export(house: House, chrome: Browser, recording: str, faults: list[str]) -> None:
    """An archivist asks for an export, first without a reason."""
    base = f"http://127.0.0.1:{house.server.port}"
    eyes = await looker(chrome, base, OFFICIAL, DESK)
    await house.seat(eyes.page.context, "chengguan.archivist")
    await eyes.open(f"/recordings/{recording}/export")
    await eyes.page.click("main form button[type=submit]")
    await eyes.look("/export, refused")
    faults += eyes.faults
    await eyes.page.context.close()


async def look_at_desk(house: House, chrome: Browser, recording: str, faults: list[str]) -> None:
    """An inspector reviews: everything unfolded, with a note, an answer and a finding; then the view log."""
    base = f"http://127.0.0.1:{house.server.port}"
    eyes = await looker(chrome, base, OFFICIAL, DESK)
    await house.seat(eyes.page.context, "city.inspector")
    await eyes.page.goto(f"{base}/recordings/{recording}")
    await eyes.page.evaluate(UNFOLD)
    await eyes.page.fill("#note-since", "0:05")
    await eyes.page.fill("#note-words", "没有告知期限")
    await eyes.page.click("#note-new [type=submit]")
    await eyes.page.locator("#desk .desk-list .lines", has_text="没有告知期限").wait_for()
    await eyes.page.check("#item-consent [value=met]")  # What was unfolded stays so.
    await eyes.page.fill("#words-consent", "口头同意")
    await eyes.page.click("#item-consent [type=submit]")
    await eyes.page.locator("#item-consent .lines", has_text="口头同意").wait_for(state="attached")
    await eyes.page.evaluate(UNFOLD)
    await eyes.look("/recordings, the desk unfolded")
    await eyes.open(f"/recordings/{recording}/views")
    faults += eyes.faults
    await eyes.page.context.close()


async def test_pages_of_citizens(house: House, chrome: Browser) -> None:
    """In large type; tests/journey/test_pages.py holds the room's screens to more than axe, in every type."""
    things, base = await arrange(house), f"http://127.0.0.1:{house.server.port}"
    eyes = await looker(chrome, base, CITIZEN, large=True)
    await eyes.open("/book")
    await eyes.page.click("main form button[type=submit]")
    await eyes.look("/book, refused")
    await eyes.open(f"/j/{things.code}")  # Without the secret: what to do.
    await eyes.page.goto("about:blank")
    await eyes.page.goto(f"{base}/j/{things.code}#{things.secret}")
    await eyes.look("/j, with its secret")
    async with house.database.session() as db:
        grant = await exchange_link(db, house.clock, things.code, things.secret)
        actor = await find_link_actor(db, house.clock, things.code, grant.device_secret)
        assert actor is not None
    where = {"url": f"{base}/j/{things.code}"}
    await eyes.page.context.add_cookies([{"name": "lx_link", "value": grant.device_secret, **where}])
    await eyes.open(f"/j/{things.code}/notice")
    await eyes.open(f"/j/{things.code}/declined")
    async with house.database.session() as db:
        await record_consent(db, house.clock, actor, "1", "0" * 64)
    await eyes.open(f"/j/{things.code}/check")
    for screen in ("trouble", "picture", "voice", "sound", "line"):
        await eyes.page.evaluate(SHOW, screen)
        await eyes.look(f"/j/check {screen}")
    await eyes.open(f"/j/{things.code}/check/result")
    await eyes.page.click("main form button")
    await eyes.look("/j/check/result, asked for a call")
    await eyes.open(f"/j/{things.code}/materials")
    await eyes.open(f"/j/{things.code}/room")
    assert not eyes.faults, "\n".join(eyes.faults)


async def test_the_demonstration_and_the_public_booking(
    database: Database, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory, chrome: Browser
) -> None:
    url = database.url.render_as_string(hide_password=False)
    settings = Settings(state=tmp_path_factory.mktemp("var"), demo=True, database=DatabaseSettings(url))
    async with database.session() as db:
        await seed_day(db, clock)
        await ready_session(db, clock)
    server = TestServer(create_app(settings, clock), host="127.0.0.1")
    await server.start_server()
    try:
        base = f"http://127.0.0.1:{server.port}"
        eyes = await looker(chrome, base, OFFICIAL, DESK)
        await eyes.open("/")
        await eyes.open("/demo")
        await eyes.open("/demo/party/2")
        await asyncio.sleep(0.5)
        await eyes.look("/demo/party/2 at work")
        faults = eyes.faults
        eyes = await looker(chrome, base, CITIZEN, large=True)
        await eyes.open("/book")
        await eyes.page.click("main form label")
        await eyes.page.click("main form button[type=submit]")
        await eyes.look("/book, slots")
        assert await eyes.page.locator("[name=slot]").count() > 0
        await eyes.page.click("main form button[type=submit]")
        await eyes.look("/book, refused")
        await eyes.page.click("main label:has([name=slot]), main label[for^=slot]")
        for name, typed in (("name", "李德福"), ("phone", "13800001234"), ("subject", "楼道漏水没人修")):
            await eyes.page.fill(f"[name={name}]", typed)
        await eyes.page.click("main form button[type=submit]")
        await eyes.page.wait_for_url("**/book/done*")
        await eyes.look("/book/done")
        faults += eyes.faults
        assert not faults, "\n".join(faults)
    finally:
        await server.close()
