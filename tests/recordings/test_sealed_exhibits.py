"""What was shown is sealed: the page that was up, as it was, or why it could not be had."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cases.policy import SYSTEM
from recordings.alarms import Alarm, AlarmKind
from recordings.evidence import exhibit_keeping
from recordings.evidence.digests import whole_digests
from recordings.evidence.exhibits import is_exhibit
from recordings.evidence.manifest import canonical
from recordings.evidence.manifest_shape import ManifestUnusable, check_shape
from recordings.evidence.sealing import seal_recording
from recordings.evidence.signing import load_signer
from recordings.evidence.verification import ExitCode, verify_folder
from recordings.recording import Recording, RecordingState, load_recording, start_recording, stop_recording
from recordings.watch.completeness import judge_recording
from recordings.watch.holdings import look_into, without_segments
from scheduling.materials.reading import page_file
from scheduling.materials.showing import DRAWN, ENDED, SHOWN, TURNED
from scheduling.materials.store import MaterialStore
from scheduling.session import Session
from scheduling.session_events import SessionEvent, append_event
from tests.disk import AMPLE
from tests.recordings.sitting import Sitting
from tests.recordings.synthetic import PARTIES, START, seal, write_exhibits, write_session

PAPER, PHOTO = "a" * 32, "b" * 32


def picture(material_id: str, page: int) -> bytes:
    return f"picture of {material_id} {page}".encode() * 40


class Desk:
    """Materials of a sitting, and what happens with them in one recording."""

    def __init__(self, sitting: Sitting) -> None:
        self.sitting = sitting
        state = sitting.root.parent
        self.store = MaterialStore.at(state)
        (state / "keys").mkdir(exist_ok=True)
        self.folder = state / "materials" / sitting.session.id
        for material_id, pages in ((PAPER, 12), (PHOTO, 1)):
            files = {page_file(page): picture(material_id, page) for page in range(1, pages + 1)}
            self.store.write(sitting.session.id, material_id, files)

    async def happen(self, kind: str, **data: Any) -> None:
        self.sitting.clock.advance(seconds=1)
        async with self.sitting.database.session() as db:
            await append_event(db, self.sitting.clock, self.sitting.session.id, kind, data=data)

    async def show(self, material_id: str, page: int, kind: str = SHOWN) -> None:
        digest = hashlib.sha256(picture(material_id, page)).hexdigest()
        await self.happen(
            kind, material_id=material_id, name="答复.pdf", page=page, pages=12, page_sha256=digest
        )

    async def start(self) -> Recording:
        async with self.sitting.database.session() as db:
            root = self.sitting.root
            recording = await start_recording(
                db, self.sitting.clock, SYSTEM, self.sitting.session.id, root, AMPLE
            )
            write_session(recording.folder(root), 0.3, PARTIES[3:], (160, 90))
            return recording

    async def stop(self, recording: Recording) -> None:
        async with self.sitting.database.session() as db:
            await stop_recording(db, self.sitting.clock, SYSTEM, recording.id, "session_closed")

    async def seal(self, recording: Recording) -> tuple[Path, dict[str, Any]]:
        async with self.sitting.database.session() as db:
            row = await load_recording(db, recording.id)
            signer = load_signer(self.sitting.root.parent / "keys")
            sitting = self.sitting
            await seal_recording(db, sitting.clock, row, sitting.root, signer, sitting.seats, self.store)
        folder = recording.folder(self.sitting.root)
        return folder, json.loads((folder / "manifest.json").read_bytes())


@pytest.fixture
def desk(sitting: Sitting) -> Desk:
    return Desk(sitting)


async def test_every_page_that_was_up_while_it_recorded_is_sealed_once(desk: Desk) -> None:
    await desk.show(PHOTO, 1)
    await desk.happen(ENDED, material_id=PHOTO, cause="stopped")  # Before it began: no part of it.
    await desk.show(PAPER, 2)
    recording = await desk.start()
    await desk.show(PAPER, 12, TURNED)
    await desk.happen(DRAWN, material_id=PAPER, page=12, points=[1, 2, 3, 4])
    await desk.show(PAPER, 2, TURNED)
    await desk.happen("session.paused", reason="用水")
    await desk.show(PAPER, 3, TURNED)  # While nothing is recorded.
    await desk.show(PAPER, 4, TURNED)
    await desk.happen("session.resumed")
    await desk.stop(recording)
    await desk.show(PAPER, 5, TURNED)
    folder, manifest = await desk.seal(recording)
    entries = manifest["exhibits"]
    assert [entry["path"] for entry in entries] == [
        f"exhibits/{PAPER}/page-{page}.jpg" for page in (12, 2, 4)
    ]
    told = [event for event in manifest["session_events"] if event["kind"] == TURNED]
    at = {event["data"]["page"]: event["at"] for event in told}
    resumed = next(e["at"] for e in manifest["session_events"] if e["kind"] == "session.resumed")
    began = manifest["recording"]["started_at"]
    assert [entry["first_shown_at"] for entry in entries] == [at[12], began, resumed]
    for entry in entries:
        data = (folder / entry["path"]).read_bytes()
        assert data == picture(PAPER, entry["page"])
        assert (entry["size"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert (entry["name"], entry["media_type"]) == ("答复.pdf", "image/jpeg")
    verdict = verify_folder(folder)
    assert verdict.intact and verdict.exhibits == 3 and "3 页" in verdict.lines()[0]
    check_shape(manifest)
    async with desk.sitting.database.session() as db:
        row = await load_recording(db, recording.id)
        held = look_into(folder)
        now, period = desk.sitting.clock.now(), desk.sitting.clock.now() - START
        assert row.size == held.size == verdict.size
        assert not [one for one in judge_recording(row, held, None, now, period) if one.kind != "length"]
        (folder / entries[0]["path"]).unlink()
        for gone in (look_into(folder), without_segments(look_into(folder))):
            (trouble,) = [
                one for one in judge_recording(row, gone, None, now, period) if one.kind != "length"
            ]
            assert trouble.kind is AlarmKind.FILES_MISSING and entries[0]["path"] in str(trouble.findings)


def _spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)


def _take_key(desk: Desk) -> None:
    (desk.sitting.root.parent / "keys" / "materials-key.hex").unlink()


def _write(desk: Desk, content: bytes) -> None:
    shutil.rmtree(desk.folder / PAPER)
    desk.store.write(desk.sitting.session.id, PAPER, {page_file(1): content})


def _in_its_place(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("cause", "harm"),
    [
        ("not_found", lambda desk: shutil.rmtree(desk.folder / PAPER)),
        ("damaged", lambda desk: _spoil(desk.folder / PAPER / page_file(1))),
        ("key_missing", _take_key),
        ("unreadable", lambda desk: _in_its_place(desk.folder / PAPER / page_file(1))),
        ("changed", lambda desk: _write(desk, b"another page")),
        ("empty", lambda desk: _write(desk, b"")),
    ],
)
async def test_a_page_that_cannot_be_had_is_listed_and_alarms_and_the_rest_is_sealed(
    desk: Desk, cause: str, harm: Callable[[Desk], None]
) -> None:
    recording = await desk.start()
    await desk.show(PHOTO, 1)
    await desk.show(PAPER, 1)
    await desk.stop(recording)
    harm(desk)
    folder, manifest = await desk.seal(recording)
    entry, other = manifest["exhibits"]
    assert (entry["material_id"], entry["missing"], entry["size"]) == (PAPER, cause, 0)
    assert not (folder / entry["path"]).exists()
    assert other.get("missing") == ("key_missing" if cause == "key_missing" else None)
    assert verify_folder(folder).intact  # It is as it was sealed: without.
    check_shape(manifest)
    async with desk.sitting.database.session() as db:
        assert (await load_recording(db, recording.id)).state is RecordingState.SEALED
        (alarm,) = (await db.scalars(select(Alarm))).all()
        assert (alarm.kind, alarm.recording_id) == (AlarmKind.FILES_MISSING, recording.id)
        assert "《答复.pdf》第 1 页没能封存" in alarm.findings[0]["text"]


async def test_three_hundred_pages_and_what_a_killed_attempt_left(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)  # Six hundred of them would be most of the time.
    pages, sitting = range(1, 301), desk.sitting
    long = "c" * 32
    desk.store.write(sitting.session.id, long, {page_file(page): picture(long, page) for page in pages})
    recording = await desk.start()
    facts: list[dict[str, Any]] = [
        {"material_id": long, "name": "账.pdf", "page": page, "pages": 300} for page in pages
    ]
    facts += [{}, {"material_id": "../..", "page": 1}, {"material_id": long, "page": "x"}]
    async with sitting.database.session() as db:
        session = await db.get_one(Session, sitting.session.id)
        for kind, data in zip([SHOWN] + [TURNED] * len(facts), facts, strict=False):
            session.event_count += 1
            row = SessionEvent(
                session_id=session.id, sequence=session.event_count, at=sitting.clock.now(),
                monotonic_ms=0, kind=kind, data=data,
            )  # fmt: skip
            db.add(row)
        await db.commit()
    await desk.stop(recording)
    left = recording.folder(sitting.root) / "exhibits" / PAPER / "page-9.jpg"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"of an attempt before")
    folder, manifest = await desk.seal(recording)
    paths = [entry["path"] for entry in manifest["exhibits"]]
    assert len(paths) == 300 and paths == sorted(paths) and not left.exists()
    assert verify_folder(folder).intact and len(list((folder / "exhibits").rglob("*.jpg"))) == 300


class Killed(BaseException):
    """Nothing that is caught: the process is gone."""


@pytest.mark.parametrize("whole", [0, 1, 2])
async def test_killed_while_pages_are_kept_it_begins_anew(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    recording = await desk.start()
    await desk.show(PHOTO, 1)
    await desk.show(PAPER, 1)
    await desk.show(PAPER, 2, TURNED)
    await desk.stop(recording)
    write, written = exhibit_keeping._write, 0

    def killed(path: Path, content: bytes) -> None:
        nonlocal written
        if written == whole:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content[: len(content) // 2])
            raise Killed
        written += 1
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(exhibit_keeping, "_write", killed)
        with pytest.raises(Killed):
            await desk.seal(recording)
    folder = recording.folder(desk.sitting.root)
    assert not (folder / "manifest.json").exists() and (folder / "exhibits").exists()
    folder, manifest = await desk.seal(recording)
    assert len(manifest["exhibits"]) == 3 and not any("missing" in entry for entry in manifest["exhibits"])
    assert verify_folder(folder).intact


@pytest.mark.parametrize(
    "lie",
    [
        {"path": "exhibits/../manifest.json"}, {"path": "exhibits/x/../../../etc/passwd"},
        {"path": "/etc/passwd"}, {"path": "exhibits/paper/page-1.gif"},
        {"path": "exhibits/paper/page-2.jpg"}, {"path": "exhibits/paper/page-01.jpg"},
        {"path": None}, {"page": 0}, {"page": "1"}, {"material_id": "other"}, {"media_type": "text/html"},
        {"missing": "not_found", "size": 0}, {"missing": "not_found", **whole_digests(b"")},
        {"page": True}, {"size": -1}, {"sha256": None}, {"sm3": ""}, {"missing": "not_found"},
    ],
)  # fmt: skip
def test_a_manifest_that_lies_about_what_was_shown(tmp_path: Path, lie: dict[str, Any]) -> None:
    root = tmp_path / "rec"
    root.mkdir()
    write_session(root, 0.2, PARTIES[3:], (160, 90))
    (entry,) = write_exhibits(root, {("paper", 1): b"page"})
    assert is_exhibit(entry)
    seal(root, 0.2, PARTIES[3:], [{**entry, **lie}])
    manifest = json.loads((root / "manifest.json").read_bytes())
    verdict = verify_folder(root)
    assert verdict.exit_code is not ExitCode.INTACT and verdict.findings[0].text_zh
    assert "missing" not in lie or "exhibit_refused" in {finding.code for finding in verdict.findings}
    for odd in ({}, "paper", [entry, "paper"], None):
        with pytest.raises(ManifestUnusable):
            check_shape({**manifest, "exhibits": odd})
    check_shape({key: value for key, value in manifest.items() if key != "exhibits"})
    again = manifest | {"exhibits": [entry, entry]}
    (root / "manifest.json").write_bytes(canonical(again))
    assert "exhibits_disordered" in {finding.code for finding in verify_folder(root).findings}
