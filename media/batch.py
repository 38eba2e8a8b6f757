"""The structures of recvmmsg and sendmmsg, called through cffi in ABI mode, which needs no compiler."""

import sys
from typing import Any

from media.fastpath import BATCH, CONTROL_LENGTH, LARGEST, NAME_LENGTH, STRIDE, ffi

ffi.cdef(
    """
    struct iovec { void *iov_base; size_t iov_len; };
    struct msghdr { void *msg_name; uint32_t msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
                    void *msg_control; size_t msg_controllen; int msg_flags; };
    struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
    int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, void *timeout);
    int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);
    """
)


class Batch:
    """The C structures of recvmmsg and sendmmsg, filled once."""

    def __init__(self, incoming: Any, outgoing: Any, name_length: int, number: int) -> None:
        self._names_in = ffi.new("char[]", BATCH * NAME_LENGTH)
        self.names = ffi.buffer(self._names_in)
        self._vectors_in = ffi.new("struct iovec[]", BATCH)
        self._vectors_out = ffi.new("struct iovec[]", BATCH)
        self.in_messages = ffi.new("struct mmsghdr[]", BATCH)
        self.out_messages = ffi.new("struct mmsghdr[]", BATCH)
        # Element access makes a new cdata each time; these are made once.
        self.in_list = [self.in_messages[i] for i in range(BATCH)]
        self.out_headers = [self.out_messages[i].msg_hdr for i in range(BATCH)]
        self.out_vectors = [self._vectors_out[i] for i in range(BATCH)]
        for i in range(BATCH):
            self._point(self._vectors_in, self.in_messages, i, incoming)
            self._point(self._vectors_out, self.out_messages, i, outgoing)
            # One more than accepted, so that a truncated datagram is noticed.
            self._vectors_in[i].iov_len = LARGEST + 1
            self.in_messages[i].msg_hdr.msg_name = self._names_in + i * NAME_LENGTH
            self.in_messages[i].msg_hdr.msg_namelen = NAME_LENGTH
            self._names_in[i * NAME_LENGTH + name_length] = bytes((number,))
            self.out_messages[i].msg_hdr.msg_namelen = name_length

    def fill(self, port: Any, incoming: Any, outgoing: Any) -> None:
        """Let the compiled path find everything."""
        port.in_messages, port.out_messages = self.in_messages, self.out_messages
        port.in_slots, port.out_slots, port.in_names = incoming, outgoing, self._names_in

    def take_controls(self) -> Any:
        """Room for what the kernel tells of each incoming datagram."""
        self._controls = ffi.new("char[]", BATCH * CONTROL_LENGTH)
        for i in range(BATCH):
            self.in_messages[i].msg_hdr.msg_control = self._controls + i * CONTROL_LENGTH
            self.in_messages[i].msg_hdr.msg_controllen = CONTROL_LENGTH
        return self._controls

    @staticmethod
    def _point(vectors: Any, messages: Any, i: int, arena: Any) -> None:
        vectors[i].iov_base = arena + i * STRIDE
        messages[i].msg_hdr.msg_iov = vectors + i
        messages[i].msg_hdr.msg_iovlen = 1


def _find_libc() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    library = ffi.dlopen(None)
    return library if hasattr(library, "recvmmsg") and hasattr(library, "sendmmsg") else None


libc = _find_libc()
BATCHING = libc is not None
