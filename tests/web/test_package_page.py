"""The page of an exported package in real Chromium, opened from disk: it plays, seeks and fetches nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page

from recordings.evidence.signing import load_signer
from recordings.packages.export import build_package
from recordings.packages.package import write_folder
from tests.recordings.exports import make_export, write_recording
from tests.scenarios.browsers import chromium, needs_chromium
from tests.web.test_axe import DESK, OFFICIAL, Looker
from web.package_page import package_pages

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(120)]
FILM = "document.getElementById('film')"


async def until(page: Page, condition: str) -> None:
    """Wait for a condition; asked from here, because the page's own policy forbids code from text."""
    async with asyncio.timeout(20):
        while not await page.evaluate(condition):  # noqa: ASYNC110 - the page has no event of ours.
            await asyncio.sleep(0.02)


async def near(page: Page, seconds: float) -> None:
    """Wait until the film stands, or has just gone on, there."""
    await until(page, f"Math.abs({FILM}.currentTime - {seconds}) < 0.6 && !{FILM}.seeking")


async def test_the_page_plays_from_disk_without_a_network(tmp_path: Path) -> None:
    write_recording(tmp_path / "rec", tmp_path / "keys", "城关区供暖问题联合接访 <b>")
    (tmp_path / "room").mkdir()
    package = build_package(
        make_export(tmp_path / "rec"), load_signer(tmp_path / "keys"), package_pages(), tmp_path / "room"
    )
    write_folder(package, tmp_path / "导出 #1")
    asked: list[str] = []
    trouble: list[str] = []
    async with chromium() as browser:
        for width in (OFFICIAL, DESK):
            context = await browser.new_context(viewport={"width": width, "height": 800}, locale="zh-CN")
            await context.set_offline(True)
            page = await context.new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: trouble.append(message.text))
            page.on("pageerror", lambda error: trouble.append(str(error)))
            await page.goto((tmp_path / "导出 #1" / "index.html").as_uri())
            await until(page, f"{FILM}.readyState >= 1")
            await page.evaluate(f"{FILM}.muted = true")
            await page.click("[data-list=speeches] a")
            await near(page, 4.0)
            assert await page.inner_text("#now") != ""
            await page.keyboard.press("Space")
            await until(page, f"{FILM}.paused")
            await page.keyboard.press("ArrowLeft")
            await near(page, 0.0)
            for wanted in (2.0, 3.0, 4.0):
                await page.keyboard.press("ArrowDown")
                await near(page, wanted)
            await page.keyboard.press("ArrowUp")
            await near(page, 3.0)
            assert "继续" in await page.inner_text("[data-list=events] [aria-current]")
            await page.click("[data-speed='3']")
            assert await page.evaluate(f"{FILM}.playbackRate") == 3
            small = await page.evaluate(
                "[...document.querySelectorAll('button, .rows a')]"
                ".filter((e) => e.getBoundingClientRect().height < 44).length"
            )
            assert small == 0
            assert await page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 20
            assert not trouble, trouble
            eyes = Looker(page, "")
            await eyes.look("package")
            assert not eyes.faults, "\n".join(eyes.faults)
            await page.screenshot(path=tmp_path / f"package-{width}.png", full_page=True)
            trouble.clear()  # The policy of the page refused what axe wanted to fetch.
            await context.close()
    assert asked and all(url.startswith(("file:", "data:")) for url in asked), asked
