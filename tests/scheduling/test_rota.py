"""What the rota refuses, what calendars are told of each change, and which times are free."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionClass
from cases.deadlines.workdays import read_calendar
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.organisations import Organisation
from cases.people import Official, PersonDetails, Post
from cases.policy import SYSTEM
from scheduling.booking.bookings import BookPublicly, book_publicly
from scheduling.booking.common_time import MOST_RESOURCES, Search, propose_times
from scheduling.booking.slots import create_room
from scheduling.calendars.entries import calendar_of
from scheduling.calendars.feed import issue_feed, official_of_feed
from scheduling.calendars.icalendar import CalendarEvent, write_calendar
from scheduling.rota.briefing import brief
from scheduling.rota.planning import (
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
from scheduling.sessions.invitations import list_invitations, revoke_invitation
from tests.clock import FixedClock
from tests.factories import World, make_petition, make_slots
from tests.scheduling.test_calendars import command, read
from tests.scheduling.test_engagements import arranged, seat

OWN, LEADER = "chengguan.receptionist", "chengguan.leader"
TOMORROW = Recurrence(Pattern.ONCE)
DAY = date(2026, 7, 23)


@pytest.fixture
def database_system() -> str:
    """One system is enough for rules; what is stored is tested on both beside this."""
    return "sqlite"


async def tomorrow(db: AsyncSession, clock: FixedClock, world: World, **more: object) -> ReceptionDay:
    """The leader of 城关区 receives tomorrow from nine to eleven."""
    once: dict[str, object] = {"recurrence": TOMORROW, "first_on": DAY, "last_on": DAY}
    wanted = await command(db, clock, world, **(once | more))
    rule = await add_rule(db, clock, world.actor(OWN), wanted)
    begin = clock.now()
    days = await list_days(db, SYSTEM, begin, begin + timedelta(days=100))
    return next(day for day in days if day.rule_id == rule.id)


async def entry(db: AsyncSession, clock: FixedClock, world: World, key: str = LEADER) -> dict[str, object]:
    [told] = read(write_calendar(await calendar_of(db, clock, world.actor(key))))
    return told


async def test_a_day_is_changed_by_its_own_office_alone(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    day = await tomorrow(db, clock, world)
    for key in ("xigu.receptionist", "city.receptionist", LEADER):
        who, substitute = world.actor(key), world.officials[OWN].id
        for attempt in (
            publish_day(db, clock, who, day.id),
            cancel_day(db, clock, who, day.id, "出差"),
            stand_in(db, clock, who, day.id, substitute),
            end_rule(db, clock, who, day.rule_id),
        ):
            with pytest.raises((Forbidden, NotFound)):
                await attempt
    fresh = await db.get_one(ReceptionDay, day.id, populate_existing=True)
    assert (fresh.state, fresh.revision, fresh.rule.ended_at) == (DayState.PLANNED, 0, None)


async def test_each_change_of_a_day_raises_its_sequence(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    day, own = await tomorrow(db, clock, world), world.actor(OWN)
    told = await entry(db, clock, world)
    assert (told["SEQUENCE"], told["STATUS"], len(told["alarms"])) == (0, "CONFIRMED", 2)  # type: ignore[arg-type]
    assert "替补" not in str(told["SUMMARY"])
    before = told["DTSTAMP"]
    clock.advance(minutes=5)
    await publish_day(db, clock, own, day.id)
    told = await entry(db, clock, world)
    assert told["SEQUENCE"] == 1 and told["DTSTAMP"] > before  # type: ignore[operator]
    await stand_in(db, clock, own, day.id, world.officials[OWN].id)
    told = await entry(db, clock, world)
    assert told["SEQUENCE"] == 2 and "替补" in str(told["SUMMARY"])
    assert "替补" not in str((await entry(db, clock, world, OWN))["SUMMARY"])
    await cancel_day(db, clock, own, day.id, "出差")
    told = await entry(db, clock, world)
    assert (told["SEQUENCE"], told["STATUS"], told["alarms"]) == (3, "CANCELLED", [])
    assert "出差" in str(told["DESCRIPTION"])


async def test_a_leader_and_a_room_serve_one_day_at_a_time(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    day, own = await tomorrow(db, clock, world), world.actor(OWN)
    await tomorrow(db, clock, world, begins=time(11), ends=time(12))  # Directly after.
    other = {"leader_id": world.officials[OWN].id, "substitute_id": None}
    with pytest.raises(Conflict) as caught:
        await tomorrow(db, clock, world, room_id=day.room_id, begins=time(10), **other)
    assert caught.value.code == "room_engaged"
    await cancel_day(db, clock, own, day.id, "出差")
    again = await tomorrow(db, clock, world, room_id=day.room_id)  # What was called off is free.
    with pytest.raises(Conflict) as caught:
        await stand_in(db, clock, own, day.id, world.officials[OWN].id)
    assert caught.value.code == "day_over"
    clock.set(again.ends_at)
    with pytest.raises(Conflict) as caught:
        await stand_in(db, clock, own, again.id, world.officials[OWN].id)
    assert caught.value.code == "day_over"


async def test_rooms_and_units_of_others_stand_on_no_rota(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    theirs = await tomorrow(db, clock, world)
    leader = world.officials["xigu.leader"].id
    for more, field in (
        ({"room_id": theirs.room_id}, "room"),
        ({"required_ids": (world.city.id,)}, "required"),
        ({"required_ids": (world.housing.id,)}, "required"),
    ):
        fields: dict[str, object] = {
            "organisation_id": world.xigu.id, "leader_id": leader, "substitute_id": None, "required_ids": (),
        }  # fmt: skip
        if field != "room":
            fields["room_id"] = (await create_room(db, clock, SYSTEM, world.xigu.id, "西固接访室")).id
        wanted = await command(db, clock, world, **(fields | more))
        with pytest.raises(Invalid) as caught:
            await add_rule(db, clock, SYSTEM, wanted)
        assert caught.value.field == field


async def test_who_is_received_by_invitation_finds_no_public_slot(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    day = await tomorrow(db, clock, world, mode=ReceptionMode.BY_INVITATION)
    slots = await publish_day(db, clock, world.actor(OWN), day.id)
    assert slots and not any(slot.is_public for slot in slots)


async def test_planning_again_adds_only_what_time_has_brought(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    rule = await add_rule(db, clock, world.actor(OWN), await command(db, clock, world))
    assert await plan_days(db, clock) == 0
    clock.advance(days=31)
    assert await plan_days(db, clock) == 1
    begin = clock.now() - timedelta(days=31)
    days = [day for day in await list_days(db, SYSTEM, begin, begin + timedelta(days=200))]
    assert [str(day.named_on) for day in days if day.rule_id == rule.id] == [
        "2026-08-15", "2026-09-15", "2026-10-15", "2026-11-15",
    ]  # fmt: skip


def test_two_named_days_that_fall_on_one_are_one() -> None:
    # Both Wednesdays, 1 and 8 October 2025, are holidays; the 9th is worked.
    rule = Recurrence(Pattern.WEEKLY, weekday=2)
    found = rule.days(read_calendar(), date(2025, 10, 1), date(2025, 10, 14))
    assert [(str(named), str(falls)) for named, falls in found] == [("2025-10-01", "2025-10-09")]
    third = Recurrence(Pattern.MONTHLY_WEEKS, weekday=1, weeks=(2,))
    # Tuesdays of July 2026: 7, 14, 21, 28; the seventh is still in the first week.
    assert [day for day in range(1, 32) if third.names(date(2026, 7, day))] == [14]


async def test_a_briefing_tells_of_no_case_that_its_reader_may_not_see(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    day = await tomorrow(db, clock, world)
    slots = await publish_day(db, clock, world.actor(OWN), day.id)
    phone, reader = "13900001111", world.actor(LEADER)
    await book_publicly(db, clock, BookPublicly(slots[0].id, "张桂芳", phone, "路灯不亮", "三个月了"))
    [visit] = (await brief(db, reader, day.id)).visits
    assert visit.petition is not None and visit.earlier == ()
    same = {"petitioner": PersonDetails("张桂芳", phone)}
    plain = await make_petition(db, clock, world.chengguan, "井盖丢失", **same)
    secret = await make_petition(
        db, clock, world.chengguan, "检举", class_=PetitionClass.ACCUSATION, **same
    )
    [visit] = (await brief(db, reader, day.id)).visits
    assert [each.id for each in visit.earlier] == [plain.id] and secret.id != plain.id
    assert visit.petition is not None
    visit.petition.confidential = True
    await db.commit()
    [visit] = (await brief(db, reader, day.id)).visits
    assert (visit.petition, visit.history, visit.earlier) == (None, (), ())


async def test_a_calendar_holds_no_sitting_that_its_owner_was_taken_off_or_is_accused_in(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.city)
    people = {"invitees": (seat(world, LEADER),), "host_organisation_id": world.city.id}
    session = await arranged(db, clock, world, petition, joint_organisation_ids=(), **people)
    assert (await entry(db, clock, world))["UID"] == f"session-{session.id}@lianxin"
    petition.accused = await db.get_one(Organisation, world.chengguan.id)
    await db.commit()
    assert list(await calendar_of(db, clock, world.actor(LEADER))) == []
    petition.accused = None
    await db.commit()
    [mine] = [each for each in await list_invitations(db, session.id) if each.official_id]
    await revoke_invitation(db, clock, SYSTEM, mine.id)
    assert list(await calendar_of(db, clock, world.actor(LEADER))) == []


async def test_a_feed_ends_with_the_account_and_with_the_last_post(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    leader = world.officials[LEADER].id
    secret = await issue_feed(db, clock, world.actor(LEADER))
    account = update(Official).where(Official.id == leader)
    posts = update(Post).where(Post.official_id == leader)
    await db.execute(account.values(disabled_at=clock.now()))
    db.expire_all()
    with pytest.raises(NotFound):
        await official_of_feed(db, secret)
    await db.execute(account.values(disabled_at=None))
    await db.execute(posts.values(ended_at=clock.now()))
    db.expire_all()
    with pytest.raises(Forbidden):
        await official_of_feed(db, secret)


def test_what_separates_values_is_escaped_and_lines_are_75_octets() -> None:
    start = datetime(2026, 8, 17, 1, tzinfo=UTC)
    event = CalendarEvent("a@x", 3, start, start, start, "一，二,三;四", location="x" * 200)
    lines = write_calendar([event]).split(b"\r\n")
    assert "SUMMARY:一，二\\,三\\;四".encode() in lines and b"SEQUENCE:3" in lines
    assert max(len(line) for line in lines) == 75


async def test_free_times_are_for_who_books_on_working_days_and_of_not_too_many(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    own, ids = world.actor(OWN), (world.officials[LEADER].id,)
    with pytest.raises(Forbidden):
        await propose_times(db, clock, world.actor("housing.handler"), Search(ids, DAY))
    saturday = date(2026, 7, 25)
    assert await propose_times(db, clock, own, Search(ids, saturday, days=2)) == []
    assert await propose_times(db, clock, own, Search(ids, saturday, days=3))
    crowd = tuple(str(number) for number in range(MOST_RESOURCES))
    assert await propose_times(db, clock, own, Search(crowd, DAY))
    with pytest.raises(Invalid) as caught:
        await propose_times(db, clock, own, Search((*crowd, "x"), DAY))
    assert caught.value.field == "officials"


async def test_what_the_citizen_chose_stands_first_and_does_not_stand_in_its_own_way(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    own, leader = world.actor(OWN), world.officials[LEADER].id
    day = await tomorrow(db, clock, world)
    slots = await publish_day(db, clock, own, day.id)
    await book_publicly(db, clock, BookPublicly(slots[1].id, "张桂芳", "13900001111", "路灯不亮", "三个月了"))
    ids = (leader, day.room_id)
    # A leader on his reception day is there for those who booked it.
    free = [each.starts_at for each in await propose_times(db, clock, own, Search((leader,), DAY, days=1))]
    assert free[:2] == [day.starts_at - timedelta(minutes=30), day.ends_at]
    wished = Search(ids, DAY, days=1, slot_id=slots[1].id)
    found = await propose_times(db, clock, own, wished)
    assert (found[0].starts_at, found[0].wished) == (slots[1].starts_at, True)
    # Back to back with what is taken there is no conflict.
    alone = await make_slots(db, clock, world.chengguan, 1)
    await arranged(db, clock, world, await make_petition(db, clock, world.chengguan),
                   start=alone[0].starts_at, invitees=(seat(world, "city.leader"),))  # fmt: skip
    today_ = Search((world.officials["city.leader"].id,), clock.now().date(), days=1)
    told = await propose_times(db, clock, own, today_)
    assert alone[0].ends_at in [each.starts_at for each in told]
    assert alone[0].starts_at not in [each.starts_at for each in told]
