"""SRTP on preallocated memory: libsrtp called on the sessions that aiortc's DTLS handed out."""

from typing import Any

from pylibsrtp import Session
from pylibsrtp._binding import ffi, lib

_SIZE = 2048


class Protector:
    """The sending half. One buffer, used again for every packet."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.context: Any = session._srtp[0]
        self._buffer = ffi.new("unsigned char[]", _SIZE)
        self._view = memoryview(ffi.buffer(self._buffer))
        self._length = ffi.new("int *")

    def rtp(self, packet: bytes | bytearray) -> memoryview:
        """Protect one RTP packet. The result lives until the next call."""
        return self._apply(lib.srtp_protect, packet)

    def rtcp(self, packet: bytes | bytearray) -> memoryview:
        """Protect one compound RTCP packet. The result lives until the next call."""
        return self._apply(lib.srtp_protect_rtcp, packet)

    def _apply(self, function: Any, packet: bytes | bytearray) -> memoryview:
        size = len(packet)
        self._view[:size] = packet
        self._length[0] = size
        status = function(self.context, self._buffer, self._length)
        if status:
            raise ValueError(f"libsrtp refused to protect a packet of {size} octets: status {status}")
        return self._view[: self._length[0]]


class Unprotector:
    """The receiving half. Works in place on the memory the datagram arrived in."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.context: Any = session._srtp[0]
        self._length = ffi.new("int *")

    def rtp(self, slot: Any, size: int) -> int:
        """Unprotect in place. Returns the new size, or -1 if the packet is not genuine."""
        self._length[0] = size
        return -1 if lib.srtp_unprotect(self.context, slot, self._length) else int(self._length[0])

    def rtcp(self, slot: Any, size: int) -> int:
        """Unprotect in place. Returns the new size, or -1 if the packet is not genuine."""
        self._length[0] = size
        return -1 if lib.srtp_unprotect_rtcp(self.context, slot, self._length) else int(self._length[0])
