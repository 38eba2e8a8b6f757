"""Slots and bookings: refusals at the field, and of two takers at once exactly one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.database import Database
from cases.errors import Conflict, Forbidden, Invalid, NotFound, RuleError, SignInRequired
from cases.people import Person
from cases.policy import ANONYMOUS, SYSTEM
from scheduling.booking.bookings import (
    Booking,
    BookingState,
    BookPublicly,
    BookSlot,
    book_publicly,
    book_slot,
    list_bookings,
    move_booking,
)
from scheduling.booking.slots import OpenSlots, create_room, list_free_slots, open_slots
from tests.clock import FixedClock
from tests.factories import World, make_petition, make_slots


def citizen(slot_id: str, phone: str = "13900001111", **more: str) -> BookPublicly:
    fields = {"name": "张桂芳", "subject": "路灯不亮", "description": "三个月了。"} | more
    return BookPublicly(slot_id=slot_id, phone=phone, **fields)


@pytest.mark.parametrize(
    ("shift", "length", "minutes", "field"),
    [
        (timedelta(hours=-1), timedelta(hours=1), 30, "starts_at"),
        (timedelta(days=181), timedelta(hours=1), 30, "starts_at"),
        (timedelta(hours=1), timedelta(0), 30, "ends_at"),
        (timedelta(hours=1), timedelta(hours=-1), 30, "ends_at"),
        (timedelta(hours=1), timedelta(hours=25), 30, "ends_at"),
        (timedelta(hours=1), timedelta(minutes=20), 30, "ends_at"),
        (timedelta(hours=1), timedelta(hours=1), 9, "minutes"),
        (timedelta(hours=1), timedelta(hours=1), 61, "minutes"),
    ],
)
async def test_times_that_cannot_be_meant(
    db: AsyncSession,
    clock: FixedClock,
    world: World,
    shift: timedelta,
    length: timedelta,
    minutes: int,
    field: str,
) -> None:
    room = await create_room(db, clock, SYSTEM, world.chengguan.id, "一号室")
    start = clock.now() + shift
    with pytest.raises(Invalid) as caught:
        await open_slots(db, clock, SYSTEM, OpenSlots(room.id, start, start + length, minutes))
    assert caught.value.field == field


async def test_years_and_zones(db: AsyncSession, clock: FixedClock, world: World) -> None:
    room = await create_room(db, clock, SYSTEM, world.chengguan.id, "一号室")
    for start in (
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 30, tzinfo=UTC),
        datetime(2026, 7, 23, 9, 0),
    ):
        with pytest.raises(Invalid) as caught:
            await open_slots(db, clock, SYSTEM, OpenSlots(room.id, start, start + timedelta(hours=1)))
        assert caught.value.field == "starts_at"


async def test_slots_are_the_offices_own_and_do_not_overlap(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    own = world.actor("chengguan.receptionist")
    for key in ("xigu.receptionist", "city.receptionist", "chengguan.leader"):
        with pytest.raises((NotFound, Forbidden)):
            await create_room(db, clock, world.actor(key), world.chengguan.id, "一号室")
    with pytest.raises(Invalid):
        await create_room(db, clock, SYSTEM, world.housing.id, "一号室")
    room = await create_room(db, clock, own, world.chengguan.id, "一号室")
    start = clock.now() + timedelta(hours=1)
    assert (
        len(await open_slots(db, clock, own, OpenSlots(room.id, start, start + timedelta(minutes=100)))) == 3
    )
    for shift in (0, 15, 60):
        moved = start + timedelta(minutes=shift)
        with pytest.raises(Conflict):
            await open_slots(db, clock, own, OpenSlots(room.id, moved, moved + timedelta(hours=1)))
    assert (
        len(
            await open_slots(
                db,
                clock,
                own,
                OpenSlots(room.id, start + timedelta(minutes=90), start + timedelta(minutes=120)),
            )
        )
        == 1
    )


async def test_two_opening_the_same_hour_at_once(database: Database, clock: FixedClock, world: World) -> None:
    async with database.session() as db:
        room = await create_room(db, clock, SYSTEM, world.chengguan.id, "一号室")
    start = clock.now() + timedelta(hours=1)

    async def attempt(shift: int) -> int:
        async with database.session() as db:
            begin = start + timedelta(minutes=shift)
            try:
                return len(
                    await open_slots(db, clock, SYSTEM, OpenSlots(room.id, begin, begin + timedelta(hours=1)))
                )
            except Conflict:
                return 0

    assert sorted(await asyncio.gather(*(attempt(shift) for shift in (0, 10, 20)))) == [0, 0, 2]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "李" * 65}, "name"),
        ({"phone": "12345"}, "phone"),
        ({"subject": ""}, "subject"),
        ({"subject": "长" * 101}, "subject"),
        ({"description": "长" * 5001}, "description"),
    ],
)
async def test_a_bad_field_leaves_nothing_behind(
    db: AsyncSession, clock: FixedClock, world: World, more: dict[str, str], field: str
) -> None:
    [slot, *_] = await make_slots(db, clock, world.chengguan)
    with pytest.raises(Invalid) as caught:
        await book_publicly(db, clock, citizen(slot.id, **more))
    await db.commit()
    assert caught.value.field == field
    for model in (Person, PetitionCase, Booking):
        assert await db.scalar(select(func.count()).select_from(model)) == 0


async def test_slots_that_are_not_for_the_public(db: AsyncSession, clock: FixedClock, world: World) -> None:
    room = await create_room(db, clock, SYSTEM, world.chengguan.id, "一号室")
    start = clock.now() + timedelta(hours=1)
    [slot] = await open_slots(
        db, clock, SYSTEM, OpenSlots(room.id, start, start + timedelta(minutes=30), is_public=False)
    )
    for slot_id in (slot.id, "unknown"):
        with pytest.raises(NotFound):
            await book_publicly(db, clock, citizen(slot_id))
    day = clock.now() + timedelta(days=1)
    assert len(await list_free_slots(db, clock, world.chengguan.id, clock.now(), day)) == 1
    assert await list_free_slots(db, clock, world.chengguan.id, clock.now(), day, public_only=True) == []


async def test_a_slot_that_has_begun_is_over(db: AsyncSession, clock: FixedClock, world: World) -> None:
    slots = await make_slots(db, clock, world.chengguan, 2)
    clock.advance(hours=1)
    with pytest.raises(Conflict) as caught:
        await book_publicly(db, clock, citizen(slots[0].id))
    assert caught.value.code == "slot_over"
    free = await list_free_slots(
        db, clock, world.chengguan.id, clock.now() - timedelta(days=1), slots[1].ends_at
    )
    assert [slot.id for slot in free] == [slot.id for slot in slots if slot.starts_at >= clock.now()]


async def test_nobody_hoards_slots(db: AsyncSession, clock: FixedClock, world: World) -> None:
    slots = await make_slots(db, clock, world.chengguan, 4)
    for slot in slots[:3]:
        await book_publicly(db, clock, citizen(slot.id))
    with pytest.raises(Conflict) as caught:
        await book_publicly(db, clock, citizen(slots[3].id, phone="+86 139-0000-1111"))
    assert (caught.value.code, caught.value.field) == ("too_many_bookings", "phone")


async def test_who_may_not_book(db: AsyncSession, clock: FixedClock, world: World) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    [slot, *_] = await make_slots(db, clock, world.chengguan)
    for key, error in (
        ("xigu.receptionist", NotFound),
        ("city.sysadmin", NotFound),
        ("station.station_clerk", NotFound),
        ("chengguan.leader", Forbidden),
    ):
        with pytest.raises(error):
            await book_slot(db, clock, world.actor(key), BookSlot(slot.id, petition.id))
    with pytest.raises(SignInRequired):
        await book_slot(db, clock, ANONYMOUS, BookSlot(slot.id, petition.id))


async def test_of_many_takers_one_wins(database: Database, clock: FixedClock, world: World) -> None:
    async with database.session() as db:
        [slot, *_] = await make_slots(db, clock, world.chengguan)
        petition = await make_petition(db, clock, world.chengguan)

    async def take(number: int) -> str:
        async with database.session() as db:
            try:
                if number % 2:
                    await book_slot(
                        db, clock, world.actor("city.receptionist"), BookSlot(slot.id, petition.id)
                    )
                else:
                    await book_publicly(db, clock, citizen(slot.id, phone=f"1390000{number:04d}"))
            except RuleError as error:
                return error.code
        return "won"

    results = await asyncio.gather(*(take(number) for number in range(8)))
    assert sorted(results) == ["slot_taken"] * 7 + ["won"]
    async with database.session() as db:
        assert await db.scalar(select(func.count()).select_from(Booking)) == 1
        cases = await db.scalar(select(func.count()).select_from(PetitionCase))
        assert cases == 1 + (results.index("won") % 2 == 0)  # Losers leave no case behind.
        assert slot.id not in {
            s.id for s in await list_free_slots(db, clock, slot.organisation_id, clock.now(), slot.ends_at)
        }


async def test_what_was_loaded_stays_readable_after_losing(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    [slot, other, *_] = await make_slots(db, clock, world.chengguan)
    first = await book_publicly(db, clock, citizen(slot.id))
    with pytest.raises(Conflict):
        await book_publicly(db, clock, citizen(slot.id))
    assert first.booking.slot.room.name == "第一接访室" and first.petition.petitioner.phone == "13900001111"
    again = await book_publicly(db, clock, citizen(other.id))
    assert again.petition.number == "LZ2026-000002"  # The loser's number was given back.


async def test_a_cancelled_slot_is_free_again(db: AsyncSession, clock: FixedClock, world: World) -> None:
    [slot, *_] = await make_slots(db, clock, world.chengguan)
    booked = await book_publicly(db, clock, citizen(slot.id))
    own = world.actor("chengguan.receptionist")
    assert [each.id for each in await list_bookings(db, own, BookingState.SUBMITTED)] == [booked.booking.id]
    assert await list_bookings(db, world.actor("xigu.receptionist")) == []
    begins = slot.starts_at
    assert await list_bookings(db, own, BookingState.SUBMITTED, after=begins) == []
    assert len(await list_bookings(db, own, BookingState.SUBMITTED, after=begins - timedelta(seconds=1))) == 1
    with pytest.raises(NotFound):
        await move_booking(
            db, clock, world.actor("xigu.receptionist"), booked.booking.id, BookingState.SCHEDULED
        )
    with pytest.raises(Conflict) as caught:
        await move_booking(db, clock, own, booked.booking.id, BookingState.FULFILLED)
    assert caught.value.code == "bad_transition"
    await move_booking(db, clock, own, booked.booking.id, BookingState.APPROVED)
    await move_booking(db, clock, own, booked.booking.id, BookingState.SCHEDULED)
    cancelled = await move_booking(db, clock, own, booked.booking.id, BookingState.CANCELLED, "本人要求")
    assert (cancelled.state, cancelled.reason) == (BookingState.CANCELLED, "本人要求")
    await book_slot(db, clock, own, BookSlot(slot.id, booked.petition.id))
