"""Reception rooms and the slots in which they can be taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean_name, require_zone
from cases.organisations import Organisation, OrganisationKind, get_organisation
from cases.policy import Action, Actor, Scope, require
from scheduling.booking.booking import HOLDING, Booking
from scheduling.booking.engagement import Engagement
from scheduling.booking.slot import ReceptionRoom as ReceptionRoom
from scheduling.booking.slot import Slot as Slot
from scheduling.booking.slot_proposal import SlotProposal

# A slot's row refers to its day, and SQLAlchemy must know that table before it writes one.
from scheduling.rota.reception_day import ReceptionDay as ReceptionDay

MINUTES = (10, 60)  # Shortest and longest slot (domain.md 1.1: sessions took 12 to 30 minutes).
MAX_DAY = timedelta(hours=14)
MAX_AHEAD = timedelta(days=180)
OFFERED = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class OpenSlots:
    """Command: cut the time from `starts_at` to `ends_at` (aware) into slots of `minutes`."""

    room_id: str
    starts_at: datetime
    ends_at: datetime
    minutes: int = 30
    is_public: bool = True


async def create_room(
    db: AsyncSession, clock: Clock, actor: Actor, organisation_id: str, name: str
) -> ReceptionRoom:
    """Create a reception room of an office or station. Raises Invalid at `name`."""
    organisation = await get_organisation(db, organisation_id)
    require(actor, Action.MANAGE_SLOTS, scope_of_organisation(organisation))
    if organisation.kind is OrganisationKind.DEPARTMENT:
        raise Invalid("bad_organisation", "只有信访部门和接访点可以设置接访室。", "organisation_id")
    room = ReceptionRoom(
        id=new_id(), organisation_id=organisation_id, name=clean_name(name, "name", "接访室名称")
    )
    db.add(room)
    await add_audit(db, clock, actor, "room.created", "reception_room", room.id)
    await db.commit()
    await db.refresh(room, ["organisation"])
    return room


async def list_rooms(db: AsyncSession, organisation_id: str) -> Sequence[ReceptionRoom]:
    """Return the reception rooms of an organisation by name."""
    query = select(ReceptionRoom).where(ReceptionRoom.organisation_id == organisation_id)
    return (await db.scalars(query.order_by(ReceptionRoom.name, ReceptionRoom.id))).all()


@atomic
async def open_slots(db: AsyncSession, clock: Clock, actor: Actor, command: OpenSlots) -> Sequence[Slot]:
    """Create the slots and commit. Raises Invalid at the field, Conflict `slots_overlap`."""
    room = await db.get(ReceptionRoom, command.room_id)
    if room is None:
        raise NotFound("room_not_found", "没有找到这个接访室。")
    require(actor, Action.MANAGE_SLOTS, scope_of_organisation(room.organisation))
    slots = await add_slots(db, clock, room, command)
    await add_audit(db, clock, actor, "slots.opened", "reception_room", room.id, detail={"count": len(slots)})
    await db.commit()
    return slots


async def add_slots(
    db: AsyncSession, clock: Clock, room: ReceptionRoom, command: OpenSlots
) -> Sequence[Slot]:
    """Create the slots inside the caller's transaction, after the caller asked the policy. Raises alike."""
    check_period(clock, command.starts_at, command.ends_at, MAX_DAY)
    moments = _cut(command)
    # Touching the room's row makes two openers take turns, so that the look below is not out of date.
    await db.execute(update(ReceptionRoom).where(ReceptionRoom.id == room.id).values(name=ReceptionRoom.name))
    await _refuse_overlap(db, room.id, moments[0], moments[-1])
    closed = select(Slot).where(Slot.room_id == room.id, Slot.starts_at.in_(moments), Slot.closed)
    anew = {slot.starts_at: slot for slot in await db.scalars(closed)}
    slots = []
    for start, end in zip(moments, moments[1:], strict=False):
        # One room has one slot at a moment: what an earlier day left closed is opened again.
        slot = anew.get(start) or Slot(
            id=new_id(), room_id=room.id, organisation_id=room.organisation_id, room=room, starts_at=start
        )  # fmt: skip
        slot.ends_at, slot.is_public, slot.closed, slot.reception_day_id = end, command.is_public, False, None
        slots.append(slot)
    db.add_all(slots)
    await db.flush()
    return slots


async def drop_slots(db: AsyncSession, slots: Sequence[Slot]) -> None:
    """End slots that nobody holds, inside the caller's transaction: those that a history names are kept."""
    ids = [slot.id for slot in slots]
    named = set(await db.scalars(select(Booking.slot_id).where(Booking.slot_id.in_(ids))))
    for column in (SlotProposal.slot_id, SlotProposal.was_slot_id):
        named |= set(await db.scalars(select(column).where(column.in_(ids))))
    for slot in slots:
        if slot.id in named:
            slot.is_public, slot.closed = False, True
        else:
            await db.delete(slot)


