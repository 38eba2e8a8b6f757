"""Engaging persons, rooms and equipment: of two who want the same one at the same time exactly one gets it.

Whoever engages touches the row of each resource first, in order of their ids, and only then looks whether it
is free. On PostgreSQL the second waits for the first at that row, on SQLite at the database's write lock; so
what the look shows is true until the commit, and two who wait for one another cannot be.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING, Clock
from cases.database import insert_if_absent, new_id
from cases.errors import Conflict
from cases.mediation.matter import OPEN, Mediation, MediationSitting
from cases.mediation.third_party import ThirdParty
from cases.people import Official
from scheduling.booking.booking import HOLDING, Booking
from scheduling.booking.engagement import Engagement as Engagement
from scheduling.booking.engagement import Resource as Resource
from scheduling.booking.engagement import ResourceKind as ResourceKind
from scheduling.booking.equipment import Equipment
from scheduling.booking.slot import ReceptionRoom, Slot
from scheduling.rota.reception_day import DayState, ReceptionDay, received_by
from scheduling.session import Session

Taken = tuple[str, datetime, datetime]
FIELDS = {ResourceKind.PERSON: "officials", ResourceKind.ROOM: "rooms", ResourceKind.EQUIPMENT: "equipment"}


async def take_turn(db: AsyncSession, wanted: Mapping[str, ResourceKind]) -> None:
    """Wait for everybody who engages one of these now; from here on nobody else does until the commit."""
    for resource_id in sorted(wanted):
        await insert_if_absent(db, Resource, id=resource_id, kind=wanted[resource_id], turn=0)
        await db.execute(
            update(Resource).where(Resource.id == resource_id).values(turn=Resource.turn + 1),
            execution_options={"synchronize_session": False},
        )


async def engage(
    db: AsyncSession, clock: Clock, session: Session, wanted: Mapping[str, ResourceKind]
) -> None:
    """Take all of `wanted` (id to kind) for the time of the session, inside the caller's transaction.

    What the session has already stays as it is. Raises Conflict `engaged` at `officials`, `rooms` or
    `equipment`, naming whom and when, never what for.
    """
    await take_turn(db, wanted)
    has = await engaged_by(db, session.id)
    wanted = {each: kind for each, kind in wanted.items() if each not in has}
    await _refuse_engaged(db, session, wanted)
    db.add_all(
        Engagement(
            id=new_id(), resource_id=each, session_id=session.id, starts_at=session.starts_at,
            ends_at=session.ends_at,
        )
        for each in sorted(wanted)
    )  # fmt: skip
    await db.flush()


async def move_engagements(db: AsyncSession, clock: Clock, session: Session) -> None:
    """Take the same for the new time of the session and let go of the old. Raises Conflict `engaged`."""
    wanted = await engaged_by(db, session.id)
    await release(db, clock, session.id)
    await engage(db, clock, session, wanted)


async def release(db: AsyncSession, clock: Clock, session_id: str, only: Collection[str] = ()) -> None:
    """Let go of what a session engages (`only` these), inside the caller's transaction."""
    same = (Engagement.session_id == session_id) & Engagement.released_at.is_(None)
    change = update(Engagement).where(same).values(released_at=clock.now())
    change = change.where(Engagement.resource_id.in_(only)) if only else change
    await db.execute(change, execution_options={"synchronize_session": False})


async def engaged_by(db: AsyncSession, session_id: str) -> dict[str, ResourceKind]:
    """What a session engages now: id to kind."""
    query = select(Resource.id, Resource.kind).join(Engagement, Engagement.resource_id == Resource.id)
    query = query.where(Engagement.session_id == session_id, Engagement.released_at.is_(None))
    return {resource_id: kind for resource_id, kind in await db.execute(query)}


async def engaged_times(
    db: AsyncSession, resource_ids: Collection[str], starts_from: datetime, starts_before: datetime
) -> Sequence[Engagement]:
    """Every live engagement of these resources that touches the stretch of time."""
    query = select(Engagement).where(
        Engagement.resource_id.in_(resource_ids),
        Engagement.released_at.is_(None),
        Engagement.ends_at > starts_from,
        Engagement.starts_at < starts_before,
    )
    return (await db.scalars(query)).all()


