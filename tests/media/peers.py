"""A participant made of two aiortc PeerConnections, driven by the control messages of a worker."""

from __future__ import annotations

import asyncio
import re

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from media.client import ControlClient
from media.control import AcceptOffer, AddParticipant, CreateRoom, Event, OfferMade, Publish, Subscribe


class Controller:
    """Keeps all events of one worker and lets peers answer their offers."""

    def __init__(self, client: ControlClient) -> None:
        self.client = client
        self.events: list[Event] = []
        self.peers: dict[str, AiortcPeer] = {}
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async for event in self.client.events:
            self.events.append(event)
            if isinstance(event, OfferMade) and event.participant_id in self.peers:
                await self.peers[event.participant_id].answer(event)

    def of(self, kind: type, **fields: object) -> list[Event]:
        return [
            e
            for e in self.events
            if isinstance(e, kind) and all(getattr(e, name) == value for name, value in fields.items())
        ]

    async def close(self) -> None:
        for peer in list(self.peers.values()):
            await peer.close()
        await self.client.close()
        await asyncio.wait_for(self.task, 5)


class AiortcPeer:
    def __init__(self, controller: Controller, room_id: str, participant_id: str) -> None:
        self.controller = controller
        self.room_id = room_id
        self.participant_id = participant_id
        self.publishing = RTCPeerConnection()
        self.subscribing = RTCPeerConnection()
        self.frames: dict[str, int] = {}
        self.tracks: dict[str, dict[str, str]] = {}
        self._readers: list[asyncio.Task[None]] = []
        self.subscribing.on("track", self._take)
        controller.peers[participant_id] = self

    async def enter(self) -> None:
        await self.controller.client.request(CreateRoom(room_id=self.room_id))
        await self.controller.client.request(
            AddParticipant(room_id=self.room_id, participant_id=self.participant_id)
        )

    async def publish(self) -> None:
        for track in (AudioStreamTrack(), VideoStreamTrack()):
            self.publishing.addTransceiver(track, direction="sendonly")
        await self.publishing.setLocalDescription(await self.publishing.createOffer())
        sdp = self.publishing.localDescription.sdp
        mids = re.findall(r"a=mid:(\S+)", sdp)
        result = await self.controller.client.request(
            Publish(
                room_id=self.room_id,
                participant_id=self.participant_id,
                offer_sdp=sdp,
                sources={mids[0]: "microphone", mids[1]: "camera"},
            )
        )
        await self.publishing.setRemoteDescription(RTCSessionDescription(result["answer_sdp"], "answer"))

    async def subscribe(self) -> None:
        await self.controller.client.request(
            Subscribe(room_id=self.room_id, participant_id=self.participant_id)
        )

    async def answer(self, offer: OfferMade) -> None:
        if self.subscribing.connectionState == "closed":
            return
        self.tracks = {track["mid"]: track for track in offer.tracks}
        await self.subscribing.setRemoteDescription(RTCSessionDescription(offer.offer_sdp, "offer"))
        await self.subscribing.setLocalDescription(await self.subscribing.createAnswer())
        await self.controller.client.request(
            AcceptOffer(
                room_id=self.room_id,
                participant_id=self.participant_id,
                offer_id=offer.offer_id,
                answer_sdp=self.subscribing.localDescription.sdp,
            )
        )

    def _take(self, track) -> None:
        self._readers.append(asyncio.create_task(self._read(track)))

    async def _read(self, track) -> None:
        from aiortc.mediastreams import MediaStreamError

        try:
            while True:
                await track.recv()
                self.frames[track.kind] = self.frames.get(track.kind, 0) + 1
        except MediaStreamError:
            return

    async def close(self) -> None:
        self.controller.peers.pop(self.participant_id, None)
        await self.publishing.close()
        await self.subscribing.close()
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
