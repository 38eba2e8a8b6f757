"""GET /ws: the Origin is compared before anything else is looked at, then the upgrade, then a Connection."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection

from aiohttp import web

from signaling.connection import Connection
from signaling.protocol import FRAME_LIMIT, CloseCode
from signaling.registry import RoomRegistry

logger = logging.getLogger(__name__)
# A phone that fell out of the network without a word is noticed after 15 seconds.
HEARTBEAT_SECONDS = 10.0
CLOSE_SECONDS = 2.0
# Connections of one address that have not authenticated yet; a whole hall may share one (B08).
STRANGERS_PER_ADDRESS = 100

Origins = Callable[[web.Request], Collection[str]]
Find = Callable[[web.Request], RoomRegistry]


def mount(app: web.Application, find_registry: Find, origins: Origins) -> None:
    """Add GET /ws. `origins` lists the origins allowed to open it, exactly as browsers send them."""
    strangers: Counter[str] = Counter()
    connections: set[Connection] = set()

    async def serve(request: web.Request) -> web.StreamResponse:
        if request.headers.getall("Origin", []) not in [[origin] for origin in origins(request)]:
            return web.Response(status=403, text="Origin not allowed")
        address = request.remote or ""
        if strangers[address] >= STRANGERS_PER_ADDRESS:
            return web.Response(status=429, text="Too many connections")
        # aiohttp refuses a frame that reaches its limit; ours may be reached.
        socket = web.WebSocketResponse(
            compress=False, max_msg_size=FRAME_LIMIT + 1, heartbeat=HEARTBEAT_SECONDS, timeout=CLOSE_SECONDS
        )
        if not socket.can_prepare(request).ok:
            return web.Response(status=426, text="WebSocket only")
        await socket.prepare(request)
        registry = find_registry(request)
        connection = Connection(socket, request, registry, _stranger(strangers, address))
        connections.add(connection)
        try:
            await connection.run()
        finally:
            connections.discard(connection)
            registry.forget(connection)
        return socket

    async def hang_up(_: web.Application) -> None:
        # Before the server waits for its handlers to end.
        for connection in connections:
            connection.end(CloseCode.GOING_AWAY)

    app.router.add_get("/ws", serve)
    app.on_shutdown.append(hang_up)


def _stranger(strangers: Counter[str], address: str) -> Callable[[], None]:
    """Count a connection as not yet authenticated; returns what ends that."""
    strangers[address] += 1

    def known() -> None:
        strangers[address] -= 1
        if not strangers[address]:
            del strangers[address]

    return known
