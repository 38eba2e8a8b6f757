"""How much a receiver's network takes, from transport-wide feedback (draft-ietf-rmcat-gcc-02, simplified).

Once for each feedback, not for each packet: the least one-way delay gives a trend line (sections 5.3,
5.4; the least, because a receiver that was busy for a moment delays many packets but not all). Overuse
cuts the rate to what was received (5.5), loss beyond what is usual cuts it too (6).
Trains of padding measure whether more is possible. Pure: no I/O, and the clock is handed in.
"""

from collections import deque
from dataclasses import dataclass, field

from media.sentlog import MASK, SentLog
from media.transportwide import TransportFeedback

START, LEAST, MOST = 1_000_000, 100_000, 30_000_000  # bit/s
# Overuse: the queue has grown beyond this (seconds), more than three times the noise, and still grows.
# Three feedbacks in a row, or two when the queue is long: a receiver that stood still for a moment delays
# one or two, and a cut costs it the layer for seconds.
QUEUE, STEEP, LONG_QUEUE, HUGE_QUEUE = 0.03, 0.03, 0.12, 0.3
STRIKES, STRIKES_WHEN_LONG = 3, 2
TREND = 8
# The least delay of the last ten to twenty seconds stands for an empty queue.
BASE_INTERVAL = 10.0
RATE_WINDOW = 0.5
CUT, CUT_INTERVAL, GROWTH = 0.85, 0.4, 1.08
LOSS_INTERVAL, LOSS_LIMIT, FEWEST = 1.0, 0.1, 20
# A link that became narrow all at once: behind a queue so much is lost in so many seconds, or the delay
# grows so steeply within one feedback, that nobody need wait for more of it.
SUDDEN_QUEUE, SUDDEN_DROP = 0.04, 0.7
SUDDEN_WINDOW, SUDDEN_LOSS = 0.25, 0.25
SUDDEN_SPAN, SUDDEN_RISE = 0.03, 0.3
PROBE_INTERVAL, PROBE_PATIENCE, CALM = 1.5, 1.5, 1.2
PROBE_REACH = 3


@dataclass(slots=True)
class _Probe:
    first: int
    last: int
    target: int
    sent_at: float
    arrivals: list[tuple[float, int]] = field(default_factory=list)


