"""A wall clock that is set by an hour in the middle of a session moves neither film nor events."""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cases.policy import SYSTEM
from recordings.archive.index import index_due
from recordings.archive.search import ArchiveQuery, search_archive
from recordings.capture.recorder import JournalRecorderFactory
from recordings.evidence.clock_jumps import LAST_NS, ClockJumps, jumps_of, read_jumps, steady
from recordings.evidence.inventory import read_clock_map, read_tracks
from recordings.evidence.manifest import MANIFEST_FILE, moment_ns, moment_text
from recordings.evidence.pauses import pauses_of
from recordings.film.composition import compose
from recordings.film.layout import arrange
from recordings.film.plan import CompositionPlan, span_of
from recordings.lease import Lane
from recordings.recording import RecordingState, load_recording, start_recording, stop_recording
from recordings.review.replay import open_replay
from recordings.watch.completeness import judge_recording
from recordings.watch.holdings import look_into
from scheduling.session_events import append_event
from signaling.quality_history import QualitySpan
from tests.disk import AMPLE
from tests.recordings.sitting import Sitting
from tests.recordings.synthetic import (
    MONOTONIC_NS,
    PARTIES,
    START,
    START_NS,
    audio_packets,
    manifest_content,
    seal,
    video_packets,
    write_session,
    write_track,
)
from tests.recordings.test_composition import loudness, picture_at
from tests.recordings.test_odd_films import lengths
from tests.recordings.test_recorder import describe, packet, wait_for
from tests.recordings.test_worker import make_worker
from web.replay.lanes import build_lanes

PLAN = replace(CompositionPlan(), width=640, height=360, preset="ultrafast")
HOUR, JUMPED, SECONDS = 3600.0, 2.0, 4.0
PARTY = PARTIES[0]
SECOND = 1_000_000_000


@pytest.fixture
def database_system() -> str:
    """One system is enough here: the database only keeps the times."""
    return "sqlite"


def event(number: int, at: float, by: float, kind: str, **data: Any) -> dict[str, Any]:
    """An event at second ``at``, by a wall clock that is set by ``by`` seconds in second JUMPED."""
    shown = START + timedelta(seconds=at + (by if at >= JUMPED else 0.0))
    return {
        "sequence": number,
        "at": moment_text(shown),
        "monotonic_ms": MONOTONIC_NS // 1_000_000 + round(at * 1000),
        "kind": kind,
        "actor_name": "李建国",
        "participant_id": None,
        "data": data,
    }


