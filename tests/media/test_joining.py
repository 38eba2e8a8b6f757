"""What it takes to come into a room where three already are: round trips and requests, not seconds."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from aiortc import RTCRtpSender, VideoStreamTrack
from av import VideoFrame
from pylibsrtp import Policy

from media.aiortc_port import SrtpPair
from media.client import ControlClient
from media.control import Event, OfferMade, PublicationChanged, Statistics
from media.feedback import KeyFrameRequest, parse_compound
from media.keyframe import FIRST_INTERVAL, KeyFrameThrottle
from media.publication import Publication
from media.rtp import HEADER, parse_packet
from media.sink import TrackDescription
from media.subscriber import Subscriber
from media.surroundings import Surroundings
from media.transport import TransportState
from tests.media import peers
from tests.media.loopback import CERTIFICATE, Loopback, binding_request, session
from tests.media.offers import offer, section
from tests.media.peers import AiortcPeer, Controller
from tests.media.workers import running_worker, until

ROOM = ("anna", "bo", "cem")
KEY = b"\x10\x00key"


def test_whoever_has_seen_nothing_waits_only_for_the_answer_to_others() -> None:
    throttle = KeyFrameThrottle(0.5)
    throttle.want()
    assert throttle.due(0.0)
    throttle.want()
    assert not throttle.due(0.2)
    throttle.want(first=True)
    assert throttle.due(0.2)
    throttle.want(first=True)
    assert not throttle.due(0.2 + FIRST_INTERVAL / 2)
    throttle.satisfy()
    throttle.want()
    assert not throttle.due(0.2 + FIRST_INTERVAL)


class Newcomer:
    """A Subscriber on a real gate, three cameras that are running, and what goes upstream to them."""

    def __init__(self, loopback: Loopback, clock: Callable[[], float]) -> None:
        self.events: list[Event] = []
        self.upstream: dict[str, list[bytes]] = {name: [] for name in ROOM}
        self.loopback = loopback
        gate = loopback.gate
        surroundings = Surroundings(
            loopback.config, gate, CERTIFICATE, None, self.events.append, clock, ("127.0.0.1",), False
        )  # type: ignore[arg-type]
        self.subscriber = Subscriber("r", "dora", surroundings)
        self.cameras = [self._camera(number, name) for number, name in enumerate(ROOM)]
        for camera in self.cameras:
            self.subscriber.attach(camera)
        self.subscriber.offer(clock())

    def _camera(self, number: int, name: str) -> Publication:
        track = TrackDescription("r", name, "camera", "video", "VP8", 90_000, 0, 96, "")
        camera = Publication(track, self.upstream[name].append, 0.5)
        camera.receive(parse_packet(HEADER.pack(0x80, 0x80 | 96, 1, 0, 70 + number) + KEY), 0.0)
        return camera

    @property
    def offers(self) -> list[OfferMade]:
        return [event for event in self.events if isinstance(event, OfferMade)]

    def answer(self, now: float) -> None:
        videos = [section("video", str(mid), "recvonly") for mid in (1, 2, 3)]
        sdp = offer(section("audio", "0", "inactive"), *videos).replace("setup:actpass", "setup:active")
        self.subscriber.answer(self.offers[-1].offer_id, sdp, now)

    def connect(self) -> None:
        """What ICE and DTLS do, without their packets."""
        transport, peer, key = self.subscriber.transport, self.loopback.stranger(), os.urandom(44)
        peer.send(binding_request(transport))
        self.loopback.read(1)
        transport._pair = SrtpPair(
            session(key, Policy.SSRC_ANY_INBOUND), session(key, Policy.SSRC_ANY_OUTBOUND)
        )
        transport._move(TransportState.CONNECTED)

    def requests(self) -> list[int]:
        """How many key frames each camera was asked for."""
        read = [[item for data in sent for item in parse_compound(data)] for sent in self.upstream.values()]
        return [sum(isinstance(item, KeyFrameRequest) for item in items) for items in read]


@pytest.fixture
def loopback():
    made = Loopback()
    yield made
    made.close()


async def test_a_key_frame_is_asked_for_when_it_can_arrive_and_then_at_once(loopback: Loopback) -> None:
    """One asked for with the answer came before DTLS was done; the next was allowed half a second later."""
    now = 100.0
    newcomer = Newcomer(loopback, lambda: now)
    (only,) = newcomer.offers
    assert {track["participant_id"] for track in only.tracks} == set(ROOM)
    newcomer.answer(now)
    for camera in newcomer.cameras:
        camera.tick(now)
    assert newcomer.requests() == [0, 0, 0]
    newcomer.connect()
    assert newcomer.requests() == [1, 1, 1]  # Without a tick in between.
    assert len(newcomer.offers) == 1
    newcomer.subscriber.close("test")
    await loopback.gate.close()


async def test_a_stream_added_later_is_asked_for_with_its_answer(loopback: Loopback) -> None:
    now = 100.0
    newcomer = Newcomer(loopback, lambda: now)
    newcomer.connect()
    assert newcomer.requests() == [0, 0, 0]  # The browser has agreed to nothing yet.
    newcomer.answer(now)
    assert newcomer.requests() == [1, 1, 1]
    newcomer.subscriber.close("test")
    await loopback.gate.close()


class Stamp(VideoStreamTrack):
    """Ten small frames a second, so that four peers in one process keep up."""

    async def recv(self) -> VideoFrame:
        frame = VideoFrame(64, 64)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        for _ in range(3):
            frame.pts, frame.time_base = await self.next_timestamp()
        return frame


async def pictures_sent_to(client: ControlClient, name: str) -> int:
    """Of how many cameras packets have left for that participant; each begins with a key frame."""
    sent = (await client.request(Statistics()))["rooms"]["r"]["subscriptions"]
    mine = [entry for entry in sent if entry["participant_id"] == name and entry["source"] == "camera"]
    return sum(entry["packets"] > 0 for entry in mine)


async def test_a_room_of_three_takes_one_offer_and_one_request_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real ICE, DTLS and SRTP. A machine that needs long for a key frame is asked again, as it should be."""
    asked: dict[RTCRtpSender, list[float]] = {}
    send_key_frame = RTCRtpSender._send_keyframe

    def note(sender: RTCRtpSender) -> None:
        asked.setdefault(sender, []).append(time.monotonic())
        send_key_frame(sender)

    monkeypatch.setattr(RTCRtpSender, "_send_keyframe", note)
    monkeypatch.setattr(peers, "VideoStreamTrack", Stamp)
    with running_worker(tmp_path) as worker:
        client = ControlClient(worker.config.socket_path)
        await client.connect()
        controller = Controller(client)
        try:
            for name in ROOM:
                peer = AiortcPeer(controller, "r", name)
                await peer.enter()
                await peer.publish()
            started = partial(controller.of, PublicationChanged, source="camera", state="started")
            await until(lambda: len(started()) == 3, 20, "all send")
            dora = AiortcPeer(controller, "r", "dora")
            await dora.enter()
            began = time.monotonic()
            await dora.subscribe()
            async with asyncio.timeout(20):
                while await pictures_sent_to(client, "dora") < 3:  # noqa: ASYNC110 - there is no event to wait for
                    await asyncio.sleep(0.01)
            elapsed = time.monotonic() - began
            assert len(controller.of(OfferMade, participant_id="dora")) == 1
            assert {track["participant_id"] for track in dora.tracks.values()} == set(ROOM)
            counts = [len(times) for times in asked.values()]
            assert len(counts) == 3
            assert max(counts) <= 1 + int(elapsed / 0.5), (counts, elapsed)
            print(f"three pictures on their way after {elapsed:.2f} s, key frames asked for: {counts}")
        finally:
            await controller.close()
