"""Materials in real browsers: uploaded while waiting, shown, turned, pointed at, drawn on, alike."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import FloatRect, Page, expect

from tests.axe import violations
from tests.scenarios.browsers import Devices, chromium, collect_errors, needs_chromium, new_context, until
from tests.scenarios.parties import (
    act,
    admit_everybody,
    citizen_to_waiting_room,
    official_into_room,
    open_session,
    wait_until_all_meet,
)
from tests.scenarios.service import Service, running_service
from tests.scheduling.papers import pdf, photo
from web.demo.people import PASSWORD

pytestmark = [needs_chromium, pytest.mark.browser, pytest.mark.timeout(240)]

SHOTS = os.environ.get("LIANXIN_SHOTS", "")
RED, LIME, BLUE = (200, 40, 40), (0, 255, 0), (0, 0, 255)
# The colour in the middle of the page that is up, as this browser drew it.
COLOUR = """() => {
  const page = document.querySelector("img.exhibit-page");
  if (!page || !page.complete || !page.naturalWidth || !page.isConnected) return null;
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pen = canvas.getContext("2d");
  pen.drawImage(page, page.naturalWidth / 2, page.naturalHeight / 2, 1, 1, 0, 0, 1, 1);
  return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""


async def test_a_photo_and_a_pdf_reach_the_whole_room_page_by_page(tmp_path: Path) -> None:
    async with running_service(tmp_path / "var") as service, chromium() as browser:
        errors: list[str] = []
        citizen = await (await new_context(browser, True, Devices((20, 90, 200), 440))).new_page()
        await citizen.set_viewport_size({"width": 360, "height": 740})
        host = await (await new_context(browser, devices=Devices((190, 40, 40), 700))).new_page()
        second = await (await new_context(browser, devices=Devices((40, 160, 60), 900))).new_page()
        await host.set_viewport_size({"width": 1920, "height": 1080})
        for page in (citizen, host, second):
            collect_errors(page, errors)
        await citizen_to_waiting_room(citizen, service.links["citizen"])
        await _host_from_the_desk(host, service)
        await _steps_away_and_back(citizen, host)
        await _uploads(citizen)
        await official_into_room(second, service.links["city"])
        await admit_everybody(host)
        await wait_until_all_meet({"citizen": citizen, "district": host, "city": second}, 30)
        await open_session(host)
        await _host_shows_the_pdf(citizen, host, second)
        await _citizen_shows_the_photo(citizen, host)
        assert errors == []
        told = _events(tmp_path / "var" / "lianxin.db")
    assert [(kind, page) for kind, _, page in told if kind == "material.drawn"] == [("material.drawn", 3)]
    apart = ("material.added", "material.drawn")
    assert [(kind, name, page) for kind, name, page in told if kind not in apart] == [
        ("participant.stepped_away", None, None),
        ("participant.came_back", None, None),
        ("material.shown", "合同.pdf", 1),
        ("material.turned", "合同.pdf", 2),
        ("material.turned", "合同.pdf", 3),
        ("material.ended", "合同.pdf", 3),
        ("material.shown", "漏水.jpg", 1),
        ("material.ended", "漏水.jpg", 1),
    ]
    assert [name for kind, name, _ in told if kind == "material.added"] == [
        "漏水.jpg",
        "合同.pdf",
        "合同.pdf（第3页批注）",
    ]


async def _host_from_the_desk(host: Page, service: Service) -> None:
    """By the account, as at the desk: only there is a window for the hall."""
    await host.goto(f"{service.base}/signin")
    await host.get_by_label("用户名").fill("chengguan")
    await host.get_by_label("密码").fill(PASSWORD)
    await host.get_by_role("button", name="登录").click()
    await host.wait_for_url("**/board")
    await host.goto(f"{service.base}/sessions/{service.session_id}/room")
    await host.locator('[data-action="open"]').wait_for(state="visible", timeout=30_000)


async def _steps_away_and_back(citizen: Page, host: Page) -> None:
    await act(citizen, "step_away")
    await until(lambda: _reads(citizen, '[data-screen="away"]', "保留到"), 5, "the citizen reads how long")
    await until(lambda: _reads(host, '[data-part="lobby"]', "位置还保留"), 5, "the desk sees how long")
    await _shot(citizen, "away")
    await _shot(host, "away-desk")
    await citizen.reload()
    await citizen.locator('[data-screen="away"]').wait_for(state="visible", timeout=30_000)
    await act(citizen, "come_back")
    for name in ("picture_yes", "voice_yes", "sound_yes"):
        await act(citizen, name)
    await citizen.locator('[data-screen="waiting"]').wait_for(state="visible", timeout=30_000)
    await _shot(citizen, "waiting")


async def _uploads(citizen: Page) -> None:
    await act(citizen, "materials")
    for name, content, kind in (
        ("漏水.jpg", photo(RED), "image/jpeg"),
        ("合同.pdf", pdf(), "application/pdf"),
    ):
        file = {"name": name, "mimeType": kind, "buffer": content}
        await citizen.locator("#material-file").set_input_files(file)  # type: ignore[arg-type]
        await citizen.locator(".materials .material-name", has_text=name).wait_for(timeout=20_000)
    await expect(citizen.locator(".upload-status")).to_contain_text("共 3 页", use_inner_text=True)
    lie = {"name": "照片.jpg", "mimeType": "image/jpeg", "buffer": b"<html><script>alert(1)</script>"}
    await citizen.locator("#material-file").set_input_files(lie)  # type: ignore[arg-type]
    await until(lambda: _reads(citizen, ".upload-status", "不是照片"), 20, "a lie is refused in words")
    assert await violations(citizen) == []
    await _shot(citizen, "upload")
    await citizen.get_by_role("button", name="返回等候室").click()


async def _host_shows_the_pdf(citizen: Page, host: Page, second: Page) -> None:
    everybody = {"citizen": citizen, "host": host, "second": second}
    await act(host, "show")
    await act(host, "materials")
    await host.get_by_role("button", name="出示：合同.pdf").wait_for(timeout=30_000)
    await _shot(host, "choose")
    await host.get_by_role("button", name="出示：合同.pdf").click()
    await _all_see(everybody, (255, 0, 0))
    async with host.expect_popup() as opened:
        await act(host, "hall")
    everybody["hall"] = hall = await opened.value
    await hall.set_viewport_size({"width": 1920, "height": 1080})
    await _all_see(everybody, (255, 0, 0))
    await act(host, "exhibit-next")
    await _all_see(everybody, LIME)
    await act(second, "exhibit-next")  # Every official turns; nobody has to ask who has the mouse.
    await _all_see(everybody, BLUE)
    assert await citizen.locator('[data-action="exhibit-next"]:visible').count() == 0
    await act(host, "exhibit-draw")
    box = await host.locator(".exhibit-sheet").bounding_box()
    assert box is not None
    await host.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.3)
    await host.mouse.down()
    await host.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.35, steps=8)
    await host.mouse.up()
    for name, page in everybody.items():
        await until(
            lambda page=page: _count(page, ".exhibit-strokes polyline", 1), 5, f"{name} sees the line"
        )
    await act(host, "exhibit-point")
    # Buttons for the line come with it, and the page is fitted beside them a moment later.
    await host.locator('[data-action="exhibit-keep"]').wait_for(state="visible")
    box = await _at_rest(host, ".exhibit-sheet")
    await host.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.6, steps=4)
    for page in (citizen, second, hall):
        await until(lambda page=page: _count(page, ".exhibit-dot", 1), 5, "they see where it points")
    assert await hall.locator("button:visible").all_inner_texts() == ["全屏"]

    async def there() -> bool:
        return await _dot_place(citizen) == pytest.approx((0.5, 0.6), abs=0.02)

    await until(there, 5, "the dot is where the pointer came to rest")
    for name, page in everybody.items():
        assert await violations(page) == []
        await _shot(page, f"shown-{name}")
    await act(host, "exhibit-keep")
    await until(lambda: _kept(host), 10, "the drawn page is a new material")
    await act(host, "exhibit-hide")
    for page in everybody.values():
        await until(lambda page=page: _count(page, ".exhibit", 0), 5, "it is put away")
    await hall.close()


