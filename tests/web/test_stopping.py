"""SIGTERM ends the service soon, with people in a live session too, and nothing of it is lost."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from cases.database import Database
from scheduling.reach import load_session
from tests.scenarios.service import Service, running_service

pytestmark = pytest.mark.timeout(120)
# The promise is 2 s and 4 s on an idle machine; here others may be at work.
IDLE_LIMIT, LIVE_LIMIT = 8.0, 10.0


async def stop(service: Service) -> float:
    """Seconds from SIGTERM to the end of the supervisor, whose children are gone then."""
    began = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    assert await service.process.wait() == 0
    return time.monotonic() - began


async def host_socket(http: aiohttp.ClientSession, base: str) -> aiohttp.ClientWebSocketResponse:
    """The host of the ready session, inside its room; party 2 of the demonstration."""
    headers = {"Origin": base}
    async with http.get(f"{base}/demo/party/2") as page:
        assert page.status == 200
    ticket = await (await http.post(f"{base}/demo/party/2/ticket", json={}, headers=headers)).json()
    socket = await http.ws_connect(f"{base}/ws", headers=headers, compress=0)
    command = {
        "type": "authenticate", "id": 1, "version": 1, "ticket": ticket["ticket"],
        "publish_alive": False, "subscribe_alive": False,
    }  # fmt: skip
    await socket.send_json(command)
    assert (await socket.receive_json(timeout=20))["type"] == "welcome"
    return socket


async def answer_to(socket: aiohttp.ClientWebSocketResponse, number: int) -> dict[str, object]:
    while True:
        message = await socket.receive_json(timeout=20)
        if message.get("id") == number:
            return dict(message)


async def test_an_idle_service_stops_soon(tmp_path: Path) -> None:
    async with running_service(tmp_path) as service:
        assert await stop(service) < IDLE_LIMIT


async def test_a_live_session_is_told_and_outlives_the_stop(tmp_path: Path) -> None:
    async with running_service(tmp_path) as service, aiohttp.ClientSession() as http:
        host = await host_socket(http, service.base)
        deaf = await host_socket(http, service.base)  # Replaces the first; then nobody reads it.
        assert host.closed or await host.receive()
        await deaf.send_json({"type": "open", "id": 2})
        assert (await answer_to(deaf, 2))["type"] == "ok"
        await asyncio.sleep(1)
        taken = await stop(service)
        assert taken < LIVE_LIMIT
        database = Database(service.settings.database_url)
        async with database.session() as db:
            assert (await load_session(db, service.session_id)).state == "live"
        await database.close()
