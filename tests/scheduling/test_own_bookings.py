"""A petitioner books and calls off a reception of a matter that is in the register already."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.database import Database
from cases.errors import Conflict, NotFound
from cases.petitions import issue_query_code
from cases.policy import SYSTEM
from scheduling.booking.booking import BookingKind, BookingState
from scheduling.booking.bookings import Booking, BookPublicly, book_publicly, list_bookings, move_booking
from scheduling.booking.slots import OpenSlots, open_slots
from scheduling.requests.own_bookings import BookOwn, book_own, cancel_own, list_own_times
from tests.clock import FixedClock
from tests.factories import World, make_petition, make_slots

OFFICE = "chengguan.receptionist"


async def told(db: AsyncSession, clock: FixedClock, world: World) -> tuple[PetitionCase, str]:
    petition = await make_petition(db, clock, world.chengguan)
    return await issue_query_code(db, clock, world.actor(OFFICE), petition.id)


async def test_a_matter_is_booked_without_being_written_again(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition, code = await told(db, clock, world)
    slots = await make_slots(db, clock, world.chengguan)
    others = await make_slots(db, clock, world.xigu)
    times = [each.id for each in await list_own_times(db, clock, petition)]
    assert times == [each.id for each in slots]
    for wrong in ("aaaaaaaaaa", ""):
        with pytest.raises(NotFound, match="petition_not_found"):
            await book_own(db, clock, BookOwn(petition.number, wrong, slots[0].id))
    with pytest.raises(NotFound, match="slot_not_found"):
        await book_own(db, clock, BookOwn(petition.number, code, others[0].id))
    booking = await book_own(db, clock, BookOwn(petition.number, code, slots[0].id, insists=True))
    assert (booking.kind, booking.state) == (BookingKind.SELF_ONLINE, BookingState.SUBMITTED)
    assert booking.insists and booking.review_due_on and booking.petition_id == petition.id
    assert await db.scalar(select(func.count()).select_from(PetitionCase)) == 1
    with pytest.raises(Conflict, match="booked_already"):
        await book_own(db, clock, BookOwn(petition.number, code, slots[1].id))


async def test_what_waits_is_called_off_and_what_is_arranged_by_telephone(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition, code = await told(db, clock, world)
    slots = await make_slots(db, clock, world.chengguan)
    with pytest.raises(Conflict, match="nothing_booked"):
        await cancel_own(db, clock, petition.number, code)
    first = await book_own(db, clock, BookOwn(petition.number, code, slots[0].id))
    with pytest.raises(NotFound):
        await cancel_own(db, clock, petition.number, "aaaaaaaaaa")
    gone = await cancel_own(db, clock, petition.number, code)
    assert (gone.id, gone.state, gone.reason) == (first.id, BookingState.CANCELLED, "本人取消")
    assert slots[0].id in [each.id for each in await list_own_times(db, clock, petition)]
    again = await book_own(db, clock, BookOwn(petition.number, code, slots[0].id))
    await move_booking(db, clock, world.actor(OFFICE), again.id, BookingState.APPROVED)
    await cancel_own(db, clock, petition.number, code)
    clock.advance(days=30)
    with pytest.raises(Conflict, match="slot_over"):
        await book_own(db, clock, BookOwn(petition.number, code, slots[2].id))


async def test_inner_times_are_not_given_and_one_number_does_not_hoard(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition, code = await told(db, clock, world)
    slots = await make_slots(db, clock, world.chengguan)
    start = slots[-1].ends_at + timedelta(hours=1)
    inner = OpenSlots(slots[0].room_id, start, start + timedelta(minutes=30), is_public=False)
    [private] = await open_slots(db, clock, SYSTEM, inner)
    with pytest.raises(NotFound, match="slot_not_found"):
        await book_own(db, clock, BookOwn(petition.number, code, private.id))
    phone = petition.petitioner.phone or ""
    for number, slot in enumerate(slots[:3]):
        await book_publicly(db, clock, BookPublicly(slot.id, "张桂芳", phone, f"第 {number} 件事", ""))
    with pytest.raises(Conflict, match="too_many_bookings"):
        await book_own(db, clock, BookOwn(petition.number, code, slots[3].id))


async def test_what_a_station_keeps_is_received_by_the_office_above(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.station)
    petition, code = await issue_query_code(db, clock, world.actor("station.station_clerk"), petition.id)
    slots = await make_slots(db, clock, world.chengguan)
    assert [each.id for each in await list_own_times(db, clock, petition)] == [each.id for each in slots]
    booking = await book_own(db, clock, BookOwn(petition.number, code, slots[0].id))
    office = await list_bookings(db, world.actor(OFFICE), BookingState.SUBMITTED)
    assert [each.id for each in office] == [booking.id], "who receives sees it"


async def test_two_taps_book_one_time(database: Database, clock: FixedClock, world: World) -> None:
    async with database.session() as db:
        petition, code = await told(db, clock, world)
        slots = await make_slots(db, clock, world.chengguan)

    async def one(number: int) -> str:
        async with database.session() as own:
            try:
                await book_own(own, clock, BookOwn(petition.number, code, slots[number].id))
            except Conflict as error:
                return error.code
            return "booked"

    found = await asyncio.gather(*(one(number) for number in range(4)))
    assert sorted(found) == ["booked", *["booked_already"] * 3]
    async with database.session() as db:
        assert await db.scalar(select(func.count()).select_from(Booking)) == 1


async def test_an_hour_is_not_offered_when_it_is_over(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition, _ = await told(db, clock, world)
    slots = await make_slots(db, clock, world.chengguan)
    clock.advance(seconds=(slots[0].starts_at - clock.now() + timedelta(minutes=1)).total_seconds())
    assert slots[0].id not in [each.id for each in await list_own_times(db, clock, petition)]
