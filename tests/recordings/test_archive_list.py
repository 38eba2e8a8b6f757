"""The list of the archive page by page: failures first, then the newest, each once."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases.database import new_id
from recordings.archive import listing
from recordings.archive.copies import Archive, ArchiveState
from recordings.archive.listing import Place, list_archives, read_place
from recordings.recording import Recording, RecordingState
from tests.clock import FixedClock
from tests.factories import World, make_session

LEADER = "city.leader"


async def keep(db: AsyncSession, clock: FixedClock, world: World, state: ArchiveState) -> str:
    session = await make_session(db, clock, world)
    made = Recording(
        id=new_id(), session_id=session.id, petition_id=session.petition_id,
        organisation_id=session.host_organisation_id, state=RecordingState.SEALED, directory=new_id(),
        started_at=clock.now(), stopped_at=clock.now(), sealed_at=clock.now(), manifest_sha256="0" * 64,
    )  # fmt: skip
    db.add(made)
    await db.flush()
    db.add(Archive(id=new_id(), recording_id=made.id, state=state, retention="long"))
    await db.commit()
    clock.advance(minutes=31)
    return made.id


async def pages(db: AsyncSession, clock: FixedClock, world: World) -> list[list[str]]:
    found: list[list[str]] = []
    place: Place | None = None
    while len(found) < 20:
        lines, more = await list_archives(db, clock, world.actor(LEADER), place)
        found.append([line.recording.id for line in lines])
        if more is None:
            return found
        place = read_place(more.spelled())
        assert place == more
    raise AssertionError("the pages do not end")


async def test_failures_first_then_the_newest_each_once(
    db: AsyncSession, clock: FixedClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, kept = ArchiveState.FAILED, ArchiveState.ARCHIVED
    made = [await keep(db, clock, world, state) for state in (failed, kept, failed, kept, kept, failed, kept)]
    ordered = [made[place] for place in (5, 2, 0, 6, 4, 3, 1)]
    for size in (1, 2, 3, 4, 7, 30):
        monkeypatch.setattr(listing, "PAGE_SIZE", size)
        expected = [ordered[place : place + size] for place in range(0, len(ordered), size)]
        assert await pages(db, clock, world) == expected, size


async def test_what_comes_meanwhile_moves_no_page(
    db: AsyncSession, clock: FixedClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    made = [await keep(db, clock, world, ArchiveState.ARCHIVED) for _ in range(4)]
    lines, more = await list_archives(db, clock, world.actor(LEADER))
    assert [line.recording.id for line in lines] == [made[3], made[2]]
    await keep(db, clock, world, ArchiveState.ARCHIVED)
    lines, last = await list_archives(db, clock, world.actor(LEADER), more)
    assert [line.recording.id for line in lines] == [made[1], made[0]] and last is None


@pytest.mark.parametrize("typed", ["", "2", "failing-", "x-1", "failing-x", "9" * 90])
def test_an_address_that_names_no_place_begins_at_the_first_page(typed: str) -> None:
    assert read_place(typed) is None
