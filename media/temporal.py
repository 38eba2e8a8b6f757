"""Frame rates of a VP8 layer: which of its frames one subscriber is sent (RFC 7741 section 4.2).

Frames of temporal layer 0 need only each other; those of a higher one also need the ones below, and Y
marks where none of their own layer is needed. So a higher layer may be left out from any frame on, and
taken up again at its Y. State of a few integers, no clock, no I/O.
"""

from functools import cache
from typing import NamedTuple

from media.renumber import Renumber
from media.rtp import Packet
from media.vp8 import PictureNumbers

# TIDs have two bits; this limit lets every frame through.
FULL = 3
# Of the bit rate of a layer up to and with each TID, as libvpx shares it out.
SHARES = ((1.0,), (0.6, 1.0), (0.4, 0.6, 1.0), (0.25, 0.4, 0.6, 1.0))
SYNC = 0x20


class Step(NamedTuple):
    """One way to send a camera: the layer of this rank, frames up to TID `limit`, at `share` of its rate."""

    rank: int
    limit: int
    share: float


@cache
def steps_of(counts: tuple[int, ...]) -> tuple[Step, ...]:
    """From the least to the most, for layers with so many temporal ones each.

    The smallest layer may go down to its base; a larger one is no better than the one below it when less
    than about half of its frames are left.
    """
    steps: list[Step] = []
    for rank, count in enumerate(counts):
        shares = SHARES[max(1, min(count, len(SHARES))) - 1]
        for tid, share in enumerate(shares):
            is_all = tid == len(shares) - 1
            if rank == 0 or tid >= len(shares) - 2:
                steps.append(Step(rank, FULL if is_all else tid, share))
    return tuple(steps)


def level_of(payload: bytes) -> int:
    """The byte with TID (two bits), Y and KEYIDX; -1 of a payload that has none."""
    if len(payload) < 3 or not payload[0] & 0x80 or not payload[1] & 0x20:
        return -1
    bits = payload[1]
    at = 2
    if bits & 0x80:
        at += 2 if payload[2] & 0x80 else 1
    at += bits >> 6 & 1
    return payload[at] if at < len(payload) else -1


class FrameFilter:
    """Lets frames up to TID `limit` pass; a change of the limit takes effect where that harms nobody.

    Given: the numbers of the outgoing stream, in which nothing tells of a frame that is left out. `begin`
    when a key frame begins something new; then every packet is asked about, in order of arrival.
    """

    __slots__ = ("_numbers", "_passing", "_pictures", "_timestamp", "limit")

    def __init__(self, numbers: Renumber, pictures: PictureNumbers, limit: int = FULL) -> None:
        self.limit = limit
        self._numbers = numbers
        self._pictures = pictures
        self._passing = FULL
        self._timestamp = -1

    @property
    def is_open(self) -> bool:
        """Whether every frame passes and goes on to."""
        return self.limit == self._passing == FULL

    def follow(self, timestamp: int | None) -> None:
        """A packet with this timestamp was sent last, without asking here while all was open."""
        self._timestamp = -1 if timestamp is None else timestamp

    def begin(self) -> None:
        """A key frame: what follows needs nothing from before it."""
        self._passing = self.limit

    def takes(self, packet: Packet) -> bool:
        """Whether the packet is sent. The frames of the newest packets decide what passes."""
        if not self._numbers.is_next(packet.index):
            return self.is_kept(packet)
        level = level_of(packet.payload)
        begins = packet.timestamp != self._timestamp
        if begins:  # Packets of one frame have one timestamp and share its fate.
            self._timestamp = packet.timestamp
            self._settle(level, bool(packet.key_frame))
        if level >> 6 <= self._passing:
            return True
        self._numbers.skip(packet.index)
        if begins:
            self._pictures.skip(packet.payload)
        return False

    def _settle(self, level: int, key_frame: bool) -> None:
        if key_frame or self.limit < self._passing:
            self._passing = self.limit
        elif self._passing < self.limit and level & SYNC and level >> 6 == self._passing + 1:
            self._passing += 1

    def is_kept(self, packet: Packet) -> bool:
        """Whether a packet that came late is sent: one of a frame that was left out is not, nor one above
        those that pass; but the next above them, unless it is the first, can be decoded and keeps picture
        ids unbroken."""
        tid = level_of(packet.payload) >> 6
        if self._pictures.skipped(packet.payload):
            return False
        return tid <= self._passing or (tid == self._passing + 1 and self._passing > 0)