async def _citizen_shows_the_photo(citizen: Page, host: Page) -> None:
    await act(citizen, "show")
    await _shot(citizen, "kind")
    await citizen.get_by_role("button", name="照片或 PDF 文件").click()
    await citizen.get_by_role("button", name="出示：漏水.jpg").wait_for(timeout=30_000)
    await expect(citizen.locator(".materials .material"), "a guest sees his own").to_have_count(2)
    await citizen.get_by_role("button", name="出示：漏水.jpg").click()
    await _all_see({"citizen": citizen, "host": host}, RED)
    await _shot(citizen, "photo")
    await act(citizen, "exhibit-hide")
    await until(lambda: _count(host, ".exhibit", 0), 5, "it is put away")


async def _all_see(pages: dict[str, Page], colour: tuple[int, int, int]) -> None:
    for name, page in pages.items():
        await until(lambda page=page: _looks_like(page, colour), 10, f"{name} sees {colour}")


async def _looks_like(page: Page, colour: tuple[int, int, int]) -> bool:
    found = await page.evaluate(COLOUR)
    return found is not None and max(abs(a - b) for a, b in zip(found, colour, strict=True)) < 40


async def _count(page: Page, selector: str, wanted: int) -> bool:
    return await page.locator(selector).count() == wanted


async def _at_rest(page: Page, selector: str) -> FloatRect:
    """Where it is when it has not moved for a third of a second."""
    seen: list[FloatRect | None] = []
    while len(seen) < 4 or seen[-1] is None or seen[-4:].count(seen[-1]) < 4:
        seen.append(await page.locator(selector).bounding_box())
        await asyncio.sleep(0.1)
    return seen[-1]


async def _dot_place(page: Page) -> tuple[float, float]:
    found = await page.evaluate(
        "() => { const d = document.querySelector('.exhibit-dot'); return [d.style.left, d.style.top]; }"
    )
    x, y = (float(value.rstrip("%")) / 100 for value in found)
    return x, y


async def _kept(page: Page) -> bool:
    texts = await page.locator("[data-announcer], .announcer").all_inner_texts()
    return any("批注已保存" in text for text in texts)


async def _reads(page: Page, selector: str, words: str) -> bool:
    return words in await page.locator(selector).first.inner_text()


async def _shot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/{name}.png")


def _events(database: Path) -> list[tuple[str, Any, Any]]:
    kinds = "kind LIKE 'material.%' OR kind IN ('participant.stepped_away', 'participant.came_back')"
    with sqlite3.connect(database) as db:
        rows = db.execute(f"SELECT kind, data FROM session_events WHERE {kinds} ORDER BY sequence").fetchall()
    return [(kind, json.loads(data).get("name"), json.loads(data).get("page")) for kind, data in rows]
