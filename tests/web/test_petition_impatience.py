"""Who taps twice, goes back, reloads or is told to wait sees where to go on, and loses nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from cases.database import BUSY_TIMEOUT_MS
from scheduling.intake.phone_codes import awaits_code
from scheduling.notices.gateway import Message
from tests.factories import make_slots
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.test_petition_code import CODE, Pocket, intakes, pocket, step
from web.keys import LIMITS
from web.pages import petition
from web.tending.messages import EVERY, MESSENGER, SHOWN_WITHIN, ShownGateway

__all__ = ["pocket"]
FORM = "d" * 32


class Slow(ShownGateway):
    """The demonstration's, which writes when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def send(self, message: Message) -> None:
        self.asked.set()
        await self.let.wait()
        await super().send(message)


async def test_two_taps_are_one_code_one_matter_and_a_receipt(
    house: House, pocket: Pocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = asyncio.Barrier(2)

    async def together(*known: Any) -> bool:
        """Both taps would know that no code was sent yet; the first one waits a moment for the second."""
        found = await awaits_code(*known)
        with suppress(TimeoutError, asyncio.BrokenBarrierError):
            async with asyncio.timeout(0.3):
                await met.wait()
        return found

    monkeypatch.setattr(petition, "awaits_code", together)
    browser = house.browser()
    await browser.get("/petition")
    taps = await asyncio.gather(*(step(browser, house, 3, form_id=FORM) for _ in range(2)))
    for status, page in taps:
        assert status == 200 and "第 4 步" in page and "需要修改" not in page, page
    taps = await asyncio.gather(*(step(browser, house, 4, form_id=FORM, code=CODE) for _ in range(2)))
    assert [status for status, _ in taps] == [303, 303]
    assert "LZ2026-000001" in await (await browser.get("/petition/done")).text()
    assert len(await intakes(house)) == 1 and len(pocket.got) == 1


async def test_a_booking_that_is_sent_twice_is_no_stranger_who_was_faster(house: House) -> None:
    async with house.database.session() as db:
        slot = (await make_slots(db, house.clock, house.world.chengguan))[0]
    browser, office = house.browser(), house.world.chengguan.id
    form = {"organisation": office, "slot": slot.id, "name": "李德福", "phone": "13800138000"}
    where = f"/book?organisation={office}"
    await browser.get(where)
    fields = form | {"subject": "楼道漏水三个月无人修", "description": ""}
    taps = await asyncio.gather(*(browser.send(where, where, **fields) for _ in range(2)))
    assert [answer.headers.get("Location") for answer in taps] == ["/book/done"] * 2
    receipt = await (await browser.get("/book/done")).text()
    assert "LZ2026-000001" in receipt
    # Another browser was slower indeed.
    assert (await house.browser().send(where, where, **fields)).status == 422


async def test_who_must_wait_keeps_what_was_typed(house: House, pocket: Pocket) -> None:
    app = house.server.app
    assert app is not None
    for kind in ("petition", "booking"):
        while app[LIMITS].allow(kind, "127.0.0.1"):
            pass
    browser = house.browser()
    await step(browser, house, 3, form_id=FORM)
    status, page = await step(browser, house, 4, form_id=FORM, code=CODE)
    assert status == 429 and "请等一分钟" in page and "第 4 步" in page
    assert 'name="subject" value="楼道漏水三个月无人修"' in page and f'value="{FORM}"' in page
    async with house.database.session() as db:
        slot = (await make_slots(db, house.clock, house.world.chengguan))[0]
    where = f"/book?organisation={house.world.chengguan.id}"
    form = {"organisation": house.world.chengguan.id, "slot": slot.id, "subject": "楼道漏水三个月无人修"}
    answer = await browser.send(where, where, **form, name="李德福", phone="13800138000", description="")
    page = await answer.text()
    assert answer.status == 429 and "请等一分钟" in page and 'value="李德福"' in page


async def test_a_demonstration_shows_its_code_however_late_it_is_written(house: House) -> None:
    app, gateway = house.server.app, Slow()
    assert app is not None
    app[MESSENGER].gateway = gateway
    browser = house.browser()
    await browser.get("/petition")
    taps = [asyncio.create_task(step(browser, house, 3, form_id=FORM)) for _ in range(2)]
    await gateway.asked.wait()
    gateway.let.set()
    again = await step(browser, house, 4, form_id=FORM, go="again")
    assert again[0] == 422 and "请等 1 分钟" in again[1]
    for _, page in [*await asyncio.gather(*taps), again]:
        assert "演示：短信没有真的发出" in page and "验证码是" in page
    # A writer on SQLite waits so long, and whoever sends looks again after a pause.
    assert SHOWN_WITHIN >= BUSY_TIMEOUT_MS / 1000 + EVERY


@pytest.mark.browser
@needs_chromium
@pytest.mark.timeout(120)
@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_back_forward_and_reload_keep_every_step(house: House, pocket: Pocket, chrome: Browser) -> None:
    context = await chrome.new_context(viewport={"width": 360, "height": 740}, locale="zh-CN")
    page, heading = await context.new_page(), "main h1"
    await page.goto(f"http://127.0.0.1:{house.server.port}/petition")
    await page.locator("#office").select_option(label="城关区")
    await page.get_by_label("求助、投诉").check()
    await page.reload()
    await expect(page.get_by_label("求助、投诉")).to_be_checked()
    onward = page.locator("main button[value=on].is-primary")
    await onward.click()
    await page.locator("#subject").fill("楼道漏水三个月无人修")
    await page.locator("#description").fill("没人修。")
    await onward.click()
    await page.locator("#name").fill("李德福")
    await page.locator("#phone").fill("13800138000")
    await page.locator("#id_number").fill("11010519491231002X")
    kept = await page.evaluate("JSON.stringify(sessionStorage)")
    assert "13800138000" in kept and "11010519491231002X" not in kept and "id_number" not in kept
    await onward.dblclick()
    await expect(page.locator(heading)).to_contain_text("短信验证码")
    await page.reload()
    await expect(page.locator(heading)).to_contain_text("短信验证码")
    await page.go_back()
    await expect(page.locator("#phone")).to_have_value("13800138000")
    await expect(page.locator("#id_number")).to_have_value("")
    await page.go_back()
    await expect(page.locator("#subject")).to_have_value("楼道漏水三个月无人修")
    await page.go_back()
    await expect(page.get_by_label("求助、投诉")).to_be_checked()
    await onward.click()
    await expect(page.locator("#description")).to_have_value("没人修。")
    await onward.click()
    await expect(page.locator("#name")).to_have_value("李德福")
    await onward.click()
    await page.locator("#code").fill(CODE)
    await page.locator("#code").press("Enter")
    await page.wait_for_url("**/petition/done")
    await expect(page.locator("main")).to_contain_text("LZ2026-000001")
    assert len(pocket.got) == 1 and await page.evaluate("sessionStorage.length") == 0
    await context.close()
