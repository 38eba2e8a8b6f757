"""Verdicts are made by the worker, kept, shown, and asked for again; nothing is claimed that was not read."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from cases.audit import AuditEntry
from cases.errors import Conflict, NotFound, SignInRequired
from cases.policy import ANONYMOUS
from recordings import sealer, verifier
from recordings.evidence.examiner import ExaminationError
from recordings.evidence.manifest import canonical
from recordings.evidence.proof import Verification, ask_for_verification, last_verification
from recordings.evidence.signing import load_signer
from recordings.evidence.verification import ExitCode
from recordings.recording import CompositionState, Recording, load_recording
from recordings.review.replay import open_replay
from recordings.store import RecordingStore
from tests.recordings.sitting import Sitting
from tests.recordings.test_worker import make_worker

pytestmark = pytest.mark.timeout(120)


async def sealed(sitting: Sitting) -> Recording:
    """A sealed recording whose composition was given up, so that only the verification is left."""
    recording = await sitting.record(1.0)
    await make_worker(sitting).work_once()
    async with sitting.database.session() as db:
        row = await load_recording(db, recording.id)
        row.composition = CompositionState.FAILED
        await db.commit()
    sitting.clock.advance(seconds=1)
    return row


async def last(sitting: Sitting, recording: Recording) -> Verification | None:
    async with sitting.database.session() as db:
        return await last_verification(db, recording.id)


async def ask(sitting: Sitting, recording: Recording, key: str = "city.leader") -> None:
    async with sitting.database.session() as db:
        actor = sitting.world.actor(key)
        await ask_for_verification(db, sitting.clock, actor, recording.id, "192.0.2.7")
    sitting.clock.advance(seconds=1)


async def test_asking_is_refused_to_others_and_before_sealing(sitting: Sitting) -> None:
    recording = await sitting.record(1.0)
    async with sitting.database.session() as db:
        with pytest.raises(SignInRequired):
            await ask_for_verification(db, sitting.clock, ANONYMOUS, recording.id, None)
        with pytest.raises(NotFound):
            actor = sitting.world.actor("xigu.receptionist")
            await ask_for_verification(db, sitting.clock, actor, recording.id, None)
        with pytest.raises(Conflict, match="还没有封存"):
            actor = sitting.world.actor("city.leader")
            await ask_for_verification(db, sitting.clock, actor, recording.id, None)


async def test_nothing_is_claimed_before_the_files_were_read(sitting: Sitting) -> None:
    recording = await sealed(sitting)
    async with sitting.database.session() as db:
        actor = sitting.world.actor("city.leader")
        plan = await open_replay(db, sitting.clock, actor, recording.id, None, sitting.root)
    assert plan.verification is None and plan.recording.verification_wanted_at is not None


async def test_a_byte_flipped_later_is_found_when_asked_again(sitting: Sitting) -> None:
    recording = await sealed(sitting)
    working = make_worker(sitting)
    assert await working.work_once()
    first = await last(sitting, recording)
    assert first is not None and first.intact and first.segments == 4 and first.fingerprint
    segment = sorted(recording.folder(sitting.root).glob("tracks/*/*.lxj"))[0]
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    sitting.clock.advance(seconds=1)
    assert not await working.work_once()
    await ask(sitting, recording)
    await ask(sitting, recording)  # Asking twice is asking once.
    assert await working.work_once()
    sitting.clock.advance(seconds=1)
    assert not await working.work_once()
    second = await last(sitting, recording)
    assert second is not None and not second.intact and second.exit_code == ExitCode.DAMAGED
    assert segment.name in second.findings[0]["path"] and second.findings[0]["end"] > 0
    async with sitting.database.session() as db:
        query = select(AuditEntry).where(AuditEntry.action == "recording.verification_asked")
        asked = (await db.scalars(query)).all()
    assert [(row.actor_name, row.address) for row in asked] == [
        (sitting.world.officials["city.leader"].name, "192.0.2.7")
    ] * 2


async def test_a_folder_sealed_anew_by_another_key_is_not_ours(sitting: Sitting, tmp_path: Path) -> None:
    """Such a folder proves itself; only the digest in the database gives it away."""
    recording = await sealed(sitting)
    folder = recording.folder(sitting.root)
    manifest = folder / "manifest.json"
    data = manifest.read_bytes().replace("马秀英".encode(), "马秀莲".encode())
    manifest.write_bytes(data)
    signature = canonical(load_signer(tmp_path / "other").sign(data))
    (folder / "manifest.sig").write_bytes(signature)
    assert await make_worker(sitting).work_once()
    found = await last(sitting, recording)
    assert found is not None and found.exit_code == ExitCode.NOT_AS_SEALED
    codes = [finding["code"] for finding in found.findings]
    assert codes == ["signer_unknown", "signature_replaced", "manifest_foreign"]


async def test_a_reader_that_dies_leaves_no_verdict_and_is_tried_again(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> None:
        raise ExaminationError("killed")

    recording = await sealed(sitting)
    with monkeypatch.context() as patch:
        patch.setattr(verifier, "examine", die)
        assert await make_worker(sitting).work_once()
    assert await last(sitting, recording) is None
    sitting.clock.advance(seconds=601)
    assert await make_worker(sitting).work_once()
    assert await last(sitting, recording) is not None


async def test_a_worker_stopped_while_verifying_gives_the_work_back_at_once(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read_for_long(*_: object) -> None:
        reading.set()
        await asyncio.sleep(60)

    reading = asyncio.Event()
    recording = await sealed(sitting)
    with monkeypatch.context() as patch:
        patch.setattr(verifier, "examine", read_for_long)
        task = asyncio.create_task(make_worker(sitting).run())
        await reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    sitting.clock.advance(seconds=1)
    assert await make_worker(sitting).work_once()
    assert await last(sitting, recording) is not None


async def test_sealing_is_finished_before_the_worker_stops(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = await sitting.record(1.0)
    working = make_worker(sitting)
    began = asyncio.Event()
    seal = sealer.seal_recording

    async def slow_seal(*given: object) -> object:
        began.set()
        await asyncio.sleep(0.2)
        return await seal(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(sealer, "seal_recording", slow_seal)
    task = asyncio.create_task(working.work_once())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with sitting.database.session() as db:
        assert (await load_recording(db, recording.id)).sealed


async def test_the_state_directory_can_be_moved(sitting: Sitting, tmp_path: Path) -> None:
    recording = await sealed(sitting)
    assert recording.directory == recording.id
    moved = tmp_path / "elsewhere"
    shutil.move(sitting.root, moved)
    assert (recording.folder(moved) / "manifest.json").is_file()


def test_absolute_rows_of_the_first_version_are_still_read(tmp_path: Path) -> None:
    name = "0" * 32
    old, new = tmp_path / "old", tmp_path / "new"
    (old / name).mkdir(parents=True)
    assert RecordingStore(new).locate(str(old / name)) == old / name
    old.rename(new)
    assert RecordingStore(new).locate(str(old / name)) == new / name
