"""A reception made up for measuring: a sealed recording folder, and the same packets as one Matroska file a
party for programs that read no recordings."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from recordings.capture import segment
from recordings.capture.journal import Disk, TrackIdentity, TrackJournal
from recordings.evidence.inventory import read_clock_map, read_tracks
from recordings.evidence.manifest import MANIFEST_FILE, moment_text

FPS = 15
WIDTH, HEIGHT = 1280, 720
TURN = 3.0  # seconds each party speaks before the next one does
NOD = 0.4  # seconds a listener moves in every TURN
START = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
_START_NS, _MONOTONIC_NS = int(START.timestamp()) * 1_000_000_000, 5_000_000_000_000
_PAYLOAD = 1_100  # bytes
PEOPLE = (
    ("p_province", "赵明", "joint_receptionist", "province", "甘肃省信访局"),
    ("p_city", "李建国", "host", "city", "兰州市信访局"),
    ("p_district", "王芳", "joint_receptionist", "district", "城关区信访局"),
    ("p_citizen", "马秀英", "petitioner", None, None),
)
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Reel:
    """``folder`` is sealed but not signed; ``films`` has one file a party in the order of PEOPLE."""

    folder: Path
    films: tuple[Path, ...]
    seconds: float


def make_reel(root: Path, kind: str, seconds: float) -> Reel:
    """``kind`` 'heads': one party speaks, the others nod now and then before a still wall; 'noise': every
    pixel of everybody changes in every picture."""
    folder, films = root / kind, []
    folder.mkdir(parents=True)
    for place, person in enumerate(PEOPLE):
        pictures = list(coded_pictures(kind, place, round(seconds * FPS)))
        sounds = list(coded_sounds(place, round(seconds * 50)))
        _write_track(folder, place, "camera", pictures)
        _write_track(folder, place, "microphone", sounds)
        films.append(root / f"{kind}-{person[0]}.mkv")
        _write_film(films[-1], pictures, sounds)
    _write_manifest(folder, seconds)
    return Reel(folder, tuple(films), seconds)


def coded_pictures(kind: str, place: int, count: int) -> Iterator[bytes]:
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base = Fraction(1, FPS)
    encoder.bit_rate = 1_500_000
    options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": "9999"}
    encoder.options = {**options, "static-thresh": "1"}  # As browsers have it.
    draw = _heads(place) if kind == "heads" else _noise(place)
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(next(draw), format="yuv420p")
        frame.pts = number
        yield from (bytes(packet) for packet in encoder.encode(frame))
    yield from (bytes(packet) for packet in encoder.encode(None))


def _wall(place: int) -> Image:
    """A room with shades and texture as yuv420p planes."""
    rng = np.random.default_rng(place)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    wall = 90 + 40 * np.sin(columns / 140 + place) + 25 * np.cos(rows / 90)
    wall += rng.normal(0, 6, (HEIGHT, WIDTH))
    planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, dtype=np.uint8)
    planes[:HEIGHT] = np.clip(wall, 16, 235)
    return planes


def _heads(place: int) -> Iterator[Image]:
    wall, head = _wall(place), _wall(place + 10)[200:560, 300:580]
    rows, columns = np.mgrid[-1:1:360j, -1:1:280j]
    inside = rows**2 + columns**2 < 1
    number = 0
    while True:
        at = number / FPS
        speaks = int(at / TURN) % len(PEOPLE) == place
        moves = speaks or at % TURN < NOD
        planes = wall.copy()
        swing = at if moves else 0.0
        y = 220 + 2 * round(4 * np.sin(5 * swing))
        x = 500 + 2 * round(5 * np.sin(3 * swing))
        np.copyto(planes[y : y + 360, x : x + 280], head + 40, where=inside)
        if speaks:
            planes[y + 250 : y + 262 + 2 * (number % 8), x + 100 : x + 180] = 40
        yield planes
        number += 1


def _noise(place: int) -> Iterator[Image]:
    rng, wall = np.random.default_rng(place), _wall(place)
    grain = rng.normal(0, 12, (HEIGHT + 64, WIDTH + 64)).astype(np.int16)
    while True:
        y, x = rng.integers(0, 64, 2)
        planes = wall.copy()
        planes[:HEIGHT] = np.clip(wall[:HEIGHT] + grain[y : y + HEIGHT, x : x + WIDTH], 16, 235)
        yield planes


def coded_sounds(place: int, count: int) -> Iterator[bytes]:
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "flt"
    encoder.bit_rate = 32_000
    coded: list[bytes] = []
    for number in range(count):
        moment = (np.arange(960) + number * 960) / 48_000
        loud = 0.4 if int(number / 50 / TURN) % len(PEOPLE) == place else 0.01
        sine = (loud * np.sin(2 * np.pi * (300 + 170 * place) * moment)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(sine.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate, frame.pts = 48_000, number * 960
        coded.extend(bytes(packet) for packet in encoder.encode(frame))
    return iter(coded[:count])


def _write_track(folder: Path, place: int, source: str, coded: list[bytes]) -> None:
    video = source == "camera"
    kind, codec, rate, payload = ("video", "VP8", 90_000, 96) if video else ("audio", "opus", 48_000, 111)
    owner, ssrc = PEOPLE[place][0], 0x1000 * (1 + video) + place
    identity = TrackIdentity("reel", owner, source, kind, codec, rate, 0 if video else 2, payload, "")
    journal, number, step = TrackJournal(folder, identity, Disk()), 0, rate // (FPS if video else 50)
    for place_in_track, data in enumerate(coded):
        at = round(place_in_track * step / rate * 1e9)
        for part, last in parts_of(data, place_in_track) if video else [(data, False)]:
            header = struct.pack("!BBHII", 0x80, payload | last << 7, number, place_in_track * step, ssrc)
            journal.append(segment.RTP, _MONOTONIC_NS + at, _START_NS + at, header + part)
            number = (number + 1) & 0xFFFF
        journal.drain(_MONOTONIC_NS + at, _START_NS + at)
    journal.finish(_MONOTONIC_NS + at, _START_NS + at, "session closed")


def parts_of(frame: bytes, picture: int) -> Iterator[tuple[bytes, bool]]:
    """One VP8 picture as payloads (RFC 7741)."""
    for at in range(0, len(frame), _PAYLOAD):
        head = bytes([0x80 if at else 0x90, 0x80]) + struct.pack("!H", 0x8000 | picture & 0x7FFF)
        yield head + frame[at : at + _PAYLOAD], at + _PAYLOAD >= len(frame)


def _write_film(path: Path, pictures: list[bytes], sounds: list[bytes]) -> None:
    with av.open(str(path), "w", format="matroska") as output:
        video, audio = output.add_stream("libvpx", rate=FPS), output.add_stream("libopus", rate=48_000)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio.layout = "mono"
        due = [(number / FPS, video, Fraction(1, FPS), number, data) for number, data in enumerate(pictures)]
        due += [(number / 50, audio, Fraction(1, 50), number, data) for number, data in enumerate(sounds)]
        for _, stream, base, number, data in sorted(due, key=lambda entry: entry[0]):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, base
            packet.pts = packet.dts = number
            packet.is_keyframe = stream is audio or not data[0] & 1
            output.mux(packet)


def _write_manifest(folder: Path, seconds: float) -> None:
    clock = read_clock_map(folder)
    names = ("participant_id", "name", "role", "tier", "organisation")
    content = {
        "recording": {
            "id": "reel",
            "petition_number": "LZ2026-000123",
            "title": "城关区供暖问题联合接访",
            "started_at": moment_text(START),
            "stopped_at": moment_text(START + timedelta(seconds=seconds)),
        },
        "participants": [dict(zip(names, person, strict=True)) for person in PEOPLE],
        "clock": {"source": "server", "boots": clock.anchors()},
        "tracks": read_tracks(folder, clock),
    }
    (folder / MANIFEST_FILE).write_text(json.dumps(content))
