"""The desk in real Chromium: the reason before the film, whose screen it is, and what is played is told."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select

from recordings.review.viewing import PlayedRange
from tests.scenarios.browsers import needs_chromium, state_purpose, until
from tests.web.conftest import House
from tests.web.test_axe import DESK, SHOTS, database_system, looker  # noqa: F401
from tests.web.test_replay_lanes import arrange

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(180)]
MARKS = ".player .watermark span"
# Where each line lies: its middle in parts of the picture's height, its ends in parts of its width.
PLACES = """() => {
  const film = document.querySelector(".player").getBoundingClientRect();
  return [...document.querySelectorAll(".player .watermark span")].map((line) => {
    const box = line.getBoundingClientRect();
    const middle = ((box.top + box.bottom) / 2 - film.top) / film.height;
    const alpha = Number(getComputedStyle(line).color.match(/[\\d.]+(?=\\))/)[0]);
    return [middle, (box.left - film.left) / film.width, (box.right - film.left) / film.width, alpha];
  });
}"""
LATER = "document.getAnimations().forEach((one) => { one.currentTime += 60_000 })"
TAKEN_AWAY = (
    "document.querySelector('.watermark').remove()",
    "document.querySelector('.watermark').hidden = true",
    "document.querySelector('.watermark').style.opacity = 0",
    "document.querySelector('.watermark').className = ''",
    "document.querySelector('.watermark').replaceChildren()",
    "document.querySelector('.watermark span').textContent = '别人'",
    "document.querySelector('.player').classList.remove('is-marked')",
)


async def test_a_reviewer_plays_with_a_reason_a_mark_and_a_log(house: House, chrome: Browser) -> None:  # noqa: F811
    recording_id, official = await arrange(house), house.world.officials["chengguan.reviewer"]
    eyes = await looker(chrome, f"http://127.0.0.1:{house.server.port}", DESK)
    page = eyes.page
    await house.seat(page.context, "chengguan.reviewer")
    await page.goto(f"{eyes.base}/recordings/{recording_id}?t=20")
    assert await page.locator("video").count() == 0
    await state_purpose(page)
    ready = "document.querySelector('video').readyState >= 1"
    await until(lambda: page.evaluate(ready), 15, "the film is there")
    assert "t=20" in page.url

    # Name, office and time over the picture, in Beijing's time of the server; put back however it is removed.
    mark = re.compile(rf"^{official.name} 城关区信访局 复查复核员 2026-07-22 \d\d:\d\d:\d\d$")
    await expect(page.locator(MARKS)).to_have_count(3)
    for act in TAKEN_AWAY:
        await page.evaluate(act)
        await expect(page.locator(MARKS)).to_have_count(3)
        await expect(page.locator(MARKS).first).to_have_text(mark)
        await expect(page.locator(".player.is-marked")).to_have_count(1)
        await expect(page.locator(".watermark")).to_have_css("opacity", "1")

    # Along the edges, and faint where faces are; on its way from corner to corner, never outside.
    before = await page.evaluate(PLACES)
    await page.evaluate(LATER)
    after = await page.evaluate(PLACES)
    for (upper, middle, lower), moved in ((before, after), (after, before)):
        assert upper[0] < 0.15 and lower[0] > 0.75 and 0.4 < middle[0] < 0.6, (upper, middle, lower)
        assert middle[3] < 0.2 < 0.5 < min(upper[3], lower[3])
        for line, other in zip((upper, middle, lower), moved, strict=True):
            assert line[1] > -0.01 and line[2] < 1.01 and abs(line[1] - other[1]) > 0.1

    if SHOTS:
        await page.locator(".player").screenshot(path=f"{SHOTS}/watermark.png")

    # It goes along to the full screen, which is the player and never the bare film.
    await page.focus("video")
    await page.keyboard.press("f")
    full = (
        "document.fullscreenElement && document.fullscreenElement.querySelectorAll('.watermark span').length"
    )
    await until(lambda: page.evaluate(f"{full} === 3"), 10, "the full screen with the mark")
    await page.keyboard.press("f")
    await until(lambda: page.evaluate("document.fullscreenElement === null"), 10, "the page again")

    # A note takes the present second and leads back to it; the film plays on meanwhile.
    await page.locator("#note-new summary").click()
    await page.get_by_role("button", name="开始时间：取当前时间").first.click()
    await expect(page.locator("#note-since")).to_have_value("0:00:20")
    await page.fill("#note-words", "没有告知期限")
    await page.evaluate("document.querySelector('video').play()")
    await page.click("#note-new [type=submit]")
    await expect(page.locator("#desk .desk-list")).to_contain_text("没有告知期限")
    at = "document.querySelector('video').currentTime"
    await until(lambda: page.evaluate(f"{at} > 21.5"), 15, "the film plays on")
    assert not await page.evaluate("document.querySelector('video').paused")
    await page.evaluate("document.querySelector('video').pause()")
    await page.evaluate("document.querySelector('video').currentTime = 90")
    await page.locator("[data-desk-seek]").first.click()
    await until(lambda: page.evaluate(f"Math.abs({at} - 20) < 0.5"), 15, "the note's place")

    # What was played is told on leaving at the latest.
    async def told() -> list[tuple[int, int]]:
        async with house.database.session() as db:
            rows = (await db.scalars(select(PlayedRange).order_by(PlayedRange.from_ms))).all()
            return [(row.from_ms, row.to_ms) for row in rows]

    await page.goto(eyes.base + "/board")
    await until(told, 10, "the stretch that was played")
    spans = await told()
    assert abs(spans[0][0] - 20_000) < 500 and spans[-1][1] > 21_000, spans
    assert all(since < to <= 60_000 for since, to in spans), spans
    assert not eyes.faults
