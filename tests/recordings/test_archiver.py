"""The archive copy: down, slow, full or lying stores cost no original; the copy is finished in the end."""

from __future__ import annotations

import errno
import hashlib
import os
import random
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from recordings.archive import objects as archive_object
from recordings.archive import store as archive_store
from recordings.archive.archived_files import files_of
from recordings.archive.archiver import Archiver
from recordings.archive.copies import (
    LEASE,
    TRANSITIONS,
    Archive,
    ArchiveState,
    objects_of,
    pause_after,
)
from recordings.archive.key import load_master
from recordings.archive.objects import NotAnObject, Piece, decrypt, encrypt
from recordings.archive.restore import read_index, restore_files, safe_path
from recordings.archive.store import AlreadyWritten, DirectoryStore, StoreAddress, StoreError, open_store
from recordings.evidence.verification import verify_folder
from recordings.recording import RecordingState, load_recording
from scheduling.session_events import list_events
from scheduling.transitions import reachable_from
from tests.recordings.archiving import alarms, digests, sealed, settings_of, state_of
from tests.recordings.bucket import Bucket
from tests.recordings.sitting import Sitting


def test_every_archive_state_can_be_reached() -> None:
    assert reachable_from(TRANSITIONS, ArchiveState.WAITING) == set(ArchiveState)


async def test_a_copy_is_read_back_encrypted_and_restores_to_the_same_bytes(
    sitting: Sitting, tmp_path: Path
) -> None:
    recording = await sealed(sitting)
    settings = settings_of(sitting, part=4_000)
    archiver = Archiver(sitting.database, sitting.clock, settings)
    assert await archiver.work_once()
    assert not await archiver.work_once()
    archive = await state_of(sitting, recording)
    assert (archive.state, archive.cause) == (ArchiveState.ARCHIVED, None)
    async with sitting.database.session() as db:
        assert (await load_recording(db, recording.id)).state is RecordingState.ARCHIVED
        rows = await objects_of(db, recording.id)
        kinds = [event.kind for event in await list_events(db, recording.session_id)]
    assert kinds.count("recording.archived") == 1
    assert archive.object_count == len(rows) > len(files_of(recording.folder(sitting.root)))
    store = settings.store
    assert store is not None
    names = await store.names(f"2026/{recording.id}")
    (index,) = [name for name in names if name.endswith("index.json")]
    entries = read_index(await store.get(index))
    assert {entry.name for entry in entries} | {index} == set(names)
    original = recording.folder(sitting.root)
    for name in names:
        data = await store.get(name)
        assert b"LXJSEG1" not in data and "马秀英".encode() not in data
    target = tmp_path / "restored"
    master = load_master(settings.key_file, create=False)
    await restore_files(store, entries, master, recording.id, target)
    assert digests(target) == digests(original)
    assert verify_folder(target).intact
    with pytest.raises(FileExistsError):
        await restore_files(store, rows, master, recording.id, target)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [("down", "store_down"), ("slow", "store_slow"), ("corrupt", "corrupted"), ("refused", "store_refused")],
)
async def test_a_faulty_s3_store_costs_no_original(
    sitting: Sitting, bucket: Bucket, fault: str, cause: str
) -> None:
    """Down, slow, refusing, or corrupting one byte: kept, tried again with growing pauses, finished."""
    recording = await sealed(sitting)
    folder = recording.folder(sitting.root)
    before = digests(folder)
    address = StoreAddress("s3://bucket/office", bucket.endpoint, access_key="a", secret_key="b")
    settings = settings_of(sitting, store=open_store(address), local_days=1)
    archiver = Archiver(sitting.database, sitting.clock, settings)
    bucket.fault = fault
    pauses = []
    for attempt in (1, 2, 3):
        assert await archiver.work_once()
        archive = await state_of(sitting, recording)
        assert (archive.state, archive.cause, archive.attempts) == (ArchiveState.FAILED, cause, attempt)
        assert archive.next_try_at is not None
        pauses.append(archive.next_try_at - sitting.clock.now())
        assert not await archiver.work_once()  # Not before its time.
        sitting.clock.set(archive.next_try_at)
    assert pauses == [pause_after(n) for n in (1, 2, 3)] == sorted(set(pauses))
    told = await alarms(sitting)
    assert {finding["code"] for alarm in told for finding in alarm.findings} == {cause}
    # What the store refuses is its own trouble, what it garbles is that of the recording.
    assert [alarm.recording_id for alarm in told] == [recording.id if cause == "corrupted" else None]
    sitting.clock.advance(days=3)
    bucket.fault = None
    assert await archiver.work_once()
    archive = await state_of(sitting, recording)
    assert (archive.state, archive.attempts, archive.failing_since) == (ArchiveState.ARCHIVED, 0, None)
    assert digests(folder) == before
    assert bucket.overwritten == 0
    async with sitting.database.session() as db:
        rows = await objects_of(db, recording.id)
    for row in rows:
        assert hashlib.sha256(bucket.objects[f"office/{row.name}"]).hexdigest() == row.stored_sha256


