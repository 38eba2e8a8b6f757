"""Reminding of a reception day five working days ahead and one (the county practice; domain.md 1.6).

Reminded are who receives and who stands by, the units that must attend, and the office that prepares the
briefing pack; told at once is who of them a change concerns. Found from state: what is due and not told. A
reminder is of one date, so a day that moves is reminded of anew, and what nobody has told by then lapses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Date, ForeignKey, String, UniqueConstraint, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.clock import BEIJING, Clock
from cases.database import ID_LENGTH, Base, insert_if_absent, new_id
from cases.deadlines.in_force import calendar_of
from scheduling.booking.booking import HOLDING, Booking
from scheduling.booking.slot import Slot
from scheduling.notices.attendance import AttendanceNotice, attending_units, phones_of, tell_units
from scheduling.notices.notice import Notice, NoticeDraft
from scheduling.notices.queueing import About
from scheduling.notices.telling import Telling, tell, tell_of_receiver
from scheduling.rota.reception_day import DayState, ReceptionDay

AHEAD = (1, 5)  # Working days, the nearest first: of a day that is published late, one reminder is enough.
OF_CHANGE = 0  # In place of the days ahead: the last change that somebody was told of.
AT = time(8, 30)  # Nobody is written to at night.
LONGEST = timedelta(days=31)  # Five working days around the longest festival.
WORTH_TELLING = timedelta(days=1)  # That a day was called off, after it.
MOST_DAYS = 200


class Part(StrEnum):
    """What somebody does on a reception day."""

    LEADER = "leader"
    SUBSTITUTE = "substitute"
    OFFICE = "office"
    UNIT = "unit"


REMINDERS: Mapping[Part, str] = {
    Part.LEADER: "reception_day_leader",
    Part.SUBSTITUTE: "reception_day_substitute",
    Part.OFFICE: "reception_day_briefing",
    Part.UNIT: "attendance_reminder",
}
# What units are told of a change, and what the people of the day are.
CHANGES: Mapping[str, str] = {
    "attendance_changed": "reception_day_changed",
    "attendance_moved": "reception_day_moved",
    "attendance_cancelled": "reception_day_cancelled",
}


class DayReminder(Base):
    """One reminder, `ahead` working days before `falls_on`, or OF_CHANGE.

    `recipient_id`: an official or an organisation.
    """

    __tablename__ = "day_reminders"
    __table_args__ = (
        UniqueConstraint(
            "reception_day_id", "falls_on", "ahead", "part", "recipient_id", name="uq_day_reminders_once"
        ),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    reception_day_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("reception_days.id"))
    falls_on: Mapped[date] = mapped_column(Date)
    ahead: Mapped[int]
    part: Mapped[Part]
    recipient_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    notice_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("notices.id"))
    at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody of a day, with the number at which they are told ("" while none is known)."""

    part: Part
    id: str
    name: str
    phone: str


async def remind_of_days(db: AsyncSession, clock: Clock, telling: Telling) -> int:
    """Queue every reminder that is due and was not given; commits each day. Returns how many.

    Several processes may do so at once: each reminder arises once.
    """
    now = clock.now()
    query = select(ReceptionDay).where(
        ReceptionDay.state == DayState.PUBLISHED,
        ReceptionDay.starts_at > now,
        ReceptionDay.starts_at <= now + LONGEST,
    )
    count = 0
    for day in (await db.scalars(query.order_by(ReceptionDay.starts_at).limit(MOST_DAYS))).all():
        falls_on, ahead = _falls_on(day), due_ahead(day, now)
        if ahead is None:
            continue
        known = await _known(db, day)
        count += await _remind(db, clock, telling, day, falls_on, ahead, known)
        await db.commit()
    return count


async def tell_of_day(
    db: AsyncSession, clock: Clock, telling: Telling, day: ReceptionDay, template: str, reason: str = ""
) -> int:
    """Queue what a change tells units and the people of the day, inside the caller's transaction.

    What nobody has told of the day so far lapses: it is not true any more.
    """
    asked = select(AttendanceNotice.notice_id).where(AttendanceNotice.reception_day_id == day.id)
    reminded = [each.notice_id for each in await _known(db, day)]
    await _lapse(db, clock, [*await db.scalars(asked), *reminded])
    count = await tell_units(db, clock, telling, day, template, reason)
    for each in await _people(db, day) if template in CHANGES else ():
        notice = await _tell(db, clock, telling, day, each, CHANGES[template], {"what": reason})
        await _note(db, clock, day, each, OF_CHANGE)
        await db.execute(update(DayReminder).where(*_key(day, each, OF_CHANGE)).values(notice_id=notice.id))
        count += 1
    for booking in await _held_on(db, day, clock.now()) if template == "attendance_changed" else ():
        count += await tell_of_receiver(db, clock, telling, booking, day.receives.name)
    return count


async def _held_on(db: AsyncSession, day: ReceptionDay, now: datetime) -> Sequence[Booking]:
    """Times were taken under the leader's name: who took one hears who receives instead."""
    query = select(Booking).join(Slot, Slot.id == Booking.slot_id).where(Slot.reception_day_id == day.id)
    query = query.where(Booking.state.in_(sorted(HOLDING)), Slot.starts_at > now)
    return (await db.scalars(query.order_by(Slot.starts_at))).all()


