"""RTCP, parsed and built: reports (RFC 3550 section 6), feedback (RFC 4585, RFC 5104) and REMB."""

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct, error, unpack_from

from media.sink import SenderReport
from media.transportwide import TransportFeedback, parse_transport_feedback

SR, RR, SDES, BYE, RTPFB, PSFB = 200, 201, 202, 203, 205, 206
NACK, TRANSPORT_WIDE = 1, 15
PLI, FIR, APPLICATION = 1, 4, 15
COMMON = Struct("!BBH")
SENDER_INFO = Struct("!LQLLL")
REPORT_BLOCK = Struct("!LLLLLL")
REMB_HEAD = Struct("!4sBBH")


class FeedbackError(ValueError):
    """The bytes are not an acceptable compound RTCP packet."""


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How one SSRC arrives at its receiver. `fraction_lost` in 1/256; the delay in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    last_sr: int
    delay_since_last_sr: int


@dataclass(frozen=True, slots=True)
class Nack:
    """Sequence numbers missing from `ssrc`."""

    ssrc: int
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyFrameRequest:
    """A PLI or FIR for `ssrc`."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class BandwidthEstimate:
    """A REMB: the receiver's estimate in bit/s (draft-alvestrand-rmcat-remb-03)."""

    bitrate: int
    ssrcs: tuple[int, ...]


Feedback = SenderReport | ReportBlock | Nack | KeyFrameRequest | BandwidthEstimate | TransportFeedback


def parse_compound(data: bytes) -> list[Feedback]:
    """Everything of use in a compound packet, in order. Raises FeedbackError when any part is malformed."""
    found: list[Feedback] = []
    position = 0
    try:
        while position < len(data):
            first, kind, words = COMMON.unpack_from(data, position)
            end = position + 4 + 4 * words
            if first >> 6 != 2 or end > len(data):
                raise FeedbackError("wrong version or length")
            body_end = end - data[end - 1] if first & 0x20 else end
            if body_end < position + 4:
                raise FeedbackError("padding longer than the packet")
            found += _parse_one(kind, first & 0x1F, data[position + 4 : body_end])
            position = end
    except (error, IndexError, ValueError) as exc:
        raise FeedbackError(str(exc)) from exc
    return found


def _parse_one(kind: int, count: int, body: bytes) -> list[Feedback]:
    if kind == SR:
        ssrc, ntp, rtp_timestamp, packets, octets = SENDER_INFO.unpack_from(body)
        report = SenderReport(ssrc, ntp, rtp_timestamp, packets, octets)
        return [report, *_parse_blocks(body, SENDER_INFO.size, count)]
    if kind == RR:
        return [*_parse_blocks(body, 4, count)]
    if kind == RTPFB and count == NACK:
        return [_parse_nack(body)]
    if kind == RTPFB and count == TRANSPORT_WIDE:
        return [parse_transport_feedback(body)]
    if kind == PSFB:
        return _parse_payload_feedback(count, body)
    return []  # SDES, BYE, APP and extended reports carry nothing we act upon.


def _parse_blocks(body: bytes, offset: int, count: int) -> list[ReportBlock]:
    blocks = []
    for number in range(count):
        ssrc, lost, highest, jitter, last_sr, delay = REPORT_BLOCK.unpack_from(body, offset + 24 * number)
        total = _signed_24(lost & 0xFFFFFF)
        blocks.append(ReportBlock(ssrc, lost >> 24, total, highest, jitter, last_sr, delay))
    return blocks


def _signed_24(value: int) -> int:
    return value - 0x1000000 if value & 0x800000 else value


def _parse_nack(body: bytes) -> Nack:
    (ssrc,) = unpack_from("!L", body, 4)
    numbers: list[int] = []
    for offset in range(8, len(body), 4):
        packet_id, bits = unpack_from("!HH", body, offset)
        numbers.append(packet_id)
        numbers += [(packet_id + i + 1) & 0xFFFF for i in range(16) if bits >> i & 1]
    return Nack(ssrc, tuple(numbers))


