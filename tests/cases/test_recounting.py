"""Clocks counted again by another calendar: each ends where it would have ended had it begun under it."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, delete, event, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry
from cases.deadlines.deadline import count
from cases.deadlines.in_force import BUILT_IN as CALENDAR
from cases.deadlines.in_force import BUILT_IN_PROFILES as PROFILES
from cases.figures.months import FIGURE_CHANGES
from cases.handling.clocks import RIGHTS, PetitionClock, pause_clock, resume_clock, start_clock
from cases.handling.recounting import recount_clocks
from cases.policy import SYSTEM
from cases.register.due import DueDate
from cases.register.index import index_petition
from tests.clock import FixedClock
from tests.factories import World, make_petition

# Five more days off: one on which clocks of fifteen days end, and working days are pushed on.
OTHER = CALENDAR.with_local_rest(MappingProxyType({date(2026, 8, day): "停电" for day in range(3, 8)}))


async def test_every_kind_of_clock_is_counted_as_one_by_one(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    rows = {}
    for duty, start, days in (
        ("forward_notice", date(2026, 7, 20), 0),
        ("forward_objection", date(2026, 7, 31), 0),
        ("assigned_feedback", date(2026, 7, 22), 14),
        ("recheck_decide", date(2026, 7, 1), 0),
        ("handle", date(2026, 6, 4), 0),
    ):
        rows[duty] = await start_clock(db, clock, petition, duty, start, world.chengguan.id, days)
    paused = rows["recheck_decide"]
    assert paused is not None and rows["handle"] is not None
    await pause_clock(db, paused, date(2026, 7, 10))
    await resume_clock(db, paused, date(2026, 7, 14))
    rows["handle"].met_on = date(2026, 7, 1)
    await index_petition(db, petition.id)
    await db.commit()
    kept = rows["handle"].rolled_on

    told = await recount_clocks(db, clock, SYSTEM)
    assert told.changed == 0 and told.clocks >= 4, "by the same tables nothing moves"
    await db.execute(delete(FIGURE_CHANGES))
    told = await recount_clocks(db, clock, SYSTEM, calendar=OTHER)
    assert told.changed >= 4
    notes = list(await db.scalars(select(FIGURE_CHANGES.c.month)))
    assert {*notes} == {"now", "2026-08"}
    assert len(notes) <= 4, "noted once for all sorts and once for the clock that stood still, not for each"
    db.expunge_all()
    found = (await db.scalars(select(PetitionClock).where(PetitionClock.met_on.is_(None)))).all()
    assert {each.duty for each in found} >= set(rows) - {"handle"}
    for row in found:
        by_itself = row.counted(OTHER)
        assert (row.raw_on, row.rolled_on) == (by_itself.raw, by_itself.rolled), row.duty
        assert (row.raw_on, row.rolled_on) != (row.counted().raw, row.counted().rolled) or row.rolled_on
    moved = {each.clock_id: each.rolled_on for each in await db.scalars(select(DueDate))}
    duties = {row.id: row.rolled_on for row in found if row.duty not in RIGHTS}
    assert moved == duties, "the board shows the same days, and no right is due"
    met = (await db.scalars(select(PetitionClock).where(PetitionClock.met_on.is_not(None)))).one()
    assert met.rolled_on == kept == date(2026, 8, 3), "what was judged stays judged"

    await recount_clocks(db, clock, SYSTEM, finished=True, calendar=OTHER)
    db.expunge_all()
    met = (await db.scalars(select(PetitionClock).where(PetitionClock.met_on.is_not(None)))).one()
    again = count(PROFILES[met.profile], OTHER, "handle", met.start_on)
    assert met.rolled_on == again.rolled == date(2026, 8, 10)
    query = select(PetitionClock).where(PetitionClock.duty == "forward_notice")
    undated = (await db.scalars(query)).one()
    undated.raw_on = undated.rolled_on = None
    await index_petition(db, undated.petition_id)
    await db.commit()
    db.expunge_all()
    await recount_clocks(db, clock, SYSTEM, finished=True, calendar=OTHER)
    assert undated.id in set(await db.scalars(select(DueDate.clock_id))), "a day that appears is due"

    noted = await db.scalars(select(AuditEntry).where(AuditEntry.action == "clocks.recounted"))
    assert [entry.detail["finished"] for entry in noted] == [False, False, True, True]


async def test_a_clock_finds_its_sort_by_equality(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    """Of three million clocks none is held against each of thousands of sorts.

    A plan of few rows may well be a nested loop; so PostgreSQL is asked for one that does without where it
    can, and SQLite has to look up one of the two, by an index that it makes for itself.
    """
    petition = await make_petition(db, clock, world.chengguan)
    await start_clock(db, clock, petition, "forward_notice", date(2026, 7, 20), world.chengguan.id, 0)
    await db.commit()
    plans: list[str] = []
    connection = (await db.connection()).sync_connection
    assert connection is not None
    sqlite = connection.dialect.name == "sqlite"

    def explain(conn: Connection, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "clock_sorts" in statement and statement.startswith(("UPDATE petition_clocks", "SELECT DISTINCT")):
            before = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
            told = conn.exec_driver_sql(before + statement, parameters).all()
            plans.append("\n".join(str(row[-1]) for row in told))

    event.listen(connection, "before_cursor_execute", explain)
    try:
        if not sqlite:
            await db.execute(text("SET LOCAL enable_nestloop = off"))
        await recount_clocks(db, clock, SYSTEM, calendar=OTHER)
    finally:
        event.remove(connection, "before_cursor_execute", explain)
    assert len(plans) == 1, "no clock is read for dates that appear where none does"
    for plan in plans:
        if sqlite:
            assert "SEARCH clock_sorts" in plan or "SEARCH petition_clocks USING" in plan, plan
        else:
            assert "Hash Cond" in plan or "Merge Cond" in plan, plan
            assert "Nested Loop" not in plan, plan
