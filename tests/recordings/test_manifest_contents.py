"""What a sealed manifest must hold, item by item, and a pause on its way from the host to the replay."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from cases.policy import SYSTEM
from recordings.capture import segment
from recordings.evidence.manifest import moment_ns
from recordings.evidence.pauses import pauses_of
from recordings.evidence.verification import verify_folder
from recordings.recording import Recording, load_recording, start_recording, stop_recording
from recordings.review.replay import open_replay
from scheduling.arrival.consent import record_consent_for
from scheduling.session import SessionState
from scheduling.sessions.sessions import move_session
from tests.disk import AMPLE
from tests.recordings.sitting import Sitting
from tests.recordings.synthetic import PARTIES, START, START_NS, video_packets, write_track
from tests.recordings.test_composition import picture_at
from tests.recordings.test_worker import make_worker
from web.replay.happenings import find_happenings

NOTICE, SAID = "f" * 64, "当面宣读，本人同意"


async def sealed(sitting: Sitting, recording: Recording) -> tuple[Path, dict[str, Any]]:
    await make_worker(sitting).work_once()
    folder = recording.folder(sitting.root)
    return folder, json.loads((folder / "manifest.json").read_bytes())


async def test_every_item_of_the_rule_stands_in_the_manifest_and_is_true(sitting: Sitting) -> None:
    """Files, size, both digests, codec, both clocks, gaps, people, software, consent and its record."""
    async with sitting.database.session() as db:
        seats = await sitting.seats(db, sitting.session.id)
        petitioner = next(row.id for seat, row in seats if seat.id == "p_citizen")
        for version in ("v1", "v2"):
            await record_consent_for(db, sitting.clock, SYSTEM, petitioner, version, NOTICE, SAID)
    recording = await sitting.record(2.0, PARTIES[1:2] + PARTIES[3:], size=(160, 90), roll_seconds=0.8)
    torn = sorted((recording.folder(sitting.root) / "tracks" / "p_citizen-microphone").glob("*.lxj"))[-1]
    torn.write_bytes(torn.read_bytes()[:-7])  # As a kill in the midst of a record leaves it.
    folder, manifest = await sealed(sitting, recording)

    entries = [entry for track in manifest["tracks"] for entry in track["segments"]]
    there = {path.relative_to(folder).as_posix() for path in (folder / "tracks").rglob("*.lxj")}
    assert {entry["path"] for entry in entries} == there and len(there) > 6
    for entry in entries:
        data = (folder / entry["path"]).read_bytes()
        sums = hashlib.sha256(data).hexdigest(), hashlib.new("sm3", data).hexdigest()
        assert (entry["size"], entry["sha256"], entry["sm3"]) == (len(data), *sums)
    tracks = {track["directory"]: track for track in manifest["tracks"]}
    codecs = {name.split("-")[-1]: (track["codec"], track["clock_rate"]) for name, track in tracks.items()}
    assert codecs["microphone"] == ("opus", 48_000) and codecs["camera"][1] == 90_000

    (boot,) = manifest["clock"]["boots"]
    assert manifest["clock"]["source"] and boot["wall_ns"] and boot["monotonic_ns"]
    for entry in entries:
        with segment.SegmentFile(folder / entry["path"]) as file:
            first = next(item for item in file.items() if isinstance(item, segment.Record))
        wall = boot["wall_ns"] + entry["first_monotonic_ns"] - boot["monotonic_ns"]
        assert entry["first_monotonic_ns"] == first.monotonic_ns
        assert abs(moment_ns(entry["first_at"]) - wall) < 1_000
        assert entry["last_monotonic_ns"] >= entry["first_monotonic_ns"] and entry["last_at"]
    assert manifest["recording"]["started_at"] < manifest["recording"]["stopped_at"]

    (gap,) = [gap for gap in tracks["p_citizen-microphone"]["gaps"] if gap["cause"] == "torn_tail"]
    assert gap["segment"] == int(torn.stem) and gap["from"] <= gap["to"] and gap["bytes"]
    assert not [gap for name, track in tracks.items() if "citizen" not in name for gap in track["gaps"]]

    people = {person["participant_id"]: person for person in manifest["participants"]}
    assert people["p_citizen"]["name"] == "马秀英" and people["p_district"]["role"] == "host"
    assert {track["participant_id"] for track in manifest["tracks"]} <= {*people, "p_province", "p_city"}
    assert manifest["software"].startswith("lianxin ")
    (consent,) = manifest["consents"]
    record = next(e for e in manifest["session_events"] if e["sequence"] == consent["sequence"])
    assert (consent["invitation_id"], consent["version"], consent["digest"]) == (petitioner, "v2", NOTICE)
    assert record["kind"] == "consent.given" and record["at"] == consent["at"]
    assert record["data"]["version"] == "v2" and record["data"]["words"] == SAID
    assert verify_folder(folder).intact


async def test_a_pause_and_its_reason_stand_in_manifest_film_and_replay(sitting: Sitting) -> None:
    async def move(state: SessionState, reason: str | None = None) -> None:
        sitting.clock.advance(seconds=2)
        async with sitting.database.session() as db:
            await move_session(db, sitting.clock, SYSTEM, sitting.session.id, state, reason)

    async with sitting.database.session() as db:
        recording = await start_recording(db, sitting.clock, SYSTEM, sitting.session.id, sitting.root, AMPLE)
    party = PARTIES[1]  # Nothing is captured from the second to the fourth second.
    sent = [packet for packet in video_packets(party, 6.0, 160, 90) if not 2 <= packet[0] < 4]
    write_track(recording.folder(sitting.root), party, "camera", iter(sent), 0.0, 0.06)
    await move(SessionState.PAUSED, "信访人需要休息")
    await move(SessionState.LIVE)
    sitting.clock.advance(seconds=2)
    async with sitting.database.session() as db:
        await stop_recording(db, sitting.clock, SYSTEM, recording.id, "session_closed")
    folder, manifest = await sealed(sitting, recording)

    (paused,) = [e for e in manifest["session_events"] if e["kind"] == "session.paused"]
    assert paused["data"]["reason"] == "信访人需要休息"
    assert pauses_of(manifest, START_NS, 6.0) == [(2.0, 4.0)]

    sitting.clock.advance(seconds=1)
    await make_worker(sitting).work_once()
    before, within, after = (picture_at(folder / "composed.mp4", at) for at in (1.0, 3.0, 5.0))
    middle = slice(before.shape[0] // 3, 2 * before.shape[0] // 3)
    same = np.abs(before[middle].astype(int) - after[middle].astype(int)).mean()
    other = np.abs(before[middle].astype(int) - within[middle].astype(int)).mean()
    assert other > 30 > 3 * same, (other, same)

    async with sitting.database.session() as db:
        assert (await load_recording(db, recording.id)).started_at == START
        plan = await open_replay(db, sitting.clock, SYSTEM, recording.id, None, sitting.root)
    (told,) = [each for each in find_happenings(plan.events, 6.0) if each.kind == "pause"]
    assert (told.start, told.end, told.words) == (2.0, 4.0, "接访暂停：信访人需要休息")