async def list_free_slots(
    db: AsyncSession, clock: Clock, organisation_id: str, starts_from: datetime, starts_before: datetime,
    public_only: bool = False,
) -> Sequence[Slot]:  # fmt: skip
    """Return slots that nobody holds and that have not begun, in order of time."""
    within = and_(Slot.starts_at >= max(starts_from, clock.now()), Slot.starts_at < starts_before)
    return await _list_free(db, organisation_id, within, public_only)


async def list_offered_slots(
    db: AsyncSession, clock: Clock, organisation_id: str, public_only: bool = False
) -> Sequence[Slot]:
    """Return what can be chosen now: free slots of two weeks, and of published reception days all of them.

    Such a day is announced by the leader's name and may be moved by a quarter: whoever waits for it finds it.
    """
    now = clock.now()
    soon = or_(Slot.starts_at < now + OFFERED, Slot.reception_day_id.is_not(None))
    return await _list_free(db, organisation_id, and_(Slot.starts_at >= now, soon), public_only)


async def _list_free(
    db: AsyncSession, organisation_id: str, within: ColumnElement[bool], public_only: bool
) -> Sequence[Slot]:
    taken = exists().where(Booking.slot_id == Slot.id, Booking.state.in_(sorted(HOLDING)))
    engaged = exists().where(
        Engagement.resource_id == Slot.room_id,
        Engagement.released_at.is_(None),
        Engagement.starts_at < Slot.ends_at,
        Engagement.ends_at > Slot.starts_at,
    )
    # Who receives on the slot's day and sits elsewhere then cannot be booked either.
    receives = case((ReceptionDay.stands_in, ReceptionDay.substitute_id), else_=ReceptionDay.leader_id)
    away = exists().where(
        ReceptionDay.id == Slot.reception_day_id,
        Engagement.resource_id == receives,
        Engagement.released_at.is_(None),
        Engagement.starts_at < Slot.ends_at,
        Engagement.ends_at > Slot.starts_at,
    )
    query = select(Slot).where(
        Slot.organisation_id == organisation_id,
        within,
        Slot.closed.is_(False),
        ~taken,
        ~engaged,
        ~away,
    )
    if public_only:
        query = query.where(Slot.is_public)
    return (await db.scalars(query.order_by(Slot.starts_at, Slot.room_id))).all()


async def get_slot(db: AsyncSession, slot_id: str) -> Slot:
    """Return the slot with its room and organisation; slots hide nothing. Raises NotFound."""
    slot = await db.get(Slot, slot_id)
    if slot is None:
        raise NotFound("slot_not_found", "没有找到这个时段，请重新选择。")
    return slot


def scope_of_organisation(organisation: Organisation) -> Scope:
    """Return the scope of what belongs to one organisation: its rooms and slots."""
    own = frozenset({organisation.id})
    return Scope(frozenset({organisation.region_code}), organisation_ids=own, owner_organisation_ids=own)


def check_period(clock: Clock, starts_at: datetime, ends_at: datetime, longest: timedelta) -> None:
    """Refuse a stretch of time that cannot be meant. Raises Invalid at `starts_at` or `ends_at`."""
    now = clock.now()
    require_zone(starts_at, "starts_at")
    require_zone(ends_at, "ends_at")
    if starts_at < now - timedelta(minutes=1):
        raise Invalid("in_the_past", "开始时间已经过去，请选择以后的时间。", "starts_at")
    if starts_at > now + MAX_AHEAD:
        raise Invalid("too_far_ahead", f"最多只能提前 {MAX_AHEAD.days} 天安排。", "starts_at")
    if ends_at <= starts_at:
        raise Invalid("ends_before_start", "结束时间要晚于开始时间。", "ends_at")
    if ends_at - starts_at > longest:
        hours = longest.total_seconds() / 3600
        raise Invalid("too_long", f"时间太长，最多 {hours:g} 小时。", "ends_at")


def _cut(command: OpenSlots) -> list[datetime]:
    shortest, longest = MINUTES
    if not shortest <= command.minutes <= longest:
        raise Invalid("bad_minutes", f"每个时段 {shortest} 到 {longest} 分钟。", "minutes")
    step = timedelta(minutes=command.minutes)
    count = (command.ends_at - command.starts_at) // step
    if count < 1:
        raise Invalid("too_short", "这段时间放不下一个完整的时段。", "ends_at")
    return [command.starts_at + index * step for index in range(count + 1)]


async def _refuse_overlap(db: AsyncSession, room_id: str, starts_at: datetime, ends_at: datetime) -> None:
    query = select(Slot.id).where(Slot.room_id == room_id, Slot.starts_at < ends_at, Slot.ends_at > starts_at)
    query = query.where(Slot.closed.is_(False))
    if await db.scalar(query.limit(1)) is not None:
        raise Conflict("slots_overlap", "这个接访室在这段时间里已经有时段。", "starts_at")
