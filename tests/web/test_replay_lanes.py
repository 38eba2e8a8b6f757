"""Lanes on the replay page in a real browser: seen, clicked, driven by keys, read aloud, at two widths."""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.async_api import Browser, Page, expect

from cases.policy import SYSTEM
from cases.roles import InvitationRole
from recordings.recording import CompositionState, RecordingState, start_recording, stop_recording
from recordings.store import COMPOSED_FILE
from scheduling.session_events import append_event
from scheduling.sessions.invitations import Invitee
from signaling.quality import Minute
from signaling.quality_minutes import add_minutes
from signaling.seat import take_seat
from signaling.speeches import Speeches
from tests.disk import AMPLE
from tests.factories import find_invitation, make_petition, make_session
from tests.scenarios.browsers import needs_chromium, state_purpose
from tests.web.conftest import House
from tests.web.test_axe import DESK, OFFICIAL, Looker

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(180)]
SECONDS = 180
GOOD = [0, 40, 6, 900, 640, 360, 15]
FAIR = [40, 85, 14, 600, 640, 360, 15]
LOSSY = [120, 85, 14, 412, 640, 360, 15]
NOTHING = [-1, -1, -1, 0, -1, -1, -1]
# Who has the floor from which second on.
FLOOR = (
    (0, None),
    (4, "host"),
    (20, None),
    (24, "petitioner"),
    (60, "host"),
    (75, None),
    (130, "petitioner"),
    (165, None),
)


@pytest.fixture
def database_system() -> str:
    """One system is enough: pages look alike on both."""
    return "sqlite"


