"""Bad input over real sockets, by the numbers of the robustness plan: a stable code for each."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

import aiohttp
import pytest

from signaling import connection as connection_module
from signaling import registry as registry_module
from signaling import routes
from signaling.protocol import ProtocolError, parse
from tests.signaling.hall import ORIGIN, Client, Hall


@pytest.fixture
def database_system() -> str:
    """One system is enough: nothing here depends on the database."""
    return "sqlite"


async def accepted(client: Client) -> None:
    """The connection still works."""
    assert (await client.ask("ping"))["type"] == "pong"


async def raw_frame(client: Client, opcode: int, payload: bytes) -> None:
    """A final, masked frame with any payload (RFC 6455 section 5.2); the mask is zero."""
    header = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, len(payload))
    connection = client.socket._response.connection
    assert connection is not None and connection.transport is not None
    connection.transport.write(header + b"\0\0\0\0" + payload)


async def test_b01_frame_over_64_kib_closes_1009(hall: Hall) -> None:
    client = await hall.client("host")
    await client.socket.send_str("x" * (64 * 1024 + 1))
    assert await client.closed() == 1009


async def test_b01_frame_of_64_kib_is_read(hall: Hall) -> None:
    client = await hall.client("host")
    await client.socket.send_str("x" * (64 * 1024))
    assert (await client.push("error"))["code"] == "bad_message"
    await accepted(client)


async def test_b02_compression_is_not_negotiated(hall: Hall) -> None:
    socket = await hall.http.ws_connect(hall.url, headers={"Origin": ORIGIN}, compress=15)
    assert socket.compress == 0
    await socket.close()


async def test_b03_binary_frame_closes_1003(hall: Hall) -> None:
    client = await hall.client("host")
    await client.socket.send_bytes(b"{}")
    assert await client.closed() == 1003


async def test_b04_invalid_utf8_closes_1007(hall: Hall) -> None:
    client = await hall.client("host")
    await raw_frame(client, 1, b"\xff\xfe" * 100)
    assert await client.closed() == 1007


BAD_MESSAGES = {
    "no json": "ping",
    "no object": "[1]",
    "empty": "",
    "missing type": '{"id": 1}',
    "type is a number": '{"type": 1, "id": 1}',
    "missing id": '{"type": "ping"}',
    "id is a text": '{"type": "ping", "id": "1"}',
    "id is true": '{"type": "ping", "id": true}',
    "id is negative": '{"type": "raise_hand", "id": -2147483648, "raised": true}',
    "id is a fraction": '{"type": "ping", "id": 1.0}',
    "id is huge": '{"type": "ping", "id": 99999999999999999999}',
    "id of 5000 digits": '{"type": "ping", "id": ' + "9" * 5000 + "}",
    "missing field": '{"type": "raise_hand", "id": 1}',
    "extra field": '{"type": "ping", "id": 1, "participant_id": "x"}',
    "wrongly typed": '{"type": "raise_hand", "id": 1, "raised": "yes"}',
    "number for boolean": '{"type": "raise_hand", "id": 1, "raised": 1}',
    "null": '{"type": "raise_hand", "id": 1, "raised": null}',
    "nan": '{"type": "ready", "id": 1, "device": {"level": NaN}}',
    "infinity": '{"type": "ready", "id": 1, "device": {"level": 1e999}}',
    "duplicate key": '{"type": "ping", "id": 1, "id": 2}',
    "nested duplicate": '{"type": "ready", "id": 1, "device": {"a": 1, "a": 2}}',
    "deep": "[" * 30_000,
    "half a surrogate": '{"type": "chat", "id": 1, "text": "\\ud800"}',
    "nul": '{"type": "chat", "id": 1, "text": "a\\u0000b"}',
    "chat too long": json.dumps({"type": "chat", "id": 1, "text": "长" * 501}),
    "chat empty": '{"type": "chat", "id": 1, "text": ""}',
    "unknown source": '{"type": "source_state", "id": 1, "source": "webcam", "enabled": true}',
    "nested device": '{"type": "ready", "id": 1, "device": {"a": {"b": 1}}}',
    "25 device entries": json.dumps({"type": "ready", "id": 1, "device": {str(n): n for n in range(25)}}),
    "5 sources": json.dumps(
        {"type": "publish", "id": 1, "sdp": "x", "sources": {str(n): "camera" for n in range(5)}}
    ),
}


@pytest.mark.parametrize("name", BAD_MESSAGES)
def test_b06_what_is_not_exactly_a_message_is_refused(name: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        parse(BAD_MESSAGES[name])
    assert refused.value.code == "bad_message"


async def test_b06_the_state_is_unchanged(hall: Hall) -> None:
    host = await hall.client("host")
    for bad in ('{"type": "raise_hand", "id": 1, "raised": 1}', '{"type": "open", "id": 2, "id": 2}'):
        await host.socket.send_str(bad)
    await accepted(host)
    assert [push["code"] for push in host.pushes if push["type"] == "error"] == ["bad_message"] * 2
    room = hall.registry.rooms[hall.session_id].room
    assert room.sitting.state == "scheduled"
    assert room.people[host.id].hand_raised_at is None


async def test_b06_unknown_type(hall: Hall) -> None:
    client = await hall.client("host")
    assert (await client.ask("become_host"))["code"] == "unknown_type"


async def test_b06_third_bad_message_in_a_minute_closes_1008(hall: Hall) -> None:
    client = await hall.client("host")
    for _ in range(3):
        await client.socket.send_str("{}")
    assert await client.closed() == 1008
    assert [push["code"] for push in client.pushes if push["type"] == "error"] == ["bad_message"] * 3


async def test_b06_the_error_carries_the_id_when_there_is_one(hall: Hall) -> None:
    client = await hall.client("host")
    answer = await client.ask("raise_hand", raised=3)
    assert (answer["type"], answer["code"]) == ("error", "bad_message")


async def test_b07_flood_is_cut_and_another_client_feels_nothing(hall: Hall) -> None:
    host = await hall.client("host")
    other = await hall.client("joint_receptionist")
    loop = asyncio.get_running_loop()

    async def flood() -> None:
        for number in range(1000):
            await host.socket.send_str(json.dumps({"type": "ping", "id": number}))

    flooding = asyncio.create_task(flood())
    slowest = 0.0
    for _ in range(20):
        start = loop.time()
        await accepted(other)
        slowest = max(slowest, loop.time() - start)
        await asyncio.sleep(0.01)
    assert await host.closed() == 4429
    assert slowest < 0.5
    await asyncio.wait({flooding})
    flooding.exception()
    assert len([p for p in host.pushes if p["type"] == "error" and p["code"] == "too_fast"]) == 1


async def test_b07_a_burst_of_fifty_is_fine(hall: Hall) -> None:
    client = await hall.client("host")
    for _ in range(50):
        await accepted(client)


async def test_b08_strangers_over_the_cap_are_refused_and_guests_stay(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "STRANGERS_PER_ADDRESS", 5)
    guest = await hall.client("host")
    for _ in range(5):
        await hall.socket()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await hall.socket()
    assert refused.value.status == 429
    await accepted(guest)


FOREIGN_ORIGINS = [
    None, "null", "", "https://lianxin.test.evil.com", "http://lianxin.test", "https://lianxin.test:444",
    "https://LIANXIN.test", "https://evil.com", "https://lianxin.test/",
]  # fmt: skip


async def test_b09_a_foreign_origin_is_refused_before_the_upgrade(hall: Hall) -> None:
    for origin in FOREIGN_ORIGINS:
        headers = {} if origin is None else {"Origin": origin}
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await hall.http.ws_connect(hall.url, headers=headers)
        assert refused.value.status == 403, origin


async def test_b09_two_origins_are_refused(hall: Hall) -> None:
    headers = [("Origin", ORIGIN), ("Origin", ORIGIN)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await hall.http.ws_connect(hall.url, headers=headers)
    assert refused.value.status == 403


async def test_b10_offer_before_admission_creates_no_transport(hall: Hall) -> None:
    citizen = await hall.client("petitioner")
    for name, fields in {
        "publish": {"sdp": "x", "sources": {}},
        "subscribe": {},
        "answer": {"offer_id": 1, "sdp": "x"},
        "raise_hand": {"raised": True},
        "source_state": {"source": "camera", "enabled": True},
    }.items():
        assert (await citizen.ask(name, **fields))["code"] == "bad_state"
    assert hall.worker.rooms == {}


async def test_b10_answer_without_offer_and_to_an_old_offer(hall: Hall) -> None:
    host = await hall.client("host")
    assert (await host.ask("answer", offer_id=1, sdp="x"))["code"] == "bad_state"
    await host.ask("subscribe")
    offer = await host.push("offer")
    assert (await host.ask("answer", offer_id=offer["offer_id"] + 1, sdp="x"))["code"] == "bad_state"
    assert (await host.ask("answer", offer_id=offer["offer_id"], sdp="x"))["type"] == "ok"


async def test_b10_two_offers_at_once_from_one_seat(hall: Hall) -> None:
    """The second connection of a seat offers while the first one's offer is still with the worker."""
    first = await hall.client("host")
    hall.worker.hold.add("Publish")
    await first.send("publish", sdp="one", sources={"0": "microphone"})
    await asyncio.wait_for(hall.worker.holds.wait(), 5)
    second = await hall.client("host")
    assert (await second.ask("publish", sdp="two", sources={"0": "microphone"}))["code"] == "bad_state"
    hall.worker.release()


