"""Beep and flash: a recording of parties who make both at once over a bad line, and how far apart they are in
the film. ``python -m tests.recordings.beeps 600`` makes and measures ten minutes.

Nothing is waited for: the packets go through the relay's own model of a line (tests.media.impairment) in
recorded time. What is lost is sent again when the server asks for it, twice at most.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from recordings.capture import segment
from recordings.capture.journal import Disk, TrackJournal
from recordings.film.captions import Lettering
from recordings.film.composition import compose
from recordings.film.layout import LABEL_HEIGHT, Tile, arrange
from recordings.film.plan import CompositionPlan
from recordings.film.sound import RATE
from tests.media.impairment import Impairment
from tests.recordings.synthetic import (
    MONOTONIC_NS,
    NTP_ERA,
    PARTIES,
    START,
    START_NS,
    Party,
    identity,
    rtp,
    seal,
    vp8_payloads,
)

AWAY = 1.5  # seconds a reconnect takes
EVERY, FPS, BEEP, FLASH_PICTURES = 2.0, 15, 0.2, 3
SIZE = (160, 90)
TRIES, ASKED_AFTER = 3, 0.12  # seconds between losing a packet and its next try
PLAN = replace(CompositionPlan(), width=640, height=360, preset="ultrafast")
WHO = PARTIES[:3]
# Parts per million by which a sound card and a camera run fast.
DRIFT = {"p_city": (80, -60), "p_district": (-120, 40), "p_province": (30, 90)}
DELAY = {"microphone": 0.02, "camera": 0.15}
# As browsers do: seconds between reports, and by how much a report's two times miss each other.
REPORTED_EVERY = {"microphone": 5.0, "camera": 1.0}
REPORT_NOISE = 0.008
CLOCK_SET_BY = 0.8  # seconds; one party's clock, in the middle of the second connection
FULL_LINE = 0.3  # seconds more delay for a tenth of the session, for everybody
NEAR = 0.7  # seconds in which a flash and a beep are looked for
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Life:
    """One connection of one party, seconds of the session. ``phase`` is where its camera's pictures lie."""

    begin: float
    end: float
    phase: float

    def moments(self, place: int) -> list[float]:
        """When the party beeps and flashes, as a whole number of pictures after the connection's first."""
        first = self.begin + 0.6 + 0.4 * place
        times = [first + number * EVERY for number in range(int((self.end - first - 0.6) / EVERY) + 1)]
        return [self.picture(round((time - self.begin) * FPS)) for time in times if time < self.end - 0.6]

    def picture(self, number: int) -> float:
        return self.begin + self.phase + number / FPS


def lives(seconds: float, place: int, away: float = AWAY) -> list[Life]:
    """Two reconnects of ``away`` seconds, not for everybody at once."""
    edges = [0.0, seconds / 3 + 0.2 * place, seconds * 2 / 3 + 0.2 * place, seconds]
    return [
        Life(begin + (away if number else 0.0), end, (7 * number + 3 * place) % 10 / 10 / FPS)
        for number, (begin, end) in enumerate(zip(edges, edges[1:], strict=False))
    ]


def pictures(life: Life, place: int) -> Iterator[tuple[float, bytes]]:
    """(captured at, coded picture): grey, white while it flashes; a key frame every second."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = *SIZE, "yuv420p"
    encoder.time_base, encoder.bit_rate = Fraction(1, FPS), 300_000
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": str(FPS)}
    flashes = life.moments(place)
    lit = {
        round((at - life.begin - life.phase) * FPS) + more for at in flashes for more in range(FLASH_PICTURES)
    }
    for number in range(int((life.end - life.begin - life.phase) * FPS)):
        planes = np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, dtype=np.uint8)
        planes[: SIZE[1]] = 235 if number in lit else 60
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = number
        (packet,) = encoder.encode(frame)
        yield life.picture(number), bytes(packet)


def sounds(life: Life, place: int, tone: int, drift: float) -> Iterator[tuple[float, bytes]]:
    """(first sample taken at, Opus packet) of a sound card that runs fast by that share."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE, "mono", "flt"
    encoder.bit_rate = 32_000
    encoder.open()
    beeps, step = np.array([*life.moments(place), np.inf]), 960 / RATE / (1 + drift)
    for number in range(int((life.end - life.begin) / step)):
        moments = life.begin + step * (number + np.arange(960) / 960)
        last = beeps[np.maximum(np.searchsorted(beeps, moments, side="right") - 1, 0)]
        loud = (moments >= last) & (moments < last + BEEP)
        wave = (0.5 * np.sin(2 * np.pi * tone * moments) * loud).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate, frame.pts = RATE, number * 960
        coded = [bytes(packet) for packet in encoder.encode(frame)]
        if coded:
            yield life.begin + step * number, coded[0]


def arrivals(line: Impairment, again: Impairment, size: int, sent: float, dice: random.Random) -> list[float]:
    """When a packet arrives: also twice, or not at all where asking for it did not help."""
    for number in range(TRIES):
        found = (again if number else line).plan(size, sent + number * ASKED_AFTER, dice)
        if found:
            return found
    return []


