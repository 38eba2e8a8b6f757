"""Strangers at the TCP port of a running room: garbage, silence, crumbs, and readers who do not read."""

import asyncio
import contextlib
import random
import socket

from tests.hostile import fuzz
from tests.hostile.siege import ADDRESS, Siege

CONNECTIONS = 100
ROUNDS = 20


async def connect(siege: Siege) -> socket.socket:
    stream = socket.create_connection((ADDRESS, siege.worker.port), 5)
    stream.setblocking(False)
    await asyncio.sleep(0)
    return stream


def send(stream: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):
        stream.send(data)


async def test_garbage_and_frames_of_garbage(siege: Siege) -> None:
    chance = random.Random(4571)
    wire = siege.anna.publish_wire
    samples = (
        fuzz.stun_samples(f"{wire.remote.ufrag}:{wire.ufrag}") + fuzz.rtp_samples() + fuzz.dtls_samples()
    )
    for _ in range(ROUNDS):
        streams = [await connect(siege) for _ in range(10)]
        for stream in streams:
            framed = b"".join(
                len(data).to_bytes(2, "big") + data
                for data in fuzz.bent(chance.randrange(1 << 30), samples, 50)
            )
            send(stream, framed if chance.random() < 0.7 else chance.randbytes(3000))
        await asyncio.sleep(0.03)
        for stream in streams:
            stream.close()
    await siege.stands()
    assert await siege.counted("tcp_accepted") == ROUNDS * 10
    assert await siege.counted("tcp_malformed") > 0
    assert await siege.counted("parser_error") == 0


async def test_slow_connections_are_ended_and_the_room_hears_nothing_of_them(siege: Siege) -> None:
    streams = [await connect(siege) for _ in range(CONNECTIONS)]
    for _ in range(6):
        for stream in streams[::2]:
            send(stream, b"\x01")
        await siege._both_hear()
        await asyncio.sleep(1)
    await siege.stands()
    assert await siege.counted("tcp_idle", "tcp_hung_up") == CONNECTIONS
    for stream in streams:
        stream.close()
