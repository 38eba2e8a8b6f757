"""Documents in a replay of tracks in a real browser: page, lines and place at each second, also backwards."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.recordings.synthetic import Party, audio_packets, video_packets, write_track
from tests.scenarios.browsers import collect_errors, needs_chromium, state_purpose, until
from tests.web.conftest import House
from tests.web.shown import NAME, record_shown
from tests.web.test_axe import Looker
from tests.web.test_track_page import goes_to

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(180)]
SHOTS = os.environ.get("LIANXIN_SHOTS")
# Which page is on the stage, how many lines lie on it, and whether they lie exactly over its picture.
LOOK = """() => {
  const tile = document.querySelector('.track-sheet');
  if (!tile || tile.hidden) return null;
  const image = tile.querySelector('img');
  const drawn = tile.querySelector('.sheet-strokes');
  const [page, lines] = [image, drawn].map((each) => each.getBoundingClientRect());
  return {
    page: Number(image.src.split('/').pop()), ready: image.complete && image.naturalWidth > 0,
    lines: tile.querySelectorAll('polyline').length,
    over: ['left', 'top', 'width', 'height'].every((side) => Math.abs(page[side] - lines[side]) < 1),
    marked: tile.querySelectorAll('.watermark span').length,
    width: page.width,
  };
}"""

LARGE = """() => {
  const sheet = document.querySelector('.track-sheet');
  const frame = sheet.querySelector('.track-frame').getBoundingClientRect();
  const grid = sheet.parentElement.getBoundingClientRect();
  return [grid.width, sheet.getBoundingClientRect().width, frame.width / frame.height];
}"""


@pytest.fixture
def database_system() -> str:
    """One system is enough: pages look alike on both."""
    return "sqlite"


def write(folder: Path, parties: dict[str, Party]) -> None:
    for party in parties.values():
        write_track(folder, party, "camera", video_packets(party, 20.0, 160, 90), 0.0, 0.06)
        write_track(folder, party, "microphone", audio_packets(party, 20.0), 0.0, 0.02)


async def enter(page: Page, house: House, address: str) -> None:
    base = f"http://127.0.0.1:{house.server.port}"
    await house.seat(page.context, "chengguan.receptionist")
    await page.goto(base + address)
    await state_purpose(page)
    await page.wait_for_selector(".track-bar")


async def stands(page: Page, seconds: float, wanted: tuple[int, int] | None) -> Any:
    """Wait until the stage shows this page with so many lines at that second, or nothing."""
    await goes_to(page, seconds)
    found: list[Any] = []

    async def as_wanted() -> bool:
        found[:] = [await page.evaluate(LOOK)]
        seen = found[0]
        if wanted is None or seen is None:
            return seen is wanted
        return (seen["page"], seen["lines"]) == wanted and seen["ready"] and seen["over"]

    await until(as_wanted, 20, f"second {seconds}: {wanted}, {found}")
    return found[0]


async def test_the_page_of_each_second_with_its_lines(house: House, chrome: Browser) -> None:
    shown, errors = await record_shown(house, write), list[str]()
    page = await chrome.new_page(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    collect_errors(page, errors)
    await enter(page, house, f"/recordings/{shown.recording_id}")
    await page.wait_for_selector(".track-sheet", state="attached")
    for seconds, wanted in (
        (2, None), (4.5, (1, 0)), (6, (1, 1)), (9, (2, 0)), (13, (1, 1)), (15, (1, 0)), (19, None),
        (13, (1, 1)), (6, (1, 1)), (4.5, (1, 0)), (2, None),
    ):  # fmt: skip
        await stands(page, seconds, wanted)
    small = await stands(page, 6, (1, 1))
    assert small["marked"] == 3
    label = page.locator(".track-sheet .track-name")
    await expect(label).to_have_text(f"王芳出示：{NAME}，第 1 页，共 2 页")
    await expect(page.locator("[data-lane]").first).to_contain_text("第 1 页（共 2 页）")
    # In the list the present page is marked; a click and keys lead to another.
    current = page.locator(".exhibit-row[aria-current]")
    await expect(current).to_contain_text("0:04")
    await page.locator(".exhibit-row").nth(1).click()
    await page.keyboard.press("k")
    await expect(current).to_contain_text("第 2 页")
    await page.keyboard.press("p")
    await expect(current).to_contain_text("0:12")
    await page.keyboard.press("Shift+P")
    await expect(current).to_contain_text("0:08")
    # Twice as large, the lines with it, reached by keys.
    large = await stands(page, 6, (1, 1))
    await page.keyboard.press("z")
    close = await stands(page, 6, (1, 1))
    assert close["width"] == pytest.approx(2 * large["width"], abs=2)
    await page.locator(".sheet-view").focus()
    await page.keyboard.press("ArrowDown")
    scrolled = "document.querySelector('.sheet-view').scrollTop > 0"
    await until(lambda: page.evaluate(scrolled), 10, "the key scrolls the page of the document", 0.05)
    assert await page.evaluate("Number(document.querySelector('[data-player]').dataset.seconds)") == 6
    await page.keyboard.press("z")
    # Large it takes the whole row, in the shape of a page.
    enlarge = page.locator(".track-sheet .track-large")
    if await enlarge.get_attribute("aria-pressed") == "false":
        await enlarge.click()
    await expect(enlarge).to_have_attribute("aria-pressed", "true")
    row, sheet, shape = await page.evaluate(LARGE)
    assert sheet > 0.95 * row and shape == pytest.approx(4 / 3, abs=0.02)
    # While it plays three times as fast: nothing is left standing.
    await goes_to(page, 10)
    for _ in range(3):
        await page.keyboard.press(">")
    await page.keyboard.press("k")
    seen = set()

    async def gone() -> bool:
        told = await page.evaluate(LOOK)
        seen.add(told and (told["page"], told["lines"]))
        return told is None

    await until(gone, 30, "the document is put away", 0.05)
    assert {(1, 0), None} <= seen, seen
    for width, height in ((1280, 900), (360, 740), (320, 640)):
        await page.set_viewport_size({"width": width, "height": height})
        await stands(page, 6, (1, 1))
        eyes = Looker(page, "")
        await eyes.look(f"exhibits-{width}")
        assert not eyes.faults, "\n".join(eyes.faults)
    assert not errors
