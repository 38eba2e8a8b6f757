"""Who may open a recording, and that every opening is written down."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cases.audit import AuditEntry
from cases.errors import NotFound, SignInRequired
from cases.policy import ANONYMOUS
from recordings.recording import list_recordings_of_petition, list_recordings_of_session
from recordings.review.replay import RecordingAccess, list_accesses, open_composed, open_manifest, open_replay
from recordings.store import RecordingStore
from scheduling.session_events import append_event
from tests.recordings.sitting import Sitting
from tests.recordings.test_worker import make_worker

pytestmark = pytest.mark.timeout(120)


async def record(sitting: Sitting, compose: bool = True) -> str:
    recording = await sitting.record(1.0)
    working = make_worker(sitting)
    for _ in range(2 if compose else 1):
        await working.work_once()
        sitting.clock.advance(seconds=1)
    return recording.id


async def test_refused_to_others_and_nothing_is_logged_as_seen(sitting: Sitting) -> None:
    recording_id = await record(sitting, compose=False)
    world = sitting.world
    async with sitting.database.session() as db:
        for opening in (open_replay, open_composed, open_manifest):
            with pytest.raises(SignInRequired):
                await opening(db, sitting.clock, ANONYMOUS, recording_id, "192.0.2.1", sitting.root)
            for key in (
                "xigu.receptionist",
                "city.sysadmin",
                "city.auditor",
                "housing.handler",
                "station.station_clerk",
            ):
                with pytest.raises(NotFound):
                    await opening(
                        db, sitting.clock, world.actor(key), recording_id, "192.0.2.1", sitting.root
                    )
            with pytest.raises(NotFound):
                await opening(
                    db, sitting.clock, world.actor("city.leader"), "0" * 32, "192.0.2.1", sitting.root
                )
        assert (await db.scalars(select(RecordingAccess))).all() == []


async def test_the_same_district_the_city_and_the_province_replay_it(sitting: Sitting) -> None:
    recording_id = await record(sitting)
    openers = ("chengguan.reviewer", "city.leader", "province.reviewer")
    async with sitting.database.session() as db:
        for key in openers:
            plan = await open_replay(
                db, sitting.clock, sitting.world.actor(key), recording_id, "192.0.2.7", sitting.root
            )
            assert plan.composed is not None and plan.composed.is_file()
            assert abs(plan.duration - 1.0) < 1.0
            sitting.clock.advance(seconds=1)
        seen = await list_accesses(db, sitting.world.actor("city.leader"), recording_id)
        assert [row.official_id for row in reversed(seen)] == [
            sitting.world.officials[key].id for key in openers
        ]
        assert {(row.purpose, row.address) for row in seen} == {("replay", "192.0.2.7")}
        audited = await db.scalars(select(AuditEntry).where(AuditEntry.action == "recording.opened"))
        assert len(audited.all()) == 3


async def test_events_stand_on_the_timeline_of_the_film(sitting: Sitting) -> None:
    recording_id = await record(sitting)
    async with sitting.database.session() as db:
        plan = await open_replay(
            db, sitting.clock, sitting.world.actor("city.leader"), recording_id, None, sitting.root
        )
    kinds = [event.kind for event in plan.events]
    assert "recording.ordered" in kinds and "recording.stopped" in kinds
    stopped = next(event for event in plan.events if event.kind == "recording.stopped")
    assert stopped.seconds == pytest.approx(1.0)
    assert all(0 <= event.seconds <= plan.duration + 1 for event in plan.events)


async def test_what_was_spoken_is_found_although_it_was_noted_later(sitting: Sitting) -> None:
    recording_id = await record(sitting)
    async with sitting.database.session() as db:
        sitting.clock.advance(seconds=50)
        for kind in ("speech.noted", "hand.raised"):
            await append_event(db, sitting.clock, sitting.session.id, kind, data={"spans": []})
        plan = await open_replay(
            db, sitting.clock, sitting.world.actor("city.leader"), recording_id, None, sitting.root
        )
    kinds = [event.kind for event in plan.events]
    assert "speech.noted" in kinds and "hand.raised" not in kinds


async def test_many_ranges_are_one_watching(sitting: Sitting) -> None:
    recording_id, actor = await record(sitting), sitting.world.actor("city.leader")
    async with sitting.database.session() as db:
        for _ in range(20):
            await open_composed(db, sitting.clock, actor, recording_id, "192.0.2.7", sitting.root)
        assert len(await list_accesses(db, actor, recording_id)) == 1
        sitting.clock.advance(hours=1)
        await open_composed(db, sitting.clock, actor, recording_id, "192.0.2.7", sitting.root)
        assert len(await list_accesses(db, actor, recording_id)) == 2


async def test_before_it_is_composed_there_is_no_film_but_a_manifest(sitting: Sitting) -> None:
    recording_id, actor = await record(sitting, compose=False), sitting.world.actor("city.leader")
    async with sitting.database.session() as db:
        with pytest.raises(NotFound):
            await open_composed(db, sitting.clock, actor, recording_id, None, sitting.root)
        assert (
            await open_replay(db, sitting.clock, actor, recording_id, None, sitting.root)
        ).composed is None
        path = await open_manifest(db, sitting.clock, actor, recording_id, None, sitting.root)
        assert path.name == "manifest.json"


async def test_lists_show_only_what_may_be_seen(sitting: Sitting) -> None:
    await record(sitting, compose=False)
    petition_id, session_id = sitting.session.petition_id, sitting.session.id
    world = sitting.world
    async with sitting.database.session() as db:
        assert len(await list_recordings_of_petition(db, world.actor("city.leader"), petition_id)) == 1
        assert len(await list_recordings_of_session(db, world.actor("city.leader"), session_id)) == 1
        for listing, of in (
            (list_recordings_of_petition, petition_id),
            (list_recordings_of_session, session_id),
        ):
            with pytest.raises(NotFound):
                await listing(db, world.actor("xigu.receptionist"), of)


@pytest.mark.parametrize("name", ["", "..", "../x", "A" * 32, "0" * 31, "0" * 32 + "/"])
def test_a_folder_is_named_by_an_id_only(sitting_free_store: RecordingStore, name: str) -> None:
    with pytest.raises(ValueError):
        sitting_free_store.folder(name)


@pytest.fixture
def sitting_free_store(tmp_path_factory: pytest.TempPathFactory) -> RecordingStore:
    return RecordingStore(tmp_path_factory.mktemp("store"))