class Estimator:
    """`bitrate` in bit/s; `acknowledged` is what arrives at present."""

    def __init__(self, bitrate: int = START) -> None:
        self.bitrate = bitrate
        self.acknowledged = 0.0
        self.loss = 0.0
        self.queue = 0.0
        self._trend: deque[tuple[float, float]] = deque(maxlen=TREND)
        self._noise = 0.005
        self._strikes = 0
        self._bases = [float("inf"), float("inf")]
        self._bases_at = 0.0
        self._received: deque[tuple[float, int]] = deque()
        self._window = [0, 0, 0.0]  # received, lost, since
        self._lately: deque[tuple[float, int, int, int]] = deque()  # at, bytes, received, lost
        self._usual_loss = [1.0, 1.0]
        self._told = 0
        self._fed_at: float | None = None
        self._cut_at = float("-inf")
        self._probe: _Probe | None = None
        self._probed_at = float("-inf")
        self._stretched = 0

    def receive(self, feedback: TransportFeedback, log: SentLog, now: float) -> bool:
        """Take one feedback; whether the estimate was cut by it."""
        size = lost = 0
        least = float("inf")
        arrival = delay = 0.0
        opening = (0.0, 0.0, 0)
        first = log.index_of(feedback.base)
        start = max(first, self._told + 1, log.oldest)
        end = min(first + len(feedback.arrivals), log.next)
        times, sizes = log.times, log.sizes
        for index in range(start, end):
            told = feedback.arrivals[index - first]
            if told is None:
                lost += 1
                continue
            arrival = told
            delay = arrival - times[index & MASK]
            if delay < least:
                least = delay
            if not size:
                opening = delay, arrival, sizes[index & MASK]
            size += sizes[index & MASK]
        count = end - start
        if count > 0 and self._probe is not None:
            self._note_probe(self._probe, feedback, first, range(start, end), log)
        self._told = max(self._told, end - 1)
        if count <= 0:
            return False
        self._count_rate(size, now)
        cut = self._count_loss(count - lost, lost, now)
        if lost < count:
            cut = self._follow_delay(least, now) or cut
            cut = self._notice_squeeze(opening, (delay, arrival, size), now) or cut
        cut = self._notice_collapse(size, count - lost, lost, now) or cut
        self._settle_probe(now)
        if not cut:
            self._grow(now)
        self._fed_at = now
        return cut

    def _count_rate(self, size: int, now: float) -> None:
        self._received.append((now, size))
        while self._received[0][0] < now - RATE_WINDOW:
            self._received.popleft()
        span = max(now - self._received[0][0], RATE_WINDOW / 2)
        # What the first feedback of the window tells of came before the window.
        self.acknowledged = sum(s for at, s in self._received if at > self._received[0][0]) * 8 / span

    def _follow_delay(self, delay: float, now: float) -> bool:
        if now - self._bases_at > BASE_INTERVAL:
            self._bases_at = now
            self._bases = [self._bases[1], delay]
        self._bases[1] = min(self._bases[1], delay)
        self.queue = delay - min(self._bases)
        if self._trend:
            step = abs(delay - self._trend[-1][1])
            self._noise += (min(step, 0.1) - self._noise) * 0.1
        self._trend.append((now, delay))
        slope = slope_of(self._trend)
        grown = self.queue > max(QUEUE, 3 * self._noise) and slope > STEEP
        stuck = self.queue > HUGE_QUEUE and slope > -STEEP
        self._strikes = self._strikes + 1 if grown or stuck else 0
        if self._strikes < (STRIKES_WHEN_LONG if self.queue > LONG_QUEUE else STRIKES):
            return False
        return self._cut(CUT * self.acknowledged, now)

    def _notice_squeeze(
        self, opening: tuple[float, float, int], closing: tuple[float, float, int], now: float
    ) -> bool:
        """Cut when, within one feedback, each packet came later than the one before behind a long queue.

        Each is (delay, arrival, bytes up to then). A receiver or a radio that stood still lets go of what
        has waited at once: there the delays fall.
        """
        span = closing[1] - opening[1]
        rising = closing[0] - opening[0] > SUDDEN_RISE * span
        if self._probe is not None or span < SUDDEN_SPAN or self.queue < SUDDEN_QUEUE or not rising:
            return False
        return self._drop(CUT * (closing[2] - opening[2]) * 8 / span, now)

    def _drop(self, bitrate: float, now: float) -> bool:
        if bitrate < SUDDEN_DROP * self.bitrate:
            self._cut_at = float("-inf")  # Another cut a moment ago was too small.
        return self._cut(bitrate, now)

    def _notice_collapse(self, size: int, received: int, lost: int, now: float) -> bool:
        """Cut to what still arrives when much of a quarter of a second is lost, and the rest is late."""
        lately = self._lately
        lately.append((now, size, received, lost))
        while lately[0][0] < now - SUDDEN_WINDOW:
            lately.popleft()
        gone = sum(entry[3] for entry in lately)
        told = gone + sum(entry[2] for entry in lately)
        span = now - lately[0][0]
        if self.queue < SUDDEN_QUEUE or told < FEWEST or span <= 0:
            return False
        if gone < (min(self._usual_loss) + SUDDEN_LOSS) * told:
            return False
        return self._drop(CUT * (sum(entry[1] for entry in lately) - lately[0][1]) * 8 / span, now)

    def _count_loss(self, received: int, lost: int, now: float) -> bool:
        window = self._window
        window[0] += received
        window[1] += lost
        if now - window[2] < LOSS_INTERVAL or window[0] + window[1] < FEWEST:
            return False
        self.loss = window[1] / (window[0] + window[1])
        self._window = [0, 0, now]
        usual = min(self._usual_loss)
        # What is lost at any rate is not lost to us: it moves the mark, slowly.
        self._usual_loss = [min(1.0, usual + 0.01), self.loss]
        if self.loss - min(usual, self.loss) <= LOSS_LIMIT:
            return False
        return self._cut(self.bitrate * (1 - 0.5 * self.loss), now)

    def _cut(self, bitrate: float, now: float) -> bool:
        if now - self._cut_at < CUT_INTERVAL:
            return False
        self._cut_at = now
        self._probe = None
        before = self.bitrate
        self.bitrate = max(LEAST, min(self.bitrate, int(bitrate)))
        return self.bitrate < before

    def _grow(self, now: float) -> None:
        if self._fed_at is None or now - self._cut_at < CALM:
            return
        grown = self.bitrate * GROWTH ** min(now - self._fed_at, 1.0)
        # What is not used is not known to be there.
        self.bitrate = min(MOST, max(self.bitrate, int(min(grown, 1.5 * self.acknowledged + 10_000))))

    def probe_for(self, needed: float, now: float) -> int:
        """The rate at which a train of padding should be sent now, 0 for none."""
        if needed <= self.bitrate or self._fed_at is None or now - self._fed_at > 1.0:
            return 0
        if now - self._probed_at < PROBE_INTERVAL or now - self._cut_at < CALM or self.queue > 2 * QUEUE:
            return 0
        return int(min(needed * 1.1, self.bitrate * PROBE_REACH, MOST))

    def probe_sent(self, first: int, last: int, target: int, now: float) -> None:
        """The packets `first` to `last` of the SentLog left at once, to find out about `target` bit/s."""
        self._probe = _Probe(first, last, target, now)
        self._probed_at = now

    def _note_probe(
        self, probe: _Probe, feedback: TransportFeedback, first: int, told: range, log: SentLog
    ) -> None:
        for index in range(max(told.start, probe.first), min(told.stop, probe.last + 1)):
            arrival = feedback.arrivals[index - first]
            if arrival is not None:
                probe.arrivals.append((arrival, log.sizes[index & MASK]))

    def _settle_probe(self, now: float) -> None:
        probe = self._probe
        if probe is None or (self._told < probe.last and now - probe.sent_at < PROBE_PATIENCE):
            return
        self._probe = None
        expected = probe.last - probe.first + 1
        if len(probe.arrivals) < max(2, 0.8 * expected):
            return
        probe.arrivals.sort()
        span = probe.arrivals[-1][0] - probe.arrivals[0][0]
        bits = 8 * sum(size for _, size in probe.arrivals[1:])
        measured = min(probe.target, bits / span if span > 0 else MOST)
        enough = measured >= 0.9 * probe.target
        # One train that came stretched may tell of a busy receiver; two tell of the network.
        self._stretched = self._stretched + 1 if measured < CUT * self.bitrate else 0
        if self._stretched >= 2:
            self._stretched = 0
            self._cut(CUT * max(measured, self.acknowledged), now)
        else:
            self.bitrate = max(self.bitrate, int(probe.target if enough else CUT * measured))

    def believe(self, bitrate: int) -> None:
        """The receiver's own estimate (REMB), where there is no transport-wide feedback."""
        self.bitrate = max(LEAST, min(MOST, bitrate))


def slope_of(points: deque[tuple[float, float]]) -> float:
    """The least-squares slope of (x, y); 0 for fewer than three points."""
    count = len(points)
    if count < 3:
        return 0.0
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    below = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / below if below else 0.0
