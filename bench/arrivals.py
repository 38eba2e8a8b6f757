"""Batched receive with the kernel's own arrival times.

The arrival time of a datagram is what the kernel wrote down when it came in (SO_TIMESTAMPNS, CLOCK_REALTIME),
so the load generator may look into its sockets rarely and still measure the server, not itself.
"""

import socket
import struct
from typing import Any

from cffi import FFI
from pylibsrtp._binding import ffi as srtp_ffi

SO_TIMESTAMPNS = 35
SLOTS = 64
SLOT_SIZE = 2048
_CONTROL_SIZE = 64
_MSG_DONTWAIT = 0x40
# One control message stands in front: cmsghdr of 16 octets, then a struct timespec.
_TIMESPEC = struct.Struct("=qq")
_TIMESPEC_AT = 16

_ffi = FFI()
_ffi.cdef(
    """
    struct iovec { void *iov_base; size_t iov_len; };
    struct msghdr {
        void *msg_name; uint32_t msg_namelen;
        struct iovec *msg_iov; size_t msg_iovlen;
        void *msg_control; size_t msg_controllen;
        int msg_flags;
    };
    struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
    int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, void *timeout);
    """
)
_libc: Any = _ffi.dlopen(None)


class ArrivalBuffer:
    """Room for one batch of datagrams, shared by all sockets of one thread.

    `slots[i]` is a pointer for libsrtp, `views[i]` the same memory as a buffer.
    """

    def __init__(self) -> None:
        self.slots = [srtp_ffi.new("unsigned char[]", SLOT_SIZE) for _ in range(SLOTS)]
        self.views = [memoryview(srtp_ffi.buffer(slot)) for slot in self.slots]
        self._messages = _ffi.new("struct mmsghdr[]", SLOTS)
        self._vectors = _ffi.new("struct iovec[]", SLOTS)
        self._control = [_ffi.new("unsigned char[]", _CONTROL_SIZE) for _ in range(SLOTS)]
        self._control_views = [_ffi.buffer(control) for control in self._control]
        self._headers = [self._messages[index].msg_hdr for index in range(SLOTS)]
        for index, header in enumerate(self._headers):
            address = int(srtp_ffi.cast("uintptr_t", self.slots[index]))
            self._vectors[index].iov_base = _ffi.cast("void *", address)
            self._vectors[index].iov_len = SLOT_SIZE
            header.msg_iov = self._vectors + index
            header.msg_iovlen = 1
            header.msg_control = self._control[index]
            header.msg_controllen = _CONTROL_SIZE

    def receive(self, fd: int) -> list[tuple[int, int]]:
        """Take what waits at `fd`: (length, arrival in ns of CLOCK_REALTIME) for each slot in order."""
        count = _libc.recvmmsg(fd, self._messages, SLOTS, _MSG_DONTWAIT, _ffi.NULL)
        if count <= 0:
            return []
        result = []
        for index in range(count):
            seconds, nanoseconds = _TIMESPEC.unpack_from(self._control_views[index], _TIMESPEC_AT)
            self._headers[index].msg_controllen = _CONTROL_SIZE
            result.append((self._messages[index].msg_len, seconds * 1_000_000_000 + nanoseconds))
        return result


def open_socket(address: str) -> socket.socket:
    """A non-blocking UDP socket on a free port of `address` that keeps arrival times."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    opened.setblocking(False)
    opened.bind((address, 0))
    return opened