async def hold_slot(db: AsyncSession, slot: Slot) -> None:
    """Make who wants this slot wait for who calls its reception day off or puts a substitute in, and for
    one another. Raises Conflict `slot_over` where the day was called off meanwhile."""
    if slot.reception_day_id is None:
        return
    same = update(ReceptionDay).where(ReceptionDay.id == slot.reception_day_id)
    same = same.values(revision=ReceptionDay.revision)
    await db.execute(same, execution_options={"synchronize_session": False})
    day = await db.get_one(ReceptionDay, slot.reception_day_id, populate_existing=True)
    if day.state is DayState.CANCELLED:
        raise Conflict("slot_over", "这个接访日已经取消，请另选一个时段。", "slot_id")


async def refuse_engaged_slot(db: AsyncSession, slot: Slot, but: str | None = None) -> None:
    """Refuse a slot whose room, or leader of its reception day, a session took for the same time.

    The caller holds the slot. `but`: id of the session that is to have it. Raises Conflict `slot_taken`, or
    `engaged` naming the leader, at `slot_id`.
    """
    day = await db.get(ReceptionDay, slot.reception_day_id) if slot.reception_day_id else None
    # Both in one turn: in the order of their ids nobody waits for somebody who waits.
    wanted = {slot.room_id: ResourceKind.ROOM}
    wanted |= {day.receives.id: ResourceKind.PERSON} if day is not None else {}
    await take_turn(db, wanted)
    live = await engaged_times(db, wanted, slot.starts_at, slot.ends_at)
    taken = {each.resource_id for each in live if each.session_id != but}
    if slot.room_id in taken:
        raise Conflict("slot_taken", "这个时段刚刚被别人约走了，请另选一个。", "slot_id")
    if day is not None and taken:
        raise Conflict("engaged", f"{day.receives.name}在这个时间已有别的安排，请另选时间。", "slot_id")


async def refuse_engaged_on_day(db: AsyncSession, day: ReceptionDay, official_id: str) -> None:
    """Refuse who would receive on a day while engaged elsewhere at a time that is booked there.

    The caller holds the day and the person's turn. Raises Conflict `engaged` at `substitute`.
    """
    booked = select(Slot.starts_at, Slot.ends_at, Booking.id).join(Booking, Booking.slot_id == Slot.id)
    booked = booked.where(Slot.reception_day_id == day.id, Booking.state.in_(sorted(HOLDING)))
    held = (await db.execute(booked)).all()
    own = select(Session.id).where(Session.booking_id.in_([booking_id for _, _, booking_id in held]))
    here = set(await db.scalars(own))
    taken = [
        (each.resource_id, each.starts_at, each.ends_at)
        for each in await engaged_times(db, [official_id], day.starts_at, day.ends_at)
        if each.session_id not in here
        and any(begin < each.ends_at and end > each.starts_at for begin, end, _ in held)
    ]
    if taken:
        name, begin, end = await _who_and_when(db, taken)
        message = f"{name}在 {begin:%H:%M}–{end:%H:%M} 已有别的安排，那时已有群众预约，请换一位。"
        raise Conflict("engaged", message, "substitute")


async def refuse_engaged_mediator(
    db: AsyncSession, third_party_id: str, starts_at: datetime, ends_at: datetime
) -> None:
    """Refuse a sitting at a place whose mediator sits elsewhere then, inside the caller's transaction.

    Raises Conflict `engaged` at `time`.
    """
    person = {third_party_id: ResourceKind.PERSON}
    await take_turn(db, person)
    live = await engaged_times(db, person, starts_at, ends_at)
    taken = [(each.resource_id, each.starts_at, each.ends_at) for each in live]
    taken += await _sitting_mediators(db, person, starts_at, ends_at)
    if taken:
        name, begin, end = await _who_and_when(db, taken)
        message = f"{name}在 {begin:%H:%M}–{end:%H:%M} 已有别的安排，请另选时间或换一位调解员。"
        raise Conflict("engaged", message, "time")


