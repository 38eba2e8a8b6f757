"""Years of a retention class: two persons, never below the shortest period; nothing goes earlier by it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.policy import SYSTEM
from cases.second_person import Decision
from recordings.archive.class_change import (
    classes_in_force,
    decide_change,
    list_changes,
    preview_change,
    propose_change,
)
from recordings.archive.copies import ArchiveState, archive_of, enrol
from recordings.archive.destruction import propose_destruction
from recordings.archive.retention import DEFAULT_CLASSES, LEAST_YEARS, RetentionClass, read_classes
from recordings.recording import CompositionState, RecordingState, start_recording, stop_recording
from tests.clock import FixedClock
from tests.disk import AMPLE
from tests.factories import World, make_session

CLASSES = read_classes((*DEFAULT_CLASSES, "house=3"))
ONE, OTHER, ARCHIVIST = "city.sysadmin", "city.security_admin", "chengguan.archivist"


async def archived(db: AsyncSession, clock: FixedClock, world: World, root: Path, code: str) -> str:
    """A recording of now that lies in the archive under a class."""
    session = await make_session(db, clock, world)
    recording = await start_recording(db, clock, SYSTEM, session.id, root, AMPLE)
    recording = await stop_recording(db, clock, SYSTEM, recording.id, "session_closed")
    recording.move_to(RecordingState.SEALED)
    recording.composition = CompositionState.FAILED
    recording.sealed_at, recording.manifest_sha256 = clock.now(), "a" * 64
    await db.commit()
    await enrol(db, (await classes_in_force(db, CLASSES))[code])
    archive = await archive_of(db, recording.id)
    assert archive is not None
    archive.state = ArchiveState.ARCHIVED
    await db.commit()
    return recording.id


async def change(db: AsyncSession, clock: FixedClock, world: World, code: str, years: int) -> None:
    row = await propose_change(db, clock, world.actor(ONE), CLASSES, code, str(years), "档案部门来函")
    await decide_change(db, clock, world.actor(OTHER), CLASSES, row.id, Decision.CONFIRMED)


async def may_go(db: AsyncSession, clock: FixedClock, world: World, recording_id: str) -> str:
    """Whether an archivist may propose its deletion, or why not."""
    try:
        await propose_destruction(
            db, clock, world.actor(ARCHIVIST), recording_id, "保管期满，经鉴定无继续保存价值", None
        )
    except Conflict as refused:
        await db.rollback()
        return refused.code
    return ""


async def end_of(db: AsyncSession, recording_id: str) -> datetime | None:
    """Until when it is kept."""
    archive = await archive_of(db, recording_id)
    assert archive is not None
    return archive.keep_until


async def test_one_proposes_and_another_confirms(db: AsyncSession, clock: FixedClock, world: World) -> None:
    one, other = world.actor(ONE), world.actor(OTHER)
    for key in (OTHER, "city.auditor", ARCHIVIST):
        with pytest.raises(Forbidden):
            await propose_change(db, clock, world.actor(key), CLASSES, "short", "15", "来函")
    row_id = (await propose_change(db, clock, one, CLASSES, "short", "15", "档案部门来函")).id
    with pytest.raises(Conflict, match="rule_proposed"):
        await propose_change(db, clock, one, CLASSES, "short", "20", "又一次")
    with pytest.raises(Forbidden):
        await decide_change(db, clock, one, CLASSES, row_id, Decision.CONFIRMED)
    with pytest.raises(Invalid):
        await decide_change(db, clock, other, CLASSES, row_id, Decision.REFUSED)
    assert (await classes_in_force(db, CLASSES))["short"].years == 10
    await decide_change(db, clock, other, CLASSES, row_id, Decision.REFUSED, "没有来函")
    with pytest.raises(Conflict, match="rule_decided"):
        await decide_change(db, clock, other, CLASSES, row_id, Decision.CONFIRMED)
    assert not await list_changes(db, one)
    await change(db, clock, world, "short", 15)
    assert (await classes_in_force(db, CLASSES))["short"].years == 15
    (kept,) = await list_changes(db, one)
    names = [world.officials[key].name for key in (ONE, OTHER)]
    assert kept.official_name == "、".join(names) and kept.reason == "档案部门来函"
    acts = (await db.scalars(select(AuditEntry.action).order_by(AuditEntry.sequence))).all()
    told = [each for each in acts if each.startswith("retention.")]
    assert told == [f"retention.{act}" for act in ("proposed", "refused", "proposed", "changed", "confirmed")]


async def test_never_below_the_shortest_period_of_archives(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    one = world.actor(ONE)
    for years, code in (
        (str(LEAST_YEARS - 1), "below_least"),
        ("1", "below_least"),
        ("-1", "bad_years"),
        ("201", "bad_years"),
        ("十", "bad_years"),
        ("10", "unchanged"),
    ):
        with pytest.raises(Invalid) as caught:
            await propose_change(db, clock, one, CLASSES, "short", years, "来函")
        assert (caught.value.code, caught.value.field) == (code, "years"), years
    with pytest.raises(NotFound):
        await propose_change(db, clock, one, CLASSES, "nothing", "20", "来函")
    with pytest.raises(Invalid) as caught:
        await propose_change(db, clock, one, CLASSES, "short", "20", "")
    assert caught.value.field == "reason"


async def test_longer_keeps_what_lies_there_and_shorter_lets_nothing_go_earlier(
    db: AsyncSession, clock: FixedClock, world: World, tmp_path: Path
) -> None:
    first = await archived(db, clock, world, tmp_path, "short")
    promised = await end_of(db, first)
    shown = await preview_change(db, world.actor(OTHER), CLASSES, "short", "30")
    assert (shown.recordings, shown.longer, shown.left) == (1, 1, 0)
    assert promised is not None and await end_of(db, first) == promised, "looking changes nothing"
    await change(db, clock, world, "short", 30)
    longer = await end_of(db, first)
    assert longer is not None and longer.year - promised.year == 20
    clock.set(promised + timedelta(days=1))
    assert await may_go(db, clock, world, first) == "still_kept"
    # Shorter again: what was promised thirty years keeps them, what comes now has ten.
    await change(db, clock, world, "short", 10)
    assert await end_of(db, first) == longer
    second = await archived(db, clock, world, tmp_path, "short")
    assert await end_of(db, second) == RetentionClass("short", 10).keep_until(clock.now())
    clock.set(longer)
    assert (await may_go(db, clock, world, first), await may_go(db, clock, world, second)) == ("", "")
    # For ever is longer than everything.
    third = await archived(db, clock, world, tmp_path, "short")
    await change(db, clock, world, "short", 0)
    clock.advance(days=366 * 50)
    assert await may_go(db, clock, world, third) == "kept_for_ever"
