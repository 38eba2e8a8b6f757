"""The calendar from the rota to a freed slot: a citizen's phone, three offices, and their calendar files."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from icalendar import Calendar
from playwright.async_api import Browser, Page
from playwright.async_api import expect as expect_page
from sqlalchemy import select

from scheduling.notices.notice import Notice, NoticeChannel
from scheduling.session import Session
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.rota import arrange_rota
from tests.web.test_officials_pages import enter

PHONE = {"width": 360, "height": 740}
TIERS = ("chengguan.leader", "city.leader", "province.receptionist")


async def calendar_of(house: House, address: str) -> list[dict[str, Any]]:
    """The entries of a feed, as a calendar program fetches them: without a cookie."""
    answer = await house.browser().get(re.sub(r"^https?://[^/]+", "", address))
    assert answer.status == 200 and answer.content_type == "text/calendar"
    events = Calendar.from_ical(await answer.read()).walk("VEVENT")
    return [{name: event.decoded(name) for name in event} for event in events]


async def feed_of(house: House, key: str) -> str:
    browser = await house.official(key)
    assert (await browser.send("/calendar", "/calendar/feed")).status == 303
    page = await (await browser.get("/calendar")).text()
    found = re.search(r"http://\S+\.ics", page)
    assert found is not None
    assert ".ics" not in await (await browser.get("/calendar")).text()  # Shown this once.
    return found[0]


async def sittings(house: House, address: str) -> list[dict[str, Any]]:
    return [event for event in await calendar_of(house, address) if event["UID"].startswith("session-")]


async def plan_rota(page: Page, base: str) -> None:
    """A receptionist adds a room and the leader's reception day tomorrow, and publishes it."""
    await page.goto(base + "/places")
    await page.fill("#name", "领导接访室")
    await page.click("text=增加接访室 >> visible=true >> nth=-1")
    await page.goto(base + "/rota")
    await page.select_option("#leader", index=1)
    await page.select_option("#room", label="领导接访室")
    await page.select_option("#pattern", "once")
    await page.fill("#first_on", "2026-07-23")
    await page.click("text=保存安排")
    await page.click("table a >> nth=0")
    await page.click("text=公布并开放预约")
    await expect_page(page.locator(".head")).to_contain_text("已公布")


async def wish(page: Page, base: str) -> None:
    """A citizen asks on the phone, and wants the upper level to be there."""
    await page.goto(base + "/book")
    await page.click("label:has-text('城关区')")
    await page.click("text=继续")
    await page.click("label:has-text('9:00') >> nth=0")
    for name, value in (("name", "张桂芳"), ("phone", "13900001111"), ("subject", "小区供暖不热")):
        await page.fill(f"#{name}", value)
    await page.click("label[for=insists]")
    await page.click("text=提交预约")
    await page.wait_for_url("**/book/done")


