"""RTP headers, extensions, audio levels and key frames, first the hostile ones."""

from __future__ import annotations

import struct

import pytest

from media.keyframe import KeyFrameThrottle, begins_h264_key_frame, begins_vp8_key_frame
from media.loudness import SILENCE, Loudness, audio_level
from media.rtp import RtpError, find_extension, parse_packet


def rtp(
    payload: bytes = b"payload", extension: bytes | None = None, profile: int = 0xBEDE, first: int = 0x80
) -> bytes:
    head = struct.pack("!BBHLL", first | (0x10 if extension is not None else 0), 0x80 | 96, 7, 8, 9)
    if extension is not None:
        extension += bytes(-len(extension) % 4)
        head += struct.pack("!HH", profile, len(extension) // 4) + extension
    return head + payload


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        rtp()[:11],
        rtp(first=0x40),
        rtp(first=0x8F),
        rtp(first=0xA0, payload=b"\x00"),
        rtp(first=0xA0, payload=b"\x05"),
        struct.pack("!BBHLL", 0x90, 96, 1, 2, 3),
        struct.pack("!BBHLLHH", 0x90, 96, 1, 2, 3, 0xBEDE, 0xFFFF),
    ],
)
def test_malformed_packets_are_refused(data: bytes) -> None:
    with pytest.raises(RtpError):
        parse_packet(data)


def test_a_packet_is_taken_apart() -> None:
    packet = parse_packet(rtp(extension=b"\x10\x85"))
    assert (packet.payload_type, packet.marker, packet.sequence_number) == (96, True, 7)
    assert (packet.timestamp, packet.ssrc, packet.payload) == (8, 9, b"payload")
    assert packet.data[packet.payload_offset : packet.payload_end] == b"payload"


def test_padding_and_contributors_are_no_payload() -> None:
    data = struct.pack("!BBHLL", 0xA2, 96, 1, 2, 3) + bytes(8) + b"abc" + b"\x00\x02"
    assert parse_packet(data).payload == b"abc"


def test_extensions_are_found_in_both_forms() -> None:
    one = rtp(extension=b"\x00\x10\x85\x21\xaa\xbb")
    assert find_extension(one, 1) == b"\x85"
    assert find_extension(one, 2) == b"\xaa\xbb"
    assert find_extension(one, 3) is None
    two = rtp(extension=b"\x01\x01\x85\x00\x02\x00\x63\x02\xaa\xbb", profile=0x1000)
    assert find_extension(two, 1) == b"\x85"
    assert find_extension(two, 2) == b""
    assert find_extension(two, 0x63) == b"\xaa\xbb"
    assert find_extension(rtp(), 1) is None
    assert find_extension(rtp(extension=b"\x10\x85", profile=0x1234), 1) is None


@pytest.mark.parametrize(
    ("extension", "profile"), [(b"\x3f\x01\x02\x03", 0xBEDE), (b"\x03\xff\x00\x00", 0x1000)]
)
def test_elements_past_the_end_are_refused(extension: bytes, profile: int) -> None:
    with pytest.raises(RtpError):
        find_extension(rtp(extension=extension, profile=profile), 9)
    assert audio_level(rtp(extension=extension, profile=profile), 9) is None


def test_levels_rise_at_once_and_fall_slowly() -> None:
    loudness = Loudness()
    assert loudness.level(0.0) == SILENCE
    loudness.receive(30, 1.0)
    assert loudness.level(1.0) == 30
    loudness.receive(100, 1.02)
    assert loudness.level(1.02) == 37
    assert loudness.level(3.0) == SILENCE
    assert audio_level(rtp(extension=b"\x10\x85"), 1) == 5


@pytest.mark.parametrize(
    ("payload", "begins"),
    [
        (b"", False),
        (b"\x10", False),
        (b"\x10\x00", True),
        (b"\x10\x01", False),
        (b"\x00\x00", False),  # not the start of a partition
        (b"\x11\x00", False),  # another partition
        (b"\x90", False),
        (b"\x90\x80", False),
        (b"\x90\x80\x05\x00", True),
        (b"\x90\x80\x85\x05\x00", True),
        (b"\x90\x80\x85\x05\x01", False),
        (b"\x90\xf0\x85\x05\x01\x22\x00", True),
        (b"\x90\xf0\x85\x05\x01\x22", False),
    ],
)
def test_vp8_key_frames(payload: bytes, begins: bool) -> None:
    assert begins_vp8_key_frame(payload) is begins


@pytest.mark.parametrize(
    ("payload", "begins"),
    [
        (b"", False),
        (b"\x65", False),
        (b"\x65\x88", True),
        (b"\x67\x42", True),
        (b"\x41\x9a", False),
        (b"\x7c\x85", True),  # FU-A, start of an IDR slice
        (b"\x7c\x05", False),  # FU-A, continued
        (b"\x7c\x81", False),
        (b"\x78\x00\x02\x67\x42\x00\x02\x68\xce", True),
        (b"\x78\x00\x02\x09\x10\x00\x02\x65\x88", True),
        (b"\x78\x00\x02\x09\x10", False),
        (b"\x78\xff\xff", False),
        (b"\x78\x00\x00\x00\x00\x00", False),
    ],
)
def test_h264_key_frames(payload: bytes, begins: bool) -> None:
    assert begins_h264_key_frame(payload) is begins


def test_key_frames_are_asked_for_at_most_every_interval() -> None:
    throttle = KeyFrameThrottle(0.5)
    asked = 0
    for step in range(1000):  # a PLI every millisecond
        throttle.want()
        asked += throttle.due(step / 1000)
    assert asked == 2
    throttle.want()
    throttle.satisfy()
    assert not throttle.due(99.0)