async def test_what_was_proven_is_not_copied_again(sitting: Sitting, bucket: Bucket) -> None:
    recording = await sealed(sitting)
    address = StoreAddress("s3://bucket", bucket.endpoint, access_key="a", secret_key="b")
    archiver = Archiver(sitting.database, sitting.clock, settings_of(sitting, store=open_store(address)))
    put, done = Bucket._put, []

    async def fails_at_the_third(self: Bucket, request: object, name: str) -> object:
        done.append(name)
        self.fault = "down" if len(done) == 3 else None
        return await put(self, request, name)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bucket, "_put", fails_at_the_third)
        assert await archiver.work_once()
    assert (await state_of(sitting, recording)).state is ArchiveState.FAILED
    bucket.fault = None
    before = set(bucket.objects)
    sitting.clock.advance(minutes=1)
    assert await archiver.work_once()
    assert (await state_of(sitting, recording)).state is ArchiveState.ARCHIVED
    again = [name.split("/", 3)[3] for name in set(bucket.objects) - before]
    assert not set(again) & {name.split("/", 3)[3] for name in done[:2]}


async def test_object_lock_is_asked_for_by_signed_headers(sitting: Sitting, bucket: Bucket) -> None:
    recording = await sealed(sitting)
    address = StoreAddress("s3://bucket", bucket.endpoint, access_key="a", secret_key="b", lock=True)
    settings = settings_of(sitting, store=open_store(address), retention="short")
    assert await Archiver(sitting.database, sitting.clock, settings).work_once()
    assert (await state_of(sitting, recording)).state is ArchiveState.ARCHIVED
    for headers in bucket.headers.values():
        assert headers["x-amz-object-lock-mode"] == "COMPLIANCE"
        # Recorded in 2026, ten years from the next 1 January in Beijing.
        assert headers["x-amz-object-lock-retain-until-date"] == "2036-12-31T16:00:00Z"
        assert "x-amz-object-lock-retain-until-date" in headers["Authorization"]
        assert headers["If-None-Match"] == "*"