@pytest.mark.browser
@needs_chromium
@pytest.mark.timeout(180)
@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_from_the_rota_to_three_calendars_and_back(house: House, chrome: Browser) -> None:
    base = f"http://127.0.0.1:{house.server.port}"
    desk = await (await chrome.new_context(locale="zh-CN")).new_page()
    await enter(desk, house, "chengguan.receptionist")
    await plan_rota(desk, base)
    phone = await (await chrome.new_context(viewport=PHONE, locale="zh-CN")).new_page()  # type: ignore[arg-type]
    await wish(phone, base)
    feeds = [await feed_of(house, key) for key in TIERS]
    await desk.goto(base + "/bookings")
    await desk.click("table a >> nth=0")
    await desk.click("label:has-text('同意，去排期')")
    await desk.click("text=提交审核")
    for key in TIERS:
        await desk.check(f"input[name=officials][value='{house.world.officials[key].id}']")
    await desk.fill("#first", "2026-07-23")
    await desk.click("button:text-is('找共同的空闲时间')")
    await expect_page(desk.locator("#span-day-1")).to_contain_text("群众选的时间")
    await desk.click("label:has-text('09:00') >> nth=0")
    await desk.click("text=排定并通知群众")
    await desk.wait_for_url("**/sessions/*")
    start = datetime(2026, 7, 23, 1, tzinfo=UTC)
    for feed in feeds:
        [event] = await sittings(house, feed)
        assert (event["DTSTART"], event["SEQUENCE"], event["STATUS"]) == (start, 0, "CONFIRMED")
    await desk.click("text=改到别的时间")
    await desk.click("label:has-text('10:00')")
    await desk.fill("#why", "领导临时有会")
    await desk.click("button:text-is('改期')")
    await expect_page(desk.locator(".head")).to_contain_text("10:00")
    for feed in feeds:
        [event] = await sittings(house, feed)
        assert (event["DTSTART"].astimezone(UTC), event["SEQUENCE"]) == (start.replace(hour=2), 1)
    await desk.click("text=取消这场接访")
    await desk.fill("#reason", "本人要求")
    await desk.click("button:text-is('取消接访')")
    await expect_page(desk.locator(".head")).to_contain_text("已取消")
    assert {(e["STATUS"], e["SEQUENCE"]) for feed in feeds for e in await sittings(house, feed)} == {
        ("CANCELLED", 2)
    }
    await phone.goto(base + "/book")
    await phone.click("label:has-text('城关区')")
    await phone.click("text=继续")
    for hour in ("9:00", "10:00"):
        await expect_page(phone.locator(f"label:has-text('{hour}')").first).to_be_visible()
    async with house.database.session() as db:
        # No gateway is connected here: each falls back to a call, which may be queued already or not.
        sent = select(Notice.template).where(Notice.channel == NoticeChannel.SMS)
        templates = (await db.scalars(sent)).all()
        assert sorted(templates) == ["session_arranged", "session_cancelled", "session_moved"]
        assert len((await db.scalars(select(Session))).all()) == 1


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_bad_dates_are_told_at_the_field(house: House) -> None:
    async with house.database.session() as db:
        day_id, booking_id = await arrange_rota(db, house)
    browser = await house.official("chengguan.receptionist")
    page = await (await browser.get("/rota")).text()
    ids = {
        name: re.findall(rf'<select[^>]*id="{name}".*?</select>', page, re.S)[0]
        for name in ("leader", "room")
    }
    good = {name: re.findall(r'value="([0-9a-f]{32})"', text)[0] for name, text in ids.items()}
    good |= {
        "organisation": house.world.chengguan.id, "mode": "fixed_place", "pattern": "monthly_day",
        "month_day": "15", "begins": "14:00", "ends": "16:00", "minutes": "30", "first_on": "2026-07-23",
    }  # fmt: skip
    for field, value in (
        ("first_on", "2026-02-30"), ("first_on", "1970-01-01"), ("first_on", "9999-12-31"), ("first_on", ""),
        ("last_on", "2026-07-01"), ("ends", "13:00"), ("begins", "25:00"), ("month_day", "32"),
        ("month_day", "x"), ("leader", "nobody"), ("minutes", "999"), ("pattern", "daily"),
    ):  # fmt: skip
        answer = await browser.send("/rota", "/rota", **(good | {field: value}))
        told = await answer.text()
        assert answer.status == 422 and f'href="#{field}"' in told, (field, value)
    moved = await browser.get(f"/bookings/{booking_id}/arrange")
    assert moved.status == 303 and moved.headers["Location"].endswith(f"/book?booking={booking_id}")
    arrange = moved.headers["Location"].partition("?")[0]
    for first in ("2026-02-30", "1970-01-01", "9999-12-31", "2026-07-01"):
        answer = await browser.get(f"{arrange}?booking={booking_id}&first={first}")
        assert answer.status == 422 and 'href="#first"' in await answer.text(), first
    for span in (
        "",
        "x/y",
        "2026-07-23T09:00/2026-07-23T10:00",
        "9999-01-01T00:00Z/9999-01-02T00:00Z",
    ):
        assert (await browser.send(arrange, arrange, booking=booking_id, span=span)).status == 422, span
    assert (await browser.send(f"/rota/{day_id}", f"/rota/{day_id}/cancel", reason="")).status == 422
    assert (await browser.send(f"/rota/{day_id}", f"/rota/{day_id}/publish")).status == 409
    pdf = await browser.get(f"/rota/{day_id}/briefing.pdf")
    assert pdf.status == 200 and (await pdf.read()).startswith(b"%PDF")