async def test_b10_messages_after_leave_are_not_read(hall: Hall) -> None:
    host = await hall.client("host")
    citizen = await hall.client("petitioner")
    assert (await citizen.ask("leave"))["type"] == "ok"
    assert await citizen.closed() == 1000
    await host.room_where(lambda room: room["lobby"] == [])
    await accepted(host)


async def test_b10_authenticate_twice(hall: Hall) -> None:
    host = await hall.client("host")
    ticket = await hall.ticket("host")
    alive: dict[str, Any] = {"publish_alive": False, "subscribe_alive": False}
    assert (await host.ask("authenticate", version=1, ticket=ticket, **alive))["code"] == "bad_state"


async def test_b11_identity_in_a_message_is_refused(hall: Hall) -> None:
    citizen = await hall.client("petitioner")
    answer = await citizen.ask("ready", device={}, role="host", session_id="another")
    assert answer["code"] == "bad_message"


async def test_b14_a_ticket_is_good_once(hall: Hall) -> None:
    ticket = await hall.ticket("host")
    first, second = await hall.socket(), await hall.socket()
    assert (await first.authenticate(ticket))["type"] == "welcome"
    assert (await second.authenticate(ticket))["code"] == "ticket_invalid"
    assert await second.closed() == 4401


async def test_b14_an_expired_and_an_invented_ticket(hall: Hall) -> None:
    ticket = await hall.ticket("host")
    hall.clock.advance(seconds=31)
    for bad in (ticket, "A" * 43):
        client = await hall.socket()
        assert (await client.authenticate(bad))["code"] == "ticket_invalid"
        assert await client.closed() == 4401


