"""Telling units that must attend a reception day: it is held, somebody else receives, it is off.

Heads of the units concerned have to be there (the county practice; domain.md 1.6). A unit is told at its duty
telephone: by message where that is a mobile number, else by a call, and by a slip while no number is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic
from cases.errors import Invalid, NotFound
from cases.fields import clean, clean_phone
from cases.organisations import Organisation
from cases.policy import Action, Actor, require
from scheduling.booking.slots import scope_of_organisation
from scheduling.notices.notice import Notice, NoticeEvent
from scheduling.notices.queueing import About
from scheduling.notices.telling import Telling, tell
from scheduling.rota.reception_day import ReceptionDay

AFTER = timedelta(days=1)  # That a day was called off is worth telling so long after.


class DutyPhone(Base):
    """The telephone at which a unit takes what offices tell it."""

    __tablename__ = "duty_phones"

    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), primary_key=True
    )
    phone: Mapped[str] = mapped_column(String(16))
    changed_at: Mapped[datetime]


class OfficialPhone(Base):
    """The telephone at which somebody who receives is reminded of it."""

    __tablename__ = "official_phones"

    official_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"), primary_key=True)
    phone: Mapped[str] = mapped_column(String(16))
    changed_at: Mapped[datetime]


class AttendanceNotice(Base):
    """Which unit a notice told of which reception day."""

    __tablename__ = "attendance_notices"

    notice_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("notices.id"), primary_key=True)
    reception_day_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("reception_days.id"), index=True
    )
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))


@dataclass(frozen=True, slots=True)
class Attendance:
    """A unit that must be there: its number ("" while none is known), and what it was told last."""

    organisation: Organisation
    phone: str
    notice: Notice | None
    step: NoticeEvent | None


async def tell_units(
    db: AsyncSession, clock: Clock, telling: Telling, day: ReceptionDay, template: str, reason: str = ""
) -> int:
    """Queue the notice to each unit inside the caller's transaction; returns how many."""
    phones = await phones_of(db, day)
    units = await attending_units(db, day)
    for unit in units:
        fields = {
            "office": day.organisation.name, "unit": unit.name, "when": telling.when(day.starts_at),
            "place": day.room.name, "leader": day.receives.name, "what": reason,
        }  # fmt: skip
        until = max(day.ends_at, clock.now() + AFTER)
        about = About(day.organisation_id)
        notice = await tell(db, clock, telling, about, phones.get(unit.id, ""), template, fields, until)
        db.add(AttendanceNotice(notice_id=notice.id, reception_day_id=day.id, organisation_id=unit.id))
    await db.flush()
    return len(units)


async def attendance_of(db: AsyncSession, day: ReceptionDay) -> Sequence[Attendance]:
    """The units of a day with what they were told. The caller has asked the policy."""
    query = (
        select(AttendanceNotice.organisation_id, Notice, NoticeEvent)
        .join(Notice, Notice.id == AttendanceNotice.notice_id)
        .join(NoticeEvent, NoticeEvent.notice_id == Notice.id)
        .where(AttendanceNotice.reception_day_id == day.id)
        .order_by(Notice.queued_at, NoticeEvent.sequence)
    )
    last = {unit: (notice, step) for unit, notice, step in await db.execute(query)}
    phones = await phones_of(db, day)
    return [
        Attendance(unit, phones.get(unit.id, ""), *last.get(unit.id, (None, None)))
        for unit in await attending_units(db, day)
    ]


@atomic
async def set_duty_phone(
    db: AsyncSession, clock: Clock, actor: Actor, day_id: str, of_id: str, phone: str
) -> None:
    """Note the number of a unit of this day, of its office, or of who receives, and commit.

    Nothing typed takes it away. Raises NotFound, Forbidden, Invalid at `phone`.
    """
    day = await db.get(ReceptionDay, day_id)
    if day is None:
        raise NotFound("day_not_found", "没有找到这个接访日。")
    require(actor, Action.MANAGE_SLOTS, scope_of_organisation(day.organisation))
    person = of_id in _people_ids(day)
    if not person and of_id not in [*day.required_ids, day.organisation_id]:
        raise Invalid("not_asked", "这个单位不用到场。", "phone")
    number = clean_phone(phone, "phone") if clean(phone) else ""
    if not number:
        row = await db.get(OfficialPhone if person else DutyPhone, of_id)
        if row is not None:
            await db.delete(row)
    elif person:
        await db.merge(OfficialPhone(official_id=of_id, phone=number, changed_at=clock.now()))
    else:
        await db.merge(DutyPhone(organisation_id=of_id, phone=number, changed_at=clock.now()))
    kind = "official" if person else "organisation"
    await add_audit(db, clock, actor, "duty_phone.changed", kind, of_id)
    await db.commit()


async def attending_units(db: AsyncSession, day: ReceptionDay) -> Sequence[Organisation]:
    """The units that must be there, as far as they still exist. The caller has asked the policy."""
    query = select(Organisation).where(Organisation.id.in_(day.required_ids))
    query = query.where(Organisation.closed_at.is_(None))
    return (await db.scalars(query.order_by(Organisation.region_code, Organisation.name))).all()


async def phones_of(db: AsyncSession, day: ReceptionDay) -> Mapping[str, str]:
    """The numbers of a day by the id of the unit, of the office itself, or of the official."""
    offices = select(DutyPhone.organisation_id, DutyPhone.phone)
    offices = offices.where(DutyPhone.organisation_id.in_([*day.required_ids, day.organisation_id]))
    people = select(OfficialPhone.official_id, OfficialPhone.phone)
    people = people.where(OfficialPhone.official_id.in_(_people_ids(day)))
    return {key: phone for query in (offices, people) for key, phone in await db.execute(query)}


def _people_ids(day: ReceptionDay) -> list[str]:
    return [each for each in (day.leader_id, day.substitute_id) if each is not None]
