"""Who gets whom at which size and frame rate, when not everything fits. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

NOTHING = -1
# Going up needs so much more room than staying, or the layer would come and go.
MARGIN = 1.15


@dataclass(frozen=True, slots=True)
class Demand:
    """One picture that somebody might see.

    `height`: pixels at which it is shown, 0 when nobody sees it. `rates`: bit/s of each step (a layer with
    some or all of its frames, media/temporal.py) from small to large, 0 for one that is not being sent.
    `most`: the largest step worth sending at that height. `current`: the one being sent, or NOTHING.
    """

    height: int
    rates: tuple[int, ...]
    most: int
    current: int = NOTHING


def allocate(budget: float, demands: Sequence[Demand]) -> list[int]:
    """The step of each demand, NOTHING for none. `budget` in bit/s, sound already taken off.

    First a small picture for everybody, the largest shown first; then better ones in the same order,
    pictures of one size side by side. One picture is sent whatever the budget.
    """
    if budget >= MARGIN * sum([sum(demand.rates) for demand in demands]):
        return [_largest(demand) for demand in demands]
    return weigh(budget, demands)


def weigh(budget: float, demands: Sequence[Demand]) -> list[int]:
    """The same where not everything fits, or not surely."""
    chosen = [NOTHING] * len(demands)
    seen = [i for i, d in enumerate(demands) if d.height > 0 and any(d.rates)]
    seen.sort(key=lambda i: -demands[i].height)
    left = budget
    for number, place in enumerate(seen):
        demand = demands[place]
        layer = next(x for x, rate in enumerate(demand.rates) if rate)
        margin = 1.0 if demand.current >= 0 else MARGIN
        if number and demand.rates[layer] * margin > left:
            continue
        chosen[place] = layer
        left -= demand.rates[layer]
    for _, group in groupby(seen, key=lambda i: demands[i].height):
        left = _improve([i for i in group if chosen[i] >= 0], chosen, demands, left)
    return chosen


def _largest(demand: Demand) -> int:
    """What is chosen where there is room for all; the smallest that comes if no worthy one does."""
    if demand.height <= 0:
        return NOTHING
    coming = [step for step, rate in enumerate(demand.rates) if rate]
    return max([step for step in coming if step <= demand.most], default=coming[0] if coming else NOTHING)


def _improve(places: Iterable[int], chosen: list[int], demands: Sequence[Demand], left: float) -> float:
    open_places = list(places)
    while open_places:
        for place in list(open_places):
            demand, layer = demands[place], chosen[place]
            better = next((x for x in range(layer + 1, demand.most + 1) if demand.rates[x]), None)
            if better is None:
                open_places.remove(place)
                continue
            more = max(0, demand.rates[better] - demand.rates[layer])
            if more * (1.0 if better <= demand.current else MARGIN) > left:
                open_places.remove(place)
                continue
            chosen[place] = better
            left -= more
    return left