def write_film(path: Path) -> None:
    """A film of SECONDS that browsers play and seek in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as output:
        stream = output.add_stream("libx264", rate=Fraction(2), options={"preset": "ultrafast", "g": "10"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(SECONDS * 2):
            picture = np.full((180, 320, 3), (40, 60 + number % 120, 90), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


async def arrange(house: House) -> str:
    """A session of three minutes with two people, speeches, a bad network and a pause; its recording."""
    clock = house.clock
    async with house.database.session() as db:
        petition = await make_petition(db, clock, house.world.chengguan)
        host = Invitee(InvitationRole.HOST, name="王芳", organisation_id=house.world.chengguan.id)
        session = await make_session(db, clock, house.world, petition, invitees=(host,))
        seats = {}
        for role in (InvitationRole.HOST, InvitationRole.PETITIONER):
            invitation = await find_invitation(db, session, role)
            seats[str(role)] = (await take_seat(db, clock, invitation, house.world.chengguan.id)).id
        began = clock.now()
        made = await start_recording(db, clock, SYSTEM, session.id, house.settings.recordings_root, AMPLE)
        speeches = Speeches()
        for second, role in FLOOR:
            speeches.hear(seats.get(role or ""), began + timedelta(seconds=second))
        clock.set(began + timedelta(seconds=90))
        await append_event(db, clock, session.id, "session.paused", "王芳", data={"reason": "内部商议"})
        clock.set(began + timedelta(seconds=120))
        await append_event(db, clock, session.id, "session.resumed", "王芳")
        clock.set(began + timedelta(seconds=SECONDS))
        data = speeches.take(clock.now())
        await append_event(db, clock, session.id, "speech.noted", data=data)
        recording = await stop_recording(db, clock, SYSTEM, made.id, "session_closed")
        recording.move_to(RecordingState.SEALED)
        recording.sealed_at, recording.manifest_sha256 = clock.now(), "a" * 64
        recording.composition, recording.composed_ms = CompositionState.DONE, SECONDS * 1000
        await db.commit()
        write_film(recording.folder(house.settings.recordings_root) / COMPOSED_FILE)
        found = []
        for who, levels in (("host", ((0, 180, GOOD),)), ("petitioner", CITIZEN)):
            for start, end, row in levels:
                for second in range(start, end):
                    at = began + timedelta(seconds=second)
                    minute = Minute(seats[who], at.replace(second=0, microsecond=0))
                    minute.add("worker", "up", row, at)
                    found.append(minute)
        await add_minutes(db, session.id, found)
        return recording.id


CITIZEN = (
    (0, 30, GOOD),
    (30, 50, LOSSY),
    (50, 85, GOOD),
    (125, 140, FAIR),
    (140, 155, NOTHING),
    (155, 180, GOOD),
)


async def opened(house: House, browser: Browser, width: int, recording_id: str) -> Looker:
    base = f"http://127.0.0.1:{house.server.port}"
    context = await browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN")
    eyes = Looker(await context.new_page(), base)
    eyes.page.on("console", lambda line: eyes.faults.append(line.text) if line.type == "error" else None)
    await house.seat(eyes.page.context, "chengguan.receptionist")
    await eyes.open(f"/recordings/{recording_id}")
    await state_purpose(eyes.page)
    await eyes.look("/recordings, with its film")
    await eyes.page.wait_for_function("document.getElementById('replay-video').readyState >= 1")
    return eyes


async def says_now(page: Page, *words: str) -> None:
    """The words beside the names; the page writes them when the player has told it where it is."""
    for place, told in enumerate(words):
        await expect(page.locator("[data-now]").nth(place)).to_have_text(re.compile(told), timeout=30_000)


async def goes_to(page: Page, low: float, high: float) -> None:
    # By a timer: a page that stands still draws no frames, and nobody would look at it any more.
    await page.wait_for_function(
        """([low, high]) => {
          const time = document.getElementById("replay-video").currentTime;
          return low <= time && time <= high;
        }""",
        arg=[low, high],
        polling=50,
        timeout=30_000,
    )


@pytest.mark.parametrize("width", [OFFICIAL, DESK])
async def test_lanes_are_seen_clicked_and_read(house: House, chrome: Browser, width: int) -> None:
    eyes = await opened(house, chrome, width, await arrange(house))
    page = eyes.page
    texts = await page.locator("#replay-lanes").inner_text()
    assert "信访人" in texts and "主持人" in texts and "speech.noted" not in await page.inner_text("main")
    labels = await page.locator(".lane-track").evaluate_all("(all) => all.map((one) => one.ariaLabel)")
    assert labels[0] == "事件、材料与暂停" and "发言 2 次，共 31 秒" in labels[1]
    assert "网络良好" in labels[2] and "较差" in labels[2] and "中断" in labels[2]
    for level in ("speech", "good", "fair", "poor", "gone", "pause", "event"):
        assert await page.locator(f"#replay-lanes .bar-{level}").count() >= 1, level

    # A click in a lane goes there, and the words beside the names are those of that moment.
    track = page.locator(".lane-track").nth(2)
    box = await track.bounding_box()
    assert box is not None and box["height"] >= 44
    await track.click(position={"x": box["width"] * 40 / SECONDS, "y": box["height"] / 2})
    await goes_to(page, 38, 42)
    await says_now(page, "^$", "^发言，网络较差：上行丢包 12 %$")

    # By keyboard: the slider has a name, says the moment in words and moves.
    slider = page.get_by_role("slider", name="时间轴")
    await slider.focus()
    await page.keyboard.press("Home")
    await goes_to(page, 0, 0.1)
    for _ in range(5):
        await page.keyboard.press("ArrowRight")
    await goes_to(page, 4.5, 5.5)
    await expect(slider).to_have_attribute("aria-valuetext", re.compile("^5 秒，"), timeout=30_000)
    await says_now(page, "发言")

    # The same in a table, whose rows go there too.
    await page.locator("summary", has_text="以表格查看").click()
    rows = await page.locator("#replay-rows tr").all_inner_texts()
    assert any("接访暂停" in row and "全体" in row and "30 秒" in row for row in rows), rows
    assert any("网络中断" in row for row in rows) and any("网络一般：上行丢包 4 %" in row for row in rows)
    await page.locator("#replay-rows tr", has_text="接访暂停").locator("a").click()
    await goes_to(page, 89, 100)
    await page.evaluate("document.getElementById('replay-video').pause()")
    await eyes.look("/recordings, with the table")
    assert not eyes.faults, "\n".join(eyes.faults)


async def test_without_scripts_pictures_and_table_are_there(house: House, chrome: Browser) -> None:
    recording_id = await arrange(house)
    browser = await house.official("chengguan.receptionist")
    answer = await browser.get(f"/recordings/{recording_id}")
    text = await answer.text()
    assert "style=" not in text.partition("<main")[2]
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert text.count('class="lane-track"') == 3 and "网络较差：上行丢包 12 %" in text
