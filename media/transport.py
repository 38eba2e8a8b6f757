"""ICE, DTLS and SRTP of one PeerConnection of one participant."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Protocol

from media.aiortc_port import (
    REPLAYED,
    Certificate,
    DtlsLink,
    Fingerprint,
    HandshakeError,
    SrtpPair,
    new_length,
    protect,
    protect_rtcp,
    unprotect,
    unprotect_rtcp,
)
from media.config import MediaConfig
from media.datagrams import Destination, Port
from media.fastpath import BATCH, LARGEST, NULL, STRIDE, ffi, new
from media.feedback import Feedback, FeedbackError, parse_compound
from media.gate import Gate
from media.ice import new_credentials
from media.orientation import oriented_header
from media.rtp import HEADER, HEADER_LENGTH, NUMBERED_HEADER, ONE_BYTE_PROFILE
from media.sentlog import SentLog
from media.transport_state import TRANSITIONS, TransportState

__all__ = ["Transport", "TransportOwner", "TransportState"]

logger = logging.getLogger(__name__)

# A microphone, three layers of a camera, a screen, and the retransmissions of those four pictures.
MOST_SSRCS = 16
# A subscriber reports under the SSRCs of whatever it sends itself, and browsers may change them.
MOST_REPORTERS = 32
MOST_ADDRESSES = 8
# DTLS records that came before the answer that says who begins.
MOST_EARLY = 8
# Bytes of a sent packet besides its payload: IPv4, UDP, RTP with one extension, the tag of SRTP.
OVERHEAD = 64
# Seconds between looks at deadlines of several seconds.
WATCH_INTERVAL = 0.15
NEVER = float("inf")


class TransportOwner(Protocol):
    """The Publisher or Subscriber that a transport works for."""

    def take_packet(self, data: bytes, now: float) -> None:
        """One decrypted, authenticated RTP packet."""

    def take_feedback(self, feedback: list[Feedback], now: float) -> None:
        """What one RTCP compound packet said."""

    def transport_changed(self, transport: "Transport", cause: str | None) -> None:
        """`transport.state` has a new value."""


class Transport:
    """Answers checks, does the handshake, decrypts what comes and encrypts what goes.

    Given: gate, config, certificate, owner. Owned: the DTLS link and its task, ended by `close`.
    """

    def __init__(
        self, gate: Gate, config: MediaConfig, certificate: Certificate, owner: TransportOwner
    ) -> None:
        self.credentials = new_credentials()
        self.state = TransportState.NEW
        self.destination: Destination | None = None
        self.ssrcs: set[int] = set()
        self._reporters: set[int] = set()
        # What the compiled path needs of what comes and of what goes: media/fastpath.h.
        self.inbound: Any = new("transport")
        self.outlet: Any = new("outlet")
        self._sent: SentLog | None = None
        self._gate = gate
        # Where datagrams leave: the port that the chosen destination came by.
        self._port: Port = gate.port
        self._incoming = gate.port.incoming
        self._incoming_pointers = gate.port.incoming_pointers
        self._retiring = ""
        self._config = config
        self._certificate = certificate
        self._owner = owner
        self._addresses: dict[bytes, Destination] = {}
        self._early: list[bytes] = []
        self._link: DtlsLink | None = None
        self._pair: SrtpPair | None = None
        self._task: asyncio.Task[None] | None = None
        self._length = new_length()
        self._deadline = NEVER
        self._watch_at = 0.0
        gate.admit(self)

    @property
    def last_seen(self) -> float:
        """When something authentic came last, in monotonic seconds."""
        return float(self.inbound.last_seen)

    @property
    def sent(self) -> SentLog | None:
        """Once the peer has agreed to tell about transport-wide numbers."""
        return self._sent

    @sent.setter
    def sent(self, sent: SentLog) -> None:
        self._sent = sent
        self.outlet.sent = sent.state

    @property
    def ready(self) -> bool:
        """Whether media can be sent."""
        return self._pair is not None and self.destination is not None

    @property
    def path(self) -> str | None:
        """By what media leaves: udp or tcp; None before the first check."""
        return self.destination.port.path if self.destination is not None else None

    def open(self, deadline: float) -> None:
        """Wait for the peer until `deadline` (monotonic seconds)."""
        self._deadline = deadline
        self._move(TransportState.CONNECTING)

    def expect(self, fingerprints: Sequence[Fingerprint], is_client: bool, deadline: float) -> None:
        """The peer's description is known: do the handshake until `deadline`."""
        if self._link is not None or self.state is TransportState.CLOSED:
            return
        self._deadline = deadline
        self._link = DtlsLink(self._certificate, is_client, self._send_dtls, self._link_closed)
        for data in self._early:
            self._link.receive(data)
        self._early.clear()
        self._task = self._gate.spawn(self._connect(self._link, fingerprints))

    async def _connect(self, link: DtlsLink, fingerprints: Sequence[Fingerprint]) -> None:
        try:
            pair = await link.handshake(fingerprints, self._config.handshake_timeout)
        except TimeoutError:
            self.close("handshake_timeout")
        except HandshakeError:
            self.close("handshake_failed")
        else:
            if self.state is TransportState.CONNECTING:
                self._pair = pair
                self._deadline = NEVER
                self._move(TransportState.CONNECTED)

    def close(self, cause: str) -> None:
        """Stop at once; the goodbye to the peer is sent by a task of the gate's."""
        if self.state is TransportState.CLOSED:
            return
        self._gate.dismiss(self)
        if self._link is not None:
            self._gate.spawn(self._say_goodbye(self._link, self._task, self._pair is None))
        self._move(TransportState.CLOSED, cause)
        self._pair = None
        self._settle()

    async def _say_goodbye(self, link: DtlsLink, task: asyncio.Task[None] | None, unfinished: bool) -> None:
        if unfinished and task is not None and not task.done():
            task.cancel()
        try:
            await link.close()
        except Exception:
            logger.exception("Closing a DTLS link failed")
        self._port.flush()

    def tick(self, now: float) -> None:
        """Watch the clock: handshake deadline, silence, consent (RFC 7675 section 5.1). Cheap most times."""
        if now < self._watch_at:
            return
        self._watch_at = now + WATCH_INTERVAL
        quiet = now - self.last_seen
        if now > self._deadline:
            self.close("handshake_timeout")
        elif self._pair is None:
            return
        elif quiet > self._config.consent_timeout:
            self.close("consent_expired")
        elif quiet > self._config.silence_timeout and self.state is TransportState.CONNECTED:
            self._move(TransportState.SILENT)

    def confirm(self, destination: Destination, nominated: bool, now: float) -> None:
        """An authentic check came from there (RFC 8445 section 7.3)."""
        self._alive(now)
        known = self._addresses.pop(destination.key, destination)
        self._addresses[destination.key] = known  # The one checked last stands last.
        if self.destination is None or nominated:
            self._go(known)
        assert self.destination is not None
        while len(self._addresses) > MOST_ADDRESSES:
            oldest = next(key for key in self._addresses if key != self.destination.key)
            del self._addresses[oldest]
            self._gate.forget_address(oldest, self)

    def _go(self, destination: Destination | None) -> None:
        self.destination = destination
        if destination is not None:
            self._port = destination.port
        self._settle()

    def _settle(self) -> None:
        """Tell the compiled path from whom and to whom."""
        pair, destination, outlet = self._pair, self.destination, self.outlet
        listening = pair is not None and self.state is TransportState.CONNECTED
        self.inbound.srtp = ffi.cast("void *", pair.inbound) if pair is not None and listening else NULL
        outlet.srtp = ffi.cast("void *", pair.outbound) if pair is not None else NULL
        outlet.port = NULL
        if pair is not None and destination is not None:
            outlet.name = destination.pointer
            outlet.port = getattr(destination.port, "state", None) or NULL

    def lose(self, key: bytes) -> None:
        """A connection over TCP ended; go back to the address confirmed last, if there is one."""
        self._addresses.pop(key, None)
        if self.destination is not None and self.destination.key == key:
            self._go(next(reversed(self._addresses.values()), None))

    def restart(self) -> None:
        """New credentials for an ICE restart (RFC 8445 section 9); DTLS and SRTP go on.

        The last ones stay good until the next restart, because media flows by the old pair meanwhile.
        """
        self._gate.retire(self._retiring)
        self._retiring = self.credentials.fragment
        self.credentials = new_credentials()
        self._gate.admit(self)

    def _alive(self, now: float) -> None:
        self.inbound.last_seen = now
        if self.state is TransportState.SILENT:
            self._move(TransportState.CONNECTED)

    def receive_dtls(self, data: bytes) -> None:
        """A record for the handshake, or an alert later."""
        if self._link is not None:
            accepted = self._link.receive(data)
        else:
            accepted = len(self._early) < MOST_EARLY
            if accepted:
                self._early.append(data)
        if not accepted:
            self._gate.counters["dtls_dropped"] += 1

    def receive_media(self, slot: int, length: int, now: float) -> None:
        """Decrypt in place and hand on; drop and count what is not authentic."""
        if self._pair is None or length < HEADER_LENGTH:
            self._gate.counters["media_early"] += 1
            return
        offset = slot * STRIDE
        if 192 <= self._incoming[offset + 1] < 224:  # RFC 5761 section 4
            self._receive_rtcp(slot, length, now)
            return
        ssrc = int.from_bytes(self._incoming[offset + 8 : offset + 12], "big")
        if ssrc not in self.ssrcs and len(self.ssrcs) >= MOST_SSRCS:
            self._gate.counters["too_many_ssrcs"] += 1
            return
        self._length[0] = length
        failed = unprotect(self._pair.inbound, self._incoming_pointers[slot], self._length)
        if failed:
            self._gate.counters["replayed" if failed in REPLAYED else "forged"] += 1
            return
        self.ssrcs.add(ssrc)
        self.receive_decrypted(slot, self._length[0], now)

    def receive_decrypted(self, slot: int, length: int, now: float) -> None:
        """One authentic RTP packet, in clear in the incoming buffer."""
        self._alive(now)
        offset = slot * STRIDE
        self._owner.take_packet(self._incoming[offset : offset + length].tobytes(), now)

    def _receive_rtcp(self, slot: int, length: int, now: float) -> None:
        assert self._pair is not None
        offset = slot * STRIDE
        # libsrtp keeps a context for every sender it has heard, reports included.
        reporter = int.from_bytes(self._incoming[offset + 4 : offset + 8], "big")
        if reporter not in self._reporters and len(self._reporters) >= MOST_REPORTERS:
            self._gate.counters["too_many_ssrcs"] += 1
            return
        self._length[0] = length
        failed = unprotect_rtcp(self._pair.inbound, self._incoming_pointers[slot], self._length)
        if failed:
            self._gate.counters["replayed" if failed in REPLAYED else "forged"] += 1
            return
        self._reporters.add(reporter)
        self._alive(now)
        try:
            feedback = parse_compound(self._incoming[offset : offset + self._length[0]].tobytes())
        except FeedbackError:
            self._gate.counters["rtcp_malformed"] += 1
            return
        self._owner.take_feedback(feedback, now)

    def send_rtp(
        self,
        marker_and_type: int,
        number: int,
        timestamp: int,
        ssrc: int,
        payload: bytes,
        padding: int = 0,
    ) -> None:
        """Protect one packet straight into the outgoing batch. Does nothing when not ready.

        `padding` is 0x20 when the payload ends with padding (RFC 3550 section 5.1).
        """
        pair, destination, port = self._pair, self.destination, self._port
        if pair is None or destination is None:
            return
        slot = port.pending
        if slot == BATCH:
            port.flush()
            slot = 0
        offset = slot * STRIDE
        outgoing, length = port.outgoing, self._length
        sent = self.sent
        if sent is None:
            start = offset + HEADER_LENGTH
            HEADER.pack_into(outgoing, offset, padding | 0x80, marker_and_type, number, timestamp, ssrc)
        else:
            start = offset + NUMBERED_HEADER.size
            wide = sent.note(len(payload) + OVERHEAD, self._gate.now)
            NUMBERED_HEADER.pack_into(
                outgoing,
                offset,
                padding | 0x90,
                marker_and_type,
                number,
                timestamp,
                ssrc,
                ONE_BYTE_PROFILE,
                1,
                sent.element,
                wide,
                0,
            )
        end = start + len(payload)
        outgoing[start:end] = payload
        length[0] = end - offset
        if protect(pair.outbound, port.outgoing_pointers[slot], length):
            self._gate.counters["protect_failed"] += 1
            return
        port.commit(length[0], destination)

    def send_oriented(
        self, marker_and_type: int, number: int, timestamp: int, ssrc: int, payload: bytes, orientation: int
    ) -> None:
        """As `send_rtp`, for the seldom packet that tells which way up its picture is."""
        if self._pair is None or self.destination is None:
            return
        wide = b""
        if self.sent is not None:
            note = self.sent.note(len(payload) + OVERHEAD, self._gate.now)
            wide = bytes((self.sent.element, note >> 8, note & 0xFF))
        data = oriented_header(marker_and_type, number, timestamp, ssrc, orientation, wide) + payload
        slot = self._port.slot()
        offset = slot * STRIDE
        self._port.outgoing[offset : offset + len(data)] = data
        self._length[0] = len(data)
        if protect(self._pair.outbound, self._port.outgoing_pointers[slot], self._length):
            self._gate.counters["protect_failed"] += 1
            return
        self._port.commit(self._length[0], self.destination)

    def send_rtcp(self, data: bytes) -> None:
        """Protect one compound packet into the outgoing batch. Does nothing when not ready."""
        if self._pair is None or self.destination is None or len(data) > LARGEST - 64:
            return
        slot = self._port.slot()
        offset = slot * STRIDE
        self._port.outgoing[offset : offset + len(data)] = data
        self._length[0] = len(data)
        if protect_rtcp(self._pair.outbound, self._port.outgoing_pointers[slot], self._length):
            self._gate.counters["protect_failed"] += 1
            return
        self._port.commit(self._length[0], self.destination)

    def _send_dtls(self, data: bytes) -> None:
        if self.destination is not None:
            self._port.send(data, self.destination)
            self._port.flush()

    def _link_closed(self) -> None:
        self.close("peer_closed")

    def _move(self, state: TransportState, cause: str | None = None) -> None:
        if state not in TRANSITIONS[self.state]:
            raise ValueError(f"a transport cannot go from {self.state} to {state}")
        self.state = state
        self._settle()
        self._owner.transport_changed(self, cause)
