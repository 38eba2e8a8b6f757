"""改时间 of a booking on the pages: proposed by the office, answered by citizen or office."""

from __future__ import annotations

import os
import re

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import expect

from cases.casefile import Part
from cases.petitions import add_petition_organisation
from scheduling.booking.bookings import BookPublicly, PublicBooking, book_publicly
from scheduling.booking.requesting import RequestBooking, request_booking
from scheduling.booking.slot import Slot
from tests.factories import make_petition, make_slots
from tests.journey.measures import measure
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import Browser, House

OWN, HANDLER, OTHER = "chengguan.receptionist", "housing.handler", "xigu.receptionist"
SHOTS = os.environ.get("LIANXIN_SHOTS")


@pytest.fixture
def database_system() -> str:
    """One system is enough: rows and rules have their tests in tests/scheduling."""
    return "sqlite"


class Wish:
    """What a citizen booked, and the office's slots."""

    def __init__(self, house: House, booked: PublicBooking, slots: list[Slot]) -> None:
        self.house, self.booked, self.slots = house, booked, slots
        self.page = f"/bookings/{booked.booking.id}"

    @property
    def secret(self) -> dict[str, str]:
        return {"number": self.booked.petition.number, "query_code": self.booked.query_code}

    async def propose(self, host: Browser, slot: int = 1, **more: str) -> tuple[int, str]:
        office = self.house.world.chengguan.id
        fields = {"office": office, "other_slot": self.slots[slot].id, "other_reason": "上午<b>有会"}
        answer = await host.send(self.page, f"{self.page}/times", **fields | more)
        return answer.status, await answer.text()

    async def progress(self) -> str:
        answer = await self.house.browser().send("/progress", "/progress", **self.secret)
        return await answer.text()

    async def answer(self, proposal: str, act: str, **more: str) -> tuple[int, str]:
        fields = self.secret | {"proposal": proposal, "act": act} | more
        answer = await self.house.browser().send("/progress", "/progress/times", **fields)
        return answer.status, await answer.text()


@pytest.fixture
async def wish(house: House) -> Wish:
    async with house.database.session() as db:
        slots = list(await make_slots(db, house.clock, house.world.chengguan))
        command = BookPublicly(slots[0].id, "张桂芳", "13900001111", "供暖不热", "")
        booked = await book_publicly(db, house.clock, command)
    return Wish(house, booked, slots)


def proposal_in(page: str) -> str:
    found = re.search(r'name="proposal" value="([0-9a-z]{32})"', page)
    assert found is not None
    return found.group(1)


async def test_from_the_proposal_to_the_calendar(house: House, wish: Wish) -> None:
    host = await house.official(OWN)
    assert "接访改时间" not in await wish.progress()
    for wrong in ({"other_reason": " "}, {"other_slot": "0" * 32}, {"other_slot": ""}):
        status, text = await wish.propose(host, **wrong)
        assert status == 422 and 'class="field field-wrong"' in text, wrong
    status, text = await wish.propose(host, 0)
    assert status == 409 and "新的时间和原来的一样" in text
    assert (await wish.propose(await house.official(OTHER)))[0] == 404
    assert "已提议改时间" not in await (await host.get("/bookings")).text()
    assert (await wish.propose(host))[0] == 303
    assert "已提议改时间" in await (await host.get("/bookings")).text()
    text = await wish.progress()
    proposal = proposal_in(text)
    assert "上午&lt;b&gt;有会" in text and "建议改到" in text and "您答复以前，原来的时间照样保留" in text
    status, text = await wish.answer(proposal, "asked_anew", times_words=" ")
    assert status == 422 and "请写明这个时间为什么不行" in text and proposal_in(text) == proposal
    for wrong in ({"query_code": "aaaaaaaaaa"}, {"proposal": "0" * 32}, {"act": "withdrawn"}, {"act": "x"}):
        act = wrong.pop("act", "accepted")
        assert (await wish.answer(wrong.pop("proposal", proposal), act, **wrong))[0] == 422
    status, text = await wish.answer(proposal, "asked_anew", times_words="下午<i>可以")
    assert status == 200 and "已经告诉单位" in text and "下午&lt;i&gt;可以" in text
    assert "预约改时间 1 件" in await (await host.get("/bookings")).text()
    assert "下午&lt;i&gt;可以" in await (await host.get(wish.page)).text()
    assert (await wish.propose(host, 2))[0] == 303
    proposal = proposal_in(await wish.progress())
    status, text = await wish.answer(proposal, "accepted")
    assert status == 200 and "已经改好" in text and "加到手机日历" in text
    assert (await wish.answer(proposal, "accepted"))[0] == 409
    own = await house.browser().send("/progress", "/progress/times/entry", **wish.secret)
    entry, official = await own.text(), await (await host.get(f"{wish.page}/entry.ics")).text()
    for each in (entry, official):
        assert "STATUS:TENTATIVE" in each and "SEQUENCE:1" in each and "张桂芳" not in each
        assert f"UID:booking-{wish.booked.booking.id}@lianxin" in each
    wrong_code = wish.secret | {"query_code": "aaaaaaaaaa"}
    assert (await house.browser().send("/progress", "/progress/times/entry", **wrong_code)).status == 404


