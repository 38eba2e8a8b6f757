"""The control socket: messages there and back, a worker that dies, a controller that comes and goes."""

from __future__ import annotations

import asyncio
import struct
import time
from pathlib import Path

import msgpack
import pytest

from media import control
from media.client import ControlClient
from media.control import (
    MAX_FRAME,
    AcceptOffer,
    AddParticipant,
    CloseRoom,
    ControlError,
    ControlProtocolError,
    CreateRoom,
    Message,
    OfferMade,
    Publish,
    RemoveParticipant,
    Reply,
    SetMuted,
    Snapshot,
    StartRecording,
    StopRecording,
    Subscribe,
    TransportChanged,
    dump_message,
    frame_length,
    parse_message,
)
from tests.media.offers import ordinary_offer
from tests.media.workers import RunningWorker, running_worker, until

SAMPLES = [
    Publish(request_id=3, room_id="r", participant_id="p", offer_sdp="v=0", sources={"0": "microphone"}),
    Reply(request_id=3, ok=False, error_code="bad_sdp", detail="because"),
    Reply(request_id=4, result={"rooms": [{"room_id": "r"}]}),
    OfferMade(room_id="r", participant_id="p", offer_id=2, offer_sdp="v=0", tracks=[{"mid": "0"}]),
    TransportChanged(room_id="r", participant_id="p", direction="publish", state="closed", cause="x"),
    Snapshot(),
]


@pytest.fixture
def worker(tmp_path: Path):
    with running_worker(tmp_path, controller_timeout=0.5) as running:
        yield running


@pytest.mark.parametrize("message", SAMPLES, ids=lambda m: type(m).__name__)
def test_messages_there_and_back(message: Message) -> None:
    frame = dump_message(message)
    assert frame_length(frame[:4]) == len(frame) - 4
    assert parse_message(frame[4:]) == message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        msgpack.packb([1, 2]),
        msgpack.packb({"kind": "Nothing", "fields": {}}),
        msgpack.packb({"kind": "CreateRoom"}),
        msgpack.packb({"kind": "CreateRoom", "fields": {}}),
        msgpack.packb({"kind": "CreateRoom", "fields": {"room_id": "r", "extra": 1}}),
        msgpack.packb({"kind": ["CreateRoom"], "fields": {}}),
    ],
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(ControlProtocolError):
        parse_message(body)


def test_a_frame_over_the_ceiling_is_refused() -> None:
    with pytest.raises(ControlProtocolError):
        frame_length(struct.pack("!L", MAX_FRAME + 1))


def test_every_request_has_a_handler() -> None:
    from media.commands import Commands

    commands = Commands(None, "w")  # type: ignore[arg-type]
    requests = {kind for kind in Message.kinds.values() if issubclass(kind, control.Request)}
    assert requests - {control.Request} == set(commands._handlers)


async def test_refusals_have_codes_and_requests_may_be_repeated(worker: RunningWorker) -> None:
    async with ControlClient(worker.config.socket_path) as client:

        async def code(request: control.Request) -> str:
            with pytest.raises(ControlError) as caught:
                await client.request(request)
            return caught.value.code

        names = {"room_id": "r", "participant_id": "p"}
        offer = Publish(**names, offer_sdp=ordinary_offer(), sources={"0": "microphone", "1": "camera"})
        assert await code(AddParticipant(**names)) == "not_found"
        for _ in range(2):
            await client.request(CreateRoom(room_id="r"))
        assert await code(Subscribe(**names)) == "not_found"
        for _ in range(2):
            await client.request(AddParticipant(**names, may_publish=False))
        assert await code(offer) == "forbidden"
        await client.request(AddParticipant(**names))
        swapped = Publish(**names, offer_sdp=ordinary_offer(), sources={"0": "camera", "1": "microphone"})
        assert await code(swapped) == "bad_sdp"
        twice = offer.offer_sdp.replace("m=audio", "m=video").replace("opus/48000/2", "VP8/90000")
        assert (
            await code(Publish(**names, offer_sdp=twice, sources={"0": "camera", "1": "camera"})) == "bad_sdp"
        )
        assert await code(Publish(**names, offer_sdp="v=0", sources={})) == "bad_sdp"
        first = await client.request(offer)
        again = await client.request(offer)
        assert first["transport_id"] == again["transport_id"]
        assert await code(AcceptOffer(**names, offer_id=1, answer_sdp="")) == "not_found"
        await client.request(Subscribe(**names))
        assert await code(AcceptOffer(**names, offer_id=99, answer_sdp="")) == "stale_offer"
        assert await code(AcceptOffer(**names, offer_id=1, answer_sdp="")) == "bad_sdp"
        for _ in range(2):
            await client.request(SetMuted(**names, source="camera", muted=True))
        snapshot = (await client.request(Snapshot()))["rooms"]
        (person,) = snapshot[0]["participants"]
        assert (person["publish"], person["subscribe"]) == ("connecting", "connecting")
        assert [(p["source"], p["muted"]) for p in person["publications"]] == [
            ("microphone", False),
            ("camera", True),
        ]
        for _ in range(2):
            await client.request(RemoveParticipant(**names))
            await client.request(StopRecording(room_id="r"))
            await client.request(CloseRoom(room_id="r"))
        assert (await client.request(Snapshot()))["rooms"] == []


