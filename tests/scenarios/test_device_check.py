"""C6 in a real browser against a real media worker: what works is measured, what fails is no dead end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page
from sqlalchemy import select

from cases.database import Database
from scheduling.arrival.device_check import DeviceCheck, DeviceVerdict
from scheduling.arrival.line_score import LineFigures, LineScore, score_line
from tests.scenarios.browsers import chromium, collect_errors, needs_chromium
from tests.scenarios.parties import act
from tests.scenarios.service import Service, running_service

pytestmark = [needs_chromium, pytest.mark.browser, pytest.mark.timeout(600)]
WECHAT = (
    "Mozilla/5.0 (Linux; Android 12; V2054A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/116.0 Mobile Safari/537.36 XWEB/1160117 MMWEBSDK/20231002 MicroMessenger/8.0.43"
)
LARGE_TYPE = "localStorage.setItem('lianxin.type', 'large')"
# Nobody's screen shots are kept unless a folder for them is named.
SHOTS = os.environ.get("LIANXIN_SHOTS")
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
REFUSE = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('%s', '%s'))"
NO_CAMERA = """
const all = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wanted) => wanted.video
  ? Promise.reject(new DOMException('none', 'NotFoundError')) : all(wanted)
"""
WITHOUT = "Object.defineProperty(navigator, 'mediaDevices', {value: undefined})"
INSECURE = f"{WITHOUT}; Object.defineProperty(window, 'isSecureContext', {{value: false}})"
# A network that lets pages through and no media: no candidate of the server ever arrives.
NO_WAY = """
const set = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function ({type, sdp}) {
  return set.call(this, {type, sdp: sdp.replace(/a=candidate.*\\r\\n/g, '')});
}
"""
# What is tried, what the page then says, and what the desk is told.
FAILURES = {
    "refused": (REFUSE % ("denied", "NotAllowedError"), "没有允许使用摄像头和麦克风", "not_allowed"),
    "system": (REFUSE % ("denied by system", "NotAllowedError"), "系统设置关闭了", "system_blocked"),
    "missing": (REFUSE % ("none", "NotFoundError"), "没有找到摄像头或麦克风", "not_found"),
    "busy": (REFUSE % ("busy", "NotReadableError"), "被别的应用占用", "in_use"),
    "insecure": (INSECURE, "这个地址不安全", "insecure"),
    "webview": (WITHOUT, "这个应用里不能视频", "unsupported"),
}


async def open_check(
    browser: Browser, service: Service, script: str = "", width: int = 360, large: bool = False
) -> Page:
    """The page of the check on a phone in WeChat whose browser was changed by `script`."""
    context = await browser.new_context(
        viewport={"width": width, "height": 740}, is_mobile=True, has_touch=True,
        locale="zh-CN", user_agent=WECHAT,
    )  # fmt: skip
    for source in [*([LARGE_TYPE] if large else []), *([script] if script else [])]:
        await context.add_init_script(source)
    page = await context.new_page()
    address, secret = service.links["citizen"].split("#")
    await page.goto(address)
    begun = await page.request.post(
        f"{address}/check/begin", data={"secret": secret}, headers={"Origin": service.base}
    )
    await page.goto(service.base + (await begun.json())["next"])
    return page


async def shown(page: Page, screen: str) -> None:
    await page.locator(f'[data-screen="{screen}"]').wait_for(state="visible", timeout=30_000)


async def look(page: Page, name: str) -> None:
    """Nothing runs out of the screen; a picture of it for whoever wants to see."""
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
    assert await page.evaluate(WIDER) <= 0, name


async def newest(database: Database) -> DeviceCheck:
    async with database.session() as db:
        rows = (await db.scalars(select(DeviceCheck).order_by(DeviceCheck.number))).all()
    return rows[-1]


async def answer_all(page: Page, name: str, picture: bool = True) -> None:
    """Picture, own voice and sound are all as they should be."""
    for screen, buttons in (
        ("picture", ("picture_yes",)),
        ("voice", ("record", "play_back", "voice_yes")),
        ("sound", ("sound_yes",)),
    ):
        if screen == "picture" and not picture:
            continue
        await shown(page, screen)
        await look(page, f"{name}-{screen}")
        for button in buttons:
            await act(page, button)
    await shown(page, "line")
    await look(page, f"{name}-line")
    await page.wait_for_url("**/check/result", timeout=90_000)
    await look(page, f"{name}-result")


async def test_devices_and_line_are_checked_and_nothing_that_fails_is_a_dead_end(tmp_path: Path) -> None:
    async with running_service(tmp_path / "var") as service, chromium() as browser:
        database = Database(service.settings.database_url)
        try:
            await _what_works_is_measured(browser, service, database)
            await _sound_alone_will_do(browser, service, database)
            await _a_line_without_media_is_told(browser, service, database)
            for name in FAILURES:
                await _a_failure_leads_on(browser, service, database, name)
        finally:
            await database.close()


async def _what_works_is_measured(browser: Browser, service: Service, database: Database) -> None:
    page = await open_check(browser, service)
    errors: list[str] = []
    collect_errors(page, errors)
    await look(page, "works-start")
    await act(page, "switch_on")
    await answer_all(page, "works")
    row = await newest(database)
    told = LineFigures(row.round_trip, row.loss_up, row.loss_down, row.kbps_up, row.kbps_down, row.path)
    print(told)
    # What a line is worth on a busy machine is not for a test to know; that it was measured is.
    assert row.path == "udp" and row.kbps_up and row.kbps_down and row.round_trip is not None, told
    assert row.line is score_line(told)
    assert row.device == "手机·微信"
    if row.line is LineScore.GOOD:
        assert "设备正常，可以接访" in await page.inner_text("h1")
    assert errors == []
    await page.context.close()


async def _sound_alone_will_do(browser: Browser, service: Service, database: Database) -> None:
    page = await open_check(browser, service, NO_CAMERA, width=320, large=True)
    await look(page, "sound-start")
    await act(page, "switch_on")
    await answer_all(page, "sound", picture=False)
    row = await newest(database)
    assert (row.picture, row.voice, row.sound) == ("none", "good", "good")
    if row.line is not LineScore.POOR:
        assert "可以只用声音接访" in await page.inner_text("h1")
    await page.context.close()


async def _a_line_without_media_is_told(browser: Browser, service: Service, database: Database) -> None:
    page = await open_check(browser, service, NO_WAY)
    await act(page, "switch_on")
    await answer_all(page, "line")
    row = await newest(database)
    assert (row.verdict, row.line, row.path) == (DeviceVerdict.BLOCKED, LineScore.POOR, "")
    assert "网络：较差，不够通话" in await page.inner_text("main")
    await page.get_by_role("button", name="请打电话给我").click()
    await page.get_by_text("已告诉工作人员").wait_for()
    await look(page, "line-called")
    await page.context.close()


async def _a_failure_leads_on(browser: Browser, service: Service, database: Database, name: str) -> None:
    script, words, cause = FAILURES[name]
    page = await open_check(browser, service, script, *((320, True) if name == "webview" else (360, False)))
    async with page.expect_response("**/check") as told:
        await act(page, "switch_on")
    assert (await told.value).status == 200
    await shown(page, "trouble")
    assert words in await page.inner_text("[data-screen=trouble]")
    await look(page, f"trouble-{name}")
    row = await newest(database)
    assert (row.trouble, row.verdict) == (cause, DeviceVerdict.BLOCKED)
    await page.get_by_role("link", name="换一种方式参加").click()
    assert "酒泉路街道便民服务中心一楼" in await page.inner_text("main")
    assert await page.get_by_role("link", name="12345").count() >= 1
    await look(page, f"ways-{name}")
    await page.context.close()
