"""Lanes of a replay: who spoke, was there, held something up, how well media travelled and what happened.

All of it is side by side on the film's time. The pictures have so many columns and not more; the table
beside them says the same in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import compress, groupby
from typing import Any

from recordings.evidence.clock_jumps import ClockJumps, wall_ns
from recordings.film.layout import standing
from recordings.review.replay import ReplayEvent, ReplayPlan
from scheduling.materials.showing import worth_a_line
from signaling.quality_history import QualitySpan
from signaling.speeches import read_speeches
from web.replay.happenings import (
    AWAY,
    DOCUMENT,
    EVENT,
    GAP,
    HAND,
    MARK,
    PAUSE,
    Happening,
    find_happenings,
    is_mark,
    withdrawn_marks,
)
from web.words import QUALITY_LEVELS, ROLES, length_of

COLUMNS = 600
# More rows than this are drawn together over growing pauses, and the page says over how long ones.
MOST_ROWS = 300
TOGETHER = (0.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, float("inf"))
NOTED = "speech.noted"
SPEECH = "speech"
# An event has no length; this share of the picture is enough to see it on a phone.
EVENT_WIDTH = 3 / COLUMNS
LEVELS = tuple(QUALITY_LEVELS)
# A speech that is cut at the minute goes on within so many seconds of rounding.
SLACK = 0.01
EVERYBODY = "全体"
STRANGER = "其他参加人"


@dataclass(frozen=True)
class Span:
    """From ``start`` to ``end`` seconds of the film; ``kind`` is SPEECH, a level or that of a happening.

    ``remark`` says what is wrong at a level, and of a happening all there is to say.
    """

    start: float
    end: float
    kind: str
    who: str = ""
    remark: str = ""

    @property
    def words(self) -> str:
        """What a reader of the table is told."""
        if self.kind == SPEECH:
            return "发言"
        return f"网络{QUALITY_LEVELS[self.kind]}：{self.remark}" if self.kind in LEVELS else self.remark


@dataclass(frozen=True)
class Bar:
    """Columns ``x`` to ``x + width`` of a picture."""

    x: int
    width: int
    kind: str


@dataclass(frozen=True)
class Lane:
    """One participant. ``now`` holds what is true from when to when: (start, end, words) in order.

    ``speeches`` are the seconds from and until which the person had the floor, in order.
    """

    name: str
    role: str
    summary: str
    bars: tuple[Bar, ...]
    now: tuple[tuple[float, float, str], ...]
    speeches: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    start: float
    end: float
    who: str
    words: str


@dataclass(frozen=True)
class Lanes:
    """All of it. Rows with shorter pauses than ``together`` seconds between them were made one."""

    duration: float
    events: tuple[Bar, ...]
    lanes: tuple[Lane, ...]
    rows: tuple[Row, ...]
    together: float
    documents: Lane | None = None

    @property
    def told(self) -> tuple[Lane, ...]:
        """Every lane that says in words what is so at a moment, in the order of the page."""
        return ((self.documents,) if self.documents else ()) + self.lanes


def build_lanes(
    plan: ReplayPlan,
    people: Sequence[Mapping[str, Any]],
    quality: Mapping[str, Sequence[QualitySpan]],
    gaps: Sequence[Happening] = (),
) -> Lanes:
    """``people``: participant_id, name, role, tier and organisation of everybody who ever had a seat."""
    film = _Film(plan.recording.started_at, film_length(plan), plan.jumps)
    listed = worth_a_line((event.kind, event.event.data) for event in plan.events)
    happened = [event for event in compress(plan.events, listed) if event.kind != NOTED]
    spans = [*_speeches(film, plan.events), *_levels(film, quality)]
    spans += [span for each in (*find_happenings(happened, film.length), *gaps) for span in film.span(each)]
    spans.sort(key=lambda span: span.start)
    known = {str(person["participant_id"]) for person in people}
    present = {span.who for span in spans if span.who in known or span.kind == SPEECH or span.kind in LEVELS}
    strangers = [{"participant_id": who, "name": STRANGER} for who in sorted(present - known)]
    seated = sorted([dict(person) for person in people] + strangers, key=standing)
    shown = [person for person in seated if person["participant_id"] in present]
    names = {person["participant_id"]: str(person["name"]) for person in shown} | {"": EVERYBODY}
    # Of somebody without a lane only what everybody saw is told.
    told = [span if span.who in names else replace(span, who="") for span in spans if span.kind != "good"]
    rows, together = _rows(told, names)
    return Lanes(
        film.length,
        _common(film, [span for span in told if span.kind == DOCUMENT or not span.who], happened),
        tuple(
            _lane(film, person, [s for s in spans if s.who == person["participant_id"]]) for person in shown
        ),
        rows,
        together,
        _documents(film, told),
    )


def film_length(plan: ReplayPlan) -> float:
    """Seconds of the time axis, never nothing."""
    return max(plan.duration, 1.0)


@dataclass(frozen=True)
class _Film:
    """The time that all of it is put on."""

    began: datetime
    length: float
    jumps: ClockJumps

    def place(
        self, since: datetime, until: datetime, kind: str, who: str, near: datetime, remark: str = ""
    ) -> Iterator[Span]:
        """The part of it within the film, if any; both times are of the wall clock, however it was set.

        Of two times that are possible, after it was set back, the one next to ``near`` is taken.
        """
        if self.jumps:
            on_film = datetime.fromtimestamp(
                self.jumps.recording_ns(wall_ns(since), wall_ns(near)) / 1e9, UTC
            )
            since, until = on_film, on_film + (until - since)
        start, end = ((at - self.began) / timedelta(seconds=1) for at in (since, until))
        if start < self.length and end > 0:
            yield Span(max(0.0, start), min(end, self.length), kind, who, remark)

    def span(self, happening: Happening) -> Iterator[Span]:
        """The part of what happened that is within the film."""
        start, end = happening.start, happening.end
        if start < self.length and end >= 0:
            place = max(0.0, start), min(end, self.length)
            yield Span(*place, happening.kind, happening.who, happening.words)

    def bars(self, spans: Iterable[Span]) -> list[Bar]:
        """Columns of each kind; however short, a span has one, and the worst level wins it."""
        kinds = [""] * COLUMNS
        ranked = sorted(spans, key=lambda span: LEVELS.index(span.kind) if span.kind in LEVELS else 0)
        for span in ranked:
            first = min(
                int(span.start / self.length * COLUMNS), COLUMNS - (3 if span.kind in (EVENT, MARK) else 1)
            )
            last = max(first + 1, round(span.end / self.length * COLUMNS))
            kinds[first:last] = [span.kind] * (min(last, COLUMNS) - first)
        bars, x = [], 0
        for kind, run in groupby(kinds):
            width = len(list(run))
            if kind:
                bars.append(Bar(x, width, kind))
            x += width
        return bars


def _speeches(film: _Film, events: Iterable[ReplayEvent]) -> Iterator[Span]:
    for event in events:
        for speech in read_speeches(event.event.data) if event.kind == NOTED else ():
            if speech.until is not None:
                yield from film.place(speech.since, speech.until, SPEECH, speech.participant_id, event.at)


def _levels(film: _Film, quality: Mapping[str, Sequence[QualitySpan]]) -> Iterator[Span]:
    for who, spans in quality.items():
        for span in spans:
            yield from film.place(span.since, span.until, span.level, who, film.began, quality_words(span))


def _common(film: _Film, spans: list[Span], happened: Sequence[ReplayEvent]) -> tuple[Bar, ...]:
    """What concerns everybody: pauses and gaps, documents, marks, and every event as a tick."""
    width, gone = EVENT_WIDTH * film.length, withdrawn_marks(happened)
    ticks = [
        Span(
            event.seconds,
            event.seconds + width,
            MARK if is_mark(event.kind) and event.event.id not in gone else EVENT,
        )
        for event in happened
        if event.at >= film.began
    ]
    groups = (
        [span for span in spans if span.kind in (PAUSE, GAP)],
        [span for span in spans if span.kind == DOCUMENT],
        [tick for tick in ticks if tick.kind == EVENT],
        [tick for tick in ticks if tick.kind == MARK],
    )
    return tuple(bar for group in groups for bar in film.bars(group))


def _lane(film: _Film, person: Mapping[str, Any], spans: list[Span]) -> Lane:
    speeches = [span for span in spans if span.kind == SPEECH]
    levels = [span for span in spans if span.kind in LEVELS]
    bars = [film.bars(group) for group in (speeches, levels)]
    bars += [film.bars(span for span in spans if span.kind in kinds) for kinds in ((AWAY, GAP), (HAND,))]
    now = tuple((span.start, span.end, span.words) for span in spans if span.kind != "good")
    return Lane(
        str(person["name"]),
        ROLES.get(str(person.get("role")), ""),
        f"{_spoken(speeches)}；{_travelled(levels)}{_rest(spans)}",
        tuple(bar for group in bars for bar in group),
        now,
        tuple((round(span.start, 2), round(span.end, 2)) for span in _together(speeches, 0.0)),
    )


def _documents(film: _Film, spans: list[Span]) -> Lane | None:
    """What was shown, in a lane of its own; None where nothing was."""
    shown = [span for span in spans if span.kind == DOCUMENT]
    if not shown:
        return None
    whole = length_of(sum(span.end - span.start for span in _together(shown, 0.0)))
    now = tuple((span.start, span.end, span.words) for span in shown)
    width = EVENT_WIDTH * film.length
    turns = [Span(span.start, span.start + width, EVENT) for span in shown]
    bars = (*film.bars(shown), *film.bars(turns))
    return Lane("出示的材料", "", f"出示 {len(shown)} 次，共 {whole}", bars, now)


def _rest(spans: list[Span]) -> str:
    """`；举手 2 次，离开 1 次`, what there was of it."""
    kinds = ((HAND, "举手"), (DOCUMENT, "出示材料"), (AWAY, "离开或掉线"), (GAP, "录像缺口"))
    counts = [(word, sum(span.kind == kind for span in spans)) for kind, word in kinds]
    texts = [f"{word} {count} 次" for word, count in counts if count]
    return f"；{'，'.join(texts)}" if texts else ""


def _spoken(speeches: list[Span]) -> str:
    if not speeches:
        return "没有发言"
    whole = _together(speeches, 2.0)
    return f"发言 {len(whole)} 次，共 {length_of(sum(span.end - span.start for span in speeches))}"


def _travelled(levels: list[Span]) -> str:
    """`网络良好 96 %，较差 4 %`; a level that was there is never rounded away."""
    total = sum(span.end - span.start for span in levels)
    if not total:
        return "没有网络记录"
    shares = {kind: sum(s.end - s.start for s in levels if s.kind == kind) / total for kind in LEVELS}
    texts = [
        f"{QUALITY_LEVELS[kind]} {max(1, round(share * 100))} %" for kind, share in shares.items() if share
    ]
    return f"网络{'，'.join(texts)}"


def _rows(spans: list[Span], names: Mapping[str, str]) -> tuple[tuple[Row, ...], float]:
    """In the order of time, and over how long pauses they were drawn together."""
    by_kind: dict[tuple[str, str], list[Span]] = {}
    for span in sorted(spans, key=lambda span: span.start):
        by_kind.setdefault((span.who, "network" if span.kind in LEVELS else span.kind), []).append(span)
    found: list[Span] = []
    for together in TOGETHER:
        found = [span for group in by_kind.values() for span in _together(group, together)]
        if len(found) <= MOST_ROWS:
            break
    rows = [Row(span.start, span.end, names[span.who], span.words) for span in found]
    return tuple(sorted(rows, key=lambda row: (row.start, row.who))), together


def _together(spans: Iterable[Span], pause: float) -> list[Span]:
    """Neighbours with at most that many seconds between them as one, of the worse level."""
    found: list[Span] = []
    for span in spans:
        last = found[-1] if found else None
        same = last is not None and (last.kind, last.remark) == (span.kind, span.remark)
        if last is None or span.start - last.end > pause + SLACK or not (same or pause):
            found.append(span)
            continue
        worse = max(last, span, key=lambda one: LEVELS.index(one.kind) if one.kind in LEVELS else 0)
        found[-1] = Span(last.start, max(last.end, span.end), worse.kind, span.who, worse.remark)
    return found


def quality_words(span: QualitySpan) -> str:
    """`上行丢包 12 %，下行中断`: each direction that is not good, as officials read it live."""
    ways = (("上行", span.up, span.up_loss), ("下行", span.down, span.down_loss))
    return "，".join(
        f"{way}{_effect(level, loss, span.round_trip)}" for way, level, loss in ways if level != "good"
    )


def _effect(level: str, loss: int | None, round_trip: int | None) -> str:
    if level == "gone":
        return QUALITY_LEVELS[level]
    if loss is not None and loss >= 3:
        return f"丢包 {loss} %"
    slow = round_trip is not None and round_trip >= 200
    return f"延迟 {round_trip} 毫秒" if slow else QUALITY_LEVELS[level]
