"""Prebuilt packets are real RTP: the product's own parsers take them."""

import pytest

from bench.traffic import (
    STAMP,
    PreparedAudio,
    PreparedVideo,
    negative_acknowledgement,
    picture_loss,
    receiver_report,
    sender_report,
)
from media.feedback import parse_compound
from media.keyframe import begins_key_frame
from media.rtp import find_extension, parse_packet


def test_video_is_115_packets_a_second_with_one_key_frame() -> None:
    track = PreparedVideo(1, 77, "1")
    packets = []
    while track.due < 0.999:
        packets.append(parse_packet(bytes(track.next(0))))
    assert len(packets) == pytest.approx(115, abs=1)
    assert sum(packet.marker for packet in packets) == pytest.approx(23, abs=1)
    assert [begins_key_frame("VP8", packet.payload) for packet in packets[:6]] == [True] + [False] * 5
    assert sum(len(packet.data) for packet in packets) * 8 == pytest.approx(1_000_000, rel=0.05)


def test_a_key_frame_comes_when_asked_for_and_at_a_frame_start() -> None:
    track = PreparedVideo(1, 77, "1")
    for _ in range(7):
        track.next(0)
    track.key_frame_wanted = True
    found = [begins_key_frame("VP8", parse_packet(bytes(track.next(0))).payload) for _ in range(8)]
    assert found == [False, False, False, True, False, False, False, False]


def test_sequence_numbers_wrap() -> None:
    track = PreparedVideo(1, 77, "1", first_sequence=0xFFFF)
    numbers = [parse_packet(bytes(track.next(0))).sequence_number for _ in range(3)]
    assert numbers == [0xFFFF, 0, 1]


def test_audio_is_50_packets_a_second_with_a_level() -> None:
    track = PreparedAudio(2, 78, "0")
    packets = []
    while track.due < 0.999:
        packets.append(parse_packet(bytes(track.next(0))))
    assert len(packets) == 50
    assert find_extension(packets[0].data, 1) == bytes((0x80 | 30,))
    assert packets[1].timestamp - packets[0].timestamp == 960


def test_the_stamp_stands_at_the_end_of_the_payload() -> None:
    track = PreparedVideo(9, 77, "1")
    track.next(5)
    packet = parse_packet(bytes(track.next(123_456_789)))
    assert STAMP.unpack(packet.payload[-STAMP.size :]) == (9, 1, 123_456_789)


@pytest.mark.parametrize(
    "compound",
    [
        sender_report(5, 1 << 63, 90_000, 10, 1000),
        receiver_report(5, [(6, 7), (8, 9)]),
        picture_loss(5, 6),
        negative_acknowledgement(5, 6, [1, 2, 3]),
    ],
)
def test_reports_parse(compound: bytes) -> None:
    assert len(compound) % 4 == 0
    parse_compound(compound)
