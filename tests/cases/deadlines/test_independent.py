"""The counting agrees with another one that works with sets of days instead of a walk."""

from __future__ import annotations

import random
from datetime import date

from cases.deadlines.deadline import Interval, count
from cases.deadlines.profile import Pause, Unit, read_profiles
from cases.deadlines.workdays import read_calendar

CASES = 10_000
PROFILES, CALENDAR = read_profiles(), read_calendar()
EPOCH = date(2023, 12, 31).toordinal()
# Days off from 2024 to 2026 as the notices print them, written down a second time; all else by the weekday.
OFF = """
240101 240210-240217 240404-240406 240501-240505 240610 240915-240917 241001-241007
250101 250128-250204 250404-250406 250501-250505 250531-250602 251001-251008
260101-260103 260215-260223 260404-260406 260501-260505 260619-260621 260925-260927 261001-261007
"""
WORKED = """
240204 240218 240407 240428 240511 240914 240929 241012 250126 250208 250427 250928 251011
260104 260214 260228 260509 260920 261010
"""


def ordinal(text: str) -> int:
    return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:])).toordinal()


def days_off() -> set[int]:
    """Ordinals from 2024 to 2027, which is not arranged yet."""
    found = {day for day in range(EPOCH, EPOCH + 1500) if day % 7 in (6, 0)}  # Ordinal 1 was a Monday.
    for span in OFF.split():
        first, _, last = span.partition("-")
        found |= set(range(ordinal(first), ordinal(last or first) + 1))
    return found - {ordinal(text) for text in WORKED.split()}


def test_ten_thousand_seeded_deadlines() -> None:
    dice, off = random.Random(20260101), days_off()
    open_days = sorted(set(range(EPOCH, EPOCH + 1500)) - off)
    rolled_ones = paused_ones = 0
    for _ in range(CASES):
        profile = PROFILES[dice.choice(sorted(PROFILES))]
        code = dice.choice(sorted(profile.duties))
        duty = profile.duties[code]
        set_days = dice.randint(1, 120) if duty.set_each else 0
        extension = dice.randint(0, duty.most_extension)
        start = EPOCH + 1 + dice.randrange(1096)
        pauses, at = [], start
        for _ in range(dice.choice((0, 0, 1, 2, 3))):
            at += dice.randint(0, 20)
            end = at + dice.randint(0, 12)
            pauses.append((at, end))
            at = max(start, end - dice.randint(0, 3))  # Some overlap.
        intervals = [Interval(Pause.HEARING, date.fromordinal(a), date.fromordinal(b)) for a, b in pauses]
        found = count(
            profile, CALENDAR, code, date.fromordinal(start),
            extension=extension, pauses=dice.sample(intervals, len(intervals)), set_days=set_days,
        )  # fmt: skip
        length = 0 if duty.at_once else duty.days + set_days + extension
        held = {d for a, b in pauses for d in range(a, b + 1)} if duty.pauses else set()
        pool = open_days if duty.unit is Unit.WORKING else range(start + 1, start + 700)
        counted = [d for d in pool if d > start and d not in held][:length]
        raw = counted[-1] if length else start
        rolled = raw if duty.at_once else next(d for d in open_days if d >= raw)
        assert found.raw == date.fromordinal(raw), (profile.code, code, start, length, pauses)
        assert found.rolled == date.fromordinal(rolled)
        assert found.paused_days == len({d for d in held if start < d <= raw})
        rolled_ones += rolled != raw
        paused_ones += bool(found.paused_days)
    assert rolled_ones > 1_500 and paused_ones > 200


def test_the_other_counting_knows_the_same_days() -> None:
    off = days_off()
    for number in range(EPOCH + 1, EPOCH + 1097):
        day = date.fromordinal(number)
        assert CALENDAR.is_working(day) == (number not in off), day
    assert CALENDAR.newest_year == 2026
