"""Journals cut anywhere or with garbage in them, and six hours of session: nothing readable is lost."""

from __future__ import annotations

import hashlib
import json
import random
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recordings.capture import segment
from recordings.capture.journal import read_boot_id
from recordings.capture.segment import SegmentHeader
from recordings.evidence.manifest import MANIFEST_FILE
from recordings.evidence.verification import verify_folder
from recordings.film.composition import Composition, compose
from recordings.film.layout import arrange
from recordings.film.plan import CompositionPlan, span_of
from tests.recordings import stranger
from tests.recordings.synthetic import (
    MONOTONIC_NS,
    PARTIES,
    START_NS,
    Party,
    identity,
    opus_packets,
    rtp,
    seal,
    vp8_frames,
    vp8_payloads,
    write_session,
)
from tests.recordings.test_odd_films import lengths

PLAN = replace(CompositionPlan(), width=640, height=360, preset="ultrafast")
SECOND = 1_000_000_000


def harm(data: bytes, seeded: random.Random, kind: int) -> bytes:
    at, length = seeded.randrange(len(data)), seeded.choice((1, 17, 512, 4096))
    return (
        data[:at],
        data[:at] + bytes(length) + data[at + length :],
        data[:at] + seeded.randbytes(length) + data[at:],
        data[:at] + data[at + length :],
        data[:at] + segment.RECORD_MAGIC * (length // 4 + 1) + data[at + length :],
        b"",
    )[kind]


def test_every_harmed_journal_gives_what_is_readable_and_a_film(tmp_path: Path) -> None:
    """Two parties, each segment harmed in another way, before it is sealed."""
    root, seeded = tmp_path / "rec", random.Random(1)
    root.mkdir()
    write_session(root, 1.5, PARTIES[:2], (160, 90), roll_seconds=0.7)
    paths = sorted(root.rglob("*.lxj"))
    for number, path in enumerate(paths):
        path.write_bytes(harm(path.read_bytes(), seeded, number % 6))
    readable = {path: stranger.read_segment(path.read_bytes()) for path in paths}
    seal(root, 1.5, PARTIES[:2])
    assert verify_folder(root).intact  # As sealed: what was harmed before is told, not a change.
    manifest = json.loads((root / MANIFEST_FILE).read_bytes())
    entries = [entry for track in manifest["tracks"] for entry in track["segments"]]
    assert len(entries) == len(paths)
    for entry in entries:
        _, records, damaged = readable[root / entry["path"]]
        assert entry["records"] == len(records)
        assert entry["damaged"] == [[start, end] for start, end, _ in damaged]
        assert (entry["closed"] is None) == (not records or records[-1].kind != segment.FOOTER)
    told = {cause for track in manifest["tracks"] for cause in (gap["cause"] for gap in track["gaps"])}
    assert {"damaged", "torn_tail", "changed_before_sealing"} <= told
    out = root / "film.mp4"
    compose(root, out, PLAN, lambda _: None)
    assert lengths(out) == pytest.approx((1.5, 1.5), abs=0.1)


HOURS = 6
APART = {"camera": 25.0, "microphone": 2.5}  # seconds between two packets; more than three are a gap


def write_hours(root: Path, party: Party, source: str) -> int:
    """Six hours in segments of ten minutes, sparse. Returns the packets."""
    apart = APART[source]
    folder, rows, count = root / "tracks" / f"{party.participant_id}-{source}", list[bytes](), 0
    folder.mkdir(parents=True)
    picture, sound = vp8_frames(party.colour, 160, 90, 1)[0], opus_packets(party.tone, 1)[0]
    previous: str | None = None
    total, boot = int(HOURS * 3600 / apart), read_boot_id()
    fields = {**vars(identity(party, source)), "boot_id": boot, "software": "lianxin 0.1.0"}
    number = 0
    for place in range(total + 1):
        mono = MONOTONIC_NS + round(place * apart * SECOND)
        wall = START_NS + mono - MONOTONIC_NS
        if place * apart % 600 == 0 or place == total:
            if rows:
                closed = "rolled" if place < total else "session closed"
                content = {"reason": closed, "records": len(rows) - 1, "last_monotonic_ns": mono}
                rows.append(segment.encode_json(segment.FOOTER, mono, wall, content))
                data = b"".join(rows)
                (folder / f"{number:06d}.lxj").write_bytes(data)
                previous = hashlib.sha256(data).hexdigest()
            if place == total:
                break
            number += 1
            header = SegmentHeader(
                **fields,
                segment=number,
                previous_sha256=previous,
                started_monotonic_ns=mono,
                started_wall_ns=wall,
            )
            rows = [segment.encode_header(header)]
        if source == "camera":
            (payload,) = vp8_payloads(picture, place)
            data = rtp(place, round(place * apart * 90_000), 7, payload, True, 96)
        else:
            data = rtp(place, round(place * apart * 48_000), 8, sound, False, 111)
        rows.append(segment.encode_record(segment.RTP, mono, wall, data))
        count += 1
    return count


def test_six_hours_are_sealed_proven_and_shown_within_bounds(tmp_path: Path) -> None:
    """Memory is that of an index, whatever the length; the last picture is there as the first one is."""
    root, party = tmp_path / "rec", PARTIES[0]
    root.mkdir()
    packets = sum(write_hours(root, party, source) for source in ("camera", "microphone"))
    tracemalloc.start()
    try:
        seal(root, HOURS * 3600, PARTIES[:1])
        manifest = json.loads((root / MANIFEST_FILE).read_bytes())
        segments = [entry for track in manifest["tracks"] for entry in track["segments"]]
        assert len(segments) == 2 * HOURS * 6 and sum(entry["packets"] for entry in segments) == packets
        seen, heard = manifest["tracks"]
        assert heard["gaps"] == [] and {gap["cause"] for gap in seen["gaps"]} == {"no_packets"}
        assert {entry["lost_packets"] for entry in segments} == {0}
        assert verify_folder(root).intact
        assert span_of(manifest).seconds == HOURS * 3600
        composition = Composition(root, PLAN)
        (tile,) = arrange([party.entry()], {party.participant_id: {"camera", "microphone"}}, 640, 360)
        middle = tile.picture.y + tile.picture.height // 2, tile.picture.x + tile.picture.width // 2
        for at in (0.0, 3 * 3600.0, HOURS * 3600 - 24.0):
            composition._stage.paint(at)
            shown = composition._stage.canvas.frame(0).to_ndarray(format="rgb24")[middle].astype(int)
            assert np.abs(shown - np.array(party.colour)).max() < 30, at
        composition.close()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20, peak
