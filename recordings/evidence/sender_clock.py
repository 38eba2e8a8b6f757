"""Sender clock: what a participant's RTP timestamps mean in the server's seconds.

Sender reports (RFC 3550 section 6.4.1) put all streams of a connection on the participant's own clock; the
least delayed packets put that clock on the server's. Both are noisy: browsers write a report's two times some
milliseconds apart, clocks are set in the middle of a session, a line may be full for a minute.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WINDOW = 10.0  # seconds in which the least delayed packet tells the delay
# Seconds of delay gained in a second: quartz is a hundred times better, a line that fills up is worse.
STEEPEST = 0.002
SPAN = 15.0  # seconds before and after, from which the reports' noise is smoothed away
JUMP = 0.1  # seconds by which no noise parts two reports: a device stood still, or the clock was set
STRAY = 0.3  # seconds by which one report alone among five is not believed
TIME_TRUST = 3.0  # seconds a computed time may stray from the arrival before arrival is taken


class Reports(NamedTuple):
    """Sender reports of one stream in order: when they came (server's seconds), their NTP time (sender's
    seconds), and the RTP time they state, in seconds of media."""

    arrival: Floats
    ntp: Floats
    media: Floats

    @property
    def offset(self) -> Floats:
        """What to add to seconds of media to be on the sender's clock."""
        return self.ntp - self.media


class ClockSet(NamedTuple):
    """The sender's clock was set by so many seconds between two moments of arrival."""

    after: float
    before: float
    by: float


def believable(reports: Reports) -> Reports:
    """In order of media time, without the reports that say something else than those around them.

    What two in a row say is believed: the clock was set, or a device stood still.
    """
    order = np.argsort(reports.media, kind="stable")
    reports = Reports(*(row[order] for row in reports))
    count = len(reports.media)
    if count < 3:
        return reports
    width = min(5, count)
    first = np.clip(np.arange(count) - width // 2, 0, count - width)
    around = np.median(reports.offset[first[:, None] + np.arange(width)], axis=1)
    alike = np.abs(np.diff(reports.offset)) < STRAY
    good = np.abs(reports.offset - around) < STRAY
    good |= np.append(alike, False) | np.append(False, alike)
    return Reports(*(row[good] for row in reports))


def clock_sets(of_streams: list[Reports]) -> list[ClockSet]:
    """Every moment at which the clock behind these streams was set, as far as several reports tell.

    Then NTP time leaves RTP time and arrival alike. Where it leaves RTP time only, a device stood still;
    where it leaves arrival only, the line was full.
    """
    found: list[ClockSet] = []
    for reports in of_streams:
        jumps = np.diff(reports.offset)
        strays = np.diff(reports.ntp - reports.arrival)
        for place in np.flatnonzero((np.abs(jumps) > JUMP) & (np.abs(strays - jumps) < np.abs(jumps) / 2)):
            after, before = (float(reports.arrival[place + step]) for step in (0, 1))
            found.append(ClockSet(after, before, float(jumps[place])))
    together: list[ClockSet] = []
    for one in sorted(found):
        last = together[-1] if together else None
        # Each stream tells of the same act; what both have seen of it is when it was.
        if last is not None and one.after < last.before and abs(one.by - last.by) < JUMP:
            together[-1] = ClockSet(max(last.after, one.after), min(last.before, one.before), last.by)
        else:
            together.append(one)
    return together


def as_if_never_set(reports: Reports, sets: list[ClockSet]) -> Reports:
    """The same reports by a clock that ran through."""
    ntp = reports.ntp.copy()
    for one in sets:
        ntp[reports.arrival > one.after] -= one.by
    return Reports(reports.arrival, ntp, reports.media)


def smooth_offset(reports: Reports) -> Floats:
    """The offset at each report's media time: a line through the reports within SPAN on either side of it,
    as far as no jump parts them."""
    media, offset = reports.media, reports.offset
    smooth = offset.copy()
    edges = [0, *(np.flatnonzero(np.abs(np.diff(offset)) > JUMP) + 1), len(offset)]
    for begin, end in zip(edges, edges[1:], strict=False):
        smooth[begin:end] = _line_through_neighbours(media[begin:end], offset[begin:end])
    return smooth


def _line_through_neighbours(at: Floats, value: Floats) -> Floats:
    """Least squares in a moving window, by running sums."""
    x, y = at - at.mean(), value - value.mean()
    first = np.searchsorted(at, at - SPAN, side="left")
    last = np.searchsorted(at, at + SPAN, side="right")

    def within(row: Floats) -> Floats:
        total = np.concatenate([[0.0], np.cumsum(row)])
        return np.asarray(total[last] - total[first], dtype=np.float64)

    count, mean_x, mean_y = (within(row) for row in (np.ones_like(x), x, y))
    mean_x, mean_y = mean_x / count, mean_y / count
    spread = within(x * x) / count - mean_x**2
    slope = np.divide(
        within(x * y) / count - mean_x * mean_y, spread, out=np.zeros_like(x), where=spread > 1.0
    )
    # Two or three reports of a second's distance tell noise, not drift.
    slope = np.where(count >= 5, np.clip(slope, -STEEPEST, STEEPEST), 0.0)
    return np.asarray(mean_y + slope * (x - mean_x) + value.mean(), dtype=np.float64)


def on_sender_clock(media: Floats, reports: Reports) -> Floats:
    """Seconds of media as seconds of the sender's clock. ``reports`` holds one at least, in order."""
    return np.asarray(media + np.interp(media, reports.media, smooth_offset(reports)), dtype=np.float64)


def on_server_clock(times: list[Floats], arrivals: list[Floats], one_clock: bool) -> list[Floats]:
    """Times of streams that share a clock, moved to the server's by the least delay in each WINDOW.

    ``one_clock``: the times are of a running clock, so that a delay that grows faster than STEEPEST is the
    line's; else they may stand still with a device, and the delay is what it is.
    """
    sender, arrival = np.concatenate(times), np.concatenate(arrivals)
    delay = arrival - sender
    window = np.floor((arrival - arrival.min()) / WINDOW).astype(np.int64)
    order = np.lexsort((delay, window))
    _, first = np.unique(window[order], return_index=True)
    best = order[first]
    by_time = best[np.argsort(sender[best], kind="stable")]
    at, least = sender[by_time], delay[by_time]
    if one_clock:
        least = _no_steeper(at, least)
    moved = []
    for own, real in zip(times, arrivals, strict=True):
        here = own + np.interp(own, at, least)
        moved.append(np.where(np.abs(here - real) > TIME_TRUST, real, here))
    return moved


def _no_steeper(at: Floats, delay: Floats) -> Floats:
    """The greatest curve below these delays that nowhere rises or falls faster than STEEPEST."""
    rising, falling = delay - STEEPEST * at, delay + STEEPEST * at
    before = np.minimum.accumulate(rising) + STEEPEST * at
    after = np.minimum.accumulate(falling[::-1])[::-1] - STEEPEST * at
    return np.asarray(np.minimum(before, after), dtype=np.float64)
