"""Two officials of two tiers watch the board: a citizen's page dies, the task is there, one takes it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.scenarios.browsers import (
    CROWDED,
    chromium,
    collect_errors,
    needs_chromium,
    new_context,
    until,
)
from tests.scenarios.parties import (
    admit_everybody,
    citizen_to_waiting_room,
    official_into_room,
    open_session,
    wait_until_all_meet,
)
from tests.scenarios.service import Service, running_service
from web.demo.people import CITY, HOST, PASSWORD

pytestmark = [needs_chromium, pytest.mark.browser, pytest.mark.timeout(240)]
# Nobody's screen shots are kept unless a folder for them is named.
SHOTS = os.environ.get("LIANXIN_SHOTS")
# The board looks once a second, and whoever is gone is missed after three: that is told within five seconds.
# Counted are its looks and the shortest pause between two: neither grows where the machine is slow.
LOOKS, PAUSE = 5, 1.5  # at most, of what happens; seconds
LONG = 20.0  # before a test gives up waiting
# Resolves when the board says it, or no longer does, with what came between the board's looks since now.
NOTICED = """([words, there]) => new Promise((done) => {
  const part = document.getElementById("board-live"), since = performance.now();
  const address = new URL(part.dataset.address, location).href;
  const pauses = () => {
    const looks = performance.getEntriesByType("resource").filter(
      (each) => each.name === address && each.startTime >= since);
    done(looks.map((each, n) => (n ? each.startTime - looks[n - 1].responseEnd : 0) / 1000));
  };
  const observer = new MutationObserver(() => look());
  const look = () => {
    if (part.innerText.includes(words) !== there) return;
    observer.disconnect();
    setTimeout(pauses, 100);  // The look that brought it is listed a moment later.
  };
  observer.observe(part, { subtree: true, childList: true, characterData: true, attributes: true });
  look();
})"""
LIVE, POLITE = '[data-key="column-live"]', "[data-announcer=polite]"


async def board(browser: Browser, service: Service, username: str) -> Page:
    """Signed in, on the board; a page that is loaded again loses its mark."""
    page = await (await new_context(browser)).new_page()
    await page.goto(f"{service.base}/signin")
    await page.fill("[name=username]", username)
    await page.fill("[name=password]", PASSWORD)
    await page.click("main form button[type=submit]")
    await page.wait_for_url("**/board")
    await page.evaluate("window.unreloaded = true")
    return page


async def shoot(page: Page, name: str) -> None:
    for width, height in ((1920, 1080), (1280, 900), (360, 740)) if SHOTS else ():
        await page.set_viewport_size({"width": width, "height": height})
        await page.screenshot(path=f"{SHOTS}/board-{name}-{width}.png", full_page=True)


async def said(page: Page, words: str, where: str = "#board-live") -> bool:
    return words in await page.locator(where).inner_text()


async def noticed(page: Page, words: str, there: bool = True) -> list[float]:
    """Of each look until the board says it, or no longer does, the pause before; it was not loaded again."""
    async with asyncio.timeout(LONG * CROWDED):
        pauses: list[float] = await page.evaluate(NOTICED, [words, there])
    assert await page.evaluate("window.unreloaded === true")
    return pauses


async def test_a_dead_page_is_a_task_on_two_boards_until_the_citizen_is_back(tmp_path: Path) -> None:
    errors: list[str] = []
    async with running_service(tmp_path / "var") as service, chromium() as browser:
        context = await new_context(browser, phone=True)
        pages = {
            "citizen": await context.new_page(),
            "district": await (await new_context(browser)).new_page(),
        }
        boards = {"district": await board(browser, service, HOST.username)}
        boards["city"] = await board(browser, service, CITY.username)
        for page in boards.values():
            collect_errors(page, errors)
        await citizen_to_waiting_room(pages["citizen"], service.links["citizen"])
        for page in boards.values():
            assert len(await noticed(page, "等候 1 人")) <= LOOKS
        await shoot(boards["district"], "waiting")
        await official_into_room(pages["district"], service.links["district"])
        await admit_everybody(pages["district"])
        await wait_until_all_meet(pages)
        await open_session(pages["district"])
        for page in boards.values():
            await noticed(page, "正在录音录像")
            await until(lambda page=page: said(page, "网络", LIVE), LONG, "how the networks are")
        await shoot(boards["city"], "live")

        # With the keyboard on the card, and the filter half chosen: neither is lost by what comes.
        await boards["city"].select_option("#tier", "city")
        await boards["city"].locator('[data-key="column-live"] h3 a').focus()
        room = pages["citizen"].url
        await pages["citizen"].close()
        looks = await asyncio.gather(*(noticed(page, "掉线：王秀兰") for page in boards.values()))
        assert max(map(len, looks)) <= LOOKS, looks
        assert min((pause for each in looks for pause in each[1:]), default=0) <= PAUSE, looks
        for page in boards.values():
            await until(lambda page=page: said(page, "待处置：掉线，王秀兰", POLITE), LONG, "it is announced")
        held = "document.activeElement.closest('[data-key^=card-]') !== null"
        await until(lambda: boards["city"].evaluate(held), 5, "the keyboard stays on the card")
        assert await boards["city"].input_value("#tier") == "city"
        await shoot(boards["city"], "raised")

        await boards["district"].get_by_role("button", name="我来处置").click()
        assert len(await noticed(boards["city"], f"{HOST.name}在处置")) <= LOOKS
        await until(lambda: said(boards["district"], "我在处置"), LONG, "who took it reads so")
        await expect(boards["city"].get_by_role("button", name="我来处置")).to_have_count(0)
        await boards["district"].evaluate("window.unreloaded = true")
        await shoot(boards["district"], "taken")

        back = await context.new_page()
        await back.goto(room)
        await back.locator('[data-action="switch_on"]:visible').click(timeout=30_000)
        for page in boards.values():
            await noticed(page, "掉线：王秀兰", there=False)
        city = boards["city"]
        await city.goto(f"{service.base}/sessions/{service.session_id}")
        await city.locator("summary", has_text="掉线：王秀兰").click()
        text = await city.locator("main").inner_text()
        assert "已自行恢复" in text and "王秀兰已经回来" in text and f"接手 · {HOST.name}" in text
        await shoot(city, "session")
    assert errors == []