async def test_a_directory_that_is_not_mounted_or_full_is_told_and_made_up_for(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = await sealed(sitting)
    settings = settings_of(sitting)
    place = sitting.root.parent / "archive"
    place.rename(place.with_name("unmounted"))
    archiver = Archiver(sitting.database, sitting.clock, settings)
    assert await archiver.work_once()
    assert (await state_of(sitting, recording)).cause == "store_down"
    assert not place.exists()
    place.with_name("unmounted").rename(place)

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    sitting.clock.advance(hours=1)
    with monkeypatch.context() as patch:
        patch.setattr(archive_store.os, "fsync", full)
        await archiver._copy_one()
    assert (await state_of(sitting, recording)).cause == "store_full"
    sitting.clock.advance(hours=1)
    assert await archiver.work_once()
    assert (await state_of(sitting, recording)).state is ArchiveState.ARCHIVED


async def test_a_changed_original_is_not_archived_and_a_foreign_key_is_told(sitting: Sitting) -> None:
    recording = await sealed(sitting)
    settings = settings_of(sitting)
    archiver = Archiver(sitting.database, sitting.clock, settings)
    victim = next(path for path in files_of(recording.folder(sitting.root)) if path.suffix == ".lxj")
    data = victim.read_bytes()
    victim.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    await archiver.work_once()
    assert (await state_of(sitting, recording)).cause == "original_changed"
    victim.write_bytes(data)
    settings.key_file.unlink()
    sitting.clock.advance(hours=1)
    await archiver.work_once()
    assert (await state_of(sitting, recording)).cause == "key_missing"
    assert not settings.key_file.exists()  # A new one would hide that the old one is lost.


async def test_a_dead_archiver_is_followed_by_another(sitting: Sitting) -> None:
    recording = await sealed(sitting)
    settings = settings_of(sitting)
    first = Archiver(sitting.database, sitting.clock, settings)

    async def dies(*_: object) -> None:
        raise KeyboardInterrupt

    first._copy = dies  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        await first.work_once()
    assert (await state_of(sitting, recording)).state is ArchiveState.COPYING
    second = Archiver(sitting.database, sitting.clock, settings)
    assert not await second.work_once()
    sitting.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert await second.work_once()
    assert (await state_of(sitting, recording)).state is ArchiveState.ARCHIVED


async def test_an_original_ages_out_only_after_another_proof(sitting: Sitting) -> None:
    recording = await sealed(sitting)
    settings = settings_of(sitting, local_days=30)
    archiver = Archiver(sitting.database, sitting.clock, settings)
    assert await archiver.work_once()
    folder, store = recording.folder(sitting.root), settings.store
    assert isinstance(store, DirectoryStore)
    assert not await archiver.work_once()
    async with sitting.database.session() as db:
        row = next(row for row in await objects_of(db, recording.id) if row.path.endswith(".lxj"))
    victim = store.root / row.name
    data = victim.read_bytes()
    victim.chmod(0o600)
    victim.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    sitting.clock.advance(days=31)
    assert await archiver.work_once()
    archive = await state_of(sitting, recording)
    assert (archive.state, archive.cause) == (ArchiveState.FAILED, "corrupted")
    assert (folder / "tracks").is_dir()
    sitting.clock.advance(minutes=1)
    assert await archiver.work_once()  # Copied anew under names of its own.
    assert (await state_of(sitting, recording)).state is ArchiveState.ARCHIVED
    sitting.clock.advance(days=31)
    assert await archiver.work_once()
    assert (await state_of(sitting, recording)).state is ArchiveState.LOCAL_REMOVED
    assert not (folder / "tracks").exists() and (folder / "manifest.json").exists()
    async with sitting.database.session() as db:
        rows = [row for row in await objects_of(db, recording.id) if row.path.startswith("tracks/")]
    master = load_master(settings.key_file, create=False)
    await restore_files(store, rows, master, recording.id, folder)
    assert verify_folder(folder).intact


async def test_a_store_is_asked_for_in_words_it_understands(tmp_path: Path) -> None:
    assert open_store(StoreAddress("")) is None
    for place in ("relative/path", "ftp://host/x", "s3:///nobucket"):
        with pytest.raises(ValueError, match="absolute path"):
            open_store(StoreAddress(place))
    store = DirectoryStore(tmp_path)
    await store.put_new("a/b.lxa", b"one", None)
    with pytest.raises(AlreadyWritten):
        await store.put_new("a/b.lxa", b"two", None)
    assert await store.get("a/b.lxa") == b"one"
    for name in ("../x", "/etc/passwd", "a//b", "a/../../b", ".hidden", ""):
        with pytest.raises(ValueError, match="not a name"):
            await store.get(name)
    with pytest.raises(StoreError) as missing:
        await store.get("a/none")
    assert missing.value.cause == "missing"


def test_every_change_of_an_object_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """500 seeded manipulations: a bit, a cut, chunks swapped, dropped or repeated, another session's key."""
    seeded = random.Random(4)
    chunk = 4_096
    monkeypatch.setattr(archive_object, "CHUNK", chunk)
    key, plain = seeded.randbytes(32), seeded.randbytes(2 * chunk + 77)
    piece = Piece("r", "tracks/a/000001.lxj", 1, 1, 0, len(plain), len(plain), "0" * 64)
    data = encrypt(piece, plain, key, {"master": "m"}, bytes(16))
    assert decrypt(data, key) == (piece, plain)
    step, begin = chunk + 16, len(data) - (2 * (chunk + 16) + 77 + 16)
    first, second = data[begin : begin + step], data[begin + step : begin + 2 * step]
    last = data[begin + 2 * step :]
    wrong = [
        data[:begin] + second + first + last,
        data[:begin] + first + last,
        data[:begin] + first + second,
        data[:begin] + first + first + second + last,
        data + b"\x00",
        data[:begin],
        b"",
    ]
    for _ in range(493):
        at = seeded.randrange(len(data))
        wrong.append(data[:at] + bytes([data[at] ^ (1 << seeded.randrange(8))]) + data[at + 1 :])
    for changed in wrong:
        with pytest.raises(NotAnObject):
            decrypt(changed, key)
    with pytest.raises(NotAnObject):
        decrypt(data, bytes(32))


def test_hostile_names_in_an_index_lead_nowhere(tmp_path: Path) -> None:
    for path in ("../x", "/etc/passwd", "a/../../x", "", "a\\..\\x"):
        with pytest.raises(NotAnObject):
            safe_path(tmp_path, path)
    for data in (b"", b"[]", b'{"objects":[{"name":"../x"}]}', b"[" * 5000):
        with pytest.raises(NotAnObject):
            read_index(data)


def test_pauses_grow_to_an_hour() -> None:
    assert [pause_after(n) for n in (1, 2, 8, 500)] == [
        timedelta(seconds=30), timedelta(seconds=60), timedelta(hours=1), timedelta(hours=1)
    ]  # fmt: skip


async def test_keys_differ_by_session_and_the_file_is_private(sitting: Sitting) -> None:
    await sealed(sitting)
    settings = settings_of(sitting)
    await Archiver(sitting.database, sitting.clock, settings).work_once()
    assert os.stat(settings.key_file).st_mode & 0o777 == 0o600
    master = load_master(settings.key_file, create=False)
    statement = {"session_id": "one", "nonce": "00" * 12, "wrapped": ""}
    statement["wrapped"] = master.wrap("one", b"k" * 32, bytes(12)).hex()
    assert master.unwrap(statement) == b"k" * 32
    with pytest.raises(StoreError):
        master.unwrap(statement | {"session_id": "two"})
    async with sitting.database.session() as db:
        assert len((await db.scalars(select(Archive))).all()) == 1
