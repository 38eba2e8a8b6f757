"""The log is searched by days, whatever order its times stand in: a clock that was wrong may be set right."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases import audit_search
from cases.audit import record_audit
from cases.audit_search import EntryQuery, export_entries, find_entries
from cases.policy import SYSTEM, Actor
from tests.clock import FixedClock
from tests.factories import World

DAY = date(2026, 7, 22)
# In the order of writing, hours of world time: the clock ran five days ahead, was set back, was set too far.
WRITTEN = [
    ("right.before", "2026-07-21T15:59"), ("right.midnight", "2026-07-21T16:00"),
    ("ahead", "2026-07-27T02:00"), ("corrected", "2026-07-22T02:00"), ("ahead.again", "2026-08-30T02:00"),
    ("behind", "2026-07-20T02:00"), ("corrected.again", "2026-07-22T15:59"),
    ("right.after", "2026-07-22T16:00"), ("behind.to.the.day", "2026-07-22T03:00"),
]  # fmt: skip
OF_THE_DAY = ["corrected.again", "behind.to.the.day", "corrected", "right.midnight"]


async def written(db: AsyncSession, world: World) -> Actor:
    """Entries of a clock that was wrong twice; beside them stand those of the world, from its morning."""
    clock = FixedClock()
    for action, at in WRITTEN:
        clock.set(datetime.fromisoformat(at).replace(tzinfo=UTC))
        await record_audit(db, clock, SYSTEM, action, "clock", None)
    return world.actor("city.auditor")


@pytest.mark.parametrize("page", [2, 50])
async def test_a_day_has_all_its_entries_after_a_clock_was_corrected(
    db: AsyncSession, world: World, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    auditor, found, before = await written(db, world), list[str](), None
    monkeypatch.setattr(audit_search, "PAGE", page)
    while True:
        rows, before = await find_entries(db, auditor, EntryQuery(since=DAY, until=DAY), before)
        found += [entry.action for entry in rows if entry.object_kind == "clock"]
        if before is None:
            break
    assert found == OF_THE_DAY


async def test_one_side_alone_and_the_file_know_no_order_either(db: AsyncSession, world: World) -> None:
    auditor, clock = await written(db, world), FixedClock()

    async def actions(asked: EntryQuery) -> list[str]:
        batches = [list(rows) async for rows in export_entries(db, clock, auditor, asked)]
        return [entry.action for rows in batches for entry in rows if entry.object_kind == "clock"]

    assert await actions(EntryQuery(since=DAY, until=DAY)) == OF_THE_DAY
    assert await actions(EntryQuery(until=DAY)) == [*OF_THE_DAY, "right.before", "behind"]
    since = ["ahead.again", "ahead", "right.after", *OF_THE_DAY]
    assert await actions(EntryQuery(since=DAY)) == since, "written later in time than the file itself"
    since = {action for action, _ in WRITTEN} - {"behind", "right.before"}
    assert set(await actions(EntryQuery(since=DAY))) == since
