"""One Participant's copy of a Publication."""

from typing import Any

from media.fastpath import BY_HAND, IDLE, SENDING, WAITING, new
from media.feedback import ReportBlock, build_description, build_sender_report_alone
from media.layer import Layer
from media.outlet import Outlet
from media.publication import Publication
from media.redundancy import RedundancyOut
from media.renumber import Renumber
from media.resends import Resends
from media.rtp import Packet
from media.sink import SenderReport, Source
from media.temporal import FULL, FrameFilter
from media.vp8 import PictureNumbers

# Video begins with a key frame; when none is recognised for so long, it begins with whatever comes. Seconds.
PATIENCE = 3.0
# A payload of nothing but padding, whose last byte is its length (RFC 3550 section 5.1).
PADDING_BIT = 0x20
PADDING = bytes(254) + b"\xff"
# In place of a packet of a frame that is not sent.
NOTHING = b"\x01"


class Subscription:
    """A PacketSink that renumbers and sends one layer. Survives changes of its Publication (`switch`).

    Nothing is sent before `open`: the browser must have answered the offer first, else it takes the
    packets for an unknown stream. `aim` names the layer that is wanted; it is sent from its next key
    frame on, under unbroken numbers, and until then the present one goes on.
    """

    def __init__(
        self,
        publication: Publication,
        outlet: Outlet,
        ssrc: int,
        payload_type: int,
        name: str,
        first_number: int = 0,
    ) -> None:
        self.publication = publication
        self.ssrc = ssrc
        self.last_block: ReportBlock | None = None
        # What the compiled path needs: media/fastpath.h.
        self.state: Any = new("subscription")
        self.state.ssrc, self.state.payload_type = ssrc, payload_type
        self._outlet = outlet
        self._way_out: Any = getattr(outlet, "outlet", None)
        if self._way_out is not None:
            self.state.outlet = self._way_out
        self._payload_type = payload_type
        # The SDES that follows each report (RFC 3550 section 6.1): it never changes.
        self._description = build_description(ssrc, name)
        self._renumber = Renumber(first_number, 0, publication.track.clock_rate, self.state)
        self.is_video = publication.track.kind == "video"
        # Whether the browser has agreed to be told which way up pictures are.
        self.oriented = False
        self.resends = Resends(self._renumber, self._send)
        self._redundancy: RedundancyOut | None = None
        # Once not all frames were to be sent; `_limit` is for the layer aimed at.
        self._frames: FrameFilter | None = None
        self._limit = FULL
        self._opened = False
        self._holding = True
        self._settle()
        self._waiting_since: float | None = None
        self._layer = publication.best
        self._aim: Layer | None = self._layer
        self._aimed = False
        self._pictures = PictureNumbers(self.state) if len(publication.layers) > 1 else None

    @property
    def redundancy(self) -> RedundancyOut | None:
        """Once the browser has agreed to get sound with what repeats it."""
        return self._redundancy

    @redundancy.setter
    def redundancy(self, redundancy: RedundancyOut | None) -> None:
        self._redundancy = redundancy
        self.state.redundant_type = redundancy.payload_type if redundancy is not None else 0

    @property
    def packets(self) -> int:
        """How many were forwarded."""
        return int(self.state.packets)

    @property
    def octets(self) -> int:
        """Bytes of payload that were forwarded."""
        return int(self.state.octets)

    def _settle(self) -> None:
        """Tell the compiled path what to do with the next packet."""
        state = self.state
        if self._holding:
            state.state = WAITING if self._opened and self._aim is not None else IDLE
            return
        state.layer = self._layer.state
        by_hand = self._way_out is None or (self._frames is not None and not self._frames.is_open)
        if by_hand and state.state == SENDING and self._frames is not None:
            self._frames.follow(self._renumber.last_original())
        state.state = BY_HAND if by_hand else SENDING

    def served_compiled(self) -> bool:
        """Whether the compiled path sends what is to be sent."""
        return bool(self.state.state == SENDING and self._way_out.port)

    @property
    def opened(self) -> bool:
        """Whether the browser has agreed to receive it."""
        return self._opened

    def open(self) -> None:
        """The browser is ready for it: begin with the next key frame, and ask for one."""
        self._opened = True
        self.hold()

    def shut(self) -> None:
        """The browser does not want it (any more)."""
        self._opened = False
        self._holding = True

    @property
    def source(self) -> Source:
        """Of its publication."""
        return self.publication.track.source

    @property
    def layer(self) -> Layer | None:
        """What is being sent, None while nothing is."""
        return None if self._holding else self._layer

    @property
    def aimed_at(self) -> Layer | None:
        """What is wanted, None when nothing is to be sent."""
        return self._aim

    def hold(self) -> None:
        """Something is missing from here on (mute, another source): wait for a key frame, renumber."""
        self._holding = True
        self._waiting_since = None
        self._settle()
        self.call()

    def call(self) -> None:
        """Ask for a key frame: to begin with, or because the transport was away.

        Not before it can be sent on. One that comes too early is lost and keeps the next one waiting, so
        the owner calls again when its transport is ready.
        """
        if not self._opened or self._aim is None or not self._outlet.ready:
            return
        if not self._holding:
            self._layer.request_key_frame()
            return
        self._aim.request_key_frame(first=True)
        # Whichever comes first begins; the small one is cheap and fits everywhere.
        self.publication.layers[0].request_key_frame(first=True)

    def request_key_frame(self) -> None:
        """The browser cannot decode what it gets."""
        if self._opened and self._aim is not None:
            (self._aim if self._holding else self._layer).request_key_frame()

    def aim(self, layer: Layer | None, limit: int = FULL) -> None:
        """Send that layer as soon as a key frame of it comes, or nothing. Call it again until it is so.

        Of a VP8 layer only frames up to that TID (media/temporal.py).
        """
        self._aimed = True
        self._limit = limit
        before, self._aim = self._aim, layer
        if layer is None:
            self._holding = True
            self._settle()
        elif before is None:
            self.hold()
        elif self._opened and not self._holding and layer is not self._layer:
            layer.request_key_frame()
        self._limit_frames()

    def _limit_frames(self) -> None:
        """While a smaller layer is waited for, the present one goes on with as few frames as it can."""
        limit = self._limit
        if self._aim is not None and self._aim is not self._layer:
            limit = 0 if self._aim.rank < self._layer.rank else FULL
        if self._frames is None and limit < FULL:
            self._pictures = self._pictures or PictureNumbers(self.state)
            self._frames = FrameFilter(self._renumber, self._pictures)
        if self._frames is not None:
            self._frames.limit = limit
            self._settle()

    @property
    def limit(self) -> int:
        """Of the frames of the layer aimed at, the highest TID that is sent."""
        return self._limit

    def switch(self, publication: Publication) -> None:
        """Go on with another Publication of the same kind and codec, under the same SSRC."""
        self.publication = publication
        if self._pictures is None and len(publication.layers) > 1:
            self._pictures = PictureNumbers(self.state)
        if self._aim is not None:
            self._aim = publication.best
        self.hold()

    def write(self, packet: Packet, now: float) -> None:
        """Forward one packet under our own SSRC, numbers and payload type."""
        if self._holding:
            if not self._may_begin(packet, now):
                return
        elif packet.layer is not self._layer and not self._change(packet, now):
            return
        renumber = self._renumber
        index = packet.index
        if index < renumber.floor:
            self._write_late(packet)
            return
        if self._frames is not None and not self._takes(self._frames, packet):
            if index >= renumber.floor:
                self._fill(packet, renumber.number(index))
            return
        timestamp = packet.timestamp
        furthest = renumber.note(index, timestamp, now)
        state = self.state
        state.whole = packet.marker
        payload = packet.payload
        if self._pictures is not None and payload:
            if furthest:
                self._pictures.note(payload)
            payload = self._pictures.translate(payload)
        state.packets += 1
        state.octets += len(payload)
        if packet.orientation is not None and self.oriented:
            self._send_oriented(packet, (index + state.offset) & 0xFFFF, payload)
            return
        payload_type = self._payload_type
        if packet.redundant is not None and self.redundancy is not None and self.redundancy.is_due(index):
            payload, payload_type = packet.redundant, self.redundancy.payload_type
        self._outlet.send_rtp(
            payload_type | (packet.marker << 7),
            (index + state.offset) & 0xFFFF,
            (timestamp + state.timestamp_offset) & 0xFFFFFFFF,
            self.ssrc,
            payload,
        )

    def _takes(self, frames: FrameFilter, packet: Packet) -> bool:
        taken = frames.takes(packet)
        if frames.is_open and self.state.state == BY_HAND:
            self._settle()
        return taken

    def _write_late(self, packet: Packet) -> None:
        """A packet from before a train of padding still has its number."""
        number = self._renumber.late_number(packet.index)
        if number is None:
            return
        if self._frames is not None and not self._frames.is_kept(packet):
            self._fill(packet, number)
        else:
            self._send(packet, number)

    def _fill(self, packet: Packet, number: int) -> None:
        """A number that was kept for a packet that was missing turns out to be of none that is sent."""
        timestamp = self._renumber.timestamp(packet.timestamp)
        self._outlet.send_rtp(self._payload_type, number, timestamp, self.ssrc, NOTHING, PADDING_BIT)

    def pad(self, count: int) -> bool:
        """Send packets of padding only; False when this is no moment for it.

        They go with the retransmissions, or else under numbers of the media after a whole picture.
        """
        if self._holding or not self.is_video or not self._outlet.ready:
            return False
        if self.resends.repair is not None:
            self.resends.repair.pad(count, self._renumber.sent_timestamp, PADDING)
            return True
        if not self.state.whole:
            return False
        first, timestamp = self._renumber.insert(count)
        for number in range(first, first + count):
            self._outlet.send_rtp(
                self._payload_type, number & 0xFFFF, timestamp, self.ssrc, PADDING, PADDING_BIT
            )
        return True

    def _may_begin(self, packet: Packet, now: float) -> bool:
        if not self._opened or not self._outlet.ready or self._aim is None:
            return False
        layer = packet.layer
        assert isinstance(layer, Layer)
        if self._aimed and layer.rank > self._aim.rank:
            return False
        if self.is_video and not packet.key_frame:
            if self._waiting_since is None:
                self._waiting_since = now
            if now - self._waiting_since < PATIENCE:
                layer.request_key_frame()
                return False
        self._holding = False
        self._waiting_since = None
        self._begin(layer, packet, now)
        return True

    def _change(self, packet: Packet, now: float) -> bool:
        """Whether this packet of another layer is where we go over to it."""
        if self._aim is None or packet.layer is not self._aim or not packet.key_frame:
            return False
        self._begin(self._aim, packet, now)
        return True

    def _begin(self, layer: Layer, packet: Packet, now: float) -> None:
        last = self._renumber.last_original()
        before = self._layer.sender_seconds(last) if last is not None else None
        after = layer.sender_seconds(packet.timestamp) if layer is not self._layer else None
        by_clock = after - before if after is not None and before is not None else None
        self._renumber.restart(packet.index, packet.timestamp, now, by_clock)
        if self._pictures is not None:
            self._pictures.restart(packet.payload)
        self._layer = layer
        self._limit_frames()
        if self._frames is not None:
            self._frames.begin()
        self._settle()
        if layer.last_report is not None:
            # At once, so that sound and picture are aligned from the first frame.
            self.report(layer.last_report, now)

    def report(self, report: SenderReport, now: float) -> None:
        """Translate a sender report into our SSRC and timestamps (RFC 3550 section 7.2)."""
        if self._holding or report.ssrc != self._layer.ssrc:
            return
        translated = SenderReport(
            self.ssrc, report.ntp, self._renumber.timestamp(report.rtp_timestamp), self.packets, self.octets
        )
        self._outlet.send_rtcp(build_sender_report_alone(translated) + self._description)

    def resend(self, numbers: tuple[int, ...], now: float) -> None:
        """Answer a NACK, unless nothing is being sent."""
        if not self._holding:
            self.resends.answer(numbers, self._layer, self._pictures, now)

    def _send(self, packet: Packet, number: int) -> None:
        payload = packet.payload if self._pictures is None else self._pictures.translate(packet.payload)
        if packet.orientation is not None and self.oriented:
            self._send_oriented(packet, number, payload)
            return
        self._outlet.send_rtp(
            self._payload_type | (packet.marker << 7),
            number,
            self._renumber.timestamp(packet.timestamp),
            self.ssrc,
            payload,
        )

    def _send_oriented(self, packet: Packet, number: int, payload: bytes) -> None:
        """A packet that carries the byte goes on with it."""
        assert packet.orientation is not None
        self._outlet.send_oriented(
            self._payload_type | (packet.marker << 7),
            number,
            self._renumber.timestamp(packet.timestamp),
            self.ssrc,
            payload,
            packet.orientation,
        )

    def close(self, reason: str) -> None:
        """No packet follows."""
        self.shut()
