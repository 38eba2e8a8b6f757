"""Counting clocks again after the tables of holidays or duties have changed: a million cases at once.

Clocks that began on the same day under the same rules end on the same day, and there are a few thousand such
sorts among millions of clocks: each sort is counted once, by the function that counts every deadline, and the
database brings it to its rows. Clocks that stood still are counted one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    and_,
    cast,
    func,
    insert,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.database import atomic
from cases.deadlines.deadline import count
from cases.deadlines.in_force import calendar_of, profile_called
from cases.deadlines.workdays import WorkCalendar
from cases.handling.clocks import PetitionClock
from cases.policy import Action, Actor, require
from cases.register.due import DueDate, index_due_dates

PAGE = 1000
# One row for each sort of clock, as long as the transaction lasts.
SORTS = Table(
    "clock_sorts",
    MetaData(),
    Column("profile", String(32)),
    Column("duty", String(32)),
    Column("start_on", Date),
    Column("set_days", Integer),
    Column("extension", Integer),
    Column("region_code", String(12)),
    Column("raw_on", Date),
    Column("rolled_on", Date),
    prefixes=["TEMPORARY"],
)
KEYS = ("profile", "duty", "start_on", "set_days", "extension", "region_code")
DATES = ("raw_on", "rolled_on")


@dataclass(frozen=True, slots=True)
class Recounted:
    """How many clocks were counted, how many of them end on another day now, in how many sorts."""

    clocks: int
    changed: int
    sorts: int


@atomic
async def recount_clocks(
    db: AsyncSession,
    clock: Clock,
    actor: Actor,
    *,
    finished: bool = False,
    calendar: WorkCalendar | None = None,
) -> Recounted:
    """Date every running clock by the calendar in force, or another, and commit; `finished`: those met, too.

    The rules under which a clock began stay its rules. Due dates follow, and so do the figures.
    """
    require(actor, Action.MANAGE_ACCOUNTS)
    which = true() if finished else PetitionClock.met_on.is_(None)
    plain = cast(PetitionClock.pauses, Text) == "[]"
    columns = [getattr(PetitionClock, name) for name in (*KEYS, *DATES)]
    groups = (await db.execute(select(*columns, func.count()).where(which, plain).group_by(*columns))).all()
    dated: dict[tuple[Any, ...], tuple[date | None, date | None]] = {}
    moving: set[tuple[Any, ...]] = set()
    appears = False
    for *told_apart, raw_on, rolled_on, _ in groups:
        sort = tuple(told_apart)
        if sort not in dated:
            dated[sort] = _dated(sort, calendar)
        if dated[sort] != (raw_on, rolled_on):
            moving.add(sort)
            # What has a date now and had none, or the other way round, stands in the due dates anew.
            appears = appears or (dated[sort][1] is None) != (rolled_on is None)
    changed = await _bring(db, and_(which, plain), {sort: dated[sort] for sort in moving}, appears)
    paused, moved = await _one_by_one(db, and_(which, ~plain), calendar)
    told = Recounted(sum(row[-1] for row in groups) + paused, changed + moved, len(dated))
    detail = {"clocks": told.clocks, "changed": told.changed, "finished": finished}
    await add_audit(db, clock, actor, "clocks.recounted", "clock", None, detail=detail)
    await db.commit()
    return told


def _dated(sort: tuple[Any, ...], other: WorkCalendar | None) -> tuple[date | None, date | None]:
    code, duty, start, set_days, extension, region_code = sort
    calendar = other or calendar_of(region_code or "")
    counted = count(profile_called(code), calendar, duty, start, extension=extension, set_days=set_days)
    return counted.raw, counted.rolled


async def _bring(
    db: AsyncSession,
    which: ColumnElement[bool],
    dated: Mapping[tuple[Any, ...], tuple[date | None, date | None]],
    appears: bool,
) -> int:
    """The dates of each sort to its clocks, and from these to the due dates; how many clocks moved.

    Only sorts of which a clock moves are handed in: where nothing moves, no clock is read again.
    """
    if not dated:
        return 0
    connection = await db.connection()
    await connection.run_sync(SORTS.create)
    rows = [dict(zip((*KEYS, *DATES), (*sort, *dates), strict=True)) for sort, dates in dated.items()]
    for start in range(0, len(rows), PAGE):
        await db.execute(insert(SORTS), rows[start : start + PAGE])
    if connection.dialect.name == "postgresql":
        # Without it a table of thousands is planned for as one of a few hundred rows.
        await db.execute(text("ANALYZE clock_sorts"))
    new = SORTS.c
    # By plain equality PostgreSQL finds the sort of a clock at once; only null-safe comparisons would have it
    # hold each of three million clocks against each of thousands of sorts.
    same = [getattr(PetitionClock, name) == new[name] for name in KEYS if name != "region_code"]
    # A clock of no region has none here either, and NULL equals nothing.
    same.append(PetitionClock.region_code.is_not_distinct_from(new.region_code))
    moved = or_(
        PetitionClock.raw_on.is_distinct_from(new.raw_on),
        PetitionClock.rolled_on.is_distinct_from(new.rolled_on),
    )
    ids: Sequence[str] = ()
    if appears:
        appeared = PetitionClock.rolled_on.is_(None) != new.rolled_on.is_(None)
        asked = select(PetitionClock.petition_id).where(which, *same, appeared).distinct()
        ids = (await db.scalars(asked)).all()
    query = update(PetitionClock).where(which, *same, moved)
    query = query.values(raw_on=new.raw_on, rolled_on=new.rolled_on)
    done = await db.execute(query.execution_options(synchronize_session=False))
    if done.rowcount:  # type: ignore[attr-defined]
        of_it = DueDate.clock_id == PetitionClock.id
        late = or_(DueDate.rolled_on != PetitionClock.rolled_on, DueDate.raw_on != PetitionClock.raw_on)
        follow = update(DueDate).where(of_it, late, PetitionClock.rolled_on.is_not(None))
        follow = follow.values(rolled_on=PetitionClock.rolled_on, raw_on=PetitionClock.raw_on)
        await db.execute(follow.execution_options(synchronize_session=False))
    await _index(db, ids)
    await connection.run_sync(SORTS.drop)
    return int(done.rowcount)  # type: ignore[attr-defined]


async def _one_by_one(
    db: AsyncSession, which: ColumnElement[bool], calendar: WorkCalendar | None
) -> tuple[int, int]:
    looked_at, moved, last = 0, 0, ""
    while True:
        query = select(PetitionClock).where(which, PetitionClock.id > last).order_by(PetitionClock.id)
        rows = (await db.scalars(query.limit(PAGE))).all()
        if not rows:
            return looked_at, moved
        looked_at, last = looked_at + len(rows), rows[-1].id
        touched = set()
        for row in rows:
            counted = row.counted(calendar)
            if (row.raw_on, row.rolled_on) != (counted.raw, counted.rolled):
                row.raw_on, row.rolled_on = counted.raw, counted.rolled
                touched.add(row.petition_id)
                moved += 1
        await db.flush()
        await _index(db, sorted(touched))
        db.expunge_all()


async def _index(db: AsyncSession, petition_ids: Iterable[str]) -> None:
    for petition_id in petition_ids:
        await index_due_dates(db, await db.get_one(PetitionCase, petition_id))