async def test_a_recorder_that_cannot_open_is_told(worker: RunningWorker) -> None:
    async with ControlClient(worker.config.socket_path) as client:
        await client.request(CreateRoom(room_id="r"))
        with pytest.raises(ControlError) as caught:
            await client.request(StartRecording(room_id="r", recording_id="x", directory="/proc/none/such"))
        assert caught.value.code == "recorder_failed"


async def test_a_killed_worker_is_noticed(worker: RunningWorker) -> None:
    client = ControlClient(worker.config.socket_path)
    await client.connect()
    events = asyncio.create_task(client.next_event())
    began = time.monotonic()
    worker.kill()
    await asyncio.wait_for(client.closed.wait(), 2)
    assert await asyncio.wait_for(events, 2) is None
    assert time.monotonic() - began < 1
    with pytest.raises(ControlError, match="closed"):
        await client.request(Snapshot())
    await client.close()


async def test_rooms_outlive_their_controller_for_a_while(worker: RunningWorker) -> None:
    async with ControlClient(worker.config.socket_path) as client:
        await client.request(CreateRoom(room_id="r"))
    await asyncio.sleep(0.2)
    async with ControlClient(worker.config.socket_path) as client:
        assert [r["room_id"] for r in (await client.request(Snapshot()))["rooms"]] == ["r"]
    await asyncio.sleep(0.9)
    async with ControlClient(worker.config.socket_path) as client:
        assert (await client.request(Snapshot()))["rooms"] == []


async def test_garbage_on_the_socket_closes_that_connection_only(worker: RunningWorker) -> None:
    async with ControlClient(worker.config.socket_path) as client:
        reader, writer = await asyncio.open_unix_connection(worker.config.socket_path)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), 2) == b""
        writer.close()
        await client.request(CreateRoom(room_id="r"))


async def test_an_unanswered_handshake_is_torn_down(tmp_path: Path) -> None:
    with running_worker(tmp_path, handshake_timeout=0.3) as worker:
        async with ControlClient(worker.config.socket_path) as client:
            names = {"room_id": "r", "participant_id": "p"}
            await client.request(CreateRoom(room_id="r"))
            await client.request(AddParticipant(**names))
            sources = {"0": "microphone", "1": "camera"}
            await client.request(Publish(**names, offer_sdp=ordinary_offer(), sources=sources))
            states = []
            async with asyncio.timeout(3):
                while "closed" not in states:
                    event = await client.next_event()
                    states.append(getattr(event, "state", ""))
            assert event.cause == "handshake_timeout"
            assert "Traceback" not in worker.output()


async def test_a_worker_ends_promptly_and_leaves_no_socket(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        async with ControlClient(worker.config.socket_path) as client:
            await client.request(CreateRoom(room_id="r"))
            await client.request(StartRecording(room_id="r", recording_id="x", directory=str(tmp_path / "x")))
            assert worker.stop() < 2
            await until(client.closed.is_set, 2, "the client notices")
        assert (tmp_path / "x" / "counts.json").exists()
        assert not Path(worker.config.socket_path).exists()
        assert worker.process.returncode == 0
