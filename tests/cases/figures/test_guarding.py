"""No figure tells how one petitioner rated: neither a small group, nor the difference of large ones."""

from __future__ import annotations

from cases.figures.guarding import told_ratings
from cases.figures.indicator import INDICATORS, figure
from cases.figures.sums import NOTHING


def groups(**rated: int) -> dict[str, dict[str, int]]:
    return {key: dict(NOTHING) | {"unit_rated": count} for key, count in rated.items()}


def test_small_groups_are_not_told_and_nobody_subtracts_them() -> None:
    assert told_ratings(groups(a=40, b=5, c=0)) == {"a", "b", "c"}
    assert told_ratings(groups(a=40, b=9, c=4)) == {"a"}, "b with c: the whole less a would tell c"
    assert told_ratings(groups(a=40, b=9, c=4, d=3)) == {"a", "b"}, "seven together tell of nobody"
    assert told_ratings(groups(a=4)) == frozenset()
    assert told_ratings({}) == frozenset()


def test_what_is_hidden_for_one_of_the_two_rated_is_hidden_for_both() -> None:
    both = groups(a=20, b=20, c=20)
    both["a"]["office_rated"], both["b"]["office_rated"], both["c"]["office_rated"] = 3, 9, 30
    assert told_ratings(both) == {"c"}


def test_a_figure_that_is_not_told_has_no_numbers() -> None:
    sums = dict(NOTHING) | {"unit_rated": 4, "unit_satisfied": 1, "registered": 7}
    few = figure(INDICATORS["rated_satisfaction"], sums)
    assert few.too_few and not few.told and (few.numerator, few.denominator, few.value) == (0, 0, None)
    kept = figure(INDICATORS["rated_satisfaction"], sums | {"unit_rated": 50}, ratings=False)
    assert kept.withheld and not kept.told and kept.denominator == 0
    assert figure(INDICATORS["registered"], sums, ratings=False).value == 7
