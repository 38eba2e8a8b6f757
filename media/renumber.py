"""Sequence numbers and timestamps of one outgoing stream, unbroken while what feeds it pauses or changes."""

from collections import deque

from media.sequence import nearest

MASK_16 = 0xFFFF
MASK_32 = 0xFFFFFFFF
# Two clocks of one sender may differ by as much from the arrivals before the arrivals are believed. Seconds.
BELIEVABLE = 0.5
# Earlier runs that are remembered: one for each train of padding, or for each frame that was left out.
MOST_RUNS = 64


class Renumber:
    """Maps indexes of a Publication to the 16 bit numbers of one Subscription, and back.

    `restart` begins a run at an index; indexes below `floor` belong to an earlier run and have no number.
    """

    __slots__ = (
        "_highest",
        "_runs",
        "_sent_at",
        "_sent_timestamp",
        "clock_rate",
        "floor",
        "offset",
        "timestamp_offset",
    )

    def __init__(self, first_number: int, first_timestamp: int, clock_rate: int) -> None:
        self.clock_rate = clock_rate
        self.floor = 0
        self.offset = 0
        self.timestamp_offset = 0
        # The number before the first one.
        self._highest = 0x10000 + (first_number & MASK_16) - 1
        # Earlier runs of the same stream: first index, the index after the last, offset.
        self._runs: deque[tuple[int, int, int]] = deque(maxlen=MOST_RUNS)
        self._sent_timestamp = first_timestamp
        self._sent_at: float | None = None

    def restart(self, index: int, timestamp: int, now: float, by_clock: float | None = None) -> None:
        """Let `index` follow what was sent last; the timestamp moves by the time that passed (seconds).

        `by_clock` is that time on the sender's clock where it is known; it is taken when it is believable.
        """
        self._runs.clear()
        self.floor = index
        self.offset = self._highest + 1 - index
        elapsed = 0
        if self._sent_at is not None:
            passed = now - self._sent_at
            if by_clock is not None and abs(by_clock - passed) < BELIEVABLE:
                passed = by_clock
            elapsed = max(1, round(passed * self.clock_rate))
        self.timestamp_offset = (self._sent_timestamp + elapsed - timestamp) & MASK_32

    def note(self, index: int, timestamp: int, now: float) -> bool:
        """Remember the furthest packet sent; whether this is it."""
        number = index + self.offset
        if number <= self._highest:
            return False
        self._highest = number
        self._sent_timestamp = (timestamp + self.timestamp_offset) & MASK_32
        self._sent_at = now
        return True

    def last_original(self) -> int | None:
        """The incoming timestamp of what was sent last, None before anything was."""
        return None if self._sent_at is None else (self._sent_timestamp - self.timestamp_offset) & MASK_32

    @property
    def sent_timestamp(self) -> int:
        """The outgoing timestamp of what was sent last."""
        return self._sent_timestamp

    def number(self, index: int) -> int:
        """The outgoing sequence number."""
        return (index + self.offset) & MASK_16

    def timestamp(self, timestamp: int) -> int:
        """The outgoing timestamp."""
        return (timestamp + self.timestamp_offset) & MASK_32

    def original(self, number: int) -> int | None:
        """The index that was sent under this number in the present run, or None."""
        furthest = nearest(self._highest, number)
        index = furthest - self.offset
        if furthest > self._highest:
            return None
        return index if index >= self.floor else self._original_of_run(furthest)

    def _original_of_run(self, number: int) -> int | None:
        for floor, end, offset in reversed(self._runs):
            if floor <= number - offset < end:
                return number - offset
        return None

    def insert(self, count: int) -> tuple[int, int]:
        """Set numbers aside for padding after what was sent last: the first of them, and the timestamp."""
        first = self._highest + 1
        self._runs.append((self.floor, first - self.offset, self.offset))
        self.floor = first - self.offset
        self.offset += count
        self._highest += count
        return first, self._sent_timestamp

    def is_next(self, index: int) -> bool:
        """Whether the index is beyond all that was sent or left out."""
        return index + self.offset > self._highest

    def skip(self, index: int) -> None:
        """Leave an index out that `is_next`: the one after it takes its number. What is missing before it
        keeps its own."""
        if self.floor < index:
            self._runs.append((self.floor, index, self.offset))
        self._highest = index - 1 + self.offset
        self.floor = index + 1
        self.offset -= 1

    def late_number(self, index: int) -> int | None:
        """The outgoing number of an index below the floor, None when it has none."""
        for floor, end, offset in reversed(self._runs):
            if floor <= index < end:
                return (index + offset) & MASK_16
        return None
