"""Tables that were mistyped are refused in words; what a region changes is its own."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from cases.deadlines.deadline import count
from cases.deadlines.explaining import explain
from cases.deadlines.profile import FILE, Unit, profiles_of, read_profiles
from cases.deadlines.workdays import FILE as HOLIDAYS
from cases.deadlines.workdays import read_calendar, read_holiday_year
from web.language import CHINESE, ENGLISH, say, speak

TOLD: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
YEAR: dict[str, Any] = json.loads(HOLIDAYS.read_text("utf-8"))["2026"]


def changed(path: str, value: Any) -> dict[str, Any]:
    told = deepcopy(TOLD)
    *way, last = path.split("/")
    place = told
    for step in way:
        place = place[step]
    place[last] = value
    return told


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("national-2022/duties/handle/days", 6000, "天数"),
        ("national-2022/duties/handle/days", 0, "逐件确定"),
        ("national-2022/duties/handle/set_each", True, "逐件确定"),
        ("national-2022/duties/handle/starts", "whenever", "whenever"),
        ("national-2022/duties/handle/lenght", 60, "lenght"),
        ("national-2022/duties/handle/pauses", ["lunch"], "lunch"),
        ("zhejiang/extends", "atlantis", "atlantis"),
        ("national-2022/extends", "zhejiang", "继承"),
        ("zhejiang/duties", None, "不完整"),
        ("national-2005/since", "yesterday", "yesterday"),
    ],
)
def test_a_profile_that_cannot_be(path: str, value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        profiles_of(changed(path, value))


def test_a_region_changes_what_it_names_and_nothing_else() -> None:
    found = read_profiles()
    zhejiang, national = found["zhejiang"].duties, found["national-2022"].duties
    assert (zhejiang["register_route"].days, zhejiang["register_route"].unit) == (5, Unit.WORKING)
    assert zhejiang["register_route"].source == "《浙江省信访条例》"
    assert zhejiang["register_route"].title == national["register_route"].title
    assert zhejiang["recheck_decide"] == national["recheck_decide"]
    beijing = found["beijing"].duties["review_decide"]
    assert beijing.source == "《信访工作条例》第三十五条" and beijing.extension_source == "《北京市信访条例》"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("work", ["02-14", "02-16"], "又是休息日又是上班日"),
        ("work", ["03-03"], "本来就是工作日"),
        ("work", ["02-30"], "day is out of range"),
        ("rest", {"春节": [["02-23", "02-15"]]}, "春节"),
        ("rest", {"春节": [["02-01", "04-15"]]}, "春节"),
        ("rest", None, "不完整"),
    ],
)
def test_a_year_that_cannot_be(key: str, value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_holiday_year(2026, YEAR | {key: value})


def test_an_edition_takes_the_place_of_ours() -> None:
    calendar = read_calendar()
    own = read_holiday_year(2026, YEAR | {"rest": {"元旦": ["01-01"]}, "work": [], "source": "本地"})
    changed_one = calendar.with_years([own, read_holiday_year(2027, {"source": "x", "rest": {}, "work": []})])
    assert changed_one.newest_year == 2027 and changed_one.years[2026].source == "本地"
    assert calendar.newest_year == 2026, "the shipped table stays as it is"


def test_what_citizens_read_of_the_sixty_days_is_told_in_english() -> None:
    found = count(read_profiles()["national-2022"], read_calendar(), "handle", date(2025, 12, 20))
    speak(ENGLISH)
    try:
        told = [say(sentence) for sentence in explain(found)]
    finally:
        speak(CHINESE)
    assert told == [
        "Due 18 February 2026: Accepted on 20 December 2025, plus 60 days"
        " (Regulations on Petition Work, Art. 34).",
        "That day is the Spring Festival, the offices are closed; moved to 24 February 2026.",
    ]
