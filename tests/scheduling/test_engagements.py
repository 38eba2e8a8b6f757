"""Persons, rooms and equipment: never twice at once, however many ask; moving and calling off free them."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.database import Database
from cases.errors import Conflict, Invalid, RuleError
from cases.policy import SYSTEM
from cases.roles import InvitationRole
from scheduling.booking.bookings import Booking, BookPublicly, book_publicly
from scheduling.booking.common_time import Search, propose_times
from scheduling.booking.engagements import Engagement
from scheduling.booking.equipment import add_equipment, retire_equipment
from scheduling.booking.slots import create_room, list_free_slots
from scheduling.links import find_link, issue_link
from scheduling.session import Session, SessionState
from scheduling.session_events import list_events
from scheduling.sessions.invitations import Invitee, invite, list_invitations, revoke_invitation
from scheduling.sessions.moving import MoveSession, reschedule_session
from scheduling.sessions.sessions import CreateSession, create_session, move_session
from tests.clock import FixedClock
from tests.factories import World, make_petition, make_session, make_slots

HOUR = timedelta(hours=1)


def seat(world: World, key: str, role: InvitationRole = InvitationRole.JOINT_RECEPTIONIST) -> Invitee:
    return Invitee(role, official_id=world.officials[key].id)


async def arranged(
    db: AsyncSession, clock: FixedClock, world: World, petition: PetitionCase, **more: object
) -> Session:
    start = more.pop("start", clock.now() + HOUR)
    assert isinstance(start, datetime)
    fields: dict[str, object] = {
        "host_organisation_id": world.chengguan.id, "starts_at": start, "ends_at": start + HOUR / 2,
        "joint_organisation_ids": (world.city.id, world.province.id),
    }  # fmt: skip
    command = CreateSession(petition.id, **(fields | more))  # type: ignore[arg-type]
    return await create_session(db, clock, SYSTEM, command)


async def test_two_hundred_at_twenty_slots(database: Database, clock: FixedClock, world: World) -> None:
    async with database.session() as db:
        slots = await make_slots(db, clock, world.chengguan, 20)

    async def attempt(number: int) -> str:
        async with database.session() as db:
            command = BookPublicly(slots[number % 20].id, "张桂芳", f"1390000{number:04d}", "路灯不亮", "")
            try:
                await book_publicly(db, clock, command)
            except RuleError as error:
                return f"{error.code} {error.message}"
        return "won"

    told = Counter(await asyncio.gather(*(attempt(number) for number in range(200))))
    assert told == {"won": 20, "slot_taken 这个时段刚刚被别人约走了，请另选一个。": 180}
    async with database.session() as db:
        assert await db.scalar(select(func.count(func.distinct(Booking.slot_id)))) == 20
        assert await db.scalar(select(func.count()).select_from(PetitionCase)) == 20


@pytest.mark.parametrize("what", ["person", "room", "equipment"])
async def test_of_many_who_want_the_same_at_once_one_gets_it(
    database: Database, clock: FixedClock, world: World, what: str
) -> None:
    async with database.session() as db:
        petition = await make_petition(db, clock, world.chengguan)
        room = await create_room(db, clock, SYSTEM, world.city.id, "视频室")
        camera = await add_equipment(db, clock, SYSTEM, world.city.id, "document_camera", "展台")
    wanted: dict[str, dict[str, object]] = {
        "person": {"invitees": (seat(world, "city.leader"),)},
        "room": {"room_ids": (room.id,)},
        "equipment": {"equipment_ids": (camera.id,)},
    }

    async def attempt(number: int) -> str:
        async with database.session() as db:
            # All overlap one another and no two are the same.
            start = clock.now() + HOUR + timedelta(minutes=number)
            try:
                await arranged(db, clock, world, petition, start=start, **wanted[what])
            except Conflict as error:
                return f"{error.code} {error.field}"
        return "won"

    told = Counter(await asyncio.gather(*(attempt(number) for number in range(12))))
    field = {"person": "officials", "room": "rooms", "equipment": "equipment"}[what]
    assert told == {"won": 1, f"engaged {field}": 11}
    async with database.session() as db:
        # Losers left nothing behind.
        assert await db.scalar(select(func.count()).select_from(Session)) == 1
        assert await db.scalar(select(func.count()).select_from(Engagement)) == 1


async def test_back_to_back_is_no_conflict_and_a_release_frees(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    leader = {"invitees": (seat(world, "city.leader"),)}
    first = await arranged(db, clock, world, petition, **leader)
    await arranged(db, clock, world, petition, start=first.ends_at, **leader)
    with pytest.raises(Conflict) as caught:
        await arranged(db, clock, world, petition, start=first.starts_at + HOUR / 4, **leader)
    assert caught.value.message.startswith(
        f"{world.officials['city.leader'].name}在 10:00–10:30 已有别的安排"
    )
    await move_session(db, clock, SYSTEM, first.id, SessionState.CANCELLED, "本人要求")
    await arranged(db, clock, world, petition, start=first.starts_at, **leader)


async def test_who_is_invited_later_is_engaged_until_taken_off(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    one, two = [await arranged(db, clock, world, petition) for _ in range(2)]
    invitation = await invite(db, clock, SYSTEM, one.id, seat(world, "city.leader"))
    with pytest.raises(Conflict) as caught:
        await invite(db, clock, SYSTEM, two.id, seat(world, "city.leader"))
    assert caught.value.code == "engaged"
    await revoke_invitation(db, clock, SYSTEM, invitation.id)
    await invite(db, clock, SYSTEM, two.id, seat(world, "city.leader"))


async def test_a_room_in_use_is_no_slot_and_a_booked_slot_is_no_free_room(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    slots = await make_slots(db, clock, world.chengguan, 3)
    await arranged(db, clock, world, petition, start=slots[0].starts_at, room_ids=(slots[0].room_id,))
    free = await list_free_slots(db, clock, world.chengguan.id, clock.now(), slots[2].ends_at)
    assert [slot.id for slot in free] == [slot.id for slot in slots[1:]]
    with pytest.raises(Conflict) as caught:
        await book_publicly(db, clock, BookPublicly(slots[0].id, "张桂芳", "13900001111", "路灯不亮", ""))
    assert caught.value.code == "slot_taken"
    await book_publicly(db, clock, BookPublicly(slots[1].id, "张桂芳", "13900001111", "路灯不亮", ""))
    with pytest.raises(Conflict) as caught:
        await arranged(db, clock, world, petition, start=slots[1].starts_at, room_ids=(slots[1].room_id,))
    assert caught.value.field == "rooms"


async def test_rooms_and_equipment_of_others_are_not_taken(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    room = await create_room(db, clock, SYSTEM, world.xigu.id, "西固一室")
    camera = await add_equipment(db, clock, SYSTEM, world.xigu.id, "document_camera", "展台")
    for more, field in (
        ({"room_ids": (room.id,)}, "rooms"),
        ({"room_ids": ("0" * 32,)}, "rooms"),
        ({"equipment_ids": (camera.id,)}, "equipment"),
        ({"room_ids": tuple(f"{n:032d}" for n in range(1000))}, "rooms"),
    ):
        with pytest.raises(Invalid) as caught:
            await arranged(db, clock, world, petition, **more)
        assert caught.value.field == field
    await retire_equipment(db, clock, SYSTEM, camera.id)


async def test_moving_takes_the_new_time_and_frees_the_old(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    slots = await make_slots(db, clock, world.chengguan, 4)
    own = world.actor("chengguan.receptionist")
    people = (seat(world, "city.leader"), seat(world, "province.receptionist"))
    session = await arranged(db, clock, world, petition, slot_id=slots[0].id, invitees=people)
    invitation = (await list_invitations(db, session.id))[0]
    await issue_link(db, clock, SYSTEM, invitation.id)
    other = await arranged(db, clock, world, petition, start=slots[2].starts_at, invitees=people[:1])
    with pytest.raises(Invalid) as lacking:
        await reschedule_session(db, clock, own, MoveSession(session.id, " ", slot_id=slots[1].id))
    assert lacking.value.field == "reason"
    with pytest.raises(Conflict) as caught:
        await reschedule_session(db, clock, own, MoveSession(session.id, "来不了", slot_id=slots[2].id))
    assert caught.value.code == "engaged"
    assert (await db.get_one(Booking, session.booking_id)).slot_id == slots[0].id  # Nothing half done.
    moved = await reschedule_session(db, clock, own, MoveSession(session.id, "来不了", slot_id=slots[3].id))
    assert (moved.id, moved.starts_at, moved.revision) == (session.id, slots[3].starts_at, 1)
    assert [e.kind for e in await list_events(db, moved.id)][-1] == "session.moved"
    link = await find_link(db, invitation.id)
    assert link is not None and link.valid_from == moved.starts_at - HOUR / 2
    free = await list_free_slots(db, clock, world.chengguan.id, clock.now(), slots[3].ends_at)
    assert [slot.id for slot in free] == [slots[0].id, slots[1].id, slots[2].id]
    await move_session(db, clock, SYSTEM, other.id, SessionState.CANCELLED, "x")
    await move_session(db, clock, SYSTEM, moved.id, SessionState.LIVE)
    with pytest.raises(Conflict) as caught:
        await reschedule_session(db, clock, own, MoveSession(session.id, "来不了", slot_id=slots[0].id))
    assert caught.value.code == "not_movable"


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, 1, tzinfo=UTC), "starts_at"),
        (datetime(9999, 12, 30, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), "starts_at"),
        (datetime(2026, 7, 23, 9), datetime(2026, 7, 23, 10), "starts_at"),
        (datetime(2026, 7, 23, 3, tzinfo=UTC), datetime(2026, 7, 23, 2, tzinfo=UTC), "ends_at"),
    ],
)
async def test_times_nobody_can_mean(
    db: AsyncSession, clock: FixedClock, world: World, start: datetime, end: datetime, field: str
) -> None:
    session = await make_session(db, clock, world)
    command = MoveSession(session.id, "改期", starts_at=start, ends_at=end)
    with pytest.raises(Invalid) as caught:
        await reschedule_session(db, clock, SYSTEM, command)
    assert caught.value.field == field


async def test_common_free_time_of_three_tiers(db: AsyncSession, clock: FixedClock, world: World) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    own = world.actor("chengguan.receptionist")
    keys = ("chengguan.leader", "city.leader", "province.receptionist")
    ids = tuple(world.officials[key].id for key in keys)
    day = clock.now().date()
    begin = datetime(2026, 7, 22, 2, 30, tzinfo=UTC)  # 10:30 in Beijing, each half an hour later.
    for number, key in enumerate(keys):
        start = begin + number * HOUR / 2
        await arranged(db, clock, world, petition, start=start, invitees=(seat(world, key),))
    found = await propose_times(db, clock, own, Search(ids, day, days=1))
    # 09:00 now, an hour's notice, taken from 10:30 to 12:00, lunch until 14:30.
    told = [f"{each.starts_at:%H:%M}" for each in found]
    assert told == ["10:00", "14:30", "15:00", "15:30", "16:00", "16:30", "17:00", "17:30"]
    for search, field in (
        (Search(ids, day - timedelta(days=1)), "first"),
        (Search(ids, day.replace(year=9999)), "first"),
        (Search(ids, day, days=0), "days"),
        (Search(ids, day, minutes=5), "minutes"),
        (Search(tuple(str(n) for n in range(1000)), day), "officials"),
    ):
        with pytest.raises(Invalid) as caught:
            await propose_times(db, clock, own, search)
        assert caught.value.field == field
