"""再约一次: a petitioner books and calls off a reception of his matter on the page of its progress."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import expect
from sqlalchemy import func, select

from cases.casefile import PetitionCase
from cases.petitions import issue_query_code
from scheduling.booking.bookings import BookPublicly, book_publicly
from scheduling.booking.slot import Slot
from tests.factories import make_petition, make_slots
from tests.journey.measures import measure
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House

SHOTS = os.environ.get("LIANXIN_SHOTS")


@pytest.fixture
def database_system() -> str:
    """One system is enough: rows and rules have their tests in tests/scheduling."""
    return "sqlite"


@dataclass
class Own:
    """A matter in the register with its code, and the free times of its office."""

    house: House
    number: str
    query_code: str
    slots: list[Slot]

    async def send(self, where: str, **more: str) -> tuple[int, str]:
        fields = {"number": self.number, "query_code": self.query_code} | more
        answer = await self.house.browser().send("/progress", where, **fields)
        return answer.status, await answer.text()


@pytest.fixture
async def own(house: House) -> Own:
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
        clerk = house.world.actor("chengguan.receptionist")
        petition, code = await issue_query_code(db, house.clock, clerk, petition.id)
        slots = await make_slots(db, house.clock, house.world.chengguan)
    return Own(house, petition.number, code, slots)


async def test_booked_called_off_and_booked_again_without_a_second_matter(own: Own) -> None:
    status, text = await own.send("/progress/book")
    assert status == 200 and "不用再写" in text and f'value="{own.slots[0].id}"' in text
    assert 'name="name"' not in text and 'name="phone"' not in text
    status, text = await own.send("/progress/book/take")
    assert status == 422 and "请选择一个时间" in text
    assert (await own.send("/progress/book/take", slot="0" * 32))[0] == 409
    status, text = await own.send("/progress/book/take", slot=own.slots[0].id)
    assert status == 200 and "预约已提交" in text and "正在等工作人员确认" in text
    status, text = await own.send("/progress/book/take", slot=own.slots[1].id)
    assert status == 409 and "这件事已经约了接访" in text and "取消这次预约" in text
    status, text = await own.send("/progress/cancel")
    assert status == 200 and "预约已经取消" in text and 'action="/progress/book"' in text
    assert (await own.send("/progress/cancel"))[0] == 409
    async with own.house.database.session() as db:
        await book_publicly(
            db, own.house.clock, BookPublicly(own.slots[0].id, "李四", "13900002222", "漏水", "")
        )
    status, text = await own.send("/progress/book/take", slot=own.slots[0].id)
    assert status == 409 and "刚刚被别人约走" in text and f'value="{own.slots[1].id}"' in text
    assert (await own.send("/progress/book/take", slot=own.slots[1].id))[0] == 200
    async with own.house.database.session() as db:
        assert await db.scalar(select(func.count()).select_from(PetitionCase)) == 2, "own and the stranger's"


async def test_a_wrong_code_opens_nothing(own: Own) -> None:
    for where in ("/progress/book", "/progress/book/take", "/progress/cancel"):
        status, text = await own.send(where, query_code="aaaaaaaaaa", slot=own.slots[0].id)
        assert status == 422 and "编号或查询码不对" in text and own.slots[0].id not in text, where


@pytest.mark.browser
@needs_chromium
@pytest.mark.timeout(120)
async def test_on_a_small_phone_in_large_type(own: Own, chrome: Chromium) -> None:
    context = await chrome.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    page = await context.new_page()
    await page.goto(f"http://127.0.0.1:{own.house.server.port}/progress")
    await page.get_by_role("button", name="大字版").click()
    await page.locator("#number").fill(own.number)
    await page.locator("#query_code").fill(own.query_code)
    await page.get_by_role("button", name="查询").click()
    await page.get_by_role("button", name="预约视频接访").click()
    faults = await measure(page)
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/own-times.png", full_page=True)
    await page.locator(".times label").first.click()
    await page.get_by_role("button", name="提交预约").click()
    await expect(page.locator("main")).to_contain_text("预约已提交")
    await page.get_by_text("来不了，要取消或者改时间").click()
    faults += await measure(page)
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/own-booked.png", full_page=True)
    await page.get_by_role("button", name="取消这次预约").click()
    await expect(page.locator("main")).to_contain_text("预约已经取消")
    await context.close()
    assert not faults, "\n".join(faults)
