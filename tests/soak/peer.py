"""The media of one seat: two real transports (ICE, DTLS, SRTP), what it sends, what it hears."""

from __future__ import annotations

import asyncio
import contextlib
import random
import struct
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from aiortc import RTCCertificate

from bench.arrivals import ArrivalBuffer
from bench.sdp import OfferedTrack, read_description, write_answer, write_offer
from bench.traffic import receiver_report, sender_report
from bench.wire import ConnectError, Wire
from tests.soak.streams import LAYERS, RID_ID, Picture, Sound, Stream

MICROPHONE, CAMERA = "0", "1"
SOURCES = {MICROPHONE: "microphone", CAMERA: "camera"}
TICK = 0.02
PICTURE_EVERY, REPORT_EVERY, CONSENT_EVERY = 5, 50, 150  # ticks
NTP_EPOCH = 2_208_988_800
Ask = Callable[..., Awaitable[dict[str, Any]]]


class Workbench:
    """What all peers of one run share. One thread, one buffer."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.certificate = RTCCertificate.generateCertificate()
        self.arrivals = ArrivalBuffer()

    def wire(self) -> Wire:
        return Wire(self.certificate, "127.0.0.1", self.arrivals)


class SoakPeer:
    """`publish` and `answer` negotiate, `run` plays; `heard` counts packets by SSRC. Ends with `close`."""

    def __init__(self, bench: Workbench, number: int) -> None:
        self._bench = bench
        self.publishing, self.subscribing = bench.wire(), bench.wire()
        self.sound = Sound(bench.dice, number, MICROPHONE)
        self.layers = [Picture(bench.dice, number, CAMERA, layer) for layer in LAYERS]
        self.heard: dict[int, int] = defaultdict(int)
        self._highest: dict[int, int] = {}
        self._work: set[asyncio.Task[None]] = set()
        self._connecting: asyncio.Task[None] | None = None
        self.publishing.on_rtcp = self._take_feedback
        self.subscribing.on_rtp = self._hear
        self._spawn(self._run())

    @property
    def streams(self) -> list[Stream]:
        return [self.sound, *self.layers]

    # Negotiation

    async def publish(self, ask: Ask) -> None:
        """Offer and connect. Raises what the server refuses with, ConnectError."""
        answer = await ask("publish", sdp=self._offer(), sources=SOURCES)
        await self.publishing.connect(read_description(answer["sdp"]))

    async def restart_publish(self, ask: Ask) -> None:
        """ICE anew on the same transport: other credentials, DTLS and SRTP stay (RFC 8839 4.4.1.1.1)."""
        wire = self.publishing
        fresh = self._bench.wire()
        wire.ufrag, wire.password = fresh.ufrag, fresh.password
        await fresh.close(False)
        answer = await ask("publish", sdp=self._offer(), sources=SOURCES)
        wire.remote = read_description(answer["sdp"])
        wire.move("127.0.0.1")
        wire.keep_alive()

    def answer(self, sdp: str) -> str:
        """Answer an offer; when the server has it, call `begin_hearing`."""
        offer = read_description(sdp)
        if self._connecting is not None and offer.ufrag != self.subscribing.remote.ufrag:
            self._renew()
        self._offered = offer
        return write_answer(self.subscribing.local(), offer)

    def begin_hearing(self) -> None:
        if self._connecting is None:
            self.subscribing.remote = self._offered
            self._connecting = self._spawn(self._connect(self.subscribing))

    def _offer(self) -> str:
        tracks = [
            OfferedTrack("audio", MICROPHONE, self.sound.ssrc),
            OfferedTrack("video", CAMERA, self.layers[0].ssrc),
        ]
        rids = [rid for rid, *_ in LAYERS]
        layered = [
            f"a=extmap:{RID_ID} urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
            *(f"a=rid:{rid} send" for rid in rids),
            f"a=simulcast:send {';'.join(rids)}",
        ]
        plain = write_offer(self.publishing.local(), tracks).split("\r\n")
        named = f"a=ssrc:{self.layers[0].ssrc}"
        return "\r\n".join([line for line in plain if line and not line.startswith(named)] + [*layered, ""])

    def _renew(self) -> None:
        old, self.subscribing = self.subscribing, self._bench.wire()
        self.subscribing.on_rtp = self._hear
        self._connecting = None
        self._highest.clear()
        self._spawn(old.close(False))

    async def _connect(self, wire: Wire) -> None:
        with contextlib.suppress(ConnectError, OSError):  # The next offer or the worker's end follows.
            await wire.connect(self._offered)

    # What it does

    def move(self) -> None:
        """Go on from other ports, as a phone between networks."""
        for wire in (self.publishing, self.subscribing):
            if wire.connected:
                wire.move("127.0.0.1")
                wire.keep_alive()

    async def _run(self) -> None:
        due, tick = time.monotonic(), self._bench.dice.randrange(1000)
        while True:
            due = max(due + TICK, time.monotonic() - 1)  # No burst after the machine stood still.
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tick += 1
            if self.publishing.connected:
                self._play(tick)
            if tick % REPORT_EVERY == 0:
                self._report()
            if tick % CONSENT_EVERY == 0:
                for wire in (self.publishing, self.subscribing):
                    if wire.connected:
                        wire.keep_alive()

    def _play(self, tick: int) -> None:
        packets = self.sound.next()
        if tick % PICTURE_EVERY == 0:
            packets += [packet for layer in self.layers for packet in layer.next()]
        for packet in packets:
            self.publishing.send_rtp(packet)

    def _report(self) -> None:
        ntp = int((time.time() + NTP_EPOCH) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF
        if self.publishing.connected:
            for stream in self.streams:
                if stream.packets:
                    report = (stream.ssrc, ntp, stream.timestamp, stream.packets, stream.octets)
                    self.publishing.send_rtcp(sender_report(*report))
        if self.subscribing.connected and self._highest:
            self.subscribing.send_rtcp(receiver_report(self.sound.ssrc ^ 1, list(self._highest.items())))

    def _take_feedback(self, view: memoryview, size: int, _arrived_ns: int) -> None:
        """Key frames as asked for: PLI names the media SSRC, FIR an entry for each (RFC 4585, RFC 5104)."""
        text = bytes(view[:size])
        for layer in self.layers:
            if struct.pack("!I", layer.ssrc) in text and (b"\x81\xce" in text or b"\x84\xce" in text):
                layer.key_frame_wanted = True

    def _hear(self, view: memoryview, size: int, _arrived_ns: int) -> None:
        number, ssrc = struct.unpack_from("!H4xI", view, 2)
        self.heard[ssrc] += 1
        self._highest[ssrc] = number

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def close(self) -> None:
        """Gone without a word to the server."""
        work = list(self._work)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await self.publishing.close(False)
        await self.subscribing.close(False)
