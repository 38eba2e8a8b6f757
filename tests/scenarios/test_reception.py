"""The first real reception, end to end: four browsers, one session, its recording on the case, proven.

One long scenario instead of many short ones: the parts depend on each other, and so do people.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.async_api import Browser, Page

from recordings.evidence.verification import verify_folder
from tests.scenarios.browsers import (
    Devices,
    chromium,
    collect_errors,
    diagnostics,
    inbound,
    needs_chromium,
    new_context,
    state_purpose,
    until,
)
from tests.scenarios.parties import (
    PATIENCE,
    admit_everybody,
    citizen_to_waiting_room,
    close_session,
    official_into_room,
    open_session,
    seconds_to_first_frame,
    seconds_to_meet,
    wait_until_all_meet,
)
from tests.scenarios.service import PARTIES, Service, running_service
from web.demo.people import PASSWORD

pytestmark = [needs_chromium, pytest.mark.browser, pytest.mark.timeout(300)]

LENGTH = 12  # seconds the reception lasts
DEVICES = {
    "citizen": Devices((20, 90, 200), 440),
    "district": Devices((190, 40, 40), 700),
    "city": Devices((30, 140, 60), 1000),
    "province": Devices((150, 80, 190), 1400),
}
# Where the film has province, city, district and citizen, as fractions of its size.
HIDDEN_CONTROLS = """() => {
  const panel = document.querySelector('#panel-people').getBoundingClientRect();
  return [...document.querySelectorAll('.console button, .console select')]
    .filter((e) => e.checkVisibility() && !e.closest('.person-acts'))
    .filter((e) => {
      const box = e.getBoundingClientRect();
      const floor = e.closest('#panel-people') ? panel.bottom : innerHeight;
      return box.bottom > floor + 1 || box.right > innerWidth + 1 || box.height < 43;
    })
    .map((e) => `${e.textContent} ${Math.round(e.getBoundingClientRect().bottom)}`);
}"""
PLACES = {"province": (0.25, 0.25), "city": (0.75, 0.25), "district": (0.25, 0.75), "citizen": (0.75, 0.75)}


async def test_a_joint_reception_is_held_recorded_and_proven(tmp_path: Path) -> None:
    async with running_service(tmp_path / "var") as service, chromium() as browser:
        pages, errors = await _open_pages(browser)
        await citizen_to_waiting_room(pages["citizen"], service.links["citizen"])
        for name in PARTIES[1:]:
            await official_into_room(pages[name], service.links[name])
        await _nobody_hears_the_waiting_room(pages)
        await admit_everybody(pages["district"])
        print(f"citizen sees and hears all three after {await seconds_to_meet(pages, 'citizen'):.2f} s")
        await wait_until_all_meet(pages)
        waits = {name: await seconds_to_first_frame(pages[name]) for name in ("city", "province", "citizen")}
        print("first picture after " + ", ".join(f"{name} {wait:.2f} s" for name, wait in waits.items()))
        # Seen on a quiet machine: under one second. The promise of two is for that; a busy one gets five.
        assert max(waits.values()) <= 5.0, waits
        await _a_small_screen_holds_all_controls(pages["district"])
        await _a_key_of_the_host_changes_the_layout_of_all(pages)
        await open_session(pages["district"])
        opened = time.monotonic()
        await until(lambda: _recording_is(pages["citizen"], "active"), 10, "the citizen sees the red badge")
        await asyncio.sleep(LENGTH)
        await close_session(pages["district"])
        length = time.monotonic() - opened
        assert errors == []
        folder = await _recording_folder(service)
        await _case_page_shows_it(browser, service, folder.name)
        _film_shows_all_four(folder / "composed.mp4", length)
        _verification_names_the_flipped_byte(folder)
        await _strangers_are_told_that_there_is_none(browser, service, folder.name)


async def _open_pages(browser: Browser) -> tuple[dict[str, Page], list[str]]:
    pages: dict[str, Page] = {}
    errors: list[str] = []
    for name in PARTIES:
        context = await new_context(browser, phone=name == "citizen", devices=DEVICES[name])
        pages[name] = await context.new_page()
        collect_errors(pages[name], errors)
    return pages, errors


async def _nobody_hears_the_waiting_room(pages: dict[str, Page]) -> None:
    """Before admission the citizen receives nothing and nobody receives the citizen."""
    citizen = await diagnostics(pages["citizen"], "participantId")
    assert citizen
    assert await inbound(pages["citizen"]) == []
    for name in PARTIES[1:]:
        assert citizen not in {entry["participant_id"] for entry in await inbound(pages[name])}


async def _a_small_screen_holds_all_controls(host: Page) -> None:
    """At 1280x720 with four people nothing that a host needs is below the fold."""
    before = host.viewport_size
    await host.set_viewport_size({"width": 1280, "height": 720})
    hidden = await host.evaluate(HIDDEN_CONTROLS)
    assert hidden == []
    assert await host.locator("#panel-people [data-command=mute]:visible").count() == 3
    assert before is not None
    await host.set_viewport_size(before)


async def _a_key_of_the_host_changes_the_layout_of_all(pages: dict[str, Page]) -> None:
    for layout in ("speaker", "tiers"):
        await pages["district"].keyboard.press("Alt+Shift+L")
        # The next key goes on from the layout that has come back from the server.
        await until(lambda layout=layout: _has_chosen(pages["district"], layout), 10, f"{layout} is chosen")
    for name in ("district", "province", "citizen"):
        await until(lambda name=name: _has_layout(pages[name], "tiers"), 10, f"{name} sees three tiers")
    await pages["district"].locator("[data-part=layout]").select_option("auto")
    await until(lambda: _has_layout(pages["province"], "auto"), 10, "the layout is as before")


async def _has_chosen(host: Page, layout: str) -> bool:
    return await host.locator("[data-part=layout]").input_value() == layout


async def _has_layout(page: Page, layout: str) -> bool:
    return await page.locator("[data-part=stage]").get_attribute("data-layout") == layout


async def _recording_is(page: Page, state: str) -> bool:
    return await diagnostics(page, "recording") == state


async def _recording_folder(service: Service) -> Path:
    """The folder of the only recording, once its film is there (two minutes at most)."""
    found = await until(
        lambda: list(service.recordings.glob("*/composed.mp4")), 120, "the composed film", every=0.5
    )
    return Path(found[0]).parent


async def sign_in(browser: Browser, service: Service, username: str) -> Page:
    page = await (await new_context(browser)).new_page()
    await page.goto(service.base + "/signin")
    await page.get_by_label("用户名").fill(username)
    await page.get_by_label("密码").fill(PASSWORD)
    await page.get_by_role("button", name="登录").click(timeout=PATIENCE)
    await page.wait_for_url("**/board", timeout=PATIENCE)
    return page


async def _case_page_shows_it(browser: Browser, service: Service, recording_id: str) -> None:
    """Case list, case page, replay: the film plays in the page and an event seeks."""
    page = await sign_in(browser, service, "chengguan")
    await page.goto(service.base + "/cases")
    await page.locator("tr", has_text="老旧小区加装电梯后采光受影响").get_by_role("link").first.click()
    link = page.locator(f'a[href="/recordings/{recording_id}"]')
    await until(lambda: _appears(page, link), 60, "the case page offers the replay")
    await link.first.click(timeout=PATIENCE)
    await until(lambda: _appears(page, page.locator("#purpose")), 60, "the page has something to play")
    await state_purpose(page)
    await until(lambda: _appears(page, page.locator("#replay-video")), 60, "the page has a film")
    await page.evaluate("document.querySelector('video').muted = true")
    await page.evaluate("document.querySelector('video').play()")
    await until(
        lambda: page.evaluate("document.querySelector('video').currentTime > 0.5"), 15, "the film runs"
    )
    assert await page.evaluate("document.querySelector('video').videoWidth") == 1280
    assert "完整" in await page.locator("main").inner_text()


async def _appears(page: Page, link) -> bool:  # type: ignore[no-untyped-def]
    if await link.count():
        return True
    await page.reload()
    return False


def _film_shows_all_four(film: Path, length: float) -> None:
    """Decodes to the end, everybody in the right place and moving, everybody's tone, the right length."""
    pictures, sound, rate = _decoded(film)
    seconds = pictures[-1][0]
    assert abs(seconds - length) <= 1.0, f"film {seconds:.2f} s, session {length:.2f} s"
    middle = [picture for at, picture in pictures if 4 < at < seconds - 2]
    height, width, _ = middle[0].shape
    for name, (x, y) in PLACES.items():
        left, top = int((x - 0.1) * width), int(y * height)
        tiles = [p[top : top + int(0.1 * height), left : left + int(0.2 * width)] for p in middle]
        seen = np.mean(tiles, axis=(0, 1, 2))
        far = np.abs(seen - DEVICES[name].colour).max()
        # Which of the two usual matrices a browser encodes with is not told to us, hence the distance.
        assert far < 45, f"{name} should be {DEVICES[name].colour}, this place is {seen.round()}"
        upper = [p[int((y - 0.2) * height) : top, :][:, int((x - 0.2) * width) : left + 80] for p in middle]
        motion = max(np.abs(b - a).mean() for a, b in zip(upper, upper[5:], strict=False))
        assert motion > 1, f"{name}: the picture stands still ({motion:.2f})"
    spectrum = np.abs(np.fft.rfft(sound[4 * rate : int(seconds - 2) * rate]))
    hertz = np.fft.rfftfreq(len(sound[4 * rate : int(seconds - 2) * rate]), 1 / rate)
    floor = np.median(spectrum)
    for name, devices in DEVICES.items():
        peak = spectrum[(hertz > devices.tone - 15) & (hertz < devices.tone + 15)].max()
        assert peak > 100 * floor, f"{name} is not heard at {devices.tone} Hz ({peak / floor:.0f} x)"


