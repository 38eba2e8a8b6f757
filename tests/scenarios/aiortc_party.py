"""A party that is no browser: aiortc's own connection, which encodes what it sends, decodes what it gets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import defaultdict
from typing import Any

import aiohttp
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from web.demo.peers import DemoPeer

SO_RCVBUFFORCE, RECEIVE_BUFFER = 33, 8_000_000
LOUD = 100  # of 32768, root mean square of a frame: more than the noise of a codec


class AiortcParty(DemoPeer):
    """`pictures` and `sounds` count decoded frames by participant; sounds only where something is heard."""

    def __init__(self, number: int, base: str, path: str, http: aiohttp.ClientSession) -> None:
        super().__init__(number, base, path, http)
        self.pictures: dict[str, int] = defaultdict(int)
        self.sounds: dict[str, int] = defaultdict(int)
        self._subscribed = RTCPeerConnection()
        self._subscribed.on("track", self._follow)
        self._names: dict[str, str] = {}
        self._work: list[asyncio.Task[None]] = []

    async def subscribe(self) -> None:
        """Ask for everybody; offers are answered as they come."""
        await self.ask("subscribe")

    def met(self, others: set[str]) -> bool:
        """Whether everybody of these was seen and heard."""
        return others <= set(self.pictures) and others <= set(self.sounds)

    async def close(self) -> None:
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        await self._subscribed.close()
        await super().close()

    def _take(self, message: dict[str, Any]) -> None:
        super()._take(message)
        if message["type"] == "offer":
            self._work.append(asyncio.create_task(self._answer(message)))

    async def _answer(self, offer: dict[str, Any]) -> None:
        self._names |= {track["mid"]: track["participant_id"] for track in offer["tracks"]}
        await self._subscribed.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
        await self._subscribed.setLocalDescription(await self._subscribed.createAnswer())
        self._make_room()
        with contextlib.suppress(RuntimeError):  # A newer offer is on its way.
            await self.ask("answer", offer_id=offer["offer_id"], sdp=self._subscribed.localDescription.sdp)

    def _make_room(self) -> None:
        """A process that decodes everything must find what came while it was at work."""
        for transceiver in self._subscribed.getTransceivers():
            for protocol in transceiver.receiver.transport.transport._connection._protocols:
                inner = protocol.transport.get_extra_info("socket")
                inner.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)

    def _follow(self, track: MediaStreamTrack) -> None:
        self._work.append(asyncio.create_task(self._decode(track)))

    async def _decode(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                name = self._names[self._mid_of(track)]
                if not isinstance(frame, AudioFrame):
                    self.pictures[name] += 1
                elif np.sqrt(np.mean(np.square(frame.to_ndarray().astype(float)))) > LOUD:
                    self.sounds[name] += 1

    def _mid_of(self, track: MediaStreamTrack) -> str:
        return next(t.mid for t in self._subscribed.getTransceivers() if t.receiver.track is track)