async def names_of(db: AsyncSession, resource_ids: Collection[str]) -> dict[str, str]:
    """What people call each of these resources."""
    found: dict[str, str] = {}
    for model in (Official, ReceptionRoom, Equipment, ThirdParty):
        rows = await db.execute(select(model.id, model.name).where(model.id.in_(resource_ids)))
        found |= {row_id: name for row_id, name in rows}
    return found


async def _refuse_engaged(db: AsyncSession, session: Session, wanted: Mapping[str, ResourceKind]) -> None:
    taken = [
        (each.resource_id, each.starts_at, each.ends_at)
        for each in await engaged_times(db, wanted.keys(), session.starts_at, session.ends_at)
        if each.session_id != session.id
    ]
    rooms = [each for each, kind in wanted.items() if kind is ResourceKind.ROOM]
    taken += await _booked_rooms(db, session, rooms)
    people = [each for each, kind in wanted.items() if kind is ResourceKind.PERSON]
    taken += await _booked_leaders(db, session, people)
    taken += await _sitting_mediators(db, people, session.starts_at, session.ends_at)
    if taken:
        field = FIELDS[wanted[min(taken, key=_first)[0]]]
        name, begin, end = await _who_and_when(db, taken)
        message = f"{name}在 {begin:%H:%M}–{end:%H:%M} 已有别的安排，请另选时间或换人、换场地。"
        raise Conflict("engaged", message, field)


def _first(taken: Taken) -> tuple[datetime, str]:
    return taken[1], taken[0]


async def _who_and_when(db: AsyncSession, taken: Sequence[Taken]) -> tuple[str, datetime, datetime]:
    resource_id, starts_at, ends_at = min(taken, key=_first)
    name = (await names_of(db, [resource_id])).get(resource_id, "")
    return name, starts_at.astimezone(BEIJING), ends_at.astimezone(BEIJING)


async def _sitting_mediators(
    db: AsyncSession, third_party_ids: Collection[str], starts_from: datetime, starts_before: datetime
) -> list[Taken]:
    """Sittings at a place of these mediators; those by video are engagements of their session."""
    query = (
        select(Mediation.mediator_id, MediationSitting.starts_at, MediationSitting.ends_at)
        .join(Mediation, Mediation.id == MediationSitting.mediation_id)
        .where(Mediation.mediator_id.in_(third_party_ids), Mediation.state.in_(sorted(OPEN)))
        .where(MediationSitting.session_id.is_(None))
        .where(MediationSitting.ends_at > starts_from, MediationSitting.starts_at < starts_before)
    )
    return [(one, start, end) for one, start, end in await db.execute(query) if one is not None]


async def _booked_leaders(db: AsyncSession, session: Session, official_ids: Collection[str]) -> list[Taken]:
    """Slots of these leaders' reception days that somebody else holds: they receive there."""
    query = (
        select(ReceptionDay, Slot.starts_at, Slot.ends_at)
        .join(Slot, Slot.reception_day_id == ReceptionDay.id)
        .join(Booking, Booking.slot_id == Slot.id)
        .where(received_by(official_ids), ReceptionDay.state == DayState.PUBLISHED)
        .where(Booking.state.in_(sorted(HOLDING)), Booking.id.is_distinct_from(session.booking_id))
        .where(Slot.starts_at < session.ends_at, Slot.ends_at > session.starts_at)
    )
    return [(day.receives.id, start, end) for day, start, end in await db.execute(query)]


async def _booked_rooms(db: AsyncSession, session: Session, room_ids: Collection[str]) -> list[Taken]:
    """Slots of these rooms that somebody else holds without a session yet."""
    query = (
        select(Slot.room_id, Slot.starts_at, Slot.ends_at)
        .join(Booking, Booking.slot_id == Slot.id)
        .where(Slot.room_id.in_(room_ids), Booking.state.in_(sorted(HOLDING)))
        .where(Booking.id.is_distinct_from(session.booking_id))
        .where(Slot.starts_at < session.ends_at, Slot.ends_at > session.starts_at)
    )
    return [(room, start, end) for room, start, end in await db.execute(query)]
