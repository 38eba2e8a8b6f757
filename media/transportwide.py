"""Transport-wide sequence numbers and their feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).

One counter of 16 bits runs through all packets of a transport; the receiver tells which came and when.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any

from media.fastpath import MOST_ARRIVALS, new
from media.sequence import Unwrapper

URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
HEAD = Struct("!HHL")
# Deltas are told in 250 µs, the reference time in 64 ms.
TICKS = 4000
TICKS_PER_REFERENCE = 256
LONGEST_RUN = 0x1FFF
# A feedback that tells of more packets than this is refused: a few bytes can claim 65,535.
MOST_TOLD = 4096
MOST_PENDING = MOST_ARRIVALS
MOST_IN_ONE = 400
LOST, SMALL, LARGE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """`arrivals` of the packets `base`, `base` + 1, ... in seconds of the receiver's clock, None when lost.

    The clock begins anywhere and wraps after 2**24 times 64 ms; only differences mean anything.
    """

    base: int
    arrivals: tuple[float | None, ...]


def parse_transport_feedback(body: bytes) -> TransportFeedback:
    """The body of an RTPFB packet of format 15, both SSRCs included. Raises ValueError or IndexError."""
    base, count, head = HEAD.unpack(body[8:16])
    if count > MOST_TOLD:
        raise ValueError("tells of too many packets")
    symbols, offset = _parse_chunks(body, 16, count)
    ticks = (head >> 8) * TICKS_PER_REFERENCE
    arrivals: list[float | None] = []
    for symbol in symbols:
        if symbol == SMALL:
            ticks += body[offset]
            offset += 1
        elif symbol == LARGE:
            ticks += int.from_bytes(body[offset : offset + 2], "big", signed=True)
            offset += 2
        arrivals.append(ticks / TICKS if symbol in (SMALL, LARGE) else None)
    if offset > len(body):
        raise ValueError("deltas run past the end")
    return TransportFeedback(base, tuple(arrivals))


def _parse_chunks(body: bytes, offset: int, count: int) -> tuple[list[int], int]:
    symbols: list[int] = []
    while len(symbols) < count:
        chunk = body[offset] << 8 | body[offset + 1]
        offset += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13 & 3] * (chunk & LONGEST_RUN)
            if not chunk & LONGEST_RUN:
                raise ValueError("a run of no packets")
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -2, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    return symbols[:count], offset


def build_transport_feedback(
    sender: int, media: int, base: int, ticks: Sequence[int | None], number: int
) -> bytes:
    """The body of format 15. `ticks`: arrivals of the packets from `base` on in 250 µs; not all are None."""
    first = next(t for t in ticks if t is not None)
    reference = first // TICKS_PER_REFERENCE
    before = reference * TICKS_PER_REFERENCE
    symbols = bytearray()
    deltas = bytearray()
    for at in ticks:
        if at is None:
            symbols.append(LOST)
            continue
        delta, before = at - before, at
        if 0 <= delta <= 0xFF:
            symbols.append(SMALL)
            deltas.append(delta)
        else:
            symbols.append(LARGE)
            deltas += delta.to_bytes(2, "big", signed=True)
    head = HEAD.pack(base & 0xFFFF, len(symbols), (reference & 0xFFFFFF) << 8 | number & 0xFF)
    body = sender.to_bytes(4, "big") + media.to_bytes(4, "big") + head + _build_chunks(symbols) + deltas
    return bytes(body) + bytes(-len(body) % 4)


def _build_chunks(symbols: bytearray) -> bytearray:
    chunks = bytearray()
    at = 0
    while at < len(symbols):
        symbol = symbols[at]
        end = at + 1
        while end < len(symbols) and symbols[end] == symbol and end - at < LONGEST_RUN:
            end += 1
        if end - at >= 7:
            chunks += (symbol << 13 | end - at).to_bytes(2, "big")
            at = end
            continue
        chunk = 0xC000
        for place, symbol in enumerate(symbols[at : at + 7]):
            chunk |= symbol << (12 - 2 * place)
        chunks += chunk.to_bytes(2, "big")
        at += 7
    return chunks


class ArrivalLog:
    """Arrivals on one transport since the last feedback. `extension_id` is the negotiated one.

    `note` is all that happens for each packet. At most MOST_PENDING arrivals wait, later ones are not told.
    They wait in the struct `state`.
    """

    def __init__(self, extension_id: int) -> None:
        self.state: Any = new("arrivals")
        self._sequence = Unwrapper()
        self._next = -1
        self._number = 0
        # Of the last feedback: how many packets left the sender since the one before, and how many came.
        self.sent = self.came = 0
        self._element = extension_id << 4 | 1  # a one-byte element of two bytes (RFC 8285 section 4.2)
        self.state.element = self._element

    def note(self, data: bytes, now: float) -> None:
        """A packet came at `now` (seconds)."""
        place, count = self._find(data), self.state.count
        if place and count < MOST_PENDING:
            self.state.number[count] = data[place + 1] << 8 | data[place + 2]
            self.state.at[count] = now
            self.state.count = count + 1

    def _find(self, data: bytes) -> int:
        """Where the element begins; 0 when it is not there.

        Each packet is walked through: repeats and padding have other elements than media, and where ours
        stood in the last packet a value may look like its head (a section's name "1" is our 0x31).
        A number so misread tells the sender that hundreds of packets it never sent are lost.
        """
        if not data[0] & 0x10:
            return 0
        start = 12 + 4 * (data[0] & 0x0F)
        if data[start : start + 2] != b"\xbe\xde":
            return 0
        position = start + 4
        end = min(position + 4 * (data[start + 2] << 8 | data[start + 3]), len(data))
        while position < end:
            head = data[position]
            if head == self._element:
                return position if position + 2 < end else 0
            position += 1 if not head else (head & 0x0F) + 2
        return 0

    def take(self, sender: int, media: int) -> Iterator[bytes]:
        """Bodies of feedback for everything noted since the last call, none when nothing came."""
        state = self.state
        count, state.count = state.count, 0
        self.sent = self.came = 0
        if not count:
            return
        found: dict[int, int] = {}
        for place in range(count):
            found.setdefault(self._sequence.unwrap(state.number[place]), int(state.at[place] * TICKS))
        last = max(found)
        at_first = min(found)
        self.came = len(found)
        self.sent = max(0, last + 1 - (self._next if self._next >= 0 else at_first))
        if 0 <= self._next < at_first and at_first - self._next < MOST_IN_ONE:
            at_first = self._next
        self._next = last + 1
        for base, ticks in _split(found, at_first, last):
            yield build_transport_feedback(sender, media, base, ticks, self._number)
            self._number += 1


def _split(found: dict[int, int], first: int, last: int) -> Iterator[tuple[int, list[int | None]]]:
    """Runs of at most MOST_IN_ONE packets between which no delta is too large to tell."""
    base, ticks, before = first, list[int | None](), None
    for index in range(max(first, last - 4 * MOST_IN_ONE), last + 1):
        at = found.get(index)
        jumped = at is not None and before is not None and not -0x8000 <= at - before < 0x8000
        if jumped or len(ticks) == MOST_IN_ONE:
            if before is not None:
                yield base, ticks
            base, ticks, before = index, [], None
        if not ticks:
            base = index
        ticks.append(at)
        before = at if at is not None else before
    if before is not None:
        yield base, ticks