async def test_a_command_before_authentication(hall: Hall) -> None:
    client = await hall.socket()
    assert (await client.ask("open"))["code"] == "not_authenticated"
    assert await client.closed() == 4401


async def test_another_version(hall: Hall) -> None:
    client = await hall.socket()
    assert (await client.authenticate(await hall.ticket("host"), version=2))["code"] == "unsupported_version"
    assert await client.closed() == 4401


async def test_silence_closes_4408(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "AUTHENTICATION_SECONDS", 0.1)
    client = await hall.socket()
    assert await client.closed() == 4408


async def test_the_sixth_connection_of_a_person_is_refused(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert registry_module.CONNECTIONS_PER_PERSON == 5
    monkeypatch.setattr(registry_module, "CONNECTIONS_PER_PERSON", 0)
    client = await hall.socket()
    assert (await client.authenticate(await hall.ticket("host")))["code"] == "too_fast"
    assert await client.closed() == 4429


async def test_a_bug_is_told_as_internal_and_never_as_a_trace(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    host = await hall.client("host")

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(hall.registry.rooms[hall.session_id]), "write", broken)
    answer = await host.ask("raise_hand", raised=True)
    assert (answer["code"], answer["type"]) == ("internal", "error")
    assert "secret" not in json.dumps(answer)
    assert "secret detail" in caplog.text
    assert host.room["participants"][0]["hand_raised_at"] is None
    await accepted(host)


async def test_sdp_over_32_kib_is_bad_sdp(hall: Hall) -> None:
    host = await hall.client("host")
    assert (await host.ask("publish", sdp="x" * 32_769, sources={}))["code"] == "bad_sdp"
    assert (await host.ask("publish", sdp="", sources={}))["code"] == "bad_sdp"


async def test_sdp_the_worker_refuses(hall: Hall) -> None:
    host = await hall.client("host")
    hall.worker.refuse["Publish"] = "bad_sdp"
    assert (await host.ask("publish", sdp="garbage", sources={"0": "camera"}))["code"] == "bad_sdp"
    await accepted(host)


async def test_a_client_that_does_not_read_is_cut(hall: Hall) -> None:
    """Its queue has a ceiling; the others go on."""
    host, slow = await hall.client("host"), await hall.client("joint_receptionist")
    connection = hall.registry.rooms[hall.session_id].connections[slow.id]
    for number in range(300):
        connection.push_text(json.dumps({"type": "pong", "id": number}))
    assert await slow.closed() == 1006
    await host.room_where(lambda room: room["participants"][1]["presence"] == "reconnecting")