def due_ahead(day: ReceptionDay, now: datetime) -> int | None:
    """Which reminder of a day is due: of those whose morning has come, the nearest to the day."""
    return next((ahead for ahead in AHEAD if _morning(day, ahead) <= now), None)


def _morning(day: ReceptionDay, ahead: int) -> datetime:
    calendar = calendar_of(day.organisation.region_code)
    return datetime.combine(calendar.before(_falls_on(day), ahead), AT, BEIJING)


def _falls_on(day: ReceptionDay) -> date:
    return day.starts_at.astimezone(BEIJING).date()


async def _known(db: AsyncSession, day: ReceptionDay) -> Sequence[DayReminder]:
    query = select(DayReminder).where(DayReminder.reception_day_id == day.id)
    return (await db.scalars(query)).all()


async def _remind(
    db: AsyncSession, clock: Clock, telling: Telling, day: ReceptionDay, falls_on: date, ahead: int,
    known: Sequence[DayReminder],
) -> int:  # fmt: skip
    await _lapse(db, clock, [each.notice_id for each in known if each.falls_on != falls_on])
    same = [each for each in known if (each.falls_on, each.ahead) == (falls_on, ahead)]
    given = {(each.part, each.recipient_id) for each in same}
    waiting = [each for each in await _recipients(db, day, ahead) if (each.part, each.id) not in given]
    count = 0
    for each in waiting:
        if not await _note(db, clock, day, each, ahead):
            continue  # Another process was quicker.
        fields = {"count": str(await _booked(db, day))}
        notice = await _tell(db, clock, telling, day, each, REMINDERS[each.part], fields)
        await db.execute(update(DayReminder).where(*_key(day, each, ahead)).values(notice_id=notice.id))
        count += 1
    return count


async def _note(db: AsyncSession, clock: Clock, day: ReceptionDay, to: Recipient, ahead: int) -> bool:
    key = new_id()
    await insert_if_absent(
        db, DayReminder, id=key, reception_day_id=day.id, falls_on=_falls_on(day), ahead=ahead, part=to.part,
        recipient_id=to.id, notice_id=None, at=clock.now(),
    )  # fmt: skip
    return await db.scalar(select(DayReminder.id).where(DayReminder.id == key)) is not None


def _key(day: ReceptionDay, to: Recipient, ahead: int) -> tuple[ColumnElement[bool], ...]:
    return (
        DayReminder.reception_day_id == day.id,
        DayReminder.falls_on == _falls_on(day),
        DayReminder.ahead == ahead,
        DayReminder.part == to.part,
        DayReminder.recipient_id == to.id,
    )


async def _tell(
    db: AsyncSession, clock: Clock, telling: Telling, day: ReceptionDay, to: Recipient, template: str,
    more: Mapping[str, str],
) -> Notice:  # fmt: skip
    fields = {
        "office": day.organisation.name, "when": telling.when(day.starts_at), "place": day.room.name,
        "leader": day.receives.name, "name": to.name, "unit": to.name, **more,
    }  # fmt: skip
    about, until = About(day.organisation_id), max(day.ends_at, clock.now() + WORTH_TELLING)
    notice = await tell(db, clock, telling, about, to.phone, template, fields, until)
    if to.part is Part.UNIT:
        db.add(AttendanceNotice(notice_id=notice.id, reception_day_id=day.id, organisation_id=to.id))
    await db.flush()
    return notice


async def _recipients(db: AsyncSession, day: ReceptionDay, ahead: int) -> list[Recipient]:
    """A unit that heard of the day since this reminder fell due need not be told twice."""
    query = select(AttendanceNotice.organisation_id).join(Notice, Notice.id == AttendanceNotice.notice_id)
    query = query.where(AttendanceNotice.reception_day_id == day.id, Notice.queued_at >= _morning(day, ahead))
    heard = set(await db.scalars(query))
    phones = await phones_of(db, day)
    units = [
        Recipient(Part.UNIT, each.id, each.name, phones.get(each.id, ""))
        for each in await attending_units(db, day)
        if each.id not in heard
    ]
    return [*await _people(db, day), *units]


async def _people(db: AsyncSession, day: ReceptionDay) -> list[Recipient]:
    """Who receives, who stands by (the leader, where somebody stands in), and the office itself."""
    phones = await phones_of(db, day)
    return [Recipient(part, key, name, phones.get(key, "")) for part, key, name in _parts(day)]


def _parts(day: ReceptionDay) -> Iterator[tuple[Part, str, str]]:
    yield Part.LEADER, day.receives.id, day.receives.name
    other = day.leader if day.stands_in else day.substitute
    if other is not None and other.id != day.receives.id:
        yield Part.SUBSTITUTE, other.id, other.name
    yield Part.OFFICE, day.organisation_id, day.organisation.name


async def _booked(db: AsyncSession, day: ReceptionDay) -> int:
    query = select(func.count()).select_from(Booking).join(Slot, Slot.id == Booking.slot_id)
    query = query.where(Slot.reception_day_id == day.id, Booking.state.in_(sorted(HOLDING)))
    return await db.scalar(query) or 0


async def _lapse(db: AsyncSession, clock: Clock, notice_ids: Iterable[str | None]) -> None:
    """What has not left is not sent or told any more; the outbox says so."""
    ids = [each for each in notice_ids if each is not None]
    waiting = update(NoticeDraft).where(NoticeDraft.notice_id.in_(ids))
    await db.execute(waiting.values(expires_at=clock.now()).execution_options(synchronize_session=False))
