"""Redundant sound (RED, RFC 2198): each packet repeats the ones before it, and may travel without them.

A packet's `payload` is its primary block, which every receiver takes; what repeats it stays in `redundant`
and goes on to whoever agreed to it and has use for it.
"""

from typing import Any, NamedTuple

from media.fastpath import new
from media.rtp import Packet

# The header of a repeated block: a bit, payload type (7), timestamp offset (14), length (10).
HEADER = 4
MORE = 0x80
# More blocks than this are no sound of a browser's; the longest chain that one sends is of nine.
MOST_BLOCKS = 16
# A receiver of whom so many reports in a row tell of no loss gets sound without what repeats it.
CALM_REPORTS = 5
LOSSY, CALM = 5, 2  # of 256 packets


class RedundancyError(ValueError):
    """The bytes are not redundant sound."""


class Block(NamedTuple):
    """One block of sound; `age` in RTP time units before the packet's timestamp, 0 for the primary one."""

    payload_type: int
    age: int
    data: bytes


def blocks_of(payload: bytes) -> list[Block]:
    """The blocks, the primary one last. Raises RedundancyError when lengths lie or nothing is primary."""
    heads: list[tuple[int, int, int]] = []
    at = 0
    while at < len(payload) and payload[at] & MORE:
        if at + HEADER > len(payload) or len(heads) == MOST_BLOCKS:
            raise RedundancyError("headers without an end")
        bits = int.from_bytes(payload[at + 1 : at + HEADER], "big")
        heads.append((payload[at] & 0x7F, bits >> 10, bits & 0x3FF))
        at += HEADER
    start = at + 1
    if start + sum(length for _, _, length in heads) >= len(payload):
        raise RedundancyError("blocks run past the end, or there is no primary one")
    blocks = []
    for payload_type, age, length in heads:
        blocks.append(Block(payload_type, age, payload[start : start + length]))
        start += length
    return [*blocks, Block(payload[at], 0, payload[start:])]


def unfold(packet: Packet, payload_type: int) -> None:
    """Let `payload` be the primary block. Raises RedundancyError, also when that is of another type."""
    primary = blocks_of(packet.payload)[-1]
    if primary.payload_type != payload_type:
        raise RedundancyError("the primary block is of another codec")
    packet.redundant = packet.payload
    packet.payload = primary.data
    packet.payload_offset = packet.payload_end - len(primary.data)


class RedundancyOut:
    """When one subscriber gets sound with what repeats it: until its network has been calm for some reports,
    and after each hole, which may have come about before us. `state` is the struct subscription of both.
    """

    def __init__(self, payload_type: int, state: Any = None) -> None:
        self.payload_type = payload_type
        self._state = state = state or new("subscription")
        state.redundant_type = payload_type
        state.calm = 0
        state.last_redundant = -1

    def heed(self, fraction_lost: int) -> None:
        """A report of the receiver's came; its loss in 1/256."""
        if fraction_lost >= LOSSY:
            self._state.calm = 0
        elif fraction_lost <= CALM:
            self._state.calm += 1

    def is_due(self, index: int) -> bool:
        """Whether the packet with this index goes out with what it repeats. Ask once for each packet."""
        state = self._state
        after_hole = index != state.last_redundant + 1
        state.last_redundant = max(state.last_redundant, index)
        return bool(after_hole or state.calm < CALM_REPORTS)
