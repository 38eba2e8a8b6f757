"""GET /ws: the Origin is compared before anything else is looked at, then the upgrade, then a Connection."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection

from aiohttp import web

from signaling.connection import Connection
from signaling.protocol import FRAME_LIMIT
from signaling.registry import RoomRegistry

logger = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 20.0
CLOSE_SECONDS = 2.0
# Connections of one address that have not authenticated yet; a whole hall may share one (B08).
STRANGERS_PER_ADDRESS = 100

Origins = Callable[[web.Request], Collection[str]]
Find = Callable[[web.Request], RoomRegistry]


def mount(app: web.Application, find_registry: Find, origins: Origins) -> None:
    """Add GET /ws. `origins` lists the origins allowed to open it, exactly as browsers send them."""
    strangers: Counter[str] = Counter()

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
        await _attend(socket, request, find_registry(request), strangers)
        return socket

    app.router.add_get("/ws", serve)


async def _attend(
    socket: web.WebSocketResponse, request: web.Request, registry: RoomRegistry, strangers: Counter[str]
) -> None:
    address = request.remote or ""
    strangers[address] += 1

    def known() -> None:
        strangers[address] -= 1
        if not strangers[address]:
            del strangers[address]

    connection = Connection(socket, request, registry, known)
    try:
        await connection.run()
    finally:
        registry.forget(connection)
