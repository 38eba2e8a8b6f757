"""The clocks of a case: one row for each duty that runs or ran, with its dates, so that boards can ask.

A row holds what it was counted from, so that it can be counted and explained again; dates are civil dates of
Beijing. Only one clock of a duty runs in a case at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Index, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.casefile import PetitionCase
from cases.clock import BEIJING, Clock
from cases.database import ID_LENGTH, Base, new_id
from cases.deadlines.deadline import Deadline, Interval, Standing, count
from cases.deadlines.in_force import BUILT_IN_PROFILES, calendar_of, profile_called, profiles
from cases.deadlines.profile import Pause, Profile, profile_for
from cases.deadlines.workdays import WorkCalendar
from cases.errors import Conflict

# A right that was not used is nobody's delay; what was entered makes no duty a right, nor a right a duty.
RIGHTS = sorted(
    {duty.code for each in BUILT_IN_PROFILES.values() for duty in each.duties.values() if duty.right}
)


class PetitionClock(Base):
    """One duty of one case. `raw_on`, `rolled_on`: None where no length was set; `met_on`: when done."""

    __tablename__ = "petition_clocks"
    __table_args__ = (
        Index("ix_petition_clocks_open", "met_on", "rolled_on"),
        Index("ix_petition_clocks_due", "duty", "rolled_on"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"), index=True)
    duty: Mapped[str] = mapped_column(String(32))
    profile: Mapped[str] = mapped_column(String(32))
    organisation_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    start_on: Mapped[date] = mapped_column(Date)
    set_days: Mapped[int] = mapped_column(default=0)
    extension: Mapped[int] = mapped_column(default=0)
    raw_on: Mapped[date | None] = mapped_column(Date)
    rolled_on: Mapped[date | None] = mapped_column(Date)
    # Days of hearings, each as {"kind", "first", "last"}; `last` null while it goes on.
    pauses: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    met_on: Mapped[date | None] = mapped_column(Date, default=None)
    begun_at: Mapped[datetime]
    # Whose days off count; None: the country's alone.
    region_code: Mapped[str | None] = mapped_column(String(12), default=None)

    def counted(self, calendar: WorkCalendar | None = None) -> Deadline:
        """The deadline as it is counted today by the tables of the program, or by another calendar."""
        return count(
            profile_called(self.profile),
            calendar or calendar_of(self.region_code or ""),
            self.duty,
            self.start_on,
            extension=self.extension,
            set_days=self.set_days,
            pauses=[_interval(each) for each in self.pauses],
        )

    def stands(self, today: date) -> Standing:
        """How it stands."""
        return self.counted().stands(today, self.met_on)


def today(clock: Clock) -> date:
    """The civil date of the offices."""
    return clock.now().astimezone(BEIJING).date()


def profile_of(petition: PetitionCase) -> Profile:
    """Which rules hold for a case: those of its keeper's region, by the day it came in."""
    day = petition.registered_at.astimezone(BEIJING).date()
    return profile_for(petition.custodian.region_code, day, profiles())


async def list_clocks(db: AsyncSession, petition_id: str) -> Sequence[PetitionClock]:
    """All clocks of a case in the order they began. The caller has asked the policy."""
    query = select(PetitionClock).where(PetitionClock.petition_id == petition_id)
    return (await db.scalars(query.order_by(PetitionClock.begun_at, PetitionClock.duty))).all()


async def find_running(db: AsyncSession, petition_id: str, duty: str) -> PetitionClock | None:
    """The clock of a duty that has not been met."""
    query = select(PetitionClock).where(
        PetitionClock.petition_id == petition_id, PetitionClock.duty == duty, PetitionClock.met_on.is_(None)
    )
    return (await db.scalars(query.order_by(PetitionClock.begun_at.desc()).limit(1))).first()


async def start_clock(
    db: AsyncSession,
    clock: Clock,
    petition: PetitionCase,
    duty: str,
    start: date,
    organisation_id: str | None,
    set_days: int = 0,
) -> PetitionClock | None:
    """Begin a clock inside the caller's transaction; None where the text of its time knows no such duty."""
    profile = profile_of(petition)
    if profile.duty(duty) is None:
        return None
    row = PetitionClock(
        id=new_id(), petition_id=petition.id, duty=duty, profile=profile.code, start_on=start,
        organisation_id=organisation_id, set_days=set_days, extension=0, pauses=[], begun_at=clock.now(),
        region_code=petition.custodian.region_code,
    )  # fmt: skip
    date_clock(row)
    db.add(row)
    await db.flush()
    return row


async def meet_clock(db: AsyncSession, petition: PetitionCase, duty: str, on: date) -> None:
    """Note inside the caller's transaction that a duty was done; nothing where its clock does not run."""
    row = await find_running(db, petition.id, duty)
    if row is not None:
        row.met_on = on
        await db.flush()


async def extend_clock(db: AsyncSession, row: PetitionClock, days: int) -> None:
    """Add days to a running clock. Raises Invalid `bad_extension` beyond what its text allows."""
    before, row.extension = row.extension, row.extension + days
    try:
        date_clock(row)
    except Exception:
        row.extension = before
        raise
    await db.flush()


async def pause_clock(db: AsyncSession, row: PetitionClock, first: date) -> None:
    """A hearing begins. Raises Conflict `hearing_runs`, Invalid `bad_pause`."""
    if row.pauses and row.pauses[-1]["last"] is None:
        raise Conflict("hearing_runs", "听证已经开始，还没有结束。")
    row.pauses = [*row.pauses, {"kind": Pause.HEARING, "first": first.isoformat(), "last": None}]
    date_clock(row)
    await db.flush()


async def resume_clock(db: AsyncSession, row: PetitionClock, last: date) -> None:
    """The hearing has ended with that day. Raises Conflict `no_hearing`, Invalid `bad_pause`."""
    if not row.pauses or row.pauses[-1]["last"] is not None:
        raise Conflict("no_hearing", "没有正在进行的听证。")
    row.pauses = [*row.pauses[:-1], row.pauses[-1] | {"last": last.isoformat()}]
    date_clock(row)
    await db.flush()


def _interval(told: dict[str, Any]) -> Interval:
    last = date.fromisoformat(told["last"]) if told["last"] else None
    return Interval(Pause(told["kind"]), date.fromisoformat(told["first"]), last)


def date_clock(row: PetitionClock, calendar: WorkCalendar | None = None) -> bool:
    """Give a clock the dates that hold by the calendar in force, or by another; tells whether they moved."""
    counted, before = row.counted(calendar), (row.raw_on, row.rolled_on)
    row.raw_on, row.rolled_on = counted.raw, counted.rolled
    return (counted.raw, counted.rolled) != before
