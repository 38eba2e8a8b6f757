"""A light but real peer: ICE, DTLS, SRTP, two transports, prebuilt RTP out, counted and timed RTP in.

async with LoadGenerator("127.0.0.1") as load, WorkerRooms(socket_path) as rooms:
    async with load.peer(rooms, "room-1", "anna") as anna, load.peer(rooms, "room-1", "bert") as bert:
        await anna.hears(tracks=2)
"""

import asyncio
import struct
import time
from collections import defaultdict
from typing import Protocol, Self

from bench.feedback import WideArrivals
from bench.sdp import Description, OfferedTrack, read_description, write_answer, write_offer
from bench.traffic import (
    RTP_HEADER,
    STAMP,
    PreparedAudio,
    PreparedTrack,
    PreparedVideo,
    WideNumbers,
    picture_loss,
    receiver_report,
    sender_report,
)
from bench.window import Window
from bench.wire import Wire

MICROPHONE_MID = "0"
CAMERA_MID = "1"
SOURCES = {MICROPHONE_MID: "microphone", CAMERA_MID: "camera"}
# RTP header and stamp: what is shorter was not made by a peer.
SMALLEST = RTP_HEADER.size + STAMP.size
# What is larger is video.
SMALLEST_PICTURE = 500
PADDING_BIT = 0x20
_NTP_EPOCH = 2_208_988_800


class Rooms(Protocol):
    """A server as the peers see it: somewhere to join and to leave."""

    async def join(self, peer: "Peer") -> None:
        """Publish and subscribe. Raises ConnectError, or what the server's control channel raises."""

    async def leave(self, peer: "Peer") -> None:
        """Tell the server that the peer is gone. Must not raise when the server is gone itself."""


class PeerSetup(Protocol):
    """What a LoadGenerator lends its peers."""

    window: Window

    def new_wire(self) -> Wire: ...
    def new_track(self) -> int: ...
    def enlist(self, peer: "Peer") -> None: ...
    def dismiss(self, peer: "Peer") -> None: ...


