"""RTCP built here is understood here and by aiortc; RTCP of strangers is refused without harm."""

from __future__ import annotations

import struct

import pytest
from aiortc.rtp import (
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)

from media import feedback
from media.feedback import (
    BandwidthEstimate,
    FeedbackError,
    KeyFrameRequest,
    Nack,
    ReportBlock,
    parse_compound,
)
from media.sink import SenderReport

BLOCK = ReportBlock(7, 12, 345, 0x12345, 9, 0xABCDEF01, 65536)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80",
        b"\x80\xc8\x00",
        b"\x80\xc8\x00\x06" + bytes(10),
        b"\x80\xc8\x00\x01" + bytes(4),  # SR too short for its sender information
        b"\x81\xc9\x00\x01" + bytes(4),  # RR that promises a block
        b"\x40\xc9\x00\x01" + bytes(4),
        b"\xa0\xc9\x00\x01" + bytes(3) + b"\xff",  # more padding than packet
        b"\x81\xcd\x00\x01" + bytes(4),  # NACK without a media SSRC
        b"\x8f\xce\x00\x04" + bytes(8) + b"REMB" + b"\xff\x00\x00\x01",  # 255 SSRCs promised
        b"\x84\xce\x00\x03" + bytes(8) + bytes(2),
    ],
)
def test_malformed_compounds_are_refused(data: bytes) -> None:
    with pytest.raises(FeedbackError):
        parse_compound(data)


def test_what_is_not_for_us_is_passed_over() -> None:
    bye = b"\x81\xcb\x00\x01" + struct.pack("!L", 5)
    extended = b"\x80\xcf\x00\x01" + bytes(4)
    assert parse_compound(bye + extended + feedback.build_description(5, "name")) == []
    assert parse_compound(b"") == []


def test_reports_there_and_back() -> None:
    report = SenderReport(9, 0x1122334455667788, 1000, 5, 500)
    data = feedback.build_receiver_report(1, [BLOCK]) + feedback.build_sender_report(report, "anna")
    assert parse_compound(data) == [BLOCK, report]
    rr, sr, sdes = RtcpPacket.parse(data)
    assert isinstance(rr, RtcpRrPacket) and rr.reports[0].packets_lost == 345
    assert isinstance(sr, RtcpSrPacket) and sr.sender_info.rtp_timestamp == 1000
    assert sdes.chunks[0].items == [(1, b"anna")]


def test_negative_loss_is_understood() -> None:
    data = bytearray(feedback.build_receiver_report(1, [BLOCK]))
    data[13:16] = b"\xff\xff\xff"
    (block,) = parse_compound(bytes(data))
    assert isinstance(block, ReportBlock) and block.packets_lost == -1


@pytest.mark.parametrize(
    "indexes",
    [[5], [5, 6], [5, 21], [5, 22], [65535, 65536, 65537], list(range(1000, 1100)), [0x1FFFF, 0x20010]],
)
def test_nacks_there_and_back(indexes: list[int]) -> None:
    data = feedback.build_nack(1, 7, indexes)
    numbers = tuple(i & 0xFFFF for i in indexes)
    assert parse_compound(data) == [Nack(7, numbers)]
    (packet,) = RtcpPacket.parse(data)
    assert isinstance(packet, RtcpRtpfbPacket) and tuple(i & 0xFFFF for i in packet.lost) == numbers


def test_key_frame_requests() -> None:
    data = feedback.build_key_frame_request(1, 7)
    assert parse_compound(data) == [KeyFrameRequest(7)]
    (packet,) = RtcpPacket.parse(data)
    assert isinstance(packet, RtcpPsfbPacket) and packet.media_ssrc == 7
    fir = b"\x84\xce\x00\x04" + struct.pack("!LLLL", 1, 0, 7, 0)
    assert parse_compound(fir) == [KeyFrameRequest(7)]


@pytest.mark.parametrize("bitrate", [0, 1000, 262_143, 262_144, 2_500_000, 10_000_000])
def test_bandwidth_there_and_back(bitrate: int) -> None:
    data = feedback.build_bandwidth_estimate(1, bitrate, [7, 8])
    (estimate,) = parse_compound(data)
    assert isinstance(estimate, BandwidthEstimate) and estimate.ssrcs == (7, 8)
    assert bitrate * 0.99 <= estimate.bitrate <= bitrate
    (packet,) = RtcpPacket.parse(data)
    assert unpack_remb_fci(packet.fci) == (estimate.bitrate, [7, 8])