def _parse_payload_feedback(count: int, body: bytes) -> list[Feedback]:
    (ssrc,) = unpack_from("!L", body, 4)
    if count == PLI:
        return [KeyFrameRequest(ssrc)]
    if count == FIR:
        # The media SSRC field is unused; each entry names its own (RFC 5104 section 4.3.1).
        return [KeyFrameRequest(unpack_from("!L", body, offset)[0]) for offset in range(8, len(body), 8)]
    if count == APPLICATION and body[8:12] == b"REMB":
        _, number, high, low = REMB_HEAD.unpack_from(body, 8)
        bitrate = ((high & 0x03) << 16 | low) << (high >> 2)
        return [BandwidthEstimate(bitrate, unpack_from(f"!{number}L", body, 16))]
    return []


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return COMMON.pack(0x80 | count, kind, len(body) // 4) + body


def build_receiver_report(sender: int, blocks: Iterable[ReportBlock]) -> bytes:
    """One RR with at most 31 blocks."""
    packed = [
        REPORT_BLOCK.pack(
            b.ssrc,
            b.fraction_lost << 24 | b.packets_lost & 0xFFFFFF,
            b.highest_sequence,
            b.jitter,
            b.last_sr,
            b.delay_since_last_sr,
        )
        for b in blocks
    ][:31]
    return _packet(RR, len(packed), sender.to_bytes(4, "big") + b"".join(packed))


def build_sender_report(report: SenderReport, canonical_name: str) -> bytes:
    """An SR without blocks and the SDES CNAME that must follow it (RFC 3550 section 6.1)."""
    return build_sender_report_alone(report) + build_description(report.ssrc, canonical_name)


def build_sender_report_alone(report: SenderReport) -> bytes:
    """An SR without blocks, for whoever has made the SDES that must follow it already."""
    info = SENDER_INFO.pack(
        report.ssrc,
        report.ntp,
        report.rtp_timestamp,
        report.packet_count & 0xFFFFFFFF,
        report.octet_count & 0xFFFFFFFF,
    )
    return _packet(SR, 0, info)


def build_description(ssrc: int, canonical_name: str) -> bytes:
    """An SDES packet with one CNAME item."""
    name = canonical_name.encode()[:255]
    chunk = ssrc.to_bytes(4, "big") + bytes((1, len(name))) + name
    return _packet(SDES, 1, chunk + bytes(4 - len(chunk) % 4))


def build_nack(sender: int, ssrc: int, indexes: Iterable[int]) -> bytes:
    """A generic NACK; indexes may be unwrapped. Neighbours share one entry of 17."""
    entries: list[list[int]] = []
    for index in sorted(indexes):
        if entries and index - entries[-1][0] <= 16:
            entries[-1][1] |= 1 << (index - entries[-1][0] - 1)
        else:
            entries.append([index, 0])
    packed = b"".join((i & 0xFFFF).to_bytes(2, "big") + bits.to_bytes(2, "big") for i, bits in entries)
    return _packet(RTPFB, NACK, sender.to_bytes(4, "big") + ssrc.to_bytes(4, "big") + packed)


def build_transport_wide(body: bytes) -> bytes:
    """A transport feedback around the body that an ArrivalLog made."""
    return _packet(RTPFB, TRANSPORT_WIDE, body)


def build_key_frame_request(sender: int, ssrc: int) -> bytes:
    """A PLI (RFC 4585 section 6.3.1)."""
    return _packet(PSFB, PLI, sender.to_bytes(4, "big") + ssrc.to_bytes(4, "big"))


def build_bandwidth_estimate(sender: int, bitrate: int, ssrcs: Iterable[int]) -> bytes:
    """A REMB for `bitrate` bit/s over all `ssrcs` together."""
    exponent = max(0, bitrate.bit_length() - 18)
    mantissa = bitrate >> exponent
    listed = [ssrc.to_bytes(4, "big") for ssrc in ssrcs]
    head = REMB_HEAD.pack(b"REMB", len(listed), exponent << 2 | mantissa >> 16, mantissa & 0xFFFF)
    return _packet(PSFB, APPLICATION, sender.to_bytes(4, "big") + bytes(4) + head + b"".join(listed))
