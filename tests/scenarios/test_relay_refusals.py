"""What the documented coturn refuses somebody who has good credentials: other peers, and ever more places."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aioice import stun
from aioice.turn import TurnClientUdpProtocol

from signaling.relays import Relays
from tests.scenarios.coturn import ADDRESS, PROGRAM, SECRET, running_coturn

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="turnserver is not installed (apt install coturn)")
WORKER = "192.0.2.77"
# Itself, private networks, metadata of a cloud, everywhere; IPv6 and v4-mapped ones a relay of IPv4 has not.
ELSEWHERE = ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "192.0.2.78"]
OTHER_FAMILY = ["::", "::1", "::ffff:127.0.0.1"]
QUOTA = 12


@asynccontextmanager
async def clients(port: int, count: int) -> AsyncIterator[list[TurnClientUdpProtocol]]:
    """Sockets of one seat, with its credential, before they ask for anything."""
    now = datetime.now(UTC)
    (granted,) = Relays((f"turn:{ADDRESS}:{port}?transport=udp",), SECRET).grant("seat", now, now)
    loop, made = asyncio.get_running_loop(), []
    for _ in range(count):
        _, client = await loop.create_datagram_endpoint(
            lambda: TurnClientUdpProtocol((ADDRESS, port), granted.username, granted.credential, 600, 500),
            remote_addr=(ADDRESS, port),
        )
        made.append(client)
    try:
        yield made
    finally:
        for client in made:
            if client.refresh_task is not None:
                client.refresh_task.cancel()
            client.transport.close()


async def asked(client: TurnClientUdpProtocol, method: stun.Method, host: str) -> int:
    """The relay's answer to leading there: 200, or the code of its refusal."""
    request = stun.Message(method, stun.Class.REQUEST)
    if method is stun.Method.CHANNEL_BIND:
        request.attributes["CHANNEL-NUMBER"] = 0x4000
    request.attributes["XOR-PEER-ADDRESS"] = (host, 9)
    try:
        await client.request_with_retry(request)
    except stun.TransactionFailed as refused:
        return int(refused.response.error_code)
    return 200


async def test_b23_the_relay_leads_to_the_worker_alone(tmp_path: Path) -> None:
    with running_coturn(tmp_path, media=WORKER) as port:
        async with clients(port, 1) as (client,):
            await client.connect()
            for method in (stun.Method.CREATE_PERMISSION, stun.Method.CHANNEL_BIND):
                assert {await asked(client, method, host) for host in ELSEWHERE} == {403}, method
                assert {await asked(client, method, host) for host in OTHER_FAMILY} <= {400, 403, 443}, method
                assert await asked(client, method, WORKER) == 200, method


async def test_b24_one_credential_has_a_quota(tmp_path: Path) -> None:
    with running_coturn(tmp_path) as port:
        async with clients(port, QUOTA + 1) as (*within, beyond):
            for client in within:
                await client.connect()
            with pytest.raises(stun.TransactionFailed) as refused:
                await beyond.connect()
            assert refused.value.response.error_code == 486  # RFC 8656 section 7.2: Allocation Quota Reached
