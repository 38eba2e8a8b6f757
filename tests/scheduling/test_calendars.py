"""Rota and calendars: days moved on from holidays, and files an independent parser reads."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.deadlines.workdays import read_calendar
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.policy import SYSTEM
from scheduling.booking.bookings import BookPublicly, book_publicly
from scheduling.booking.slots import create_room, list_free_slots
from scheduling.calendars.entries import calendar_of
from scheduling.calendars.feed import issue_feed, official_of_feed, revoke_feed
from scheduling.calendars.icalendar import CalendarEvent, fold, write_calendar
from scheduling.rota.briefing import brief
from scheduling.rota.planning import (
    AddRule,
    add_rule,
    cancel_day,
    end_rule,
    list_days,
    plan_days,
    publish_day,
    stand_in,
)
from scheduling.rota.reception_day import DayState, ReceptionDay, ReceptionMode
from scheduling.rota.recurrence import Pattern, Recurrence
from scheduling.session import SessionState
from scheduling.sessions.moving import MoveSession, reschedule_session
from scheduling.sessions.sessions import move_session
from tests.clock import FixedClock
from tests.factories import World, make_petition
from tests.scheduling.test_engagements import arranged, seat


def read(body: bytes) -> list[dict[str, Any]]:
    """The entries as an independent parser (the package icalendar) reads them."""
    return [
        {name: _plain(event.decoded(name)) for name in event}
        | {"alarms": [alarm.decoded("TRIGGER") for alarm in event.walk("VALARM")]}
        for event in Calendar.from_ical(body).walk("VEVENT")
    ]


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


MONTHLY = Recurrence(Pattern.MONTHLY_DAY, month_day=15)


async def command(db: AsyncSession, clock: FixedClock, world: World, **more: object) -> AddRule:
    room = await create_room(db, clock, SYSTEM, world.chengguan.id, "领导接访室")
    fields: dict[str, object] = {
        "organisation_id": world.chengguan.id, "leader_id": world.officials["chengguan.leader"].id,
        "room_id": room.id, "mode": ReceptionMode.FIXED_PLACE, "recurrence": MONTHLY, "begins": time(9),
        "ends": time(11), "first_on": date(2026, 7, 22),
        "substitute_id": world.officials["chengguan.receptionist"].id, "required_ids": (world.housing.id,),
    }  # fmt: skip
    return AddRule(**(fields | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "first", "last", "days"),
    [
        # 15 August 2026 is a Saturday; 15 February 2025 is one, too, and 15 October a working day.
        (MONTHLY, "2026-08-01", "2026-09-30", ["2026-08-17", "2026-09-15"]),
        # 1 October is a holiday until the 8th of 2025.
        (Recurrence(Pattern.MONTHLY_DAY, month_day=1), "2025-10-01", "2025-10-31", ["2025-10-09"]),
        # A month without a 31st: its last day.
        (Recurrence(Pattern.MONTHLY_DAY, month_day=31), "2025-02-01", "2025-02-28", ["2025-02-28"]),
        (
            Recurrence(Pattern.MONTHLY_WEEKS, weekday=1, weeks=(1, 3)),
            "2026-08-01", "2026-09-30", ["2026-08-04", "2026-08-18", "2026-09-01", "2026-09-15"],
        ),
        (Recurrence(Pattern.WEEKLY, weekday=4), "2026-08-01", "2026-08-16", ["2026-08-07", "2026-08-14"]),
        # 28 September 2025, a Sunday, is worked for the holiday.
        (Recurrence(Pattern.WORKDAYS), "2025-09-27", "2025-09-29", ["2025-09-28", "2025-09-29"]),
        (Recurrence(Pattern.ONCE), "2026-08-04", "2026-08-04", ["2026-08-04"]),
    ],
)  # fmt: skip
def test_days_of_rules(rule: Recurrence, first: str, last: str, days: list[str]) -> None:
    rule.check()
    found = rule.days(read_calendar(), date.fromisoformat(first), date.fromisoformat(last))
    assert [str(falls) for _, falls in found] == days


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"first_on": date(1970, 1, 1)}, "first_on"),
        ({"first_on": date(9999, 1, 1)}, "first_on"),
        ({"last_on": date(2026, 7, 1)}, "last_on"),
        ({"last_on": date(9999, 1, 1)}, "last_on"),
        ({"ends": time(8)}, "ends"),
        ({"ends": time(9, 20)}, "ends"),
        ({"minutes": 5}, "minutes"),
        ({"leader_id": "nobody"}, "leader"),
        ({"substitute_id": "nobody"}, "substitute"),
        ({"room_id": "nowhere"}, "room"),
        ({"recurrence": Recurrence(Pattern.MONTHLY_DAY, month_day=32)}, "month_day"),
        ({"recurrence": Recurrence(Pattern.WEEKLY, weekday=6)}, "weekday"),
        ({"recurrence": Recurrence(Pattern.MONTHLY_WEEKS, weekday=1)}, "weeks"),
        ({"required_ids": ("x",) * 1000}, "required"),
        ({"required_ids": ("x",)}, "required"),
    ],
)  # fmt: skip
async def test_rules_that_cannot_be(
    db: AsyncSession, clock: FixedClock, world: World, more: dict[str, object], field: str
) -> None:
    wanted = await command(db, clock, world, **more)
    with pytest.raises(Invalid) as caught:
        await add_rule(db, clock, SYSTEM, wanted)
    assert caught.value.field == field
    assert (await db.scalars(select(ReceptionDay))).all() == []


async def test_the_rota_becomes_slots_and_a_briefing(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    own = world.actor("chengguan.receptionist")
    wanted = await command(db, clock, world)
    with pytest.raises((Forbidden, NotFound)):
        await add_rule(db, clock, world.actor("xigu.receptionist"), wanted)
    rule = await add_rule(db, clock, own, wanted)
    begin = clock.now()
    days = await list_days(db, own, begin, begin + timedelta(days=100))
    assert [str(day.named_on) for day in days] == ["2026-08-15", "2026-09-15", "2026-10-15"]
    assert days[0].starts_at == datetime(2026, 8, 17, 1, tzinfo=UTC)  # Saturday moved on to Monday.
    with pytest.raises(Conflict) as caught:  # The same leader, at the same time, in another room.
        await add_rule(db, clock, own, await command(db, clock, world, begins=time(10)))
    assert caught.value.code == "leader_engaged"
    slots = await publish_day(db, clock, own, days[0].id)
    assert len(slots) == 4 and all(slot.is_public for slot in slots)
    with pytest.raises(Conflict):
        await publish_day(db, clock, own, days[0].id)
    booked = BookPublicly(slots[1].id, "张桂芳", "13900001111", "路灯不亮", "三个月了", insists=True)
    await book_publicly(db, clock, booked)
    pack = await brief(db, world.actor("chengguan.leader"), days[0].id)
    [visit] = pack.visits
    assert visit.petition is not None and visit.petition.subject == "路灯不亮" and visit.history
    assert [each.name for each in pack.required] == ["城关区住建局"]
    with pytest.raises(NotFound):  # The rota is public, the pack is the office's and of those above it.
        await brief(db, world.actor("xigu.receptionist"), days[0].id)
    with pytest.raises(Conflict) as caught:
        await cancel_day(db, clock, own, days[0].id, "出差")
    assert caught.value.code == "booked"
    day = await stand_in(db, clock, own, days[0].id, world.officials["chengguan.receptionist"].id)
    assert day.receives.name == world.officials["chengguan.receptionist"].name
    await publish_day(db, clock, own, days[1].id)
    await cancel_day(db, clock, own, days[1].id, "出差")
    free = await list_free_slots(db, clock, world.chengguan.id, begin, begin + timedelta(days=100))
    assert {slot.reception_day_id for slot in free} == {days[0].id} and len(free) == 3
    await end_rule(db, clock, own, rule.id)
    clock.advance(days=40)
    assert await plan_days(db, clock) == 0
    states = [each.state for each in await list_days(db, own, begin, begin + timedelta(days=200))]
    assert states == [DayState.PUBLISHED, DayState.CANCELLED, DayState.CANCELLED]


async def test_who_must_attend_has_the_day_in_the_calendar_and_reads_no_strangers_case(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    own, head = world.actor("chengguan.receptionist"), world.actor("housing.unit_head")
    await add_rule(db, clock, own, await command(db, clock, world))
    begin = clock.now()
    days = await list_days(db, own, begin, begin + timedelta(days=40))
    asked = await list_days(db, head, begin, begin + timedelta(days=40), tuple(head.organisation_ids))
    assert [day.id for day in asked] == [day.id for day in days] and len(days) == 1
    slots = await publish_day(db, clock, own, days[0].id)
    await book_publicly(db, clock, BookPublicly(slots[0].id, "张桂芳", "13900001111", "路灯不亮", "三个月了"))
    [told, *_] = read(write_calendar(await calendar_of(db, clock, head)))
    assert told["SUMMARY"].endswith("：须到场") and told["DTSTART"] == days[0].starts_at
    assert told["alarms"] == [timedelta(days=-5), timedelta(days=-1)]
    [visit] = (await brief(db, head, days[0].id)).visits
    assert visit.petition is None and visit.history == ()
    # Who handles there is told by the head; another district's housing bureau is not asked.
    assert list(await calendar_of(db, clock, world.actor("housing.handler"))) == []
    assert list(await calendar_of(db, clock, world.actor("xigu.leader"))) == []
    await stand_in(db, clock, own, days[0].id, own.official_id or "")
    [moved, *_] = read(write_calendar(await calendar_of(db, clock, head)))
    assert moved["SEQUENCE"] > told["SEQUENCE"] and own.name in moved["DESCRIPTION"]


async def test_three_calendars_follow_a_session(db: AsyncSession, clock: FixedClock, world: World) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    keys = ("chengguan.leader", "city.leader", "province.receptionist")
    people = tuple(seat(world, key) for key in keys)
    session = await arranged(db, clock, world, petition, invitees=people)

    async def entries() -> list[dict[str, object]]:
        found = []
        for key in keys:
            events = await calendar_of(db, clock, world.actor(key), "https://example.org")
            [event] = read(write_calendar(events))
            found.append(event)
        return found

    before = await entries()
    assert {(e["DTSTART"], e["SEQUENCE"], e["STATUS"]) for e in before} == {
        (session.starts_at, 0, "CONFIRMED")
    }
    assert len({e["UID"] for e in before}) == 1
    assert "李德福" not in str(before) and petition.subject not in str(before)  # Phones are not ours.
    later = session.starts_at + timedelta(days=1)
    move = MoveSession(session.id, "领导临时有事", starts_at=later, ends_at=later + timedelta(minutes=30))
    clock.advance(minutes=5)
    await reschedule_session(db, clock, SYSTEM, move)
    moved = await entries()
    assert {(e["UID"], e["DTSTART"], e["SEQUENCE"]) for e in moved} == {(before[0]["UID"], later, 1)}
    assert all(now["DTSTAMP"] > was["DTSTAMP"] for now, was in zip(moved, before, strict=True))  # type: ignore[operator]
    await move_session(db, clock, SYSTEM, session.id, SessionState.CANCELLED, "本人要求")
    assert {(e["STATUS"], e["SEQUENCE"]) for e in await entries()} == {("CANCELLED", 2)}
    assert list(await calendar_of(db, clock, world.actor("xigu.leader"))) == []


async def test_a_feed_belongs_to_one_and_can_be_stopped(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    leader = world.actor("city.leader")
    first = await issue_feed(db, clock, leader)
    assert (await official_of_feed(db, first)).official_id == leader.official_id
    second = await issue_feed(db, clock, leader)
    for wrong in (first, second[:-1], "", "x" * 10_000):
        with pytest.raises(NotFound):
            await official_of_feed(db, wrong)
    await revoke_feed(db, clock, leader)
    with pytest.raises(NotFound):
        await official_of_feed(db, second)
    with pytest.raises(Forbidden):
        await issue_feed(db, clock, world.actor("city.sysadmin"))


def test_what_is_written_can_be_read() -> None:
    start = datetime(2026, 8, 17, 1, tzinfo=UTC)
    text = "，逗号; 分号, \\ 反斜线\n第二行" + "很长" * 60
    event = CalendarEvent(
        "a@x", 3, start, start, start + timedelta(hours=1), text, location=text, description="\x00",
        alarms=(timedelta(days=5),),
    )  # fmt: skip
    body = write_calendar([event], name="连心桥")
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    zones = Calendar.from_ical(body).walk("VTIMEZONE")
    assert [zone.to_tz().utcoffset(datetime(2026, 8, 17)) for zone in zones] == [timedelta(hours=8)]
    [told] = read(body)
    assert told["SUMMARY"] == text and told["LOCATION"] == text
    assert (told["DTSTART"], told["DTEND"]) == (start, start + timedelta(hours=1))
    assert told["alarms"] == [timedelta(days=-5)]
    assert "".join(piece if not number else piece[1:] for number, piece in enumerate(fold(text))) == text
