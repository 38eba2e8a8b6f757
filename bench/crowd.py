"""Everybody of a point: joins room by room, several rooms at a time, and goes without a word."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.load import LoadGenerator
from bench.peer import Peer, Rooms
from bench.point import Point

# Rooms that fill at the same time; handshakes of more would only wait for one another.
ROOMS_AT_ONCE = 4
JOIN_TIMEOUT = 120.0


def room_name(number: int) -> str:
    """Of the room of this number, from 0."""
    return f"room-{number}"


@asynccontextmanager
async def crowd(load: LoadGenerator, house: Rooms, point: Point) -> AsyncIterator[list[Peer]]:
    """All peers, joined and connected. Raises ConnectError, TimeoutError or what the server refuses with.

    They leave without a word and only their sockets are closed: the server ends right afterwards.
    """
    peers: list[Peer] = []
    places = asyncio.Semaphore(ROOMS_AT_ONCE)
    try:
        async with asyncio.timeout(JOIN_TIMEOUT), asyncio.TaskGroup() as group:
            for room in range(point.rooms):
                group.create_task(_fill(load, house, room, point.peers, places, peers))
        yield peers
    finally:
        for peer in peers:
            await peer.vanish()


async def _fill(
    load: LoadGenerator, house: Rooms, room: int, count: int, places: asyncio.Semaphore, peers: list[Peer]
) -> None:
    async with places:
        members = []
        for seat in range(count):
            peer = load.peer(house, room_name(room), f"peer{seat}")
            await peer.enter()
            members.append(peer)
            peers.append(peer)
        for peer in members:
            await peer.subscribed()
            await _agreed(peer, 2 * (count - 1))


async def _agreed(peer: Peer, streams: int) -> None:
    while peer.agreed < streams:  # noqa: ASYNC110 - offers come when they come
        await asyncio.sleep(0.01)