def write(root: Path, place: int, party: Party, seconds: float) -> None:
    """Both tracks of a party; each connection has its own SSRC, beginning of RTP time and clock."""
    for source, drift in zip(("microphone", "camera"), DRIFT[party.participant_id], strict=True):
        dice = random.Random(f"{place} {source}")
        records: list[tuple[float, int, bytes]] = []
        for number, life in enumerate(lives(seconds, place)):
            records += _records(life, number, place, party, source, drift / 1e6, dice, seconds)
        journal, drained = TrackJournal(root, identity(party, source), Disk()), 0.0
        for at, kind, payload in sorted(records):
            mono, wall = MONOTONIC_NS + int(at * 1e9), START_NS + int(at * 1e9)
            journal.append(kind, mono, wall, payload)
            if at > drained + 0.5:
                drained = at
                journal.drain(mono, wall)
        journal.drain(mono, wall)
        journal.finish(mono, wall, "session closed")


def _records(
    life: Life,
    number: int,
    place: int,
    party: Party,
    source: str,
    drift: float,
    dice: random.Random,
    seconds: float,
) -> Iterator[tuple[float, int, bytes]]:
    """(arrival, kind, payload) of one connection of one track."""
    video = source == "camera"
    rate, kind = (90_000, 96) if video else (RATE, 111)
    made = pictures(life, place) if video else sounds(life, place, party.tone, drift)
    line = Impairment(loss=0.05, burst=2, delay=DELAY[source], jitter=0.03, reorder=0.05, duplicate=0.02)
    again = replace(line, burst=1.0)  # Later: a run of losses is over by then.
    ssrc, base, sequence = dice.getrandbits(32), dice.getrandbits(32), dice.getrandbits(16)
    reported, middle = -1.0, seconds / 2
    for turn, (taken, data) in enumerate(made):
        stamp = base + (round((taken - life.begin) * (1 + drift) * rate) if video else turn * 960)
        line.delay = again.delay = DELAY[source] + (FULL_LINE if 0.45 < taken / seconds < 0.55 else 0.0)
        for part in (parts := vp8_payloads(data, turn) if video else [data]):
            packet = rtp(sequence, stamp, ssrc, part, video and part is parts[-1], kind)
            sequence += 1
            for at in arrivals(line, again, len(packet), taken, dice):
                yield at, segment.RTP, packet
        if taken >= reported + REPORTED_EVERY[source]:
            reported = taken
            skew = party.skew + 7 * number + (CLOCK_SET_BY if place == 1 and taken > middle else 0.0)
            missed = dice.uniform(-REPORT_NOISE, REPORT_NOISE)
            ntp = int((START.timestamp() + NTP_ERA + skew + taken + missed) * 2**32)
            yield (
                taken + line.delay,
                segment.SENDER_REPORT,
                segment.pack_report(ssrc, ntp, stamp & 0xFFFFFFFF),
            )


def make_film(root: Path, seconds: float) -> Path:
    """The sealed recording in ``root`` and its film."""
    root.mkdir(parents=True)
    for place, party in enumerate(WHO):
        write(root, place, party, seconds)
    seal(root, seconds, WHO)
    out = root / "composed.mp4"
    compose(root, out, PLAN, lambda _: None)
    return out


@dataclass(frozen=True)
class Measured:
    """``offsets``: sound after picture in seconds, for each party and each time it beeped and flashed;
    infinite where either is not in the film. ``misplaced``: flashes that were not in their tile, or names
    that did not stand below it, as (seconds, party)."""

    offsets: list[Floats]
    misplaced: list[tuple[float, str]]
    checked: int  # flashes that were looked at for ``misplaced``


def tiles() -> dict[str, Tile]:
    sources = {party.participant_id: {"camera"} for party in WHO}
    found = arrange([party.entry() for party in WHO], sources, PLAN.width, PLAN.height)
    return {tile.participant_id: tile for tile in found}


def measure(path: Path, seconds: float, away: float = AWAY) -> Measured:
    """All parties of a film of so many seconds, in which they were ``away`` twice."""
    times, middles, misplaced, checked = _watch(path, seconds)
    sound, first = _listen(path)
    offsets = []
    for place, party in enumerate(WHO):
        own = []
        for truth in (at for life in lives(seconds, place, away) for at in life.moments(place)):
            # A picture stands until the next one: the one before the window still stands when it begins.
            near = slice(
                max(0, np.searchsorted(times, truth - NEAR) - 1), np.searchsorted(times, truth + NEAR)
            )
            flashes = rises(middles[near, place], times[near], 160.0)
            begin = max(0, int((truth - NEAR - first) * RATE))
            beeps = tone_begins(sound[begin : begin + int(2 * NEAR * RATE)], party.tone)
            apart = [begin / RATE + first + beep - flash for flash in flashes for beep in beeps]
            own.append(min(apart, key=abs, default=float("inf")))
        offsets.append(np.array(own))
    return Measured(offsets, misplaced, checked)


