"""A synthetic party: a real PeerConnection with a drawn picture and a tone, over the real protocol."""

from __future__ import annotations

import asyncio
import fractions
import itertools
import json
import math
import ssl
from typing import Any

import aiohttp
import aioice
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import AudioFrame, VideoFrame
from PIL import Image, ImageDraw

WIDTH, HEIGHT, RATE = 640, 360, 12
SAMPLE_RATE, SAMPLES = 48_000, 960
VIDEO_CLOCK = 90_000
COLOURS = ((38, 92, 84), (41, 70, 122), (108, 62, 36), (86, 48, 96))
TONES = (262.0, 330.0, 392.0, 494.0)
ANSWER_SECONDS = 20.0


def use_loopback_only() -> None:
    """Let the peers of this process gather 127.0.0.1, which aioice leaves out; works without a network."""
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


class DrawnPicture(MediaStreamTrack):
    """A head and shoulders that nods, on a colour of its own; 640 × 360 at 12 frames a second."""

    kind = "video"

    def __init__(self, number: int) -> None:
        super().__init__()
        self._colour = COLOURS[number % 4]
        self._started: float | None = None
        self._count = 0

    async def recv(self) -> VideoFrame:
        await self._pace()
        frame = VideoFrame.from_ndarray(np.asarray(self._draw(self._count / RATE)), format="rgb24")
        frame.pts = self._count * VIDEO_CLOCK // RATE
        frame.time_base = fractions.Fraction(1, VIDEO_CLOCK)
        self._count += 1
        return frame

    async def _pace(self) -> None:
        now = asyncio.get_running_loop().time()
        self._started = now if self._started is None else self._started
        await asyncio.sleep(max(0.0, self._started + self._count / RATE - now))

    def _draw(self, at: float) -> Image.Image:
        image = Image.new("RGB", (WIDTH, HEIGHT), self._colour)
        pen, nod = ImageDraw.Draw(image), round(6 * math.sin(at * 2.2))
        light = tuple(min(255, part + 110) for part in self._colour)
        pen.ellipse((250, 90 + nod, 390, 240 + nod), fill=light)
        pen.rounded_rectangle((170, 250 + nod // 2, 470, 420), 90, fill=light)
        mouth = 4 + round(7 * abs(math.sin(at * 7)))
        pen.ellipse((296, 196 + nod, 344, 196 + mouth * 2 + nod), fill=self._colour)
        pen.rectangle((0, HEIGHT - 8, round(WIDTH * (at % 10) / 10), HEIGHT), fill=light)
        return image


class Tone(MediaStreamTrack):
    """A soft tone that comes and goes, so that one hears who it is; 48 kHz mono."""

    kind = "audio"

    def __init__(self, number: int) -> None:
        super().__init__()
        self._tone, self._number = TONES[number % 4], number
        self._started: float | None = None
        self._count = 0

    async def recv(self) -> AudioFrame:
        now = asyncio.get_running_loop().time()
        self._started = now if self._started is None else self._started
        await asyncio.sleep(max(0.0, self._started + self._count / SAMPLE_RATE - now))
        moments = (self._count + np.arange(SAMPLES)) / SAMPLE_RATE
        envelope = np.clip(np.sin(2 * np.pi * (moments / 4 - self._number / 4)), 0, 1) * 0.25 + 0.02
        sound = (np.sin(2 * np.pi * self._tone * moments) * envelope * 32_000).astype(np.int16)
        frame = AudioFrame.from_ndarray(sound.reshape(1, -1), format="s16", layout="mono")
        frame.pts, frame.sample_rate = self._count, SAMPLE_RATE
        frame.time_base = fractions.Fraction(1, SAMPLE_RATE)
        self._count += SAMPLES
        return frame


class DemoPeer:
    """One party with a link: exchanges it like a browser, speaks the protocol, publishes."""

    def __init__(self, number: int, base: str, path: str, http: aiohttp.ClientSession) -> None:
        self.number, self.base, self.http = number, base, http
        self.code, _, self._secret = path.removeprefix("/j/").partition("#")
        self.participant_id = ""
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.pushes: dict[str, asyncio.Event] = {}
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    async def enter(self, notice: tuple[str, str]) -> None:
        """Exchange the link, agree to the notice, fetch a ticket, authenticate."""
        await self._post(f"/j/{self.code}/exchange", json={"secret": self._secret})
        await self._agree(notice)
        ticket = (await self._post(f"/j/{self.code}/ticket", json={}))["ticket"]
        self._socket = await self.http.ws_connect(
            self.base + "/ws", headers={"Origin": self.base}, ssl=self._ssl()
        )
        self._reader = asyncio.create_task(self._read(self._socket))
        asked = {"version": 1, "ticket": ticket, "publish_alive": False, "subscribe_alive": False}
        await self.ask("authenticate", **asked)

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """One command and its answer; RuntimeError with the code when it is refused."""
        assert self._socket is not None
        number = next(self._ids)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"type": kind, "id": number, **fields})
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await self._answers[number]
        if answer["type"] == "error":
            raise RuntimeError(f"{kind}: {answer['code']} {answer.get('message', '')}")
        return answer

    async def heard(self, kind: str, seconds: float = ANSWER_SECONDS) -> None:
        """Wait until a push of this type has come."""
        async with asyncio.timeout(seconds):
            await self.pushes.setdefault(kind, asyncio.Event()).wait()

    async def publish(self) -> None:
        """Offer camera and microphone and wait until the packets flow."""
        for track in (Tone(self.number), DrawnPicture(self.number)):
            self._connection.addTransceiver(track, direction="sendonly")
        await self._connection.setLocalDescription(await self._connection.createOffer())
        sources = {
            t.mid: "microphone" if t.kind == "audio" else "camera" for t in self._connection.getTransceivers()
        }
        answer = await self.ask("publish", sdp=self._connection.localDescription.sdp, sources=sources)
        await self._connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))

    async def close(self) -> None:
        await self._connection.close()
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            await asyncio.wait({self._reader})

    async def _agree(self, notice: tuple[str, str]) -> None:
        page = await self._get(f"/j/{self.code}/notice")
        marker = 'name="csrf_token" value="'
        token = page.partition(marker)[2].partition('"')[0]
        fields = {
            "csrf_token": token,
            "decision": "agree",
            "version": notice[0],
            "digest": notice[1],
        }
        async with self.http.post(
            f"{self.base}/j/{self.code}/notice",
            data=fields,
            headers={"Origin": self.base},
            allow_redirects=False,
            ssl=self._ssl(),
        ) as response:
            if response.status not in (302, 303):
                raise RuntimeError(f"notice: {response.status}")

    async def _get(self, path: str) -> str:
        async with self.http.get(self.base + path, ssl=self._ssl()) as response:
            return await response.text()

    async def _post(self, path: str, json: dict[str, Any]) -> dict[str, Any]:
        async with self.http.post(
            self.base + path, json=json, headers={"Origin": self.base}, ssl=self._ssl()
        ) as response:
            found: dict[str, Any] = await response.json()
            if response.status != 200:
                raise RuntimeError(f"{path.rsplit('/', 1)[1]}: {response.status} {found}")
            return found

    def _ssl(self) -> ssl.SSLContext | bool:
        return not self.base.startswith("https://")  # Our own certificate on our own machine.

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                break
            self._take(json.loads(frame.data))

    def _take(self, message: dict[str, Any]) -> None:
        number = message.get("id")
        if message["type"] == "welcome":  # The answer to `authenticate`, the only command under way.
            self.participant_id = message["participant_id"]
            number = next(iter(self._answers), None)
        if number is not None and (waiting := self._answers.pop(number, None)):
            waiting.set_result(message)
        self.pushes.setdefault(message["type"], asyncio.Event()).set()
