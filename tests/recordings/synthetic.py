"""Synthetic receptions: real VP8 and Opus in real RTP, a colour and a tone for each party."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np

from recordings.capture import segment
from recordings.capture.journal import Disk, TrackIdentity, TrackJournal
from recordings.evidence.digests import whole_digests
from recordings.evidence.exhibits import ShownPage, entry_of
from recordings.evidence.inventory import read_clock_map, read_tracks
from recordings.evidence.manifest import MANIFEST_FILE, SIGNATURE_FILE, canonical, moment_text
from recordings.evidence.signing import load_signer

FPS = 15
START = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
START_NS = int(START.timestamp()) * 1_000_000_000
MONOTONIC_NS = 5_000_000_000_000
NTP_ERA = 2_208_988_800


@dataclass(frozen=True)
class Party:
    """One person of the reception. ``colour`` is RGB, ``tone`` in hertz, ``skew`` seconds of its clock."""

    participant_id: str
    name: str
    role: str
    tier: str | None
    organisation: str | None
    colour: tuple[int, int, int]
    tone: int
    skew: float = 0.0

    def entry(self) -> dict[str, Any]:
        return {
            "participant_id": self.participant_id,
            "name": self.name,
            "role": self.role,
            "tier": self.tier,
            "organisation": self.organisation,
        }


PARTIES = (
    Party("p_city", "李建国", "host", "city", "兰州市信访局", (200, 40, 40), 440, 12.5),
    Party("p_district", "王芳", "joint_receptionist", "district", "城关区信访局", (40, 160, 60), 700, -3.0),
    Party("p_province", "赵明", "joint_receptionist", "province", "甘肃省信访局", (50, 70, 200), 1100, 0.2),
    Party("p_citizen", "马秀英", "petitioner", None, None, (210, 190, 50), 1700, 86_400.0),
)


@lru_cache(maxsize=32)
def vp8_frames(colour: tuple[int, int, int], width: int, height: int, count: int) -> tuple[bytes, ...]:
    """``count`` coded pictures of one colour with a small square that moves; the first is a key frame."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, FPS)
    encoder.bit_rate = 600_000
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": "9999"}
    coded: list[bytes] = []
    for number in range(count):
        picture = np.empty((height, width, 3), dtype=np.uint8)
        picture[:] = colour
        left = (number * 8) % (width - 20)
        picture[10:30, left : left + 20] = 255
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts = number
        coded.extend(bytes(packet) for packet in encoder.encode(frame))
    coded.extend(bytes(packet) for packet in encoder.encode(None))
    return tuple(coded)


