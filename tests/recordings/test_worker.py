"""From stopped to sealed to composed, by lease, whoever dies on the way."""

from __future__ import annotations

import asyncio
import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from cases.errors import Conflict
from cases.petitions import list_petition_events
from cases.policy import SYSTEM
from recordings import composer
from recordings.capture import segment
from recordings.capture.journal import Disk
from recordings.evidence import spill
from recordings.evidence.inventory import segments_being_written
from recordings.evidence.proof import last_verification
from recordings.evidence.verification import ExitCode, verify_folder
from recordings.film import encoder
from recordings.film.plan import CompositionPlan
from recordings.lease import LEASE, claim_work, renew_lease
from recordings.recording import (
    TRANSITIONS,
    CompositionState,
    Recording,
    RecordingState,
    activate_recording,
    find_live_recording,
    list_recordings_of_petition,
    load_recording,
    start_recording,
)
from recordings.settings import RecordingsSettings
from recordings.watch.stamping import StampSettings
from recordings.worker import RecordingsWorker
from scheduling.session import SessionState
from scheduling.session_events import list_events
from scheduling.sessions.sessions import move_session
from scheduling.transitions import reachable_from
from tests.disk import AMPLE
from tests.recordings.sitting import Sitting
from tests.recordings.synthetic import PARTIES

SMALL = CompositionPlan(width=640, height=360, fps=10, preset="ultrafast")


async def nothing(*_: object) -> None:
    return None


def make_worker(sitting: Sitting, stamps: StampSettings | None = None) -> RecordingsWorker:
    settings = RecordingsSettings(
        sitting.root, sitting.root.parent / "keys", poll_seconds=0.01, plan=SMALL, stamps=stamps
    )
    return RecordingsWorker(sitting.database, sitting.clock, settings, sitting.seats)


async def reload(sitting: Sitting, recording: Recording) -> Recording:
    async with sitting.database.session() as db:
        return await load_recording(db, recording.id)


async def kinds(sitting: Sitting) -> list[str]:
    async with sitting.database.session() as db:
        return [event.kind for event in await list_events(db, sitting.session.id)]


def test_every_state_can_be_reached_and_left_only_by_the_table() -> None:
    assert reachable_from(TRANSITIONS, RecordingState.INITIATED) == set(RecordingState)
    with pytest.raises(Conflict):
        Recording(state=RecordingState.SEALED).move_to(RecordingState.ACTIVE)


async def test_an_active_recording_continues(sitting: Sitting) -> None:
    async with sitting.database.session() as db:
        first = await start_recording(db, sitting.clock, SYSTEM, sitting.session.id, sitting.root, AMPLE)
        assert (await activate_recording(db, sitting.clock, first.id)).state is RecordingState.ACTIVE
        again = await start_recording(db, sitting.clock, SYSTEM, sitting.session.id, sitting.root, AMPLE)
        assert again.id == first.id
        found = await find_live_recording(db, sitting.session.id)
        assert found is not None and found.id == first.id


async def test_two_starts_at_once_make_one_recording(sitting: Sitting) -> None:
    async def begin() -> str:
        async with sitting.database.session() as db:
            return (await start_recording(
                db, sitting.clock, SYSTEM, sitting.session.id, sitting.root, AMPLE
            )).id

    found = await asyncio.gather(*(begin() for _ in range(5)))
    assert len(set(found)) == 1


async def test_a_stopped_recording_is_sealed_and_composed(sitting: Sitting) -> None:
    recording = await sitting.record(3.0)
    working = make_worker(sitting)
    assert await working.work_once()
    sealed = await reload(sitting, recording)
    assert sealed.state is RecordingState.SEALED
    assert (sealed.chain_number, sealed.previous_manifest_sha256, sealed.track_count) == (1, None, 4)
    sitting.clock.advance(seconds=1)
    assert await working.work_once()
    done = await reload(sitting, recording)
    assert (done.composition, done.progress, done.trouble) == (CompositionState.DONE, 1000, None)
    assert abs((done.composed_ms or 0) - 3000) < 1000
    sitting.clock.advance(seconds=1)
    assert await working.work_once()
    sitting.clock.advance(seconds=1)
    assert not await working.work_once()
    async with sitting.database.session() as db:
        proof = await last_verification(db, done.id)
    assert proof is not None and proof.intact and proof.manifest_sha256 == done.manifest_sha256
    verdict = verify_folder(done.folder(sitting.root))
    assert verdict.exit_code is ExitCode.INTACT, verdict.lines()
    assert verdict.manifest_sha256 == done.manifest_sha256
    statement = json.loads((done.folder(sitting.root) / "composed.json").read_bytes())
    assert statement["manifest_sha256"] == done.manifest_sha256
    assert statement["sha256"] == done.composed_sha256
    assert (await kinds(sitting))[-3:] == ["recording.stopped", "recording.sealed", "recording.composed"]
    async with sitting.database.session() as db:
        events = await list_petition_events(db, SYSTEM, done.petition_id)
        assert events[-1].kind == "recording.attached"
        assert [row.id for row in await list_recordings_of_petition(db, SYSTEM, done.petition_id)] == [
            done.id
        ]


