"""Happenings of a replay: documents shown, hands, absences, pauses and gaps as spans, and the chapters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recordings.archive.index import texts_of
from recordings.evidence.pauses import BEGIN, deliberations_among, pauses_among
from recordings.review.replay import ReplayEvent
from web.replay.exhibits import exhibits_of
from web.words import event_word, gap_cause

DOCUMENT, HAND, AWAY, PAUSE, GAP, MARK, EVENT = "document", "hand", "away", "pause", "gap", "mark", "event"
# Somebody's going ends what they held up; what ends with the session ends with the film.
GONE = frozenset(
    f"participant.{how}"
    for how in (
        "dropped",
        "left",
        "removed",
        "cut",
        "stepped_away",
        "moved_to_lobby",
        "missed_call",
        "denied",
    )
)
BACK = frozenset(f"participant.{how}" for how in ("joined", "resumed", "admitted"))
OPENERS = {"screen.shared": DOCUMENT, "hand.raised": HAND}
CLOSERS = {"screen.ended": DOCUMENT, "hand.lowered": HAND}
RECORDING_PAUSED = "recording.paused"
MARK_WITHDRAWN = "mark.withdrawn"
RECORDING_ON = frozenset(("recording.resumed", "recording.started", "recording.stopped"))
PHASES = frozenset(
    (
        "session.opened", "session.paused", "session.resumed", "session.closed", "session.failed",
        "deliberation.began", "deliberation.ended",
        "minutes.presented", "minutes.signed", "recording.paused", "recording.resumed", "screen.shared",
        "material.shown",
        "phase.begun", "host.handed_over", "host.succeeded", "host.taken_back",
    )
)  # fmt: skip
# More chapters than that are no help; marks and phases come before documents.
MOST_CHAPTERS = 120
CHAPTER_TEXT = 60
CODE = re.compile(r"[a-z0-9_.:]+")


@dataclass(frozen=True)
class Happening:
    """From ``start`` to ``end`` seconds of the film; ``who`` is a participant id or empty for everybody."""

    start: float
    end: float
    kind: str
    who: str
    words: str


@dataclass(frozen=True)
class Chapter:
    """A part of the film: where it begins, in seconds, and what it is called."""

    start: float
    title: str
    kind: str


def said_in(data: Mapping[str, Any]) -> list[str]:
    """What people wrote in an event; codes of the program are not shown to anybody."""
    return [text for text in texts_of(dict(data)) if not CODE.fullmatch(text)]


def is_mark(kind: str) -> bool:
    """A moment that somebody marked, whatever kind of mark it is."""
    return kind.partition(".")[0] == "mark" and kind != MARK_WITHDRAWN


def withdrawn_marks(events: Iterable[ReplayEvent]) -> set[str]:
    """Ids of the marks that somebody took back; they stay among the events and are no chapters."""
    return {str(event.event.data.get("mark_id")) for event in events if event.kind == MARK_WITHDRAWN}


def find_happenings(events: Sequence[ReplayEvent], length: float) -> list[Happening]:
    """Everything with a length that the session's events tell, in the order of its beginning."""
    found = [
        *_pauses(events, length),
        *_deliberations(events, length),
        *_recording_pauses(events, length),
        *_materials(events, length),
        *_of_people(events, length),
    ]
    return sorted(found, key=lambda each: (each.start, each.kind, each.who))


def gaps_in(manifest: Mapping[str, Any], began: datetime) -> list[Happening]:
    """Where a track of the sealed recording holds nothing; what cannot be read is left out."""
    found = []
    for track in manifest.get("tracks", ()):
        for gap in track.get("gaps", ()):
            try:
                start, end = ((_moment(gap[name]) - began).total_seconds() for name in ("from", "to"))
            except (KeyError, TypeError, ValueError):
                continue
            words = f"录像缺口：{gap_cause(str(gap.get('cause', '')))}"
            found.append(Happening(start, end, GAP, str(track.get("participant_id") or ""), words))
    return found


