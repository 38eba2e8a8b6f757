"""One Participant's copy of a Publication."""

from typing import Protocol

from media.feedback import ReportBlock, build_sender_report
from media.publication import Publication
from media.renumber import Renumber
from media.rtp import Packet
from media.sink import SenderReport

# Video begins with a key frame; when none is recognised for so long, it begins with whatever comes. Seconds.
PATIENCE = 3.0
# Retransmissions: at most so many packets in a burst, and so many a second; beyond that NACKs are ignored.
RESEND_BURST = 300
RESEND_RATE = 300.0


class Outlet(Protocol):
    """The transport as a Subscription sees it."""

    @property
    def ready(self) -> bool:
        """Whether media can be sent."""

    def send_rtp(self, marker_and_type: int, number: int, timestamp: int, ssrc: int, payload: bytes) -> None:
        """Send one packet."""

    def send_rtcp(self, data: bytes) -> None:
        """Send one compound packet."""


class Subscription:
    """A PacketSink that renumbers and sends. Survives changes of its Publication (`switch`).

    Nothing is sent before `open`: the browser must have answered the offer first, else it takes the
    packets for an unknown stream.
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
        self.packets = self.octets = self.resent = 0
        self.last_block: ReportBlock | None = None
        self._outlet = outlet
        self._payload_type = payload_type
        self._name = name
        self._renumber = Renumber(first_number, 0, publication.track.clock_rate)
        self._is_video = publication.track.kind == "video"
        self._opened = False
        self._holding = True
        self._waiting_since: float | None = None
        self._allowance = float(RESEND_BURST)
        self._allowed_at = 0.0

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

    def hold(self) -> None:
        """Something is missing from here on (mute, another source): wait for a key frame, renumber."""
        self._holding = True
        self._waiting_since = None
        if self._opened:
            self.publication.request_key_frame()

    def switch(self, publication: Publication) -> None:
        """Go on with another Publication of the same kind and codec, under the same SSRC."""
        self.publication = publication
        self.hold()

    def write(self, packet: Packet, now: float) -> None:
        """Forward one packet under our own SSRC, numbers and payload type."""
        if self._holding and not self._may_begin(packet, now):
            return
        renumber = self._renumber
        index = packet.index
        if index < renumber.floor:
            return
        timestamp = packet.timestamp
        renumber.note(index, timestamp, now)
        payload = packet.payload
        self.packets += 1
        self.octets += len(payload)
        self._outlet.send_rtp(
            self._payload_type | (packet.marker << 7),
            (index + renumber.offset) & 0xFFFF,
            (timestamp + renumber.timestamp_offset) & 0xFFFFFFFF,
            self.ssrc,
            payload,
        )

    def _may_begin(self, packet: Packet, now: float) -> bool:
        if not self._opened or not self._outlet.ready:
            return False
        if self._is_video and not packet.key_frame:
            if self._waiting_since is None:
                self._waiting_since = now
            if now - self._waiting_since < PATIENCE:
                self.publication.request_key_frame()
                return False
        self._renumber.restart(packet.index, packet.timestamp, now)
        self._holding = False
        self._waiting_since = None
        if self.publication.last_report is not None:
            # At once, so that sound and picture are aligned from the first frame.
            self.report(self.publication.last_report, now)
        return True

    def report(self, report: SenderReport, now: float) -> None:
        """Translate a sender report into our SSRC and timestamps (RFC 3550 section 7.2)."""
        if self._holding:
            return
        translated = SenderReport(
            self.ssrc, report.ntp, self._renumber.timestamp(report.rtp_timestamp), self.packets, self.octets
        )
        self._outlet.send_rtcp(build_sender_report(translated, self._name))

    def resend(self, numbers: tuple[int, ...], now: float) -> None:
        """Answer a NACK from the cache, as far as the allowance goes (RFC 4585 section 6.2.1)."""
        if self._holding:
            return
        refill = (now - self._allowed_at) * RESEND_RATE
        self._allowance = min(float(RESEND_BURST), self._allowance + refill)
        self._allowed_at = now
        for number in numbers[:RESEND_BURST]:
            if self._allowance < 1:
                return
            self._resend_one(number)

    def _resend_one(self, number: int) -> None:
        index = self._renumber.original(number)
        packet = self.publication.cache.get(index) if index is not None else None
        if packet is None:
            return
        self._allowance -= 1
        self.resent += 1
        self._outlet.send_rtp(
            self._payload_type | (packet.marker << 7),
            number,
            self._renumber.timestamp(packet.timestamp),
            self.ssrc,
            packet.payload,
        )

    def close(self, reason: str) -> None:
        """No packet follows."""
        self.shut()
