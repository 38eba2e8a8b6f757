"""Seeded broken bytes: real packets of each protocol, bent in the ways that break parsers."""

import contextlib
import random
import struct
from collections.abc import Iterator

from aioice import stun
from OpenSSL import SSL

from bench.traffic import (
    PreparedAudio,
    PreparedVideo,
    negative_acknowledgement,
    picture_loss,
    receiver_report,
    sender_report,
    source_description,
)

LARGEST = 1400


def bent(seed: int, samples: list[bytes], count: int) -> Iterator[bytes]:
    """`count` datagrams made from `samples`, the same for the same seed."""
    dice = random.Random(seed)
    for _ in range(count):
        data = bytearray(dice.choice(samples))
        for _ in range(dice.randint(1, 4)):
            data = dice.choice(_BENDS)(dice, data)
        yield bytes(data[:LARGEST])


def _flip(dice: random.Random, data: bytearray) -> bytearray:
    for _ in range(dice.randint(1, 8)):
        if data:
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return data


def _cut(dice: random.Random, data: bytearray) -> bytearray:
    return data[: dice.randint(0, len(data))]


def _stretch(dice: random.Random, data: bytearray) -> bytearray:
    return data + dice.randbytes(dice.randint(1, 64))


def _overwrite_length(dice: random.Random, data: bytearray) -> bytearray:
    if len(data) >= 4:
        at = dice.choice((2, 2, dice.randrange(0, len(data) - 1)))
        struct.pack_into("!H", data, at, dice.choice((0, 1, 3, 0x7FFF, 0x8000, 0xFFFF, len(data))))
    return data


def _repeat(dice: random.Random, data: bytearray) -> bytearray:
    start = dice.randint(0, len(data))
    return data[:start] + data[start:] * dice.randint(2, 5)


def _fill(dice: random.Random, data: bytearray) -> bytearray:
    start = dice.randint(0, len(data))
    end = dice.randint(start, len(data))
    data[start:end] = bytes((dice.choice((0, 0xFF, 0x7F, 0x80)),)) * (end - start)
    return data


_BENDS = (_flip, _flip, _cut, _stretch, _overwrite_length, _repeat, _fill)


def stun_samples(user_name: str) -> list[bytes]:
    """Requests with and without integrity, a response, an indication, other methods."""
    samples = []
    for method in (stun.Method.BINDING, stun.Method.ALLOCATE):
        for kind in stun.Class:
            message = stun.Message(method, kind, b"hostile-test")
            message.attributes["USERNAME"] = user_name
            message.attributes["PRIORITY"] = 1
            message.attributes["ICE-CONTROLLING"] = 1
            samples.append(bytes(message))
            message.attributes["USE-CANDIDATE"] = None
            message.add_message_integrity(b"guessed password")
            samples.append(bytes(message))
    return samples


def rtp_samples() -> list[bytes]:
    """Sound, a key frame and a delta frame."""
    video = PreparedVideo(1, 0x11223344, "1")
    return [bytes(PreparedAudio(2, 0x55667788, "0").next(1)), *(bytes(video.next(n)) for n in range(7))]


def rtcp_samples(ssrc: int = 0x11223344) -> list[bytes]:
    """Every kind of report and feedback a browser sends, and a few it does not."""
    remb = struct.pack("!BBHII4sBBHI", 0x8F, 206, 5, ssrc, 0, b"REMB", 255, 0x12, 0x3456, ssrc)
    transport_cc = struct.pack("!BBHIIHHIHH", 0x8F, 205, 5, ssrc, ssrc, 1, 0xFFFF, 1, 0x7FFF, 0)
    bye = struct.pack("!BBHI", 0x81, 203, 1, ssrc)
    return [
        sender_report(ssrc, 1 << 40, 90_000, 10, 1000),
        receiver_report(ssrc, [(ssrc, 5), (ssrc + 1, 9)]),
        source_description(ssrc) + bye,
        picture_loss(ssrc, ssrc),
        negative_acknowledgement(ssrc, ssrc, list(range(0, 65_000, 300))),
        struct.pack("!BBHIIIBBH", 0x84, 206, 4, ssrc, 0, ssrc, 1, 0, 0),
        receiver_report(ssrc, []) + remb,
        receiver_report(ssrc, []) + transport_cc,
        struct.pack("!BBHIBBH", 0x80, 207, 2, ssrc, 4, 0, 2),
    ]


def client_hello() -> bytes:
    """A real DTLS ClientHello."""
    connection = SSL.Connection(SSL.Context(SSL.DTLS_METHOD))
    connection.set_connect_state()
    with contextlib.suppress(SSL.WantReadError):
        connection.do_handshake()
    return connection.bio_read(4096)


def dtls_samples() -> list[bytes]:
    """A hello, forged alerts (fatal, close_notify), application data and a stray handshake record."""

    def record(kind: int, body: bytes, epoch: int = 0) -> bytes:
        return struct.pack("!BHHHIH", kind, 0xFEFD, epoch, 0, 7, len(body)) + body

    return [
        client_hello(),
        record(21, bytes((2, 40))),
        record(21, bytes((1, 0))),
        record(21, bytes((2, 0)), epoch=1),
        record(23, b"application data", epoch=1),
        record(20, b"\x01"),
        record(22, bytes((20, 0, 0, 12, 0, 9, 0, 0, 0, 0, 0, 12)) + bytes(12)),
        record(22, bytes((1, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF)) + bytes(64)),
    ]
