"""A recording of two hours reviewed in a real browser by keyboard alone, on a phone's width and on a desk."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.factories import PASSWORD
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.sittings import PROMISE, record_two_hours, recordings_worker
from tests.web.test_axe import DESK, OFFICIAL, Looker
from tests.web.test_replay_lanes import goes_to

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(180)]
FOCUSED = """() => {
  const at = document.activeElement;
  const style = getComputedStyle(at.closest(".player") || at);
  const name = at.getAttribute("aria-label") || at.textContent.trim().slice(0, 20) || at.id || at.tagName;
  const seen = style.outlineStyle !== "none" || style.boxShadow !== "none";
  return [at === document.body ? "" : `${at.tagName} ${name}`, seen];
}"""
JUMP_AND_NOTE = """() => {
  for (const key of ["]", "n"]) {
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
  }
  return document.getElementById("note-since").value;
}"""
# Nobody's screen shots are kept unless a folder for them is named.
SHOTS = os.environ.get("LIANXIN_SHOTS")


@pytest.fixture
def database_system() -> str:
    """One system is enough: pages look alike on both."""
    return "sqlite"


async def signed_in(house: House, browser: Browser, width: int, path: str) -> Looker:
    """At the film by keyboard: who it is, and why."""
    base = f"http://127.0.0.1:{house.server.port}"
    context = await browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN")
    eyes = Looker(await context.new_page(), base)
    eyes.page.on("pageerror", lambda error: eyes.faults.append(str(error)))
    eyes.page.on("console", lambda line: eyes.faults.append(line.text) if line.type == "error" else None)
    await eyes.page.goto(base + "/signin")
    await tab_to(eyes.page, "[name=username]")
    await eyes.page.keyboard.type(house.world.officials["chengguan.reviewer"].username)
    await eyes.page.keyboard.press("Tab")
    await eyes.page.keyboard.type(PASSWORD)
    await eyes.page.keyboard.press("Enter")
    await eyes.page.wait_for_url("**/board")
    await eyes.page.goto(base + path)
    return eyes


async def say_why(page: Page) -> None:
    """Why it is looked at: the first reason offered."""
    await tab_to(page, "#purpose-kind")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".replay-ways")


async def tab_to(page: Page, selector: str) -> None:
    """Press Tab, and nothing else, until the focus stands there."""
    await page.wait_for_selector(selector)
    for _ in range(200):
        if await page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


async def find_in_archive(eyes: Looker, recording_id: str) -> None:
    """From the archive to the second at which the word was said."""
    page = eyes.page
    await tab_to(page, "[name=words]")
    await page.keyboard.type("恢复 供暖")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**words=*")
    hit = page.locator(".archive-hit").first
    await expect(hit).to_contain_text(f"1:30:00 标记 · 王芳：{PROMISE}")
    await eyes.look("found in the archive")
    await shot(page, "archive")
    await tab_to(page, ".archive-hit a")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/recordings/{recording_id}?t=5400s")
    await eyes.look("asked why")
    await shot(page, "why")
    await say_why(page)


async def shot(page: Page, name: str) -> None:
    if SHOTS:
        width = (page.viewport_size or {})["width"]
        await page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png", full_page=True)


async def walk(page: Page) -> list[str]:
    """Every stop of the Tab key from the top of the page until it leaves; each must show its focus."""
    await page.evaluate("document.activeElement.blur()")
    stops: list[str] = []
    for _ in range(200):
        await page.keyboard.press("Tab")
        stop, seen = await page.evaluate(FOCUSED)
        if not stop:
            return stops
        assert seen, f"{stop} does not show its focus"
        stops.append(stop)
    raise AssertionError(f"the keyboard is trapped: {stops[-8:]}")


async def test_two_hours_by_keyboard(house: House, chrome: Browser, tmp_path: Path) -> None:
    recording_id = await record_two_hours(house)
    eyes = await signed_in(house, chrome, DESK, "/recordings")
    page, press = eyes.page, eyes.page.keyboard.press
    await find_in_archive(eyes, recording_id)
    await goes_to(page, 5400, 5401)
    await shot(page, "opened")
    await press("j")
    await goes_to(page, 5000, 5001)

    # Search a word, jump: the field, the word, Enter.
    await press("/")
    await page.keyboard.type("供暖 恢复")
    await expect(page.locator("#find-said")).to_have_text("找到 1 处。")
    await press("Enter")
    await goes_to(page, 5400, 5401)
    await expect(page.locator("#find-said")).to_contain_text("第 1 处，共 1 处：1:30:00 标记")
    await expect(page.locator("#replay-find mark").first).to_have_text("恢复")
    await expect(page.locator("#replay-chapters [aria-current]")).to_contain_text(PROMISE)
    assert float(await page.get_attribute("[data-player]", "data-seconds") or 0) == pytest.approx(5400, abs=1)
    await shot(page, "found")
    await page.set_viewport_size({"width": OFFICIAL, "height": 900})
    await eyes.look("after a search")
    await shot(page, "found")
    await page.set_viewport_size({"width": DESK, "height": 900})

    # Chapters, events, seconds and speeches; a key typed into the field is a letter.
    await press("k")
    await expect(page.locator("#find-words")).to_have_value("供暖 恢复k")
    await press("Tab")  # Past the field there are no hits for that word.
    for key, low, high in (
        ("[", 3000, 3001), ("[", 2400, 2401), ("]", 3000, 3001), ("ArrowLeft", 2985, 2986),
        ("Shift+ArrowRight", 2986, 2987), ("l", 3010, 3011), ("j", 600, 601), ("ArrowRight", 615, 616),
    ):  # fmt: skip
        await press(key)
        await goes_to(page, low, high)
    await tab_to(page, "#replay-video")
    await press("ArrowDown")
    await goes_to(page, 900, 901)

    # Speeds from half to three, silence, one person.
    for key, speed in ((">", 1.5), (">", 2), (">", 3), (">", 3), *(("<", each) for each in (2, 1.5, 1, 0.5))):
        await press(key)
        assert await page.evaluate("document.getElementById('replay-video').playbackRate") == speed
    await press("s")
    await expect(page.locator("#replay-skipped")).to_have_text("已跳过 0 秒，全程可跳过 1 小时 19 分 57 秒。")

    # The list of keys opens, holds the focus, closes, and gives it back; what it switches off is off.
    await press("?")
    dialog = page.locator("dialog")
    await expect(dialog).to_be_visible()
    await eyes.look("with the list of keys")
    await shot(page, "keys")
    await page.set_viewport_size({"width": OFFICIAL, "height": 900})
    await eyes.look("with the list of keys")
    await shot(page, "keys")
    await page.set_viewport_size({"width": DESK, "height": 900})
    await press("Tab")
    await press("Space")
    await press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page.locator("#replay-video")).to_be_focused()
    await press("]")
    await goes_to(page, 900, 901)
    await tab_to(page, ".replay-acts button[aria-haspopup=dialog]")
    await press("Enter")
    await press("Tab")
    await press("Space")
    await press("Escape")
    await press("]")
    await goes_to(page, 1500, 1501)

    await expect(page.locator("#proof-title ~ div")).to_contain_text("2026年11月20日 11:30 重新计算")

    # A jump and a note in the same breath: the field has the moment jumped to before the film is there.
    assert await page.evaluate(JUMP_AND_NOTE) == "0:40:00"
    await tab_to(page, ".replay-acts button[aria-haspopup=dialog]")
    await press("[")
    await goes_to(page, 1500, 1501)

    # A note at this moment, and back to it by its link.
    await press("n")
    await page.keyboard.type("承诺期限明确，核对后续办理")
    await press("Tab")
    await press("Enter")
    note = page.locator("#desk li", has_text="承诺期限明确")
    await expect(note).to_contain_text("25:00")
    await press("ArrowRight")
    await goes_to(page, 1515, 1516)
    await tab_to(page, "#desk li a[href*='t=']")
    await press("Enter")
    await goes_to(page, 1500, 1501)
    await shot(page, "noted")

    # Verify: asked for by keyboard, done by the worker, and the page comes back to its moment.
    await press("v")
    await press("Enter")
    await page.wait_for_url("**#proof-title")
    await expect(page.locator("[role=status]", has_text="正在排队校验")).to_be_visible()
    await goes_to(page, 1500, 1501)
    assert await recordings_worker(house).work_once()
    await page.reload()
    await expect(page.locator(".badge", has_text="完整性已校验")).to_be_visible()
    await expect(page.locator("#proof-title ~ div")).to_contain_text("2026年11月20日 12:30 重新计算")
    await eyes.look("verified")
    await shot(page, "verified")

    # Tab goes through all of it and out at the end.
    stops = await walk(page)
    order = [next(i for i, stop in enumerate(stops) if word in stop) for word in (
        "完整性已校验", "VIDEO", "0.5 倍", "跳过静默", "时间轴", "以表格查看", "重新校验", "find-words",
    )]  # fmt: skip
    assert order[:2] == sorted(order[:2]) and order[2:] == sorted(order[2:]), stops

    # Export: to the form, a reason, Enter, and the package is there.
    await press("e")
    await press("Enter")
    await page.wait_for_url("**/export")
    await eyes.look("about to export")
    await shot(page, "export")
    await tab_to(page, "[name=reason]")
    await page.keyboard.type("市信访局复查调阅")
    async with page.expect_download() as waiting:
        await press("Enter")
    download = await waiting.value
    target = tmp_path / "package.zip"
    await download.save_as(target)
    with zipfile.ZipFile(target) as package:
        assert any(name.endswith("index.html") for name in package.namelist())
    assert not eyes.faults, "\n".join(eyes.faults)


async def test_silence_and_others_are_left_out_while_it_plays(house: House, chrome: Browser) -> None:
    recording_id = await record_two_hours(house)
    eyes = await signed_in(house, chrome, DESK, f"/recordings/{recording_id}?t=24m58s")
    page, press = eyes.page, eyes.page.keyboard.press
    await say_why(page)
    await goes_to(page, 1498, 1499)
    await press("s")
    for _ in range(3):
        await press(">")
    await press("k")
    # The citizen stops at 1500; silence, a paper and a pause follow until 3010.
    await goes_to(page, 3009.5, 3100)
    await expect(page.locator("#replay-skipped")).to_have_text(re.compile("已跳过 25 分 (8|9) 秒，"))
    # Back into the silence: the end of what was said before it.
    await page.evaluate("document.getElementById('replay-video').currentTime = 2000")
    await goes_to(page, 1485, 1500.5)
    # One person only: on to her next speech, and at the end of the last it stands still.
    await press("o")
    await press("o")
    await expect(page.locator("#replay-person option:checked")).to_contain_text("李德福")
    await page.evaluate("document.dispatchEvent(new CustomEvent('lianxin:seek', {detail: {seconds: 5419}}))")
    await goes_to(page, 7199, 7200.1)
    await page.wait_for_function("() => document.getElementById('replay-video').paused")
    assert not eyes.faults, "\n".join(eyes.faults)