async def test_the_manifest_says_who_and_what_and_is_chained(sitting: Sitting) -> None:
    working = make_worker(sitting)
    first = await sitting.record(1.0)
    await working.work_once()
    second = await sitting.record(1.0)
    sitting.clock.advance(seconds=60)
    for _ in range(3):
        await working.work_once()
        sitting.clock.advance(seconds=60)
    first, second = await reload(sitting, first), await reload(sitting, second)
    assert (second.chain_number, second.previous_manifest_sha256) == (2, first.manifest_sha256)
    manifest = json.loads((second.folder(sitting.root) / "manifest.json").read_bytes())
    assert manifest["chain"] == {"number": 2, "previous_manifest_sha256": first.manifest_sha256}
    people = {person["participant_id"]: person for person in manifest["participants"]}
    assert people["p_district"]["role"] == "host"
    assert people["p_citizen"]["name"] == "马秀英"
    assert manifest["recording"]["petition_number"] == sitting.session.petition.number
    assert "recording.ordered" in [event["kind"] for event in manifest["session_events"]]


async def test_what_went_to_the_second_volume_is_sealed_when_the_first_has_room(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = await sitting.record(1.0, roll_seconds=0.4)
    folder, second = recording.folder(sitting.root), sitting.root.parent / "second"
    there = second / recording.id / "tracks"
    for path in sorted((folder / "tracks").rglob("*.lxj")):
        if path.stem != "000001":
            (there / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.move(path, there / path.parent.name)
    settings = RecordingsSettings(sitting.root, sitting.root.parent / "keys", plan=SMALL, spill=second)
    working = RecordingsWorker(sitting.database, sitting.clock, settings, sitting.seats)
    monkeypatch.setattr(spill, "KEPT_FREE", 1 << 60)
    for _ in range(5):  # However often: waiting for space is no failure of the recording.
        await working.work_once()
        sitting.clock.advance(seconds=60)
    waiting = await reload(sitting, recording)
    assert (waiting.state, waiting.attempts) == (RecordingState.STOPPED, 0)
    monkeypatch.undo()
    await working.work_once()
    assert (await reload(sitting, recording)).state is RecordingState.SEALED
    assert list(second.iterdir()) == []
    assert verify_folder(folder).intact
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert all(len(track["segments"]) > 1 and track["gaps"] == [] for track in manifest["tracks"])


@pytest.mark.parametrize(("reason", "told"), [(None, 1), ("worker_stopped", 1), ("left", 0)])
async def test_a_track_that_did_not_go_on_is_a_gap_up_to_the_end(
    sitting: Sitting, reason: str | None, told: int
) -> None:
    """A media worker that died shortly before the end wrote nothing that could say so."""
    recording = await sitting.record(2.0, parties=PARTIES[:1])
    (cut,) = (recording.folder(sitting.root) / "tracks").glob("*-microphone/*.lxj")
    with segment.SegmentFile(cut) as file:
        items = [item for item in file.items() if isinstance(item, segment.Record) and item.end]
        kept, last = file.data[: items[49].end], items[49]
    if reason is not None:
        kept += segment.encode_json(segment.FOOTER, last.monotonic_ns, last.wall_ns, {"reason": reason})
    cut.write_bytes(kept)
    await make_worker(sitting).work_once()
    sealed = await reload(sitting, recording)
    manifest = json.loads((sealed.folder(sitting.root) / "manifest.json").read_bytes())
    (track,) = (each for each in manifest["tracks"] if each["source"] == "microphone")
    assert (len(track["gaps"]), sealed.gap_count) == (told, told)
    for gap in track["gaps"]:
        assert (gap["cause"], gap["after_segment"]) == ("not_resumed", 1)
        since, until = (datetime.fromisoformat(gap[name]) for name in ("from", "to"))
        assert until == sealed.stopped_at and (until - since).total_seconds() == pytest.approx(1.0, abs=0.1)


async def test_sealing_waits_for_the_writer(sitting: Sitting) -> None:
    recording = await sitting.record(1.0)
    tracks = recording.folder(sitting.root) / "tracks" / "p_late-camera"
    disk = Disk()
    fd = disk.create(tracks / "000001.lxj")
    assert segments_being_written(recording.folder(sitting.root))
    working = make_worker(sitting)
    await working.work_once()
    assert (await reload(sitting, recording)).state is RecordingState.STOPPED
    disk.close(fd)
    sitting.clock.advance(seconds=2)
    await working.work_once()
    assert (await reload(sitting, recording)).state is RecordingState.SEALED


async def test_a_recording_without_a_packet_has_failed_and_says_so(sitting: Sitting) -> None:
    recording = await sitting.record(1.0, parties=())
    await make_worker(sitting).work_once()
    failed = await reload(sitting, recording)
    assert (failed.state, failed.trouble) == (RecordingState.FAILED, "nothing_recorded")
    assert "recording.failed" in await kinds(sitting)


async def test_a_session_that_ended_alone_has_its_recording_stopped(sitting: Sitting) -> None:
    async with sitting.database.session() as db:
        recording = await start_recording(db, sitting.clock, SYSTEM, sitting.session.id, sitting.root, AMPLE)
        await move_session(db, sitting.clock, SYSTEM, sitting.session.id, SessionState.CLOSED)
    working = make_worker(sitting)
    await working.work_once()
    assert (await reload(sitting, recording)).state is RecordingState.INITIATED
    sitting.clock.advance(seconds=61)
    await working.work_once()
    assert (await reload(sitting, recording)).stop_reason == "session_over"


async def test_a_lease_is_held_by_one_and_inherited_from_the_dead(sitting: Sitting) -> None:
    recording = await sitting.record(1.0)
    async with sitting.database.session() as db:
        taken = await claim_work(db, sitting.clock, "first")
        assert taken is not None and taken.id == recording.id
        assert await claim_work(db, sitting.clock, "second") is None
        sitting.clock.advance(seconds=20)
        assert await renew_lease(db, sitting.clock, recording.id, "first")
        sitting.clock.advance(seconds=20)
        assert await claim_work(db, sitting.clock, "second") is None
        sitting.clock.advance(seconds=LEASE.total_seconds() + 1)
        inherited = await claim_work(db, sitting.clock, "second")
        assert inherited is not None and inherited.lease_owner == "second"
        assert not await renew_lease(db, sitting.clock, recording.id, "first")


async def test_five_workers_at_once_and_one_gets_the_work(sitting: Sitting) -> None:
    async def claim(name: str) -> bool:
        async with sitting.database.session() as db:
            return await claim_work(db, sitting.clock, name) is not None

    await sitting.record(1.0)
    for _ in range(5):
        taken = await asyncio.gather(*(claim(f"worker {number}") for number in range(5)))
        assert sum(taken) == 1
        sitting.clock.advance(seconds=LEASE.total_seconds() + 1)


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_a_worker_that_ends_while_composing_is_replaced(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    recording = await sitting.record(3.0)
    first, second = make_worker(sitting), make_worker(sitting)
    await first.work_once()
    sitting.clock.advance(seconds=1)
    task = asyncio.create_task(first.work_once())
    folder = recording.folder(sitting.root)
    for _ in range(500):
        if list(folder.glob(".composed.*")):
            break
        await asyncio.sleep(0.01)
    with monkeypatch.context() as patch:
        if how == "killed":  # Who is killed does nothing more.
            patch.setattr(first, "_lay_down", nothing)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not (folder / "composed.mp4").exists()
    if how == "killed":
        assert not await second.work_once()  # The dead worker's lease still runs.
        sitting.clock.advance(seconds=LEASE.total_seconds())
    sitting.clock.advance(seconds=1)
    assert await second.work_once()
    assert (await reload(sitting, recording)).composition is CompositionState.DONE
    assert sorted(path.name for path in folder.glob("*composed*")) == [
        "composed.json",
        "composed.mp4",
        "composed.sig",
    ]


async def test_a_composition_that_always_fails_is_given_up(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise encoder.CompositionError("told to fail")

    recording = await sitting.record(1.0)
    working = make_worker(sitting)
    await working.work_once()
    monkeypatch.setattr(composer, "encode", refuse)
    for _ in range(8):
        sitting.clock.advance(seconds=60)
        await working.work_once()
    failed = await reload(sitting, recording)
    assert (failed.state, failed.composition) == (RecordingState.SEALED, CompositionState.FAILED)
    assert failed.trouble == "told to fail"
    assert "composition.failed" in await kinds(sitting)


async def test_the_child_says_why_it_failed(tmp_path: Path) -> None:
    with pytest.raises(encoder.CompositionError, match="No such file"):
        await encoder.encode(tmp_path / "nowhere", tmp_path / "out.mp4", SMALL, 1.0, nothing)
