"""Screened people (屏蔽): when somebody had no picture and an altered voice, from the session's events."""

from __future__ import annotations

from typing import Any

from recordings.evidence.manifest import moment_ns
from recordings.evidence.pauses import Pause

BEGAN, ENDED = "veil.began", "veil.ended"
# In place of the name, in the whole film: who is screened once is named nowhere in it.
NAMELESS = "已屏蔽"
CARD = "无画面，声音已处理"


def veils_of(manifest: dict[str, Any], start_ns: int, seconds: float) -> dict[str, list[Pause]]:
    """Participant id to the spans, in seconds of the recording; also who was shown again before it began."""
    events = sorted(manifest.get("session_events", ()), key=lambda event: event["sequence"])
    found: dict[str, list[Pause]] = {}
    since: dict[str, float] = {}
    for event in events:
        who, kind = event.get("participant_id"), event["kind"]
        if who is None or kind not in (BEGAN, ENDED):
            continue
        at = (moment_ns(event["at"]) - start_ns) / 1e9
        if kind == BEGAN:
            found.setdefault(who, [])
            since.setdefault(who, at)
        elif who in since:
            found[who].append((since.pop(who), at))
    for who, at in since.items():
        found[who].append((at, seconds))
    return {
        who: [(max(0.0, begin), min(end, seconds)) for begin, end in spans if begin < seconds and end > 0]
        for who, spans in found.items()
    }


def without_names(people: list[dict[str, Any]], veiled: dict[str, list[Pause]]) -> list[dict[str, Any]]:
    """The participants with nothing that tells who was screened."""
    return [
        {**person, "name": NAMELESS, "organisation": None} if person["participant_id"] in veiled else person
        for person in people
    ]
