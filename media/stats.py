"""Counters of a stream, and the reception report computed from them (RFC 3550 section 6.4.1, appendix A)."""

from media.feedback import ReportBlock


class ReceptionStats:
    """What a receiver knows of one incoming SSRC. Times in seconds, jitter in RTP units."""

    __slots__ = (
        "_expected_before",
        "_first",
        "_last_sr",
        "_last_sr_at",
        "_received_before",
        "_transit",
        "bytes",
        "clock_rate",
        "highest",
        "jitter",
        "received",
    )

    def __init__(self, clock_rate: int) -> None:
        self.clock_rate = clock_rate
        self.received = 0
        self.bytes = 0
        self.highest = -1
        self.jitter = 0.0
        self._first = -1
        self._transit: float | None = None
        self._expected_before = 0
        self._received_before = 0
        self._last_sr = 0
        self._last_sr_at = 0.0

    def receive(self, index: int, timestamp: int, size: int, now: float) -> None:
        """Count one packet of `size` bytes."""
        self.received += 1
        self.bytes += size
        if index > self.highest:
            if self._first < 0:
                self._first = index
            self.highest = index
            self._measure_jitter(timestamp, now)

    def _measure_jitter(self, timestamp: int, now: float) -> None:
        transit = now * self.clock_rate - timestamp
        if self._transit is not None:
            difference = abs(transit - self._transit)
            # A wrapped or jumped timestamp tells nothing about the network.
            if difference < self.clock_rate * 10:
                self.jitter += (difference - self.jitter) / 16
        self._transit = transit

    def note_sender_report(self, ntp: int, now: float) -> None:
        """Remember the middle 32 bits of the report's NTP time, to be sent back as LSR."""
        self._last_sr = (ntp >> 16) & 0xFFFFFFFF
        self._last_sr_at = now

    @property
    def expected(self) -> int:
        """How many packets the sender has sent as far as can be seen."""
        return self.highest - self._first + 1 if self._first >= 0 else 0

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
        delay = round((now - self._last_sr_at) * 65536) if self._last_sr else 0
        return ReportBlock(
            ssrc=ssrc,
            fraction_lost=fraction,
            packets_lost=min(self.lost, 0x7FFFFF),
            highest_sequence=max(self.highest, 0) & 0xFFFFFFFF,
            jitter=min(int(self.jitter), 0xFFFFFFFF),
            last_sr=self._last_sr,
            delay_since_last_sr=min(delay, 0xFFFFFFFF),
        )
