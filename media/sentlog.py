"""When each packet of a transport was sent, under its transport-wide number, until the receiver tells."""

from typing import Any

from media.fastpath import SENT_LOG, new
from media.sequence import FULL, nearest

SIZE = SENT_LOG
MASK = SIZE - 1


class SentLog:
    """A ring of the latest SIZE packets, all with an element of `extension_id`. `next` is 65536 or more.

    `times` (seconds) and `sizes` (bytes) of a packet stand at its index & MASK, in the struct `state`.
    """

    __slots__ = ("element", "sizes", "state", "times")

    def __init__(self, extension_id: int) -> None:
        self.state: Any = new("sentlog")
        self.element = extension_id << 4 | 1  # a one-byte element of two bytes (RFC 8285 section 4.2)
        self.state.element = self.element
        self.state.next = FULL
        self.times = self.state.times
        self.sizes = self.state.sizes

    @property
    def next(self) -> int:
        """The index of the packet that leaves next."""
        return int(self.state.next)

    def note(self, size: int, now: float) -> int:
        """A packet of `size` bytes leaves; its number of 16 bits."""
        number = int(self.state.next)
        self.state.next = number + 1
        place = number & MASK
        self.times[place] = now
        self.sizes[place] = size
        return number & 0xFFFF

    def index_of(self, number: int) -> int:
        """The packet that was sent under this number last."""
        index = nearest(self.next, number)
        return index if index < self.next else index - FULL

    @property
    def oldest(self) -> int:
        """The first packet that is still known."""
        return max(FULL, self.next - SIZE)

    def get(self, index: int) -> tuple[float, int] | None:
        """When it was sent and its size; None when it is too old or was never sent."""
        if not self.oldest <= index < self.next:
            return None
        place = index & MASK
        return self.times[place], self.sizes[place]
