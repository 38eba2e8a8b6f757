"""A leader receives who booked a slot of his day: nobody else gets him then, and nobody books him away."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.database import Database
from cases.errors import Conflict, RuleError
from cases.policy import SYSTEM
from scheduling.booking.bookings import BookPublicly, book_publicly
from scheduling.booking.engagements import refuse_engaged_slot
from scheduling.booking.slot import Slot
from scheduling.booking.slots import list_free_slots
from scheduling.rota.planning import cancel_day, publish_day, stand_in
from scheduling.sessions.moving import MoveSession, reschedule_session
from tests.clock import FixedClock
from tests.factories import World, make_petition
from tests.scheduling.test_engagements import arranged, seat
from tests.scheduling.test_rota import LEADER, OWN, tomorrow


class Desk:
    """The leader's day of tomorrow, its slots, and a case of somebody else."""

    def __init__(self, db: AsyncSession, clock: FixedClock, world: World) -> None:
        self.db, self.clock, self.world, self.own = db, clock, world, world.actor(OWN)
        self.slots: Sequence[Slot] = []
        self.other: PetitionCase

    async def open(self) -> str:
        day = await tomorrow(self.db, self.clock, self.world)
        self.slots = await publish_day(self.db, self.clock, self.own, day.id)
        self.other = await make_petition(self.db, self.clock, self.world.chengguan)
        return day.id

    async def book(self, number: int = 0, phone: str = "13900001111") -> str:
        command = BookPublicly(self.slots[number].id, "张桂芳", phone, "供暖不热", "")
        return (await book_publicly(self.db, self.clock, command)).petition.id

    async def engage(self, number: int = 0, key: str = LEADER) -> str:
        start = self.slots[number].starts_at
        who = (seat(self.world, key),)
        made = await arranged(self.db, self.clock, self.world, self.other, start=start, invitees=who)
        return made.id


@pytest.fixture
def desk(db: AsyncSession, clock: FixedClock, world: World) -> Desk:
    return Desk(db, clock, world)


async def test_a_booked_slot_engages_the_leader_of_the_day(desk: Desk) -> None:
    await desk.open()
    petition_id = await desk.book()
    with pytest.raises(Conflict, match=r"在 09:00–09:30 已有别的安排") as refused:
        await desk.engage()
    assert (refused.value.code, refused.value.field) == ("engaged", "officials")
    assert desk.world.officials[LEADER].name in refused.value.message
    petition = await desk.db.get_one(PetitionCase, petition_id)
    # The sitting of that very booking has him.
    who = (seat(desk.world, LEADER),)
    slot = {"slot_id": desk.slots[0].id, "starts_at": None, "ends_at": None}
    await arranged(desk.db, desk.clock, desk.world, petition, invitees=who, **slot)


async def test_an_engaged_leader_cannot_be_booked_nor_moved_to(desk: Desk) -> None:
    await desk.open()
    taken = await desk.engage()
    begin = desk.slots[0].starts_at
    free = await list_free_slots(
        desk.db, desk.clock, desk.world.chengguan.id, begin, begin + timedelta(days=1)
    )
    assert [each.id for each in free] == [each.id for each in desk.slots[1:]]
    with pytest.raises(Conflict) as refused:
        await desk.book()
    assert (refused.value.code, refused.value.field) == ("engaged", "slot_id")
    petition = await desk.db.get_one(PetitionCase, await desk.book(1))
    slot = {"slot_id": desk.slots[1].id, "starts_at": None, "ends_at": None}
    session = await arranged(desk.db, desk.clock, desk.world, petition, **slot)
    with pytest.raises(Conflict, match="已有别的安排"):
        move = MoveSession(session.id, "改期", slot_id=desk.slots[0].id)
        await reschedule_session(desk.db, desk.clock, SYSTEM, move)
    # What engages him itself may have the slot.
    await refuse_engaged_slot(desk.db, desk.slots[0], taken)


async def test_who_stands_in_is_free_when_somebody_is_booked(desk: Desk) -> None:
    day_id = await desk.open()
    substitute = desk.world.officials[OWN].id
    await desk.engage(1, OWN)
    await desk.book(0)
    await stand_in(desk.db, desk.clock, desk.own, day_id, substitute)  # Engaged, but nobody is booked then.
    with pytest.raises(Conflict, match="已有别的安排"):
        await desk.book(1, "13900002222")
    await stand_in(desk.db, desk.clock, desk.own, day_id, desk.world.officials[LEADER].id)
    await desk.book(1, "13900002222")
    with pytest.raises(Conflict, match=r"在 09:30–10:00 已有别的安排，那时已有群众预约") as refused:
        await stand_in(desk.db, desk.clock, desk.own, day_id, substitute)
    assert (refused.value.code, refused.value.field) == ("engaged", "substitute")


async def test_of_a_booking_and_a_session_at_once_one_gets_the_leader(
    database: Database, clock: FixedClock, world: World
) -> None:
    async with database.session() as db:
        desk = Desk(db, clock, world)
        await desk.open()

    async def attempt(number: int) -> str:
        async with database.session() as db:
            own = Desk(db, clock, world)
            own.slots, own.other = desk.slots, desk.other
            try:
                await (own.engage() if number % 2 else own.book(0, f"1390000{number:04d}"))
            except RuleError as error:
                return error.code
        return "won"

    told = Counter(await asyncio.gather(*map(attempt, range(6))))
    assert told.pop("won") == 1 and set(told) <= {"engaged", "slot_taken"}


async def test_a_day_called_off_while_somebody_books_it(
    database: Database, clock: FixedClock, world: World
) -> None:
    """Either the booking stands and so does the day, or the day is off and the citizen is told."""
    async with database.session() as db:
        desk = Desk(db, clock, world)
        day_id = await desk.open()

    async def book() -> str:
        async with database.session() as db:
            own = Desk(db, clock, world)
            own.slots = desk.slots
            return await own.book()

    async def cancel() -> str:
        async with database.session() as db:
            return (await cancel_day(db, clock, desk.own, day_id, "出差")).id

    told = await asyncio.gather(book(), cancel(), return_exceptions=True)
    assert sum(isinstance(each, str) for each in told) == 1
    refused = {each.code for each in told if isinstance(each, RuleError)}
    assert refused <= {"booked", "slot_over", "slot_not_found"}
