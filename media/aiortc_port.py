"""The one door to private names of aiortc and pylibsrtp, whose versions are pinned exactly.

DTLS is done by aiortc's RTCDtlsTransport over a small object that looks to it like an ICE transport;
afterwards its two SRTP sessions are taken out and libsrtp is called directly on our own buffers
(0.64 us instead of 1.4 us for a packet). tests/media/test_aiortc_port.py is the contract.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    State,
)
from pylibsrtp._binding import ffi, lib

# Datagrams waiting for the handshake; more are dropped, DTLS repeats them (RFC 6347 section 4.2.4).
INBOX_CEILING = 32
REPLAYED = frozenset((9, 10))  # srtp_err_status_replay_fail and replay_old
OK: int = lib.srtp_err_status_ok

protect: Callable[[Any, Any, Any], int] = lib.srtp_protect
protect_rtcp: Callable[[Any, Any, Any], int] = lib.srtp_protect_rtcp
unprotect: Callable[[Any, Any, Any], int] = lib.srtp_unprotect
unprotect_rtcp: Callable[[Any, Any, Any], int] = lib.srtp_unprotect_rtcp


def protect_pointer(own: Any) -> Any:
    """`srtp_protect` as a function pointer for structs of another FFI."""
    return own.cast("int (*)(void *, void *, int *)", ffi.addressof(lib, "srtp_protect"))


def unprotect_pointer(own: Any) -> Any:
    """`srtp_unprotect` likewise."""
    return own.cast("int (*)(void *, void *, int *)", ffi.addressof(lib, "srtp_unprotect"))


class HandshakeError(Exception):
    """DTLS failed: wrong fingerprint, no common SRTP profile, or the peer gave up."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A certificate's digest as SDP tells it (RFC 8122 section 5)."""

    algorithm: str
    value: str


class Certificate:
    """The worker's own DTLS certificate, made anew at each start."""

    def __init__(self) -> None:
        self._certificate = RTCCertificate.generateCertificate()
        self.fingerprint = next(
            Fingerprint(f.algorithm, f.value)
            for f in self._certificate.getFingerprints()
            if f.algorithm == "sha-256"
        )

    def for_aiortc(self) -> RTCCertificate:
        """The object that RTCDtlsTransport wants."""
        return self._certificate


class SrtpPair:
    """Both directions of SRTP. The contexts live as long as this object."""

    def __init__(self, inbound: Any, outbound: Any) -> None:
        self._sessions = (inbound, outbound)
        self.inbound = inbound._srtp[0]
        self.outbound = outbound._srtp[0]


def new_length() -> Any:
    """An `int *` for libsrtp, to be made once and used for every call."""
    return ffi.new("int *")


class _Wire:
    """What RTCDtlsTransport takes for its ICE transport."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.inbox: asyncio.Queue[bytes | None] = asyncio.Queue(INBOX_CEILING)
        self._deliver = send

    async def _recv(self) -> bytes:
        data = await self.inbox.get()
        if data is None:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        self._deliver(data)


class DtlsLink:
    """One DTLS association. `on_closed` is called when the peer ends it after the handshake."""

    def __init__(
        self,
        certificate: Certificate,
        is_client: bool,
        send: Callable[[bytes], None],
        on_closed: Callable[[], None],
    ) -> None:
        self._wire = _Wire(send)
        self._on_closed = on_closed
        self._closing = False
        wire: Any = self._wire  # Not an RTCIceTransport, but all that is used of one.
        self._dtls = RTCDtlsTransport(wire, [certificate.for_aiortc()])
        self._dtls._set_role("client" if is_client else "server")

    def receive(self, data: bytes) -> bool:
        """Take one DTLS datagram; False when it was dropped because too many wait."""
        if self._wire.inbox.full():
            return False
        self._wire.inbox.put_nowait(data)
        return True

    async def handshake(self, fingerprints: Sequence[Fingerprint], timeout: float) -> SrtpPair:
        """Complete the handshake within `timeout` seconds. Raises HandshakeError or TimeoutError."""
        remote = RTCDtlsParameters([RTCDtlsFingerprint(f.algorithm, f.value) for f in fingerprints])
        async with asyncio.timeout(timeout):
            await self._dtls.start(remote)
        if self._dtls._state != State.CONNECTED:
            raise HandshakeError("the DTLS handshake failed")
        self._dtls.on("statechange", self._state_changed)
        return SrtpPair(self._dtls._rx_srtp, self._dtls._tx_srtp)

    async def close(self) -> None:
        """Say goodbye to the peer and end the task inside aiortc."""
        self._closing = True
        task = self._dtls._task
        await self._dtls.stop()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)

    def _state_changed(self) -> None:
        if self._dtls._state == State.CLOSED and not self._closing:
            self._on_closed()
