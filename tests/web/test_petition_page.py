"""The citizen's form on a small phone, and the clerk's form by keyboard alone."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from cases.casefile import Channel, PetitionCase
from tests.axe import violations
from tests.journey.measures import measure
from tests.scenarios.browsers import needs_chromium
from tests.scheduling.papers import photo
from tests.web.conftest import House
from tests.web.test_axe import WIDER
from tests.web.test_officials_pages import enter
from tests.web.test_petition_code import CODE, Pocket
from web.tending.messages import MESSENGER

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(180)]
SHOTS = os.environ.get("LIANXIN_SHOTS")


@pytest.fixture
def database_system() -> str:
    """One system is enough: pages look alike on both."""
    return "sqlite"


async def look(page: Page, name: str) -> list[str]:
    """Faults of the page of a citizen that is open, in both type sizes and on a narrower phone."""
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
    return [f"{name}: {fault}" for fault in [*await violations(page), *await measure(page)]]


async def test_the_citizens_form_on_a_small_phone(house: House, chrome: Browser) -> None:
    base = f"http://127.0.0.1:{house.server.port}"
    context = await chrome.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    page, faults, app = await context.new_page(), list[str](), house.server.app
    assert app is not None
    app[MESSENGER].gateway = Pocket()
    app[MESSENGER].secrets = replace(app[MESSENGER].secrets, make_code=lambda: CODE)
    await page.goto(base + "/petition")
    await page.locator("main button[value=on].is-primary").click()
    await expect(page.locator(".error-summary")).to_contain_text("请选择一个区县")
    faults += await look(page, "petition-1")
    await page.locator("#office").select_option(label="城关区")
    await page.get_by_label("检举、控告单位或工作人员").check()
    await page.locator("main button[value=on].is-primary").click()
    await page.locator("#subject").fill("楼道漏水三个月无人修")
    await expect(page.locator("main")).to_contain_text("检举控告的内容保密")
    picture = {"name": "漏水.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    await page.locator("#material-file").set_input_files(picture)
    await expect(page.locator("[data-part=files] li")).to_contain_text("漏水.jpg，共 1 页")
    faults += await look(page, "petition-2")
    await page.locator("#subject").press("Enter")  # Goes on, not back.
    await page.locator("#name").fill("李德福")
    await page.locator("#phone").fill("123")
    for summary in await page.locator("summary").all():
        await summary.click()
    faults += await look(page, "petition-3")
    await page.locator("main button[value=on].is-primary").click()
    await expect(page.locator("#phone-error")).to_be_visible()
    faults += await look(page, "petition-wrong")
    await page.locator("#phone").fill("13800138000")
    await page.locator("main button[value=on].is-primary").click()
    await expect(page.locator("h1")).to_contain_text("请填写短信验证码")
    faults += await look(page, "petition-code")
    await page.get_by_role("button", name="上一步").click()
    await page.get_by_role("button", name="上一步").click()
    await expect(page.locator("[data-part=files] button")).to_have_count(1)
    faults += await look(page, "petition-2-again")
    for _ in range(2):
        await page.locator("main button[value=on].is-primary").click()
    await page.locator("#code").fill(CODE)
    await page.locator("#code").press("Enter")
    await page.wait_for_url("**/petition/done")
    await expect(page.locator("main")).to_contain_text("LZ2026-000001")
    faults += await look(page, "petition-done")
    await page.goto(base + "/mailbox")
    faults += await look(page, "mailbox")
    await context.close()
    assert not faults, "\n".join(faults)


async def test_a_clerk_notes_a_call_by_keyboard_alone(house: House, chrome: Browser) -> None:
    page = await chrome.new_page(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    await enter(page, house, "chengguan.receptionist")
    await page.goto(f"http://127.0.0.1:{house.server.port}/cases/new?channel=phone")
    await page.locator("[name=channel]:checked").focus()
    for typed in ("李德福", "13800138000", "", "酒泉路 12 号", "楼道漏水三个月无人修", "没人修。"):
        await page.keyboard.press("Tab")
        await page.keyboard.type(typed)
    faults = await violations(page)
    for width in (360, 1280):
        await page.set_viewport_size({"width": width, "height": 900})
        faults += await page.evaluate(WIDER)
        if SHOTS:
            await page.screenshot(path=f"{SHOTS}/case-new-{width}.png", full_page=True)
    assert not faults, faults
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/cases/*")
    await expect(page.locator("main")).to_contain_text("只显示这一次")
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/case-with-intake.png", full_page=True)
    async with house.database.session() as db:
        petition = (await db.scalars(select(PetitionCase))).one()
    assert petition.channel is Channel.PHONE and petition.petitioner.address == "酒泉路 12 号"
