"""A participant made of real ICE, DTLS and SRTP but of no codec: it knows every packet it sent and got.

As a browser does without RTX, it numbers all packets of its transport (transport-wide), sends again what it
is asked for, and asks for what it misses.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import struct
import time

from media.control import AcceptOffer, AddParticipant, CreateRoom, OfferMade, Publish, Subscribe
from media.feedback import KeyFrameRequest, Nack, build_nack, build_sender_report, parse_compound
from media.loss import LossDetector
from media.rtp import parse_packet
from media.sequence import Unwrapper
from media.sink import SenderReport
from media.transportwide import URI as TRANSPORT_WIDE_URI
from tests.media.peers import Controller
from tests.media.srtp_wire import Wire

OPUS, VP8 = 111, 96
WIDE_ID = 5
SSRC_OF_REPORTS = 9
HEADER = struct.Struct("!BBHLLHHBHB")
# At the end of each payload: the packet's index and when it was sent first, in seconds.
STAMP = struct.Struct("!Ld")
FRAME_TIME, SOUND_TIME = 0.04, 0.02
PACKETS_PER_FRAME = 3
NTP_EPOCH = 2_208_988_800
KEY = bytes((0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A)) + struct.pack("<HH", 640, 360)
DELTA = bytes((0x11, 0x02, 0x00))


class Line:
    """One stream that is sent: 50 packets of sound a second, or 25 pictures of three packets."""

    def __init__(self, source: str, ssrc: int, first_number: int) -> None:
        self.source = source
        self.is_video = source == "camera"
        self.ssrc = ssrc
        self.next = first_number
        # Payloads by index, as they were sent first.
        self.sent: dict[int, bytes] = {}
        self.timestamps: dict[int, int] = {}
        self.resent = 0
        self.key_wanted = True
        self._frames = 0

    def due(self) -> list[tuple[int, bool]]:
        """Make what is due now: (index, marker) each."""
        count = PACKETS_PER_FRAME if self.is_video else 1
        made = []
        for part in range(count):
            index, self.next = self.next, self.next + 1
            body = self._body(part) if self.is_video else b"\x78" + bytes(range(80))
            self.sent[index] = body + STAMP.pack(index, time.monotonic())
            self.timestamps[index] = self._frames * (3600 if self.is_video else 960)
            made.append((index, self.is_video and part == count - 1))
        self._frames += 1
        return made

    def _body(self, part: int) -> bytes:
        number = struct.pack("!H", 0x8000 | self._frames & 0x7FFF)
        if part:
            return b"\x80\x80" + number + bytes(700)
        key, self.key_wanted = self.key_wanted, False
        return b"\x90\x80" + number + (KEY if key else DELTA) + bytes(700)


class Heard:
    """One stream that arrives. `delays` in seconds from the first sending, by index of the sender."""

    def __init__(self) -> None:
        self.loss = LossDetector()
        self.delays: dict[int, float] = {}
        self.arrived: list[float] = []
        self.repeated = 0
        self.numbers = Unwrapper()


class SrtpPeer:
    """Register it with the Controller like any peer. `port` is where the server seems to be."""

    def __init__(self, controller: Controller, room_id: str, participant_id: str, port: int) -> None:
        self.controller = controller
        self.names = {"room_id": room_id, "participant_id": participant_id}
        self.port = port
        self.publishing = Wire(self._take_feedback)
        self.subscribing = Wire(self._take_media)
        first = secrets.randbelow(0x8000)
        self.lines = [
            Line(source, secrets.randbits(31) | 1 << 31, 0x10000 + first)
            for source in ("microphone", "camera")
        ]
        self.heard: dict[int, Heard] = {}
        self.tracks: dict[str, dict[str, str]] = {}
        self._source_of: dict[int, str] = {}
        self.nacked = 0
        self._wide = 0
        self._playing: list[asyncio.Task] = []
        self._tasks: list[asyncio.Task] = []
        controller.peers[participant_id] = self

    async def enter(self) -> None:
        client = self.controller.client
        await client.request(CreateRoom(room_id=self.names["room_id"]))
        await client.request(AddParticipant(**self.names))

    async def publish(self) -> None:
        request = Publish(**self.names, offer_sdp=self._offer(), sources={"0": "microphone", "1": "camera"})
        answer = (await self.controller.client.request(request))["answer_sdp"]
        await self.publishing.connect(answer, self.port, "active")
        # The server has its keys a moment after we have ours; what came before would be dropped.
        await asyncio.sleep(0.3)
        self._playing = [asyncio.create_task(self._play(line)) for line in self.lines]
        self._tasks += [*self._playing, asyncio.create_task(self._report())]

    async def subscribe(self) -> None:
        await self.controller.client.request(Subscribe(**self.names))

    async def answer(self, offer: OfferMade) -> None:
        self.tracks = {track["mid"]: track for track in offer.tracks}
        sections = re.split(r"(?m)^(?=m=)", offer.offer_sdp)[1:]
        for section in sections:
            mid, ssrc = re.search(r"a=mid:(\S+)", section)[1], re.search(r"a=ssrc:(\d+)", section)
            if ssrc and mid in self.tracks:
                self._source_of[int(ssrc[1])] = self.tracks[mid]["source"]
        sdp = self._answer(sections)
        request = AcceptOffer(**self.names, offer_id=offer.offer_id, answer_sdp=sdp)
        await self.controller.client.request(request)
        if self.subscribing._task is None:
            connecting = self.subscribing.connect(offer.offer_sdp, self.port, "active")
            self._tasks.append(asyncio.create_task(connecting))
            self._tasks.append(asyncio.create_task(self._ask_again()))

    def _offer(self) -> str:
        lines = [
            "v=0",
            f"o=- {secrets.randbits(40)} 2 IN IP4 127.0.0.1",
            "s=-",
            "t=0 0",
            "a=group:BUNDLE 0 1",
        ]
        for mid, line in enumerate(self.lines):
            kind, number, name = ("video", VP8, "VP8/90000") if mid else ("audio", OPUS, "opus/48000/2")
            lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF {number}", *self.publishing.lines("actpass")]
            lines += [f"a=mid:{mid}", "a=sendonly", f"a=rtpmap:{number} {name}"]
            lines += [f"a=rtcp-fb:{number} {what}" for what in ("transport-cc", "nack")]
            lines += [f"a=extmap:{WIDE_ID} {TRANSPORT_WIDE_URI}", f"a=ssrc:{line.ssrc} cname:x"]
        return "\r\n".join([*lines, ""])

    def _answer(self, sections: list[str]) -> str:
        mids = " ".join(str(mid) for mid in range(len(sections)))
        lines = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {mids}"]
        for mid, section in enumerate(sections):
            kind, number = re.match(r"m=(\S+) \S+ \S+ (\d+)", section).groups()
            name = re.search(rf"a=rtpmap:{number} (\S+)", section)[1]
            lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF {number}", *self.subscribing.lines("active")]
            lines += [f"a=mid:{mid}", f"a=rtpmap:{number} {name}", f"a=rtcp-fb:{number} nack"]
            lines.append("a=recvonly" if "a=sendonly" in section else "a=inactive")
        return "\r\n".join([*lines, ""])

    # What is sent

    async def _play(self, line: Line) -> None:
        due = time.monotonic()
        while True:
            for index, marker in line.due():
                self._send(line, index, marker)
            due += FRAME_TIME if line.is_video else SOUND_TIME
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def _send(self, line: Line, index: int, marker: bool) -> None:
        self._wide = (self._wide + 1) & 0xFFFF
        kind = (VP8 if line.is_video else OPUS) | marker << 7
        head = HEADER.pack(
            0x90,
            kind,
            index & 0xFFFF,
            line.timestamps[index] & 0xFFFFFFFF,
            line.ssrc,
            0xBEDE,
            1,
            WIDE_ID << 4 | 1,
            self._wide,
            0,
        )
        self.publishing.send(head + line.sent[index])

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(1)
            ntp = int((time.time() + NTP_EPOCH) * (1 << 32))
            for line in self.lines:
                stamp = line.timestamps[line.next - 1] & 0xFFFFFFFF
                report = SenderReport(line.ssrc, ntp, stamp, len(line.sent), 0)
                self.publishing.send(build_sender_report(report, "x"), control=True)

    def _take_feedback(self, data: bytes, control: bool) -> None:
        for item in parse_compound(data) if control else ():
            line = next((x for x in self.lines if x.ssrc == getattr(item, "ssrc", None)), None)
            if line is not None and isinstance(item, KeyFrameRequest):
                line.key_wanted = True
            elif line is not None and isinstance(item, Nack):
                self._resend(line, item)

    def _resend(self, line: Line, nack: Nack) -> None:
        self.nacked += len(nack.numbers)
        for number in nack.numbers:
            index = line.next - 1 - ((line.next - 1 - number) & 0xFFFF)
            if index in line.sent:
                line.resent += 1
                last = line.is_video and line.timestamps.get(index + 1) != line.timestamps[index]
                self._send(line, index, last)

    # What is heard

    def source(self, source: str) -> Heard:
        """Of the one other participant."""
        return next(self.heard[ssrc] for ssrc, name in self._source_of.items() if name == source)

    def _take_media(self, data: bytes, control: bool) -> None:
        if control:
            return
        packet, now = parse_packet(data), time.monotonic()
        heard = self.heard.setdefault(packet.ssrc, Heard())
        number = heard.numbers.unwrap(packet.sequence_number)
        self._ask(packet.ssrc, heard.loss.receive(number, now))
        if len(packet.payload) > STAMP.size:
            index, sent_at = STAMP.unpack(packet.payload[-STAMP.size :])
            heard.repeated += index in heard.delays
            heard.delays.setdefault(index, now - sent_at)
            heard.arrived.append(now)

    def _ask(self, ssrc: int, numbers: list[int]) -> None:
        if numbers:
            self.subscribing.send(build_nack(SSRC_OF_REPORTS, ssrc, numbers), control=True)

    async def _ask_again(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            for ssrc, heard in self.heard.items():
                self._ask(ssrc, heard.loss.due(time.monotonic()))

    def fall_silent(self) -> None:
        """Send nothing new; requests are still answered."""
        for task in self._playing:
            task.cancel()

    async def close(self) -> None:
        self.controller.peers.pop(self.names["participant_id"], None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.publishing.close()
        await self.subscribing.close()