def write(root: Path, by: float) -> None:
    for source, packets, delay in (
        ("camera", video_packets(PARTY, SECONDS, 160, 90), 0.05),
        ("microphone", audio_packets(PARTY, SECONDS), 0.02),
    ):
        write_track(root, PARTY, source, packets, 0.0, delay, roll_seconds=1.5, jump=(JUMPED, by))
    # Who joins after the jump has a clock that was off from the beginning.
    late = PARTIES[1]
    write_track(root, late, "microphone", audio_packets(late, 1.0), 3.0, 0.02, jump=(JUMPED, by))


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_the_film_is_as_long_as_the_session_and_shows_what_it_showed(tmp_path: Path, by: float) -> None:
    root = tmp_path / "rec"
    root.mkdir()
    write(root, by)
    seal(root, SECONDS + by, PARTIES[:2])  # The end was noted by the clock that had been set.
    manifest = json.loads((root / MANIFEST_FILE).read_bytes())
    (jump,) = manifest["clock"]["jumps"]
    assert abs(jump["by_ns"] - by * 1e9) < 1_000
    assert abs(moment_ns(jump["at"]) - START_NS - JUMPED * SECOND) < 0.2 * SECOND
    assert not [gap for track in manifest["tracks"] for gap in track["gaps"]]
    assert span_of(manifest).seconds == pytest.approx(SECONDS)
    out = root / "film.mp4"
    compose(root, out, PLAN, lambda _: None)
    assert lengths(out) == pytest.approx((SECONDS, SECONDS), abs=0.1)
    people = [party.entry() for party in PARTIES[:2]]
    sources = {PARTY.participant_id: {"camera", "microphone"}, PARTIES[1].participant_id: {"microphone"}}
    tile = next(t for t in arrange(people, sources, 640, 360) if t.participant_id == PARTY.participant_id)
    box = tile.picture
    for at in (1.0, 1.9, 2.1, 3.5):
        middle = picture_at(out, at)[box.y + box.height // 2, box.x + box.width // 2].astype(int)
        assert np.abs(middle - np.array(PARTY.colour)).max() < 30, at
    for since in (0.5, 2.0, 3.2):
        assert loudness(out, since, since + 0.5)[PARTY.tone] > 0.1, since
    assert loudness(out, 3.2, 3.8)[PARTIES[1].tone] > 0.1 > loudness(out, 2.2, 2.8)[PARTIES[1].tone]
    before, after = (picture_at(out, at)[:40, 300:] for at in (1.5, 2.5))
    # The running time goes on by a second; an hour more or less would change digits further left.
    changed = (np.abs(before.astype(int) - after).max(axis=(0, 2)) > 80).nonzero()[0]
    assert 0 < changed.max() - changed.min() < 20, changed


@pytest.mark.parametrize("by", [HOUR, -HOUR])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_events_stand_where_they_happened(tmp_path: Path, by: float, elsewhere: bool) -> None:
    """With the monotonic time of this machine, and by their order with that of another one."""
    root = tmp_path / "rec"
    root.mkdir()
    write(root, by)
    spans = [
        ["p_city", round((START_NS + s * SECOND + (by if s >= JUMPED else 0) * SECOND) / 1e6), 300]
        for s in (1.0, 2.5)
    ]
    events = [
        event(1, 0.5, by, "session.paused"),
        event(2, 1.0, by, "session.resumed"),
        event(3, 2.2, by, "session.paused"),
        event(4, 3.0, by, "session.resumed"),
        event(5, 3.5, by, "speech.noted", spans=spans),
    ]
    if elsewhere:
        events = [{**each, "monotonic_ms": 17} for each in events]
    content = manifest_content(root, SECONDS + by, PARTIES[:2]) | {"session_events": events}
    found = steady(content)
    moved = [(moment_ns(each["at"]) - START_NS) / 1e9 for each in found["session_events"]]
    assert moved == pytest.approx([0.5, 1.0, 2.2, 3.0, 3.5], abs=0.01)
    assert steady(found) is found
    spoken = [(since / 1e3 - START_NS / 1e9) for _, since, _ in found["session_events"][-1]["data"]["spans"]]
    assert spoken == pytest.approx([1.0, 2.5], abs=0.01)
    pauses = [at for pause in pauses_of(found, START_NS, SECONDS) for at in pause]
    assert pauses == pytest.approx([0.5, 1.0, 2.2, 3.0], abs=0.01)
    assert content["session_events"] is events  # What is signed is not touched.


@pytest.mark.parametrize("by", [HOUR, -HOUR])
async def test_replay_and_nightly_check_are_not_misled(sitting: Sitting, by: float) -> None:
    """What the database noted by the wall clock stands where it was in the film, and nobody is alarmed."""
    async with sitting.database.session() as db:
        made = await start_recording(db, sitting.clock, SYSTEM, sitting.session.id, sitting.root, AMPLE)
        folder = made.folder(sitting.root)
        write_session(folder, SECONDS, PARTIES[1:2], (160, 90), jump=(JUMPED, by))
        sitting.clock.advance(seconds=1)
        await append_event(db, sitting.clock, sitting.session.id, "session.paused")
        sitting.clock.advance(seconds=2 + by)
        await append_event(db, sitting.clock, sitting.session.id, "session.resumed")
        text = {"text": "承诺下周答复"}
        await append_event(db, sitting.clock, sitting.session.id, "mark.set", "王芳", data=text)
        sitting.clock.advance(seconds=1)
        await stop_recording(db, sitting.clock, SYSTEM, made.id, "session_closed")
        await index_due(db, root=sitting.root)  # Before it is sealed nobody knows of the jump.
    working = make_worker(sitting)
    for _ in range(2):  # Sealed; then what was found before is put right.
        await working.work_once((Lane.SEAL,))
    async with sitting.database.session() as db:
        leader = sitting.world.actor("city.leader")
        (hit,) = (await search_archive(db, sitting.clock, leader, ArchiveQuery(words="下周答复"))).found
        assert [said.seconds for said in hit.hits] == pytest.approx([3.0], abs=0.01)
        plan = await open_replay(db, sitting.clock, leader, made.id, None, sitting.root)
        recording = await load_recording(db, made.id)
    assert recording.state is RecordingState.SEALED
    assert plan.duration == pytest.approx(SECONDS)
    found = {event.kind: event.seconds for event in plan.events if event.kind.startswith("session.")}
    assert found["session.paused"] == pytest.approx(1.0)
    assert found["session.resumed"] == pytest.approx(3.0)
    # The line's quality and who spoke were noted by the same clock.
    noted = START + timedelta(seconds=3 + by)
    spans = {
        "p_district": [QualitySpan(noted, noted + timedelta(seconds=1), "gone", "gone", None, None, None)]
    }
    (lane,) = build_lanes(plan, [{"participant_id": "p_district", "name": "王芳"}], spans).lanes
    assert [span[:2] for span in lane.now] == [pytest.approx((3.0, 4.0), abs=0.01)]
    held = look_into(folder)
    assert list(judge_recording(recording, held, None, recording.sealed_at or START, timedelta(90))) == []


def test_the_recorder_notes_that_its_clock_was_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    factory = JournalRecorderFactory()
    room = factory.open("rec1", str(tmp_path))
    sink, real = room.open_track(describe()), time.time_ns
    for number in range(4):
        sink.write(packet(number), time.monotonic())
        size = sink.bytes_on_disk
        wait_for(lambda before=size: sink.bytes_on_disk > before)  # type: ignore[misc]
        if number == 1:
            monkeypatch.setattr(time, "time_ns", lambda: real() - int(HOUR) * SECOND)
    room.close("bye")
    factory.close()
    clock = read_clock_map(tmp_path)
    (track,) = read_tracks(tmp_path, clock)
    (jump,) = clock.jumps()
    assert jump["by_ns"] == pytest.approx(-HOUR * SECOND, rel=1e-3)
    assert [mark["type"] for mark in track["marks"]] == ["clock_jump"]
    assert track["gaps"] == [] and track["segments"][0]["packets"] == 4


def test_a_clock_that_was_not_set_changes_nothing() -> None:
    jumps = ClockJumps(())
    assert not jumps and jumps.recording_ns(7, 0) == 7
    assert jumps.seconds(START, START + timedelta(seconds=9)) == 9.0
    manifest = {"clock": {"boots": [], "jumps": []}}
    assert steady(manifest) is manifest


@pytest.mark.parametrize(
    "clock",
    [None, [], "x", {}, {"boots": 3}, {"jumps": 3, "boots": []}, {"jumps": [3], "boots": []},
     {"jumps": [{"at": "never", "by_ns": 1}], "boots": []}, {"jumps": [{"at": 5, "by_ns": 1}], "boots": []},
     {"jumps": [{"at": "2026-11-20T01:30:00Z", "by_ns": "x"}], "boots": []}],
)  # fmt: skip
def test_a_manifest_that_tells_nonsense_of_its_clock_tells_of_no_jump(clock: Any, tmp_path: Path) -> None:
    assert not jumps_of({"clock": clock})
    (tmp_path / MANIFEST_FILE).write_text(json.dumps({"clock": clock}))
    assert not read_jumps(tmp_path)
    (tmp_path / MANIFEST_FILE).write_text("[" * 100_000)
    assert not read_jumps(tmp_path)


def test_seeded_jumps_forth_and_back_are_undone() -> None:
    """Many jumps, any order; what happens between two of them is put back to the nanosecond."""
    for seed in range(200):
        seeded = random.Random(seed)
        moments = sorted(seeded.sample(range(10, 7_200), 4))
        by = [seeded.choice((-1, 1)) * seeded.randrange(2, 7_200) for _ in moments]
        jumps = ClockJumps(
            [(START_NS + at * SECOND, step * SECOND) for at, step in zip(moments, by, strict=True)],
            [(MONOTONIC_NS, START_NS)],
        )
        near = START_NS
        for second in range(0, 7_300, 37):
            off = sum(step for at, step in zip(moments, by, strict=True) if second >= at)
            true = START_NS + second * SECOND
            mono = (MONOTONIC_NS + second * SECOND) // 1_000_000
            near = jumps.event_ns(true + off * SECOND, mono, near)
            assert near == true, (seed, second)
        end = datetime.fromtimestamp(START_NS // SECOND + 7_300 + sum(by), UTC)
        assert jumps.seconds(START, end) == pytest.approx(7_300), seed
        assert jumps.recording_ns(START_NS, START_NS) == START_NS or by[0] < 0
        assert jumps.recording_ns(START_NS + (7_300 + sum(by)) * SECOND, LAST_NS) == START_NS + 7_300 * SECOND
