"""Lists as they are read: figures share a line on a phone, conditions fold there, times are offered once."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from playwright.async_api import Browser

from cases.audit_words import action_words
from cases.mediation.place import CommunityPlace, OpeningHours, PlaceKind
from scheduling.booking.slot import ReceptionRoom, Slot
from tests.factories import make_petition
from tests.scenarios.browsers import needs_chromium
from tests.web.communal import gather
from tests.web.conftest import House
from tests.web.test_axe import DESK, OFFICIAL
from tests.web.test_officials_pages import enter
from web.views.mediation import place_row
from web.views.slots import SHOWN, group_slots, one_of_each_time, shown_slots, slots_by_day
from web.words import clock_on, day_of_year, month_label, month_words, spoken_time

NINE = datetime(2026, 7, 20, 1, tzinfo=UTC)
TOPS = "cells => cells.map(cell => Math.round(cell.getBoundingClientRect().top))"


@pytest.fixture
def database_system() -> str:
    """One system is enough: pages look alike on both."""
    return "sqlite"


def slot(name: str, starts_at: datetime, day: str | None = None) -> Slot:
    return Slot(id=name, starts_at=starts_at, reception_day_id=day)


def test_the_public_is_offered_each_time_once_and_a_leader_s_beside_it() -> None:
    half = NINE + timedelta(minutes=30)
    rooms = [slot("a", NINE), slot("b", NINE), slot("led", NINE, "day"), slot("c", half), slot("d", half)]
    assert [each.id for each in one_of_each_time(rooms)] == ["a", "led", "c"]
    many = [slot(str(number), NINE + timedelta(minutes=number)) for number in range(SHOWN + 5)]
    late = slot("led", NINE + timedelta(days=40), "day")
    assert shown_slots([*many, late]) == [*many[:SHOWN], late], "however many come before"


def test_times_are_offered_by_half_days_and_rooms_of_the_same_hour_apart() -> None:
    noon, late = NINE + timedelta(hours=3), NINE + timedelta(hours=5, minutes=30)
    first, second = ReceptionRoom(id="1", name="第一室"), ReceptionRoom(id="2", name="第二室")
    slots = [slot("a", NINE), slot("b", noon), slot("c", late), slot("d", NINE)]
    for each in slots:
        each.room, each.room_id = (second, "2") if each.id == "d" else (first, "1")
    assert slots_by_day(slots[:3], {}) == {
        "7月20日 周一 上午": {"a": "09:00"},
        "7月20日 周一 中午": {"b": "12:00"},
        "7月20日 周一 下午": {"c": "14:30"},
    }
    assert list(slots_by_day(slots, {}))[:2] == ["7月20日 周一 上午 第一室", "7月20日 周一 上午 第二室"]
    [day] = group_slots(slots[:3], {})
    assert day.halves == {"上午": {"a": "9:00"}, "中午": {"b": "12:00"}, "下午": {"c": "2:30"}}
    assert [spoken_time(each.starts_at) for each in slots[1:3]] == ["中午 12:00", "下午 2:30"]


def test_days_with_the_same_hours_are_told_as_one() -> None:
    morning, noon, evening = time(8, 30), time(12), time(18)
    hours = [OpeningHours(weekday=day, opens=morning, closes=evening) for day in (0, 1, 2, 4)]
    hours.append(OpeningHours(weekday=6, opens=morning, closes=noon))
    place = CommunityPlace(
        id="p", name="说事室", address="", phone="", kind=PlaceKind.TALK_ROOM, hours=hours[::-1]
    )
    told = ["星期日 08:30–12:00", "星期一 至 星期三 08:30–18:00", "星期五 08:30–18:00"]
    assert place_row(place)["hours"] == told


def test_a_time_of_another_day_has_its_date() -> None:
    assert clock_on(NINE, NINE + timedelta(hours=3)) == "09:00:00"
    assert clock_on(NINE, NINE + timedelta(days=1)) == "2026年7月20日 09:00"
    assert clock_on(NINE, None) == "2026年7月20日 09:00"


def test_days_and_months_are_written_as_people_read_them() -> None:
    assert (day_of_year(date(2026, 2, 7)), month_words("2026-07"), month_label("2026-07")) == (
        "2月7日",
        "2026年7月",
        "26年7月",
    )


def test_to_sign_in_is_no_opening() -> None:
    assert action_words("sign_in.opened") == ("登录", "成功")
    assert action_words("recording.opened") == ("录像", "打开")


async def test_the_first_page_is_for_citizens_and_so_is_what_a_wrong_address_says(house: House) -> None:
    stranger, official = house.browser(), await house.official("chengguan.receptionist")
    for path in ("/", "/nowhere"):
        assert "data-large-type" in await (await stranger.get(path)).text(), path
    assert "data-large-type" not in await (await official.get("/nowhere")).text()


@pytest.mark.browser
@needs_chromium
async def test_figures_share_a_line_conditions_fold_and_a_long_page_has_its_contents(
    house: House, chrome: Browser
) -> None:
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
    await gather(house, petition.id)
    context = await chrome.new_context(viewport={"width": DESK, "height": 700}, locale="zh-CN")
    page = await context.new_page()
    base = f"http://127.0.0.1:{house.server.port}"
    await enter(page, house, "chengguan.leader")
    await page.goto(base + "/campaigns")
    numbers, head = page.locator("tbody tr").first.locator("td.number"), page.locator("thead").first
    assert await head.is_visible()
    await page.set_viewport_size({"width": OFFICIAL, "height": 700})
    tops = await numbers.evaluate_all(TOPS)
    assert not await head.is_visible() and len(tops) == 5
    assert tops[0] == tops[1] == tops[2] < tops[3] == tops[4]
    await page.goto(base + "/cases")
    row = page.locator("tbody tr").first
    number, state = await row.locator("td:first-child, .badge").evaluate_all(TOPS)
    assert abs(number - state) < 8 < (await row.locator("td").nth(1).evaluate_all(TOPS))[0] - number
    await page.goto(base + "/clocks")
    assert "还有 15 天" in await page.locator("tbody tr td").first.inner_text()
    await page.goto(base + "/mediation")
    empty = page.locator("td.nothing")
    assert await empty.count() and not await empty.first.is_visible()
    await page.goto(base + "/board")
    assert not await page.is_visible("#tier")
    await page.click(".fold summary")
    assert await page.is_visible("#tier")
    await page.goto(base + "/board")
    await page.set_viewport_size({"width": DESK, "height": 700})
    assert await page.is_visible("#tier") and not await page.is_visible(".fold summary")
    await page.goto(base + "/mediation")
    assert await empty.first.is_visible()
    await page.goto(base + f"/cases/{petition.id}")
    await page.click(".contents >> text=流转记录")
    assert await page.locator("#history-title").evaluate("e => e.getBoundingClientRect().top < innerHeight")
    await context.close()