def _decoded(film: Path) -> tuple[list[tuple[float, np.ndarray]], np.ndarray, int]:
    """Every eighth pixel of each picture with its second; the sound as one channel; its rate."""
    pictures, sounds = [], []
    with av.open(str(film)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.streams.audio[0].codec_context.name == "aac"
        rate = container.streams.audio[0].rate
        for frame in container.decode(video=0):
            pictures.append((frame.time, frame.to_ndarray(format="rgb24")[::8, ::8].astype(int)))
    with av.open(str(film)) as container:
        for frame in container.decode(audio=0):
            sounds.append(frame.to_ndarray()[0])
    return pictures, np.concatenate(sounds), rate


def _verification_names_the_flipped_byte(folder: Path) -> None:
    """One byte of any segment: the verdict names the segment and a byte range with that byte in it."""
    assert _verify_by_command(folder) == (0, [])
    segments = sorted(folder.glob("tracks/*/*.lxj"))
    assert len(segments) == 8
    for segment in segments:
        place = segment.stat().st_size * 2 // 3
        with flipped(segment, place):
            verdict = verify_folder(folder)
            assert verdict.exit_code != 0
            assert any(_names(line, segment.relative_to(folder), place) for line in verdict.lines()), place
    place = segments[0].stat().st_size // 2
    with flipped(segments[0], place):
        code, named = _verify_by_command(folder, segments[0].relative_to(folder))
        assert code != 0
        assert any(_covers(line, place) for line in named), (place, named)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert len(manifest["tracks"]) == 8
    assert all(track["gaps"] == [] for track in manifest["tracks"])


@contextmanager
def flipped(path: Path, place: int) -> Iterator[None]:
    """One bit of one byte is other while the block runs."""
    original = path.read_bytes()
    path.write_bytes(original[:place] + bytes([original[place] ^ 1]) + original[place + 1 :])
    try:
        yield
    finally:
        path.write_bytes(original)


def _verify_by_command(folder: Path, segment: Path | None = None) -> tuple[int, list[str]]:
    """`lianxin verify`: its exit code, and the lines that name a segment."""
    command = [sys.executable, "-m", "web.cli", "verify", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, [line for line in done.stdout.splitlines() if segment and str(segment) in line]


def _names(line: str, segment: Path, place: int) -> bool:
    return str(segment) in line and _covers(line, place)


def _covers(line: str, place: int) -> bool:
    """Whether a line of the verdict names a byte range, `from-to`, with that place in it."""
    return any(int(a) <= place <= int(b) for a, b in re.findall(r"(\d+)\s*(?:-|–|\.\.|至)\s*(\d+)", line))


async def _strangers_are_told_that_there_is_none(
    browser: Browser, service: Service, recording_id: str
) -> None:
    """Another district gets 404; city and province see it; anonymous gets the sign-in page."""
    paths = [
        f"/recordings/{recording_id}",
        f"/recordings/{recording_id}/composed.mp4",
        f"/recordings/{recording_id}/manifest.json",
        f"/sessions/{service.session_id}",
    ]
    for username, expected in (("xigu", 404), ("lanzhou", 200), ("gansu", 200)):
        page = await sign_in(browser, service, username)
        if expected == 200:
            await page.goto(service.base + paths[0])
            await state_purpose(page)
        for path in paths:
            answer = await page.context.request.get(service.base + path, headers={"Range": ""})
            assert answer.status == expected, (username, path)
    context = await new_context(browser)
    for path in paths:
        answer = await context.request.get(service.base + path)
        assert "/signin" in answer.url, path
