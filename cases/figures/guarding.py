"""Which groups may be told their ratings: none so small that one could tell whose they are.

A group of fewer than FEWEST is not told. If what is not told is together as small, it could be had by
subtracting the others from the whole, so the smallest of the others is not told either.
"""

from __future__ import annotations

from collections.abc import Mapping

from cases.figures.sums import Sums
from cases.petition_rating import FEWEST

RATED = ("office_rated", "unit_rated")


def told_ratings(groups: Mapping[str, Sums]) -> frozenset[str]:
    """Keys of the groups whose ratings may be told beside the sum of all of them."""
    told = set(groups)
    for rated in RATED:
        given = {key: sums[rated] for key, sums in groups.items() if sums[rated]}
        hidden = {key for key in given if key not in told or given[key] < FEWEST}
        others = sorted(set(given) - hidden, key=lambda key: (given[key], key))
        if others and 0 < sum(given[key] for key in hidden) < FEWEST:
            hidden.add(others[0])
        told -= hidden
    return frozenset(told)
