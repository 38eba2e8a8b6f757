"""Sequence numbers and timestamps of one outgoing stream, unbroken while what feeds it pauses or changes."""

from collections import deque
from typing import Any

from media.fastpath import new
from media.sequence import nearest

MASK_16 = 0xFFFF
MASK_32 = 0xFFFFFFFF
# Two clocks of one sender may differ by as much from the arrivals before the arrivals are believed. Seconds.
BELIEVABLE = 0.5
# Earlier runs that are remembered: one for each train of padding, or for each frame that was left out.
MOST_RUNS = 64
NEVER = -1.0


class Renumber:
    """Maps indexes of a Publication to the 16 bit numbers of one Subscription, and back.

    `restart` begins a run at an index; indexes below `floor` belong to an earlier run and have no number.
    `state` is the struct subscription that the numbers stand in.
    """

    __slots__ = ("_runs", "_state", "clock_rate")

    def __init__(self, first_number: int, first_timestamp: int, clock_rate: int, state: Any = None) -> None:
        self.clock_rate = clock_rate
        self._state = state = state or new("subscription")
        # The number before the first one.
        state.highest = 0x10000 + (first_number & MASK_16) - 1
        # Earlier runs of the same stream: first index, the index after the last, offset.
        self._runs: deque[tuple[int, int, int]] = deque(maxlen=MOST_RUNS)
        state.sent_timestamp = first_timestamp
        state.sent_at = NEVER

    @property
    def floor(self) -> int:
        """The first index of this run."""
        return int(self._state.floor)

    def restart(self, index: int, timestamp: int, now: float, by_clock: float | None = None) -> None:
        """Let `index` follow what was sent last; the timestamp moves by the time that passed (seconds).

        `by_clock` is that time on the sender's clock where it is known; it is taken when it is believable.
        """
        state = self._state
        self._runs.clear()
        state.floor = index
        state.offset = state.highest + 1 - index
        elapsed = 0
        if state.sent_at != NEVER:
            passed = now - state.sent_at
            if by_clock is not None and abs(by_clock - passed) < BELIEVABLE:
                passed = by_clock
            elapsed = max(1, round(passed * self.clock_rate))
        state.timestamp_offset = (state.sent_timestamp + elapsed - timestamp) & MASK_32

    def note(self, index: int, timestamp: int, now: float) -> bool:
        """Remember the furthest packet sent; whether this is it."""
        state = self._state
        number = index + state.offset
        if number <= state.highest:
            return False
        state.highest = number
        state.sent_timestamp = (timestamp + state.timestamp_offset) & MASK_32
        state.sent_at = now
        return True

    def last_original(self) -> int | None:
        """The incoming timestamp of what was sent last, None before anything was."""
        state = self._state
        return None if state.sent_at == NEVER else (state.sent_timestamp - state.timestamp_offset) & MASK_32

    @property
    def sent_timestamp(self) -> int:
        """The outgoing timestamp of what was sent last."""
        return int(self._state.sent_timestamp)

    def number(self, index: int) -> int:
        """The outgoing sequence number."""
        return int(index + self._state.offset) & MASK_16

    def timestamp(self, timestamp: int) -> int:
        """The outgoing timestamp."""
        return int(timestamp + self._state.timestamp_offset) & MASK_32

    def original(self, number: int) -> int | None:
        """The index that was sent under this number in the present run, or None."""
        furthest = nearest(self._state.highest, number)
        index = furthest - self._state.offset
        if furthest > self._state.highest:
            return None
        return index if index >= self.floor else self._original_of_run(furthest)

    def _original_of_run(self, number: int) -> int | None:
        for floor, end, offset in reversed(self._runs):
            if floor <= number - offset < end:
                return number - offset
        return None

    def insert(self, count: int) -> tuple[int, int]:
        """Set numbers aside for padding after what was sent last: the first of them, and the timestamp."""
        state = self._state
        first = int(state.highest) + 1
        end = int(first - state.offset)
        self._runs.append((int(state.floor), end, int(state.offset)))
        state.floor = end
        state.offset += count
        state.highest += count
        return first, int(state.sent_timestamp)

    def is_next(self, index: int) -> bool:
        """Whether the index is beyond all that was sent or left out."""
        return bool(index + self._state.offset > self._state.highest)

    def skip(self, index: int) -> None:
        """Leave an index out that `is_next`: the one after it takes its number. What is missing before it
        keeps its own."""
        state = self._state
        if state.floor < index:
            self._runs.append((int(state.floor), index, int(state.offset)))
        state.highest = index - 1 + state.offset
        state.floor = index + 1
        state.offset -= 1

    def late_number(self, index: int) -> int | None:
        """The outgoing number of an index below the floor, None when it has none."""
        for floor, end, offset in reversed(self._runs):
            if floor <= index < end:
                return (index + offset) & MASK_16
        return None