class Peer:
    """One participant. Entered by `async with`: joins, plays and listens until it leaves."""

    def __init__(
        self,
        setup: PeerSetup,
        rooms: Rooms,
        room_id: str,
        participant_id: str,
        publishes: bool = True,
        feedback: bool = False,
    ) -> None:
        self.room_id = room_id
        self.participant_id = participant_id
        self.publishes = publishes
        # Whether transport-wide numbers are agreed to, both ways.
        self.feedback = feedback
        self.arrivals = WideArrivals()
        wide = WideNumbers() if feedback else None
        self.publish_wire = setup.new_wire()
        self.subscribe_wire = setup.new_wire()
        self.audio = PreparedAudio(setup.new_track(), _ssrc(setup), MICROPHONE_MID, wide=wide)
        self.video = PreparedVideo(setup.new_track(), _ssrc(setup), CAMERA_MID, wide=wide)
        self.tracks: list[PreparedTrack] = [self.audio, self.video]
        # Heard packets by the sender's track number, and the stamped number seen last.
        self.heard: dict[int, int] = defaultdict(int)
        self.last_number: dict[int, int] = {}
        # Streams of the last offer that was answered and taken.
        self.agreed = 0
        self.picture_losses = 0
        self.nacked = 0
        self.reports_heard = 0
        self._setup = setup
        self._rooms = rooms
        self._window = setup.window
        self._highest: dict[int, int] = {}
        self._offered = Description()
        self._begun = asyncio.Event()
        self._connecting: asyncio.Task[None] | None = None
        self.publish_wire.on_rtcp = self._read_feedback
        self.subscribe_wire.on_rtp = self._hear
        self.subscribe_wire.on_rtcp = self._read_reports

    async def __aenter__(self) -> Self:
        await self.enter()
        return self

    async def enter(self) -> None:
        """Join; whoever calls this ends it with `vanish`. Raises what the server refuses with."""
        try:
            await self._rooms.join(self)
        except BaseException:
            await self._close(polite=False)
            raise
        self._setup.enlist(self)

    async def __aexit__(self, *exc: object) -> None:
        self._setup.dismiss(self)
        await self._rooms.leave(self)
        await self._close(polite=True)

    async def vanish(self) -> None:
        """Go silent without a word, as a phone does in a lift."""
        self._setup.dismiss(self)
        await self._close(polite=False)

    async def _close(self, polite: bool) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        await self.publish_wire.close(polite)
        await self.subscribe_wire.close(polite)

    # Negotiation

    def offer(self) -> str:
        """The publish offer: one microphone, one camera."""
        return write_offer(
            self.publish_wire.local(),
            [
                OfferedTrack("audio", MICROPHONE_MID, self.audio.ssrc),
                OfferedTrack("video", CAMERA_MID, self.video.ssrc),
            ],
            self.feedback,
        )

    async def accept_publish_answer(self, sdp: str) -> None:
        """Connect the publish transport. Raises ConnectError."""
        await self.publish_wire.connect(read_description(sdp))

    def answer(self, offer_sdp: str) -> str:
        """Answer the server's subscribe offer. When the server has the answer, call `begin_hearing`."""
        self._offered = read_description(offer_sdp)
        known = self.subscribe_wire.remote
        if self._connecting is not None and self._offered.ufrag != known.ufrag:
            self._renew_subscribe_wire()
        self.arrivals.extension_id = self._offered.sections[0].transport_wide_id if self.feedback else 0
        return write_answer(self.subscribe_wire.local(), self._offered, self.feedback)

    def begin_hearing(self) -> None:
        """Connect the subscribe transport in the background, unless it is connected already."""
        sent = ("sendonly", "sendrecv")
        self.agreed = sum(bool(s.port) and s.direction in sent for s in self._offered.sections)
        if self._connecting is None:
            self._begun.set()
            # At once, so that an offer that comes before the task runs is not taken for a new transport.
            self.subscribe_wire.remote = self._offered
            self._connecting = asyncio.create_task(self.subscribe_wire.connect(self._offered))

    async def subscribed(self) -> None:
        """Wait until the subscribe transport is connected. Raises ConnectError."""
        await self._begun.wait()
        if self._connecting is not None:
            await asyncio.shield(self._connecting)

    def _renew_subscribe_wire(self) -> None:
        old, self.subscribe_wire = self.subscribe_wire, self._setup.new_wire()
        self.subscribe_wire.on_rtp, self.subscribe_wire.on_rtcp = old.on_rtp, old.on_rtcp
        old.listen(False)
        old.connected = False
        old.socket.close()
        self._connecting = None
        self._highest.clear()

    @property
    def hearing(self) -> list[int]:
        """The SSRCs that arrived so far, as the server numbered them."""
        return list(self._highest)

    # What a driver calls

    def send_reports(self) -> None:
        """Sender reports for what we play, receiver reports for what we hear (RFC 3550 section 6.4)."""
        now = time.time()
        ntp = int((now + _NTP_EPOCH) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF
        if self.publishes and self.publish_wire.connected:
            for track in self.tracks:
                report = sender_report(track.ssrc, ntp, track.timestamp, track.number, track.octets)
                self.publish_wire.send_rtcp(report)
        if self.subscribe_wire.connected and self._highest:
            sources = list(self._highest.items())
            self.subscribe_wire.send_rtcp(receiver_report(self.audio.ssrc ^ 1, sources))

    def keep_alive(self) -> None:
        """Consent checks on both transports (RFC 7675)."""
        for wire in (self.publish_wire, self.subscribe_wire):
            if wire.connected:
                wire.keep_alive()

    def send_feedback(self) -> None:
        """What arrived since the last time, by transport-wide number."""
        if self.subscribe_wire.connected and self._highest:
            media = next(iter(self._highest))
            for packet in self.arrivals.take(self.audio.ssrc ^ 1, media):
                self.subscribe_wire.send_rtcp(receiver_report(self.audio.ssrc ^ 1, []) + packet)

    # What is asked of a peer

    async def hears(self, tracks: int, packets: int = 10, timeout: float = 10.0) -> None:
        """Wait until `packets` more packets came from each of `tracks` tracks. Raises TimeoutError."""
        before = dict(self.heard)
        async with asyncio.timeout(timeout):
            while True:
                if self._fresh(before, packets) >= tracks:
                    return
                await asyncio.sleep(0.02)

    def _fresh(self, before: dict[int, int], packets: int) -> int:
        return sum(count - before.get(track, 0) >= packets for track, count in self.heard.items())

    # What arrives

    def _hear(self, view: memoryview, size: int, arrived_ns: int) -> None:
        if self.arrivals.extension_id:
            self.arrivals.find(view[:size], arrived_ns)
        if size < SMALLEST or view[0] & PADDING_BIT:
            return
        _, _, sequence_number, _, ssrc = RTP_HEADER.unpack_from(view)
        track, number, sent_ns = STAMP.unpack_from(view, size - STAMP.size)
        self.heard[track] += 1
        self.last_number[track] = number
        self.note_source(ssrc, sequence_number, size)
        if self._window.holds(sent_ns):
            self._window.latencies.append(arrived_ns - sent_ns)

    def note_source(self, ssrc: int, highest: int, size: int) -> None:
        """A stream that is heard, and how far it has come. `size` is of its (largest) packet so far."""
        if ssrc not in self._highest and size > SMALLEST_PICTURE:
            # A decoder that starts in the middle asks for a key frame, as a browser does.
            self.subscribe_wire.send_rtcp(picture_loss(self.audio.ssrc ^ 1, ssrc))
        self._highest[ssrc] = highest

    def _read_feedback(self, view: memoryview, size: int, _arrived_ns: int) -> None:
        for kind, form, offset, end in _rtcp_blocks(view, size):
            if kind == 206 and form in (1, 4):
                self.picture_losses += 1
                self.video.key_frame_wanted = True
            elif kind == 205 and form == 1:
                self.nacked += (end - offset - 12) // 4

    def _read_reports(self, view: memoryview, size: int, _arrived_ns: int) -> None:
        for kind, _form, _offset, _end in _rtcp_blocks(view, size):
            if kind == 200:
                self.reports_heard += 1


def _rtcp_blocks(view: memoryview, size: int) -> list[tuple[int, int, int, int]]:
    """(packet type, count or format, offset, end) of each packet of a compound."""
    blocks = []
    offset = 0
    while offset + 4 <= size:
        first, kind, words = struct.unpack_from("!BBH", view, offset)
        end = offset + 4 * (words + 1)
        blocks.append((kind, first & 0x1F, offset, min(end, size)))
        offset = end
    return blocks


def _ssrc(setup: PeerSetup) -> int:
    # Spread over the number space, the same in every run.
    return (setup.new_track() * 2654435761 + 0x1000) & 0xFFFFFFFE | 0x100