def chapters_of(events: Sequence[ReplayEvent], began: datetime, names: Mapping[str, str]) -> list[Chapter]:
    """The film's chapters from phases, marks and documents, the first at its beginning."""
    found = [Chapter(0.0, "录像开始", "start")]
    gone = withdrawn_marks(events)
    for event in events:
        if event.event.id in gone:
            continue
        if event.at < began or not (event.kind in PHASES or is_mark(event.kind)):
            continue
        found.append(Chapter(round(event.seconds, 1), _title(event, names), event.kind))
    for least in ("screen.shared", "material.", "recording."):
        if len(found) > MOST_CHAPTERS:
            found = [each for each in found if not each.kind.startswith(least)]
    return found[:MOST_CHAPTERS]


def _title(event: ReplayEvent, names: Mapping[str, str]) -> str:
    to_whom = str(event.event.data.get("to_name") or "")
    if event.kind == "material.shown":
        to_whom = str(event.event.data.get("name") or "")
    text = next(iter(said_in(event.event.data)), to_whom).replace("\n", " ")
    who = names.get(event.event.participant_id or "", "") if event.kind == "screen.shared" else ""
    title = " · ".join(part for part in (event_word(event.kind), who) if part)
    if not text:
        return title
    return f"{title}：{text if len(text) <= CHAPTER_TEXT else text[: CHAPTER_TEXT - 1] + '…'}"


def _materials(events: Iterable[ReplayEvent], length: float) -> Iterator[Happening]:
    """Each page that was up is a span of its own: `出示材料：合同.pdf，第 2 页（共 3 页）`."""
    shown = exhibits_of(events, length)
    for one in shown.showings:
        sheet = shown.sheets[one.sheet]
        where = f"第 {sheet.page} 页（共 {sheet.pages} 页）"
        words = f"{event_word('material.shown')}：{sheet.name}，{where}"
        yield Happening(one.start, one.end, DOCUMENT, one.who, words)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _pauses(events: Sequence[ReplayEvent], length: float) -> Iterator[Happening]:
    reasons = {
        max(0.0, event.seconds): next(iter(said_in(event.event.data)), "")
        for event in events
        if event.kind == BEGIN
    }
    for start, end in pauses_among(((event.kind, event.seconds) for event in events), length):
        reason = reasons.get(start, "")
        yield Happening(start, end, PAUSE, "", f"接访暂停：{reason}" if reason else "接访暂停")


def _deliberations(events: Sequence[ReplayEvent], length: float) -> Iterator[Happening]:
    marks = ((event.kind, event.seconds) for event in events)
    for start, end in deliberations_among(marks, length):
        yield Happening(start, end, PAUSE, "", "内部合议，没有录音录像")


def _recording_pauses(events: Iterable[ReplayEvent], length: float) -> Iterator[Happening]:
    since: float | None = None
    words = event_word(RECORDING_PAUSED)
    for event in events:
        if event.kind == RECORDING_PAUSED and since is None:
            since = event.seconds
        elif event.kind in RECORDING_ON and since is not None:
            yield Happening(since, event.seconds, PAUSE, "", words)
            since = None
    if since is not None and since < length:
        yield Happening(since, length, PAUSE, "", words)


def _of_people(events: Iterable[ReplayEvent], length: float) -> Iterator[Happening]:
    """Documents, hands and absences of each person; what never ended lasts to the end."""
    open_: dict[tuple[str, str], tuple[float, str]] = {}

    def close(who: str, kind: str, at: float) -> Iterator[Happening]:
        start, words = open_.pop((who, kind), (at, ""))
        if start < at:
            yield Happening(start, at, kind, who, words)

    for event in events:
        who, kind, at = event.event.participant_id or "", event.kind, event.seconds
        if kind in OPENERS:
            open_.setdefault((who, OPENERS[kind]), (at, event_word(kind)))
        elif kind in CLOSERS:
            yield from close(who, CLOSERS[kind], at)
        elif kind in BACK:
            yield from close(who, AWAY, at)
        elif kind in GONE:
            for held in (DOCUMENT, HAND):
                yield from close(who, held, at)
            open_.setdefault((who, AWAY), (at, event_word(kind)))
    for who, kind in list(open_):
        yield from close(who, kind, length)
