"""Frames come whole or not at all, and nothing that arrives can raise."""

from __future__ import annotations

import random

import pytest

from media.rtp import parse_packet
from recordings.film.depacketise import (
    DepacketiseError,
    Frame,
    StreamPacket,
    frames_of,
    join_h264,
    join_vp8,
    vp8_descriptor_length,
)
from recordings.film.stream import Stream, unwrap
from tests.recordings.synthetic import rtp

KEY = b"\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01key"
DELTA = b"\x11\x02\x00delta"


def packets(*parts: tuple[int, int, bool, bytes]) -> list[StreamPacket]:
    return [
        StreamPacket(number, stamp, marker, data, stamp / 90_000) for number, stamp, marker, data in parts
    ]


def vp8(*parts: tuple[int, int, bool, bytes]) -> list[Frame]:
    return list(frames_of("VP8", packets(*parts)))


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(ValueError):
        frames_of("AV1", [])


def test_vp8_frames_of_several_packets() -> None:
    frames = vp8(
        (1, 0, False, b"\x90\x80\x81\x23" + KEY),
        (2, 0, True, b"\x80\x80\x81\x23" + b"more"),
        (3, 3000, True, b"\x10" + DELTA),
    )
    assert [(frame.data, frame.key) for frame in frames] == [(KEY + b"more", True), (DELTA, False)]
    assert frames[1].at == 3000 / 90_000


def test_after_a_loss_the_picture_waits_for_a_key_frame() -> None:
    frames = vp8(
        (1, 0, True, b"\x10" + KEY),
        (2, 1, True, b"\x10" + DELTA),
        (4, 3, True, b"\x10" + DELTA),  # 3 is lost
        (5, 4, True, b"\x10" + DELTA),
        (6, 5, True, b"\x10" + KEY),
        (7, 6, True, b"\x10" + DELTA),
    )
    assert [frame.timestamp for frame in frames] == [0, 1, 5, 6]


def test_it_begins_with_a_key_frame_and_padding_harms_nothing() -> None:
    frames = vp8(
        (1, 0, True, b"\x10" + DELTA),
        (2, 1, True, b"\x10" + KEY),
        (3, 1, False, b""),
        (4, 2, False, b""),
        (5, 3, True, b"\x10" + DELTA),
    )
    assert [frame.timestamp for frame in frames] == [1, 3]


@pytest.mark.parametrize(
    ("payload", "length"),
    [
        (b"\x10x", 1),
        (b"\x90\x80\x05x", 3),
        (b"\x90\x80\x85\x01x", 4),
        (b"\x90\xc0\x85\x01\x07x", 5),
        (b"\x90\xe0\x85\x01\x07\x20x", 6),
        (b"\x90\x10\x20x", 3),
    ],
)
def test_vp8_descriptors(payload: bytes, length: int) -> None:
    assert vp8_descriptor_length(payload) == length


@pytest.mark.parametrize(
    "payload", [b"", b"\x90", b"\x90\x80", b"\x90\x80\x80", b"\x90\x80\x80\x01", b"\x10"]
)
def test_truncated_vp8_descriptors(payload: bytes) -> None:
    with pytest.raises(DepacketiseError):
        vp8_descriptor_length(payload)
    with pytest.raises(DepacketiseError):
        join_vp8([payload] if payload else [])


def test_h264_single_aggregated_and_fragmented() -> None:
    stap = b"\x18\x00\x02\x67\x01\x00\x02\x68\x02"
    fragments = [b"\x7c\x85ab", b"\x7c\x05cd", b"\x7c\x45ef"]
    data, key = join_h264([stap, *fragments])
    assert data == b"\0\0\0\1\x67\x01" + b"\0\0\0\1\x68\x02" + b"\0\0\0\1\x65abcdef"
    assert key
    assert join_h264([b"\x41slice"]) == (b"\0\0\0\1\x41slice", False)


@pytest.mark.parametrize(
    "payloads",
    [
        [],
        [b"\x7c\x05cd"],  # FU-A without start
        [b"\x7c\x85ab"],  # without end
        [b"\x7c\x85ab", b"\x41"],
        [b"\x7c\xc5ab"],  # start and end
        [b"\x7c\x85"],
        [b"\x18\x00\x00"],
        [b"\x18\x00\x09a"],
        [b"\x18"],
        [b"\x1dtype29"],
        [b"\x00"],
    ],
)
def test_malformed_h264(payloads: list[bytes]) -> None:
    with pytest.raises(DepacketiseError):
        join_h264(payloads)


def test_opus_packets_are_frames() -> None:
    frames = list(
        frames_of("opus", packets((1, 0, False, b"a"), (2, 960, False, b""), (3, 1920, False, b"b")))
    )
    assert [frame.data for frame in frames] == [b"a", b"b"]


def test_packets_are_put_in_order_once_across_the_wrap() -> None:
    stream = Stream(7, "opus", 48_000)
    for number in (65_534, 65_535, 1, 0, 0, 2, 65_533):
        stream.add(parse_packet(rtp(number, number * 960, 7, b"x", False, 111)), 0.0, 0, 0)
    assert [stream.index[place] for place in stream.order()] == list(range(65_533, 65_539))
    assert unwrap(5, 65_530, 16) == 65_541
    assert unwrap(65_530, 65_541, 16) == 65_530


def test_twenty_thousand_hostile_payloads_per_codec() -> None:
    source = random.Random(20_262)
    seeds = [KEY, DELTA, b"\x18\x00\x02\x67\x01", b"\x7c\x85ab", b"\x90\xf0\x80\x01\x02\x03" + KEY, b"\x41s"]
    for codec in ("VP8", "H264", "opus"):
        parts = []
        number = stamp = 0
        for _ in range(20_000):
            data = bytearray(source.choice(seeds))
            for _ in range(source.randrange(4)):
                if data and source.random() < 0.5:
                    data[source.randrange(len(data))] = source.randrange(256)
                else:
                    del data[source.randrange(len(data) + 1) :]
            number += source.choice((1, 1, 1, 1, 2, 70_000))
            stamp += source.choice((0, 3000, 3000, -3000))
            parts.append(StreamPacket(number, stamp, source.random() < 0.7, bytes(data), 0.0))
        frames = list(frames_of(codec, parts))
        assert frames
        assert all(frame.data for frame in frames)