def rises(values: Floats, times: Floats, level: float) -> list[float]:
    """Times at which the value comes from below ``level`` to above it."""
    above = values > level
    return [float(times[i]) for i in np.flatnonzero(above[1:] & ~above[:-1]) + 1]


def tone_begins(sound: Floats, tone: int) -> list[float]:
    """Seconds after the first sample at which a beep of that tone is half as loud as it was made."""
    step, window = RATE // 500, RATE // 50
    starts = np.arange(0, len(sound) - window, step)
    if not len(starts):
        return []
    total = np.cumsum(np.append(0, sound * np.exp(-2j * np.pi * tone * np.arange(len(sound)) / RATE)))
    strength = np.abs(total[starts + window] - total[starts]) * 2 / window
    return rises(strength, (starts + window / 2) / RATE, 0.25)


def _listen(path: Path) -> tuple[Floats, float]:
    """All samples, and the time of the first."""
    with av.open(str(path)) as container:
        frames = [(frame.time, frame.to_ndarray().mean(axis=0)) for frame in container.decode(audio=0)]
    return np.concatenate([samples for _, samples in frames]), frames[0][0]


def _watch(path: Path, seconds: float) -> tuple[Floats, Floats, list[tuple[float, str]], int]:
    """Time and luma in the middle of each party's tile for each picture; and what stood in a wrong place."""
    where, lettering = [tiles()[party.participant_id] for party in WHO], Lettering()
    names = [lettering.bar(t.label, t.caption.width, t.caption.height)[:LABEL_HEIGHT] for t in where]
    times, middles, misplaced, checked = [], [], [], 0
    lit = [False] * len(where)
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            luma = frame.to_ndarray()[: PLAN.height].astype(np.int16)
            boxes = [tile.picture for tile in where]
            middle = [int(luma[b.y + b.height // 2, b.x + b.width // 2]) for b in boxes]
            times.append(frame.time)
            middles.append(middle)
            for place, tile in enumerate(where):
                was, lit[place] = lit[place], middle[place] > 160
                if lit[place] and not was:
                    checked += 1
                    if not (_fills(luma, tile) and _is_named(luma, where, names, place)):
                        misplaced.append((frame.time, WHO[place].participant_id))
    return np.array(times), np.array(middles, dtype=np.float64), misplaced, checked


def _fills(luma: NDArray[np.int16], tile: Tile) -> bool:
    """Is the whole place of a party bright, as far as its camera reaches, and nothing of it beyond?"""
    box = tile.picture
    row = luma[box.y + box.height // 2]
    height = min(box.height, box.width * SIZE[1] // SIZE[0])
    width = min(box.width, box.height * SIZE[0] // SIZE[1])
    left = box.x + (box.width - width) // 2
    top = box.y + (box.height - height) // 2
    column = luma[:, box.x + box.width // 2]
    inside = min(row[left + 6 : left + width - 6].min(), column[top + 6 : top + height - 6].min())
    outside = (*row[max(0, left - 12) : max(0, left - 6)], *row[left + width + 6 : left + width + 12])
    beyond = (*column[max(0, top - 12) : max(0, top - 6)], *column[top + height + 6 : top + height + 12])
    # Beyond it there is black, a name on a dark bar, or somebody's grey.
    return bool(inside > 160 and np.median([*outside, *beyond]) < 120)


def _is_named(luma: NDArray[np.int16], where: list[Tile], names: list[NDArray[np.uint8]], place: int) -> bool:
    """Does the party's own name stand below it, more like it than everybody else's?"""
    box = where[place].caption
    seen = luma[box.y : box.y + box.height, box.x : box.x + box.width]
    apart = [float(np.abs(seen - name[:, : box.width]).mean()) for name in names]
    return apart[place] < 6 and apart[place] == min(apart)


def report(measured: Measured) -> str:
    """One line a party and one for all: how many, median and p99 in ms."""
    rows = [*zip((p.participant_id for p in WHO), measured.offsets, strict=True)]
    lines = []
    for name, offsets in [*rows, ("all", np.concatenate(measured.offsets))]:
        apart = np.abs(offsets) * 1000
        lines.append(
            f"{name:12} {len(offsets):5} times, {np.isinf(offsets).sum():3} not found; "
            f"median {np.median(apart):5.1f} ms, p99 {np.percentile(apart, 99, method='higher'):5.1f} ms, "
            f"sound after picture by {np.median(offsets) * 1000:+.1f} ms"
        )
    return "\n".join([*lines, f"{measured.checked} flashes looked at, {len(measured.misplaced)} misplaced"])


if __name__ == "__main__":
    LENGTH = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    with tempfile.TemporaryDirectory(prefix="lianxin-beeps-") as folder:
        print(report(measure(make_film(Path(folder) / "rec", LENGTH), LENGTH)))
