"""A source that was recorded in simulcast layers: no packet is called lost, and the film shows each turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from media.publication import Publication
from media.rtp import Packet, parse_packet
from media.sink import SenderReport, TrackDescription
from media.toplayer import TopLayer
from recordings.evidence.inventory import read_clock_map, read_track
from recordings.film.composition import compose
from recordings.film.plan import CompositionPlan
from tests.recordings.synthetic import (
    FPS,
    PARTIES,
    audio_packets,
    rtp,
    seal,
    vp8_frames,
    vp8_payloads,
    write_track,
)
from tests.recordings.test_composition import picture_at, tiles

SECONDS = 6.0
SMALL, LARGE = (40, 200, 40), (200, 40, 40)


class Kept:
    def __init__(self) -> None:
        self.found: list[tuple[float, bytes]] = []

    def write(self, packet: Packet, now: float) -> None:
        self.found.append((now, packet.data))

    def report(self, report: SenderReport, now: float) -> None:
        """Reports are written by the journal of this test."""

    def close(self, reason: str) -> None:
        """Nothing to close."""


def layered() -> Iterator[tuple[float, bytes]]:
    """A green small layer throughout, a red large one that stays away from second two to four."""
    track = TrackDescription("r", "p", "camera", "video", "VP8", 90_000, 0, 96, "")
    publication = Publication(track, lambda data: None, 0.5, 0, ("q", "f"))
    publication.claim(0x51, "q")
    publication.claim(0x52, "f")
    kept = Kept()
    publication.attach(TopLayer(kept))
    frames = {0x51: vp8_frames(SMALL, 320, 180, 6), 0x52: vp8_frames(LARGE, 640, 360, 6)}
    numbers = dict.fromkeys(frames, 65_000)
    for picture in range(round(SECONDS * FPS)):
        now = picture / FPS
        for ssrc, coded in frames.items():
            if ssrc == 0x52 and 2 <= now < 4:
                continue
            payloads = vp8_payloads(coded[picture % 6], picture)
            for place, payload in enumerate(payloads):
                stamp = 0xFFFF0000 + ssrc * 1000 + picture * 90_000 // FPS
                data = rtp(numbers[ssrc], stamp, ssrc, payload, place == len(payloads) - 1, 96)
                numbers[ssrc] += 1
                packet = parse_packet(data)
                if publication.receive(packet, now):
                    for sink in publication.sinks:
                        sink.write(packet, now)
    yield from kept.found


def test_layers_that_take_turns_make_one_film(tmp_path: Path) -> None:
    root = tmp_path / "rec"
    root.mkdir()
    party = PARTIES[0]
    for other in PARTIES:
        write_track(root, other, "microphone", audio_packets(other, SECONDS), 0.0, 0.02)
    write_track(root, party, "camera", layered(), 0.0, 0.02)
    track = read_track(root / "tracks" / f"{party.participant_id}-camera", read_clock_map(root))
    assert [segment["lost_packets"] for segment in track["segments"]] == [0]
    assert track["gaps"] == []
    seal(root, SECONDS)
    compose(root, root / "composed.mp4", CompositionPlan(), lambda share: None)
    box = tiles()[party.participant_id]
    for at, colour in ((1.5, LARGE), (3.7, SMALL), (5.7, LARGE)):
        picture = picture_at(root / "composed.mp4", at)
        middle = picture[box.y + box.height * 3 // 4, box.x + box.width // 2].astype(int)
        assert np.abs(middle - colour).max() < 60, (at, middle)
