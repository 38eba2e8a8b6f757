"""Common free time: when everybody, every room and every piece of equipment that is asked for is free."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING, Clock
from cases.deadlines.in_force import calendar_of
from cases.errors import Invalid
from cases.handling.clocks import today
from cases.policy import Action, Actor, require
from scheduling.booking.booking import HOLDING, Booking
from scheduling.booking.engagements import engaged_times
from scheduling.booking.slot import Slot
from scheduling.rota.reception_day import DayState, ReceptionDay, received_by

# Office hours of Lanzhou, civil time (domain.md 1.1: 08:30-12:00 and 14:30-18:30).
OFFICE_HOURS = ((time(8, 30), time(12)), (time(14, 30), time(18)))
STEP = timedelta(minutes=30)
NOTICE = timedelta(hours=1)  # Nobody is called together for a time that is nearer.
MOST_RESOURCES = 48
MOST_DAYS = 62


@dataclass(frozen=True, slots=True)
class Search:
    """`resource_ids`: officials, rooms, equipment. `slot_id`: what the citizen asked for, tried first."""

    resource_ids: tuple[str, ...]
    first: date
    days: int = 14
    minutes: int = 30
    slot_id: str | None = None
    limit: int = 12


@dataclass(frozen=True, slots=True)
class FreeTime:
    """A stretch in which all are free, aware. `wished`: the one the citizen asked for."""

    starts_at: datetime
    ends_at: datetime
    wished: bool = False


async def propose_times(db: AsyncSession, clock: Clock, actor: Actor, search: Search) -> Sequence[FreeTime]:
    """Free stretches in office hours of working days, earliest first, the wished one before all.

    A proposal takes nothing: booking it looks again. Raises Invalid at `first`, `days` or `minutes`.
    """
    require(actor, Action.BOOK)
    _check(clock, search)
    begin = datetime.combine(search.first, time.min, BEIJING)
    end = begin + timedelta(days=search.days)
    slot = await db.get(Slot, search.slot_id) if search.slot_id else None
    busy = await _busy(db, search.resource_ids, begin, end, slot)
    soonest = clock.now() + NOTICE
    found: list[FreeTime] = []
    if slot is not None and slot.starts_at > clock.now() and _is_free(busy, slot.starts_at, slot.ends_at):
        found.append(FreeTime(slot.starts_at, slot.ends_at, wished=True))
    length = timedelta(minutes=search.minutes)
    for start in _starts(search, length):
        if len(found) >= search.limit:
            break
        wished = bool(found) and found[0].wished and found[0].starts_at == start
        if start >= soonest and not wished and _is_free(busy, start, start + length):
            found.append(FreeTime(start, start + length))
    return found


def _check(clock: Clock, search: Search) -> None:
    now = today(clock)
    if search.first < now:
        raise Invalid("in_the_past", "日期已经过去，请选择今天以后的日期。", "first")
    if search.first > now + timedelta(days=180):
        raise Invalid("too_far_ahead", "最多只能提前 180 天安排。", "first")
    if not 1 <= search.days <= MOST_DAYS:
        raise Invalid("bad_days", f"一次最多查 {MOST_DAYS} 天。", "days")
    if not 10 <= search.minutes <= 240:
        raise Invalid("bad_minutes", "时长 10 到 240 分钟。", "minutes")
    if len(search.resource_ids) > MOST_RESOURCES:
        raise Invalid("too_many_invitees", f"一次最多比对 {MOST_RESOURCES} 个人和场地。", "officials")


def _starts(search: Search, length: timedelta) -> Iterator[datetime]:
    for number in range(search.days):
        day = search.first + timedelta(days=number)
        if not calendar_of().is_working(day):
            continue
        for opens, closes in OFFICE_HOURS:
            start = datetime.combine(day, opens, BEIJING)
            while start + length <= datetime.combine(day, closes, BEIJING):
                yield start
                start += STEP


def _is_free(busy: Collection[tuple[datetime, datetime]], start: datetime, end: datetime) -> bool:
    return all(until <= start or since >= end for since, until in busy)


async def _busy(
    db: AsyncSession, resource_ids: Collection[str], begin: datetime, end: datetime, slot: Slot | None
) -> list[tuple[datetime, datetime]]:
    busy = [(each.starts_at, each.ends_at) for each in await engaged_times(db, resource_ids, begin, end)]
    held = (
        select(Slot.id, Slot.starts_at, Slot.ends_at)
        .join(Booking, Booking.slot_id == Slot.id)
        .where(Slot.room_id.in_(resource_ids), Booking.state.in_(sorted(HOLDING)))
        .where(Slot.starts_at < end, Slot.ends_at > begin)
    )
    own = slot.id if slot is not None else None
    busy += [(start, until) for slot_id, start, until in await db.execute(held) if slot_id != own]
    # A leader on his reception day is there for those who booked it, not for anybody else.
    days = select(ReceptionDay).where(
        received_by(resource_ids),
        ReceptionDay.state == DayState.PUBLISHED,
        ReceptionDay.starts_at < end,
        ReceptionDay.ends_at > begin,
    )
    day_id = slot.reception_day_id if slot is not None else None
    busy += [(day.starts_at, day.ends_at) for day in await db.scalars(days) if day.id != day_id]
    return busy
