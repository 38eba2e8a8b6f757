"""The tracks of a recording played in a real browser before there is any film: seen, heard and in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from recordings.recording import CompositionState, load_recording
from recordings.review.viewing import PlayedRange
from tests.recordings.synthetic import Party, audio_packets, video_packets, write_track
from tests.scenarios.browsers import collect_errors, needs_chromium, state_purpose, until
from tests.web.conftest import House
from tests.web.tracks import record_tracks

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(120)]
AWAY = (14.0, 19.0)  # seconds in which the petitioner's camera sends nothing
# What is on the screen: of each visible picture its place, its middle colour, and where its white square is.
LOOK = """() => [...document.querySelectorAll('.track video')].filter((each) => !each.hidden).map((each) => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 160, height: 90});
  const pen = canvas.getContext('2d');
  pen.drawImage(each, 0, 0, 160, 90);
  const line = pen.getImageData(0, 20, 160, 1).data;
  let square = -1;
  for (let x = 159; x >= 0; x -= 1) if (Math.min(...line.slice(4 * x, 4 * x + 3)) > 225) square = x;
  const box = each.closest('.track').getBoundingClientRect();
  const colour = [...pen.getImageData(80, 70, 1, 1).data].slice(0, 3);
  const key = each.closest('.track').dataset.key;
  return {key, colour, square, width: box.width, time: each.currentTime};
})"""
LISTEN = """() => {
  const context = new AudioContext();
  window.ears = [...document.querySelectorAll('.track audio')].map((each) => {
    const ear = context.createAnalyser();
    ear.fftSize = 8192;
    context.createMediaElementSource(each).connect(ear).connect(context.destination);
    return {ear, rate: context.sampleRate};
  });
}"""
HEARD = """() => window.ears.map(({ear, rate}) => {
  const level = new Float32Array(ear.frequencyBinCount);
  ear.getFloatFrequencyData(level);
  const best = level.indexOf(Math.max(...level));
  return level[best] < -60 ? 0 : best * rate / ear.fftSize;
})"""
OFF = """() => {
  const parts = [...document.querySelectorAll('[data-part]')].filter((each) => !each.paused && !each.hidden);
  const times = parts.map((each) => each.currentTime);
  return [parts.length, Math.max(...times) - Math.min(...times)];
}"""
SECONDS = "Number(document.querySelector('[data-player]').dataset.seconds)"


@pytest.fixture
def database_system() -> str:
    """One system is enough: pages look alike on both."""
    return "sqlite"


def write(folder: Path, parties: dict[str, Party]) -> None:
    for role, party in parties.items():
        seen = video_packets(party, 24.0, 160, 90)
        if role == "petitioner":
            seen = (each for each in seen if not AWAY[0] <= each[0] < AWAY[1])
        write_track(folder, party, "camera", seen, 0.0, 0.06)
        write_track(folder, party, "microphone", audio_packets(party, 24.0), 0.0, 0.02)


async def enter(page: Page, house: House, address: str) -> None:
    base = f"http://127.0.0.1:{house.server.port}"
    await house.seat(page.context, "chengguan.receptionist")
    await page.goto(base + address)
    await state_purpose(page)
    await page.wait_for_selector(".track-bar")


async def at(page: Page, seconds: float) -> Any:
    """Wait until the player has come so far."""
    await until(lambda: page.evaluate(f"{SECONDS} >= {seconds}"), 15, f"second {seconds}", 0.05)
    return await page.evaluate(LOOK)


async def hears(page: Page, tones: list[int]) -> None:
    async def heard() -> bool:
        found = await page.evaluate(HEARD)
        return all(abs(one - other) < 15 for one, other in zip(found, tones, strict=True))

    await until(heard, 6, f"tones {tones}")


async def together(page: Page, seconds: float) -> bool:
    """Do four elements play within so many seconds, and do the pictures show the same within two of them?"""
    playing, apart = await page.evaluate(OFF)
    shown = [each["square"] for each in await page.evaluate(LOOK)]
    off = abs(shown[0] - shown[-1])  # It moves by eight with each picture, and begins anew after 140.
    return playing == 4 and apart < seconds and min(off, 140 - off) <= 16


async def goes_to(page: Page, seconds: float) -> None:
    await page.evaluate(
        "(t) => document.dispatchEvent(new CustomEvent('lianxin:seek', {detail: {seconds: t}}))", seconds
    )


async def test_parties_are_seen_heard_and_in_time_before_there_is_a_film(
    house: House, chrome: Browser
) -> None:
    recording_id, errors = await record_tracks(house, 24.0, write), list[str]()
    page = await chrome.new_page(viewport={"width": 1280, "height": 900})
    collect_errors(page, errors)
    await enter(page, house, f"/recordings/{recording_id}")
    await expect(page.locator(".track-frame .watermark")).to_have_count(2)
    await page.evaluate(LISTEN)
    await page.click(".track-bar button")
    host, citizen = await at(page, 2.5)
    assert near(host["colour"], (200, 40, 40)) and near(citizen["colour"], (210, 190, 50))
    await until(lambda: together(page, 0.04), 6, "pictures and sounds of one moment")
    await hears(page, [440, 1700])
    # One is muted, the other goes on; then one is large.
    await page.click("[aria-label='王芳的声音']")
    await hears(page, [0, 1700])
    await page.click("[aria-label='放大：李德福']")
    await page.wait_for_selector(".is-large")
    large = {each["key"]: each["width"] for each in await page.evaluate(LOOK)}
    assert max(large.values()) > 2.5 * min(large.values())
    assert large[citizen["key"]] == max(large.values())
    await page.click("[aria-label='王芳的声音']")
    # Where a camera sent nothing, that is said, and the others play on.
    await goes_to(page, 15.0)
    (only,) = await at(page, 16.0)
    assert only["key"] == host["key"] and near(only["colour"], (200, 40, 40))
    card = page.locator(f"[data-key='{citizen['key']}'] .track-card")
    await expect(card).to_contain_text("录像缺口", use_inner_text=True)
    await hears(page, [440, 1700])
    back = await at(page, 20.2)
    assert {each["key"] for each in back} == {host["key"], citizen["key"]}
    # Back again, faster, by keys and by the address of a moment.
    await goes_to(page, 1.0)
    await page.keyboard.press(">")
    await at(page, 2.5)
    await until(lambda: together(page, 0.06), 6, "one moment, also when it is faster")
    await page.keyboard.press("k")
    paused = await page.evaluate(SECONDS)
    await page.goto(page.url.partition("?")[0] + "?t=21")
    await page.wait_for_selector(".track-bar")
    ready = f"{SECONDS} >= 20.9 && document.querySelector('.track video').readyState > 1"
    await until(lambda: page.evaluate(ready), 10, "the moment of the address")
    assert paused < 6

    async def host_is_shown() -> bool:
        return host["key"] in {each["key"] for each in await page.evaluate(LOOK)}

    await until(host_is_shown, 10, "also the other's picture is there")
    shown = {each["key"]: each for each in await page.evaluate(LOOK)}
    assert abs(shown[host["key"]]["time"] - 21) < 0.04
    await look_for_film(house, page, recording_id)
    assert not errors
    async with house.database.session() as db:
        query = select(PlayedRange).where(PlayedRange.recording_id == recording_id)
        spans = [(row.from_ms, row.to_ms) for row in (await db.scalars(query)).all()]
    assert any(since < 500 and until_ > 2400 for since, until_ in spans), spans
    assert any(15_000 <= since < 15_500 for since, _ in spans), spans


async def look_for_film(house: House, page: Page, recording_id: str) -> None:
    """When it is there, the page offers it at the same second."""
    async with house.database.session() as db:
        recording = await load_recording(db, recording_id)
        recording.composition, recording.composed_at = CompositionState.DONE, house.clock.now()
        await db.commit()
    await page.click("#film-go", timeout=30_000)
    await page.wait_for_url("**?t=21s")


def near(colour: list[int], wanted: tuple[int, int, int]) -> bool:
    return max(abs(one - other) for one, other in zip(colour, wanted, strict=True)) < 40
