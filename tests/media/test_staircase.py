"""The ear itself: a gap is found however a decoder covers it."""

from __future__ import annotations

from tests.media.staircase import LOWEST, RISE, STEPS, follow


def climb(count: int, first: int = 0) -> list[int]:
    return [LOWEST + RISE * ((first + number // 4) % STEPS) for number in range(4 * count)]


def test_a_whole_staircase_has_no_gap() -> None:
    found = follow(climb(100))
    assert (found.gap, found.missed, found.length) == (0, 0, 8000)


def test_slower_and_faster_playing_is_no_gap() -> None:
    slow = [hertz for hertz in climb(50) for _ in range(2)][::1]
    assert follow([h for n, h in enumerate(climb(80)) if n % 4]).gap == 0
    assert follow(slow).gap == 80


def test_silence_a_drawn_out_tone_and_a_leap_are_gaps() -> None:
    before, after = climb(20), climb(20, 24)
    hole = 16  # blocks: four steps
    assert follow(before + [0] * hole + after).gap == 320
    assert follow(before + [before[-1]] * hole + after).gap == 320
    leap = follow(before + after)
    assert (leap.gap, leap.missed) == (320, 320)


def test_one_odd_block_is_no_leap_and_an_end_is_a_gap() -> None:
    odd = climb(40)
    odd[41] = LOWEST + 7 * RISE
    assert follow(odd).gap < 80
    assert follow(climb(40) + [0] * 50).gap == 1000 - 80
