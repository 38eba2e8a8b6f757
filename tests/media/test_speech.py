"""Who has the floor: first what must not give it, then who gets it, keeps it and loses it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from media.speech import Floor, RoomSpeech

A, B = "anna", "bert"


def talk(floor: Floor, seconds: float, start: float, **levels: int) -> list[tuple[float, str | None]]:
    """The same levels every 0.1 s; every change as (seconds since start, speaker)."""
    changes = []
    for step in range(round(seconds * 10)):
        if floor.hear(levels, start + step / 10):
            changes.append((round(step / 10, 1), floor.speaker))
    return changes


def test_silence_and_background_give_nobody_the_floor() -> None:
    assert talk(Floor(), 5, 0.0, anna=-127, bert=-51) == []


def test_a_cough_does_not_take_the_floor() -> None:
    floor = Floor()
    assert talk(floor, 0.3, 0.0, anna=-20) == []
    assert talk(floor, 1, 0.3, anna=-127) == []


def test_beeps_half_a_second_apart_do_not_take_the_floor() -> None:
    floor = Floor()
    for beep in range(20):
        assert talk(floor, 0.1, beep / 2, anna=-20) + talk(floor, 0.4, beep / 2 + 0.1, anna=-127) == []


def test_a_voice_that_is_soft_between_words_takes_the_floor() -> None:
    floor = Floor()
    for word in range(4):  # 0.2 s loud, 0.2 s soft.
        talk(floor, 0.2, word * 0.4, anna=-30)
        talk(floor, 0.2, word * 0.4 + 0.2, anna=-70)
    assert floor.speaker == A


def test_equal_voices_do_not_take_turns() -> None:
    floor = Floor()
    assert len(talk(floor, 1, 0.0, anna=-30, bert=-30)) == 1
    first = floor.speaker
    for step in range(100):  # Each is louder by two decibels in turn.
        floor.hear({A: -30 + step % 2 * 2, B: -29}, 1 + step / 10)
    assert floor.speaker == first


def test_a_voice_takes_the_floor_after_three_tenths() -> None:
    assert talk(Floor(), 1, 0.0, anna=-30, bert=-60) == [(0.3, A)]


def test_a_louder_voice_waits_until_the_first_has_had_a_second() -> None:
    floor = Floor()
    talk(floor, 0.4, 0.0, anna=-30)
    assert floor.speaker == A
    assert talk(floor, 2, 0.4, anna=-30, bert=-20) == [(0.9, B)]


def test_a_pause_of_half_a_second_keeps_the_floor_and_silence_releases_it() -> None:
    floor = Floor()
    talk(floor, 1, 0.0, anna=-30)
    assert talk(floor, 0.5, 1.0, anna=-127) == []
    assert talk(floor, 1, 1.5, anna=-30) == []
    assert talk(floor, 2, 2.5, anna=-127) == [(0.9, None)]


@pytest.mark.parametrize("left", [{}, {"bert": -60}])
def test_who_is_muted_or_gone_is_released_at_once(left: dict[str, int]) -> None:
    floor = Floor()
    talk(floor, 1, 0.0, anna=-30)
    assert floor.hear(left, 1.0)
    assert floor.speaker is None


def test_the_room_is_told_of_a_change_at_once_and_of_nothing_when_nothing_changes() -> None:
    """Levels that stay as they are cost one message, a new speaker one more."""
    levels = {A: 127, B: 127}
    microphones = [
        SimpleNamespace(
            track=SimpleNamespace(participant_id=who),
            loudness=SimpleNamespace(level=lambda now, who=who: levels[who]),
        )
        for who in levels
    ]
    speech, told = RoomSpeech(), []
    assert speech.is_due(100.0)
    for step in range(100):
        levels[A] = 20 if step >= 50 else 127
        if (heard := speech.look(microphones, 100 + step / 8)) is not None:  # type: ignore[arg-type]
            told.append((step, speech.speaker, heard[A]))
        assert not speech.is_due(100 + step / 8 + 0.05)
    # The new level at once, because the last message is long ago; the speaker as soon as he has the floor.
    assert told == [(50, None, -20), (53, A, -20)]
