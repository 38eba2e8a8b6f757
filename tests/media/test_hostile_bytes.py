"""Seeded fuzz of every parser, 20,000 inputs each: the named error or a value, nothing else, and quickly.

An input that breaks a parser is kept in tests/data/crashes/ under the parser's name and tried first from then
on. `LIANXIN_FUZZ_INPUTS=2000000` looks longer, `LIANXIN_FUZZ_SEED` elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from binascii import crc32
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from aioice import stun

from media import feedback
from media.control import ControlProtocolError, CreateRoom, Publish, dump_message, parse_message
from media.description import DescriptionError, parse_description
from media.feedback import FeedbackError, ReportBlock, parse_compound
from media.ice import new_credentials, parse_binding_request
from media.keyframe import begins_key_frame
from media.loudness import audio_level
from media.negotiation import LocalEnd, accept, build_answer
from media.rtp import RtpError, parse_packet
from media.sink import SenderReport
from media.transportwide import ArrivalLog, build_transport_feedback
from tests.media.loopback import CERTIFICATE
from tests.media.offers import ordinary_offer
from tests.media.test_rtp import rtp

INPUTS = int(os.environ.get("LIANXIN_FUZZ_INPUTS", "20000"))
ELSEWHERE = int(os.environ.get("LIANXIN_FUZZ_SEED", "0"))
SECONDS = 20.0 * INPUTS / 20_000
CRASHES = Path(__file__).parent.parent / "data" / "crashes"


def mutate(dice: random.Random, sample: bytes) -> bytes:
    """Flip, cut, repeat or overwrite a few places of a good sample, or make something up."""
    if dice.random() < 0.1:
        return dice.randbytes(dice.randrange(200))
    data = bytearray(sample)
    for _ in range(dice.randrange(1, 6)):
        if not data:
            break
        at = dice.randrange(len(data))
        match dice.randrange(5):
            case 0:
                data[at] = dice.randrange(256)
            case 1:
                data[at] ^= 1 << dice.randrange(8)
            case 2:
                del data[at:]
            case 3:
                data[at:at] = data[at : at + dice.randrange(40)]
            case 4:
                data[at : at + 2] = dice.choice((b"\xff\xff", b"\x00\x00", b"\x7f\xff", b"\x80\x00"))
    return bytes(data)


def inputs(name: str, seed: int, samples: list[bytes]) -> Iterator[bytes]:
    """What broke this parser before, then seeded mutations of good samples."""
    for kept in sorted(CRASHES.glob(f"{name}-*.bin")):
        yield kept.read_bytes()
    dice = random.Random(seed + ELSEWHERE)
    for _ in range(INPUTS):
        yield mutate(dice, dice.choice(samples))


@contextlib.contextmanager
def kept_when_it_breaks(name: str, data: bytes, *allowed: type[Exception]) -> Iterator[None]:
    """An error that is not among `allowed` leaves the input behind, for the one who mends it and for ever."""
    try:
        yield
    except allowed:
        raise
    except Exception:
        CRASHES.mkdir(parents=True, exist_ok=True)
        (CRASHES / f"{name}-{sha256(data).hexdigest()[:12]}.bin").write_bytes(data)
        raise


def run(
    name: str, seed: int, samples: list[bytes], parse: Callable[[bytes], object], *allowed: type[Exception]
) -> int:
    """How many inputs were accepted."""
    accepted = 0
    began = time.process_time()
    for data in inputs(name, seed, samples):
        try:
            with kept_when_it_breaks(name, data, *allowed):
                accepted += parse(data) is not None
        except allowed:
            continue
    assert time.process_time() - began < SECONDS
    return accepted


def test_what_breaks_a_parser_is_kept_and_tried_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "CRASHES", tmp_path)
    broken: list[bytes] = []

    def parse(data: bytes) -> object:
        if len(data) == 7:
            broken.append(data)
            raise IndexError
        raise RtpError("no")

    with pytest.raises(IndexError):
        run("sevens", 1, [b"12345678"], parse, RtpError)
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == broken[0]
    tried: list[bytes] = []
    run("sevens", 2, [b""], lambda data: tried.append(data))
    assert tried[0] == broken[0] and len(tried) == INPUTS + 1


def good_check() -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = "abcd:efgh"
    message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(b"password")
    return bytes(message)


def with_fingerprint(data: bytes) -> bytes:
    """Length and check sum made right again, as a forger would, so that only the signature can tell."""
    body = data[:-8]
    if len(body) < 20:
        return data
    body = body[:2] + (len(body) - 12).to_bytes(2, "big") + body[4:]
    return body + b"\x80\x28\x00\x04" + (crc32(body) ^ 0x5354554E).to_bytes(4, "big")


def test_stun() -> None:
    def parse(data: bytes) -> object:
        request = parse_binding_request(data)
        return request if request is not None and request.is_authentic("password") else None

    assert parse(good_check()) is not None
    # Not one altered message may pass for authentic, but for those where the mutation changed nothing.
    dice = random.Random(1)
    sample = good_check()
    for _ in range(INPUTS):
        data = with_fingerprint(mutate(dice, sample))
        assert data == sample or parse(data) is None


def test_rtp() -> None:
    def parse(data: bytes) -> object:
        packet = parse_packet(data)
        for codec in ("VP8", "H264", "opus"):
            begins_key_frame(codec, packet.payload)
        audio_level(data, 1)
        assert packet.payload_offset + len(packet.payload) == packet.payload_end <= len(data)
        return packet

    samples = [
        rtp(),
        rtp(extension=b"\x10\x85\x41\x30\x30"),
        rtp(extension=b"\x01\x01\x85\x04\x02\x30\x31", profile=0x1000),
        rtp(first=0xA2, payload=bytes(20) + b"\x04"),
        rtp(payload=b"\x90\xf0\x85\x05\x01\x22\x00" + bytes(20)),
        rtp(payload=b"\x78\x00\x02\x67\x42\x00\x02\x68\xce"),
    ]
    assert run("rtp", 2, samples, parse, RtpError) > 1000


def test_rtcp() -> None:
    block = ReportBlock(7, 1, 2, 3, 4, 5, 6)
    samples = [
        feedback.build_receiver_report(1, [block, block])
        + feedback.build_bandwidth_estimate(1, 10**6, [7, 8]),
        feedback.build_sender_report(SenderReport(7, 1, 2, 3, 4), "name"),
        feedback.build_nack(1, 7, range(100, 150)) + feedback.build_key_frame_request(1, 7),
        b"\x84\xce\x00\x04" + bytes(16) + b"\x81\xcb\x00\x01" + bytes(4),
        transport_wide([4000 + 3 * n if n % 5 else None for n in range(60)]),
        transport_wide([4000 + 300 * n for n in range(9)]),
    ]
    assert run("rtcp", 3, samples, parse_compound, FeedbackError) > 500


def transport_wide(ticks: list[int | None]) -> bytes:
    return feedback.build_transport_wide(build_transport_feedback(1, 7, 65_500, ticks, 3))


def test_transport_wide_numbers() -> None:
    log = ArrivalLog(3)
    came = 0

    def parse(data: bytes) -> object:
        nonlocal came
        packet = parse_packet(data)
        log.note(packet.data, (came := came + 1) / 1000)
        for body in log.take(1, 2) if came % 10 == 0 else ():
            parse_compound(feedback.build_transport_wide(body))
        return packet

    samples = [
        rtp(extension=b"\x31\x85\x41\x30\x30"),
        rtp(extension=b"\x22\x85\x41\x30\x31\x01\x02"),
        rtp(extension=b"\x03\x02\x85\x04\x02\x30\x31", profile=0x1000),
        rtp(),
    ]
    assert run("transport-wide", 6, samples, parse, RtpError) > 1000


def test_sdp() -> None:
    end = LocalEnd(new_credentials(), CERTIFICATE.fingerprint, ("127.0.0.1",), 1)

    def parse(data: bytes) -> object:
        description = parse_description(data.decode("utf-8", "replace"))
        return build_answer(accept(description), description, end)

    assert run("sdp", 4, [ordinary_offer().encode()], parse, DescriptionError) > 500


def test_control() -> None:
    samples = [
        dump_message(CreateRoom(request_id=1, room_id="r"))[4:],
        dump_message(Publish(room_id="r", participant_id="p", offer_sdp="v=0", sources={"0": "camera"}))[4:],
    ]
    run("control", 5, samples, parse_message, ControlProtocolError)


@pytest.mark.parametrize("size", [0, 1, 11, 12, 1500])
def test_sizes(size: int) -> None:
    for fill in (0x00, 0x80, 0xFF):
        data = bytes([fill]) * size
        for parse, error in ((parse_packet, RtpError), (parse_compound, FeedbackError)):
            with contextlib.suppress(error):
                parse(data)
        assert parse_binding_request(data) is None