async def test_a_time_that_is_gone_is_told_to_the_citizen(house: House, wish: Wish) -> None:
    await wish.propose(await house.official(OWN))
    proposal = proposal_in(await wish.progress())
    async with house.database.session() as db:
        command = BookPublicly(wish.slots[1].id, "李四", "13900002222", "漏水", "")
        await book_publicly(db, house.clock, command)
    status, text = await wish.answer(proposal, "accepted")
    assert status == 409 and "这个时间已经没有了" in text and proposal_in(text) == proposal


async def test_the_department_that_asked_answers_on_the_page_of_the_case(house: House, wish: Wish) -> None:
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
        await add_petition_organisation(db, petition.id, house.world.housing.id, Part.JOINT)
        await db.commit()
        asks = RequestBooking(petition.id, wish.slots[3].id, "想当面说")
        booking = await request_booking(db, house.clock, house.world.actor(HANDLER), asks)
    wish.page = f"/bookings/{booking.id}"
    assert (await wish.propose(await house.official(OWN)))[0] == 303
    handler, case = await house.official(HANDLER), f"/cases/{petition.id}"
    text = await (await handler.get(case)).text()
    found = re.search(rf'action="({wish.page}/times/([0-9a-z]{{32}}))"', text)
    assert found is not None and "收回" not in text
    refused = await handler.send(case, found.group(1), act="asked_anew")
    assert refused.status == 303 and "请写明这个时间为什么不行" in await (await handler.get(case)).text()
    stranger = await house.official(OTHER)
    assert (await stranger.send("/board", found.group(1), act="accepted")).status == 404
    assert (await handler.send(case, found.group(1), act="accepted")).status == 303
    assert f'action="{wish.page}/times' not in await (await handler.get(case)).text()


@pytest.mark.browser
@needs_chromium
@pytest.mark.timeout(120)
async def test_a_citizen_answers_on_a_small_phone_in_large_type(
    house: House, wish: Wish, chrome: Chromium
) -> None:
    await wish.propose(await house.official(OWN))
    context = await chrome.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    page = await context.new_page()
    await page.goto(f"http://127.0.0.1:{house.server.port}/progress")
    await page.get_by_role("button", name="大字版").click()
    await page.locator("#number").fill(wish.booked.petition.number)
    await page.locator("#query_code").fill(wish.booked.query_code)
    await page.get_by_role("button", name="查询").click()
    await page.get_by_text("这个时间不行", exact=True).click()
    faults = await measure(page)
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/times.png", full_page=True)
    await page.get_by_role("button", name="请单位另提时间").click()
    await expect(page.locator("#times-refused")).to_contain_text("请写明这个时间为什么不行")
    await page.get_by_role("button", name="这个时间可以").click()
    await expect(page.locator("main")).to_contain_text("已经改好")
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/times-done.png", full_page=True)
    faults += await measure(page)
    await context.close()
    assert not faults, "\n".join(faults)
