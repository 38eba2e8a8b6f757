"""Counters of a stream, and the reception report computed from them (RFC 3550 section 6.4.1, appendix A)."""

from typing import Any

from media.fastpath import new
from media.feedback import ReportBlock


class ReceptionStats:
    """What a receiver knows of one incoming SSRC. Times in seconds, jitter in RTP units.

    `state` is the struct stream that is counted in.
    """

    __slots__ = (
        "_expected_before",
        "_last_sr",
        "_last_sr_at",
        "_received_before",
        "_state",
        "clock_rate",
    )

    def __init__(self, clock_rate: int, state: Any = None) -> None:
        self.clock_rate = clock_rate
        self._state = state = state or new("stream")
        state.clock_rate = clock_rate
        state.highest = state.first = -1
        self._expected_before = 0
        self._received_before = 0
        self._last_sr = 0
        self._last_sr_at = 0.0

    def receive(self, index: int, timestamp: int, size: int, now: float) -> None:
        """Count one packet of `size` bytes."""
        state = self._state
        state.received += 1
        state.bytes += size
        if index > state.highest:
            if state.first < 0:
                state.first = index
            state.highest = index
            self._measure_jitter(timestamp, now)

    def _measure_jitter(self, timestamp: int, now: float) -> None:
        state = self._state
        transit = now * self.clock_rate - timestamp
        if state.has_transit:
            difference = abs(transit - state.transit)
            # A wrapped or jumped timestamp tells nothing about the network.
            if difference < self.clock_rate * 10:
                state.jitter += (difference - state.jitter) / 16
        state.transit = transit
        state.has_transit = 1

    def note_sender_report(self, ntp: int, now: float) -> None:
        """Remember the middle 32 bits of the report's NTP time, to be sent back as LSR."""
        self._last_sr = (ntp >> 16) & 0xFFFFFFFF
        self._last_sr_at = now

    @property
    def received(self) -> int:
        """Packets, duplicates included."""
        return int(self._state.received)

    @property
    def bytes(self) -> int:
        """Of whole packets, decrypted."""
        return int(self._state.bytes)

    @property
    def highest(self) -> int:
        """The highest index, -1 before the first packet."""
        return int(self._state.highest)

    @property
    def jitter(self) -> float:
        """Of arrivals, in RTP units."""
        return float(self._state.jitter)

    @property
    def expected(self) -> int:
        """How many packets the sender has sent as far as can be seen."""
        return self.highest - int(self._state.first) + 1 if self._state.first >= 0 else 0

    @property
    def lost(self) -> int:
        """Packets that have not arrived up to now."""
        return max(0, self.expected - self.received)

    def report(self, ssrc: int, now: float) -> ReportBlock:
        """A reception report for the time since the last one."""
        expected = self.expected - self._expected_before
        lost = expected - (self.received - self._received_before)
        self._expected_before, self._received_before = self.expected, self.received
        fraction = min(255, (lost << 8) // expected) if expected > 0 and lost > 0 else 0
        delay = max(0, round((now - self._last_sr_at) * 65536)) if self._last_sr else 0
        return ReportBlock(
            ssrc=ssrc,
            fraction_lost=fraction,
            packets_lost=min(self.lost, 0x7FFFFF),
            highest_sequence=max(self.highest, 0) & 0xFFFFFFFF,
            jitter=min(int(self.jitter), 0xFFFFFFFF),
            last_sr=self._last_sr,
            delay_since_last_sr=min(delay, 0xFFFFFFFF),
        )