@lru_cache(maxsize=32)
def opus_packets(tone: int, count: int) -> tuple[bytes, ...]:
    """``count`` Opus packets of 20 ms of a sine of ``tone`` hertz."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "flt"
    encoder.bit_rate = 48_000
    encoder.open()
    coded: list[bytes] = []
    for number in range(count):
        moment = (np.arange(960) + number * 960) / 48_000
        sine = (0.4 * np.sin(2 * np.pi * tone * moment)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.repeat(sine, 2).reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, number * 960
        coded.extend(bytes(packet) for packet in encoder.encode(frame))
    return tuple(coded[:count])


def rtp(number: int, timestamp: int, ssrc: int, payload: bytes, marker: bool, payload_type: int) -> bytes:
    second = payload_type | (0x80 if marker else 0)
    return struct.pack("!BBHII", 0x80, second, number & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


def vp8_payloads(frame: bytes, picture_id: int) -> list[bytes]:
    """Packetised as a browser does: extended descriptor with a 15 bit picture id (RFC 7741)."""
    parts = [frame[i : i + 1_100] for i in range(0, len(frame), 1_100)]
    wide = struct.pack("!H", 0x8000 | picture_id & 0x7FFF)
    return [bytes([0x90 if n == 0 else 0x80, 0x80]) + wide + part for n, part in enumerate(parts)]


def video_packets(party: Party, seconds: float, width: int, height: int) -> Iterator[tuple[float, bytes]]:
    """(time sent, RTP packet); begins near the wrap of sequence number and timestamp."""
    frames = vp8_frames(party.colour, width, height, 30)
    number, ssrc = 65_500, 0x1000 + party.tone
    for picture in range(round(seconds * FPS)):
        payloads = vp8_payloads(frames[picture % len(frames)], picture)
        timestamp = 0xFFFF0000 + picture * 90_000 // FPS
        for place, payload in enumerate(payloads):
            last = place == len(payloads) - 1
            yield picture / FPS, rtp(number, timestamp, ssrc, payload, last, 96)
            number += 1


def audio_packets(party: Party, seconds: float) -> Iterator[tuple[float, bytes]]:
    packets = opus_packets(party.tone, min(round(seconds * 50), 500))
    for number in range(round(seconds * 50)):
        payload = packets[number % len(packets)]
        yield number / 50, rtp(number + 65_000, number * 960, 0x2000 + party.tone, payload, False, 111)


def identity(party: Party, source: str) -> TrackIdentity:
    video = source != "microphone"
    return TrackIdentity(
        recording_id="rec1",
        participant_id=party.participant_id,
        source=source,
        kind="video" if video else "audio",
        codec="VP8" if video else "opus",
        clock_rate=90_000 if video else 48_000,
        channels=0 if video else 2,
        payload_type=96 if video else 111,
        fmtp="",
    )


def sender_report(party: Party, source: str, at: float, joined: float) -> bytes:
    """The report a browser whose clock is ``skew`` seconds off would send ``at`` seconds after joining."""
    ntp = int((START.timestamp() + NTP_ERA + party.skew + joined + at) * 2**32)
    if source != "microphone":
        return segment.pack_report(0x1000 + party.tone, ntp, (0xFFFF0000 + round(at * 90_000)) & 0xFFFFFFFF)
    return segment.pack_report(0x2000 + party.tone, ntp, round(at * 48_000))


def times_at(at: float, jump: tuple[float, float]) -> tuple[int, int]:
    """Monotonic and wall clock at second ``at`` of the recording, ns."""
    since, by = jump
    return MONOTONIC_NS + int(at * 1e9), START_NS + int((at + (by if at >= since else 0.0)) * 1e9)


def write_track(
    root: Path,
    party: Party,
    source: str,
    packets: Iterator[tuple[float, bytes]],
    joined: float,
    delay: float,
    roll_seconds: float = 600,
    jump: tuple[float, float] = (float("inf"), 0.0),
) -> None:
    """Journal of one track; packets arrive ``delay`` seconds after they were sent.

    ``jump``: from which second on the wall clock is ahead, and by how many seconds.
    """
    journal = TrackJournal(root, identity(party, source), Disk(), roll_seconds)
    reported, at = -1, joined
    for sent, data in packets:
        at = joined + sent + delay
        mono, wall = times_at(at, jump)
        journal.append(segment.RTP, mono, wall, data)
        if int(sent) > reported:
            reported = int(sent)
            journal.append(segment.SENDER_REPORT, mono, wall, sender_report(party, source, sent, joined))
        journal.drain(mono, wall)
    journal.finish(*times_at(at, jump), "session closed")


def write_session(
    root: Path,
    seconds: float = 6.0,
    parties: tuple[Party, ...] = PARTIES,
    size: tuple[int, int] = (640, 360),
    joined: dict[str, float] | None = None,
    roll_seconds: float = 600,
    jump: tuple[float, float] = (float("inf"), 0.0),
) -> None:
    """Journals of a whole reception without a manifest; ``joined`` says who came how late."""
    for party in parties:
        late = (joined or {}).get(party.participant_id, 0.0)
        left = seconds - late
        video = video_packets(party, left, *size)
        write_track(root, party, "camera", video, late, 0.06, roll_seconds, jump)
        write_track(root, party, "microphone", audio_packets(party, left), late, 0.02, roll_seconds, jump)


def write_exhibits(root: Path, pictures: dict[tuple[str, int], bytes]) -> list[dict[str, Any]]:
    """Pages that were shown at the beginning, by material id and page; their entries of the manifest."""
    entries = []
    for material_id, page in sorted(pictures, key=lambda key: f"{key[0]}/page-{key[1]}.jpg"):
        shown = ShownPage(material_id, "答复.pdf", page, None, START)
        path, picture = root / shown.path, pictures[material_id, page]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)
        entries.append(entry_of(shown, len(picture), whole_digests(picture), None))
    return entries


def manifest_content(
    root: Path, seconds: float, parties: tuple[Party, ...] = PARTIES, exhibits: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    clock = read_clock_map(root)
    tracks = read_tracks(root, clock)
    return {
        "format": "lianxin-manifest",
        "version": 1,
        "recording": {
            "id": "rec1",
            "petition_number": "LZ2026-000123",
            "title": "城关区供暖问题联合接访",
            "started_at": moment_text(START),
            "stopped_at": moment_text(datetime.fromtimestamp(START.timestamp() + seconds, UTC)),
        },
        "participants": [party.entry() for party in parties],
        "clock": {"source": "server", "boots": clock.anchors(), "jumps": clock.jumps()},
        "tracks": tracks,
        "exhibits": list(exhibits),
    }


def seal(
    root: Path, seconds: float = 6.0, parties: tuple[Party, ...] = PARTIES,
    exhibits: Sequence[dict[str, Any]] = (),
) -> None:  # fmt: skip
    """A signed manifest without a database; ``exhibits`` of ``write_exhibits``."""
    data = canonical(manifest_content(root, seconds, parties, exhibits))
    (root / MANIFEST_FILE).write_bytes(data)
    signer = load_signer(root.parent / "keys")
    (root / SIGNATURE_FILE).write_bytes(canonical(signer.sign(data)))
