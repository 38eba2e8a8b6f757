"""Spans of speech for the timeline: nothing that floods, nothing that is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from signaling.speeches import MOST_SPANS, Speeches

START = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
EPOCH_MS = round(START.timestamp() * 1000)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def heard(*changes: tuple[float, str | None]) -> Speeches:
    speeches = Speeches()
    for seconds, speaker in changes:
        speeches.hear(speaker, at(seconds))
    return speeches


def test_silence_makes_no_event() -> None:
    speeches = heard((0, None), (5, None))
    assert speeches.take(at(60)) is None


def test_a_cough_makes_no_event() -> None:
    assert heard((0, "a"), (0.4, None)).take(at(60)) is None


def test_a_steady_change_of_speakers_is_capped() -> None:
    speeches = heard(*((number, "ab"[number % 2]) for number in range(600)))
    taken = speeches.take(at(600))
    assert taken is not None and len(taken["spans"]) <= MOST_SPANS


def test_pauses_of_one_speaker_are_joined() -> None:
    taken = heard((0, "a"), (3, None), (4.5, "a"), (6, "b"), (8, None), (10.5, "b"), (12, None)).take(at(60))
    assert taken == {
        "spans": [["a", EPOCH_MS, 6000], ["b", EPOCH_MS + 6000, 2000], ["b", EPOCH_MS + 10500, 1500]]
    }


def test_a_long_speech_is_cut_at_the_minute_and_goes_on() -> None:
    speeches = heard((0, "a"))
    assert not speeches.due(at(59)) and speeches.due(at(60))
    assert speeches.take(at(60)) == {"spans": [["a", EPOCH_MS, 60000]]}
    speeches.hear(None, at(70))
    assert speeches.take(at(120)) == {"spans": [["a", EPOCH_MS + 60000, 10000]]}
