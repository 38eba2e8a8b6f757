"""The estimate on simulated links, and who gets which layer for it. Seeded, without sockets or clocks."""

from __future__ import annotations

import random

import pytest

from media.allocator import MARGIN, NOTHING, Demand, allocate, weigh
from media.estimator import LEAST, Estimator
from media.renumber import Renumber
from media.sentlog import SIZE, SentLog
from media.transportwide import TransportFeedback
from tests.media.impairment import Impairment

SIZE_SENT = 1000
FEEDBACK = 0.06


class Link:
    """A sender behind an impairment, and one feedback every 60 ms."""

    def __init__(self, seed: int = 1, **impairment: float) -> None:
        self.way = Impairment(**impairment)
        self.dice = random.Random(seed)
        self.log = SentLog(3)
        self.estimator = Estimator()
        self.now = 100.0
        self.told = self.log.next
        self.arrivals: dict[int, float] = {}
        self.cuts: list[float] = []

    def send(self, size: int = SIZE_SENT) -> None:
        number = self.log.next
        self.log.note(size, self.now)
        for at in self.way.plan(size - 28, self.now, self.dice)[:1]:
            self.arrivals[number] = at + 1234.5

    def run(self, seconds: float, rate: float = 0.0, needed: float = 0.0) -> int:
        """`rate` 0 follows the estimate. Returns the estimate at the end."""
        end, next_feedback = self.now + seconds, self.now + FEEDBACK
        while self.now < end:
            self.send()
            self.now += SIZE_SENT * 8 / (rate or self.estimator.bitrate)
            if self.now >= next_feedback:
                next_feedback = self.now + FEEDBACK
                self.feed()
                self.probe(needed)
        return self.estimator.bitrate

    def feed(self) -> None:
        seen = [n for n, at in self.arrivals.items() if n >= self.told and at - 1234.5 <= self.now - 0.02]
        if not seen:
            return
        last = max(seen)
        came = tuple(
            at if (at := self.arrivals.get(n)) is not None and at - 1234.5 <= self.now else None
            for n in range(self.told, last + 1)
        )
        if self.estimator.receive(TransportFeedback(self.told & 0xFFFF, came), self.log, self.now):
            self.cuts.append(self.now)
        self.told = last + 1

    def probe(self, needed: float) -> None:
        target = self.estimator.probe_for(needed, self.now)
        if target:
            first = self.log.next
            for _ in range(max(10, round(target * 0.035 / 8 / 300))):
                self.send(300)
            self.estimator.probe_sent(first, self.log.next - 1, target, self.now)


@pytest.mark.parametrize("seed", range(5))
def test_a_narrow_link_is_found_within_two_seconds_and_not_left(seed: int) -> None:
    link = Link(seed, rate=500_000, delay=0.02, jitter=0.003)
    link.estimator.bitrate = 2_000_000
    assert link.run(2.0) < 550_000
    link.run(10.0)
    assert 200_000 < link.estimator.bitrate < 700_000


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_link_is_found_by_trains_of_padding(seed: int) -> None:
    link = Link(seed, rate=500_000, delay=0.02)
    link.run(5.0, rate=190_000, needed=1_900_000)
    assert link.estimator.bitrate < 600_000
    link.way.rate = 20_000_000
    assert link.run(6.0, rate=190_000, needed=1_900_000) > 1_900_000


@pytest.mark.parametrize("seed", range(5))
def test_jitter_alone_cuts_nothing(seed: int) -> None:
    link = Link(seed, delay=0.05, jitter=0.06)
    link.run(20.0, rate=800_000)
    assert link.cuts == [] and link.estimator.bitrate >= 1_000_000


@pytest.mark.parametrize("seed", range(3))
def test_a_network_that_always_loses_some_is_not_given_up(seed: int) -> None:
    link = Link(seed, loss=0.2, burst=2, delay=0.03)
    link.run(20.0, rate=600_000)
    assert link.estimator.bitrate > 300_000


def test_loss_that_begins_with_our_rate_cuts_it() -> None:
    link = Link(1, rate=600_000, queue=0.02, delay=0.03)
    link.run(3.0, rate=300_000)
    link.estimator.bitrate = 1_500_000
    link.run(4.0, rate=1_200_000)
    assert link.cuts and link.estimator.bitrate < 1_200_000


@pytest.mark.parametrize("seed", range(3))
def test_a_link_that_becomes_narrow_all_at_once_is_noticed_at_once(seed: int) -> None:
    link = Link(seed, delay=0.02)
    link.run(6.0, rate=1_900_000)
    link.way.rate = 500_000
    link.run(0.3, rate=1_900_000)
    assert link.estimator.bitrate < 600_000


def test_one_late_batch_is_no_overuse() -> None:
    link = Link(1, delay=0.02)
    for _ in range(10):
        link.run(1.0, rate=800_000)
        for number, at in list(link.arrivals.items())[-20:-4]:
            link.arrivals[number] = at + 0.15
    assert link.cuts == []


def test_feedback_that_tells_nonsense_moves_nothing() -> None:
    link = Link()
    for base, arrivals in ((5, (1.0,) * 4000), (60_000, (None,) * 4000), (0, ()), (1, (-1e9, 1e9))):
        link.estimator.receive(TransportFeedback(base, arrivals), link.log, link.now)
    assert link.estimator.bitrate == Estimator().bitrate
    dice = random.Random(3)
    for _ in range(20_000):
        link.now += 0.01
        link.log.note(1000, link.now)
        came = tuple(dice.choice((None, dice.uniform(-1e6, 1e6), link.now)) for _ in range(dice.randrange(4)))
        link.estimator.receive(TransportFeedback(dice.randrange(0x10000), came), link.log, link.now)
    assert LEAST <= link.estimator.bitrate <= 30_000_000


def test_the_log_forgets_and_wraps() -> None:
    log = SentLog(3)
    for number in range(70_000):
        assert log.note(number, float(number)) == number & 0xFFFF
    assert log.get(log.index_of(69_999 & 0xFFFF)) == (69_999.0, 69_999)
    assert log.get(log.next - SIZE - 1) is None and log.get(log.next) is None


def test_padding_takes_numbers_and_what_was_before_keeps_its_own() -> None:
    renumber = Renumber(65_530, 0, 90_000)
    renumber.restart(1000, 0, 0.0)
    for index in range(1000, 1010):
        renumber.note(index, index * 3000, index / 30)
    first, _ = renumber.insert(20)
    assert first & 0xFFFF == (65_540) & 0xFFFF
    assert renumber.original((65_535) & 0xFFFF) == 1005
    assert renumber.original((65_545) & 0xFFFF) is None
    assert renumber.number(1010) == (65_560) & 0xFFFF and renumber.late_number(1004) == 65_534
    renumber.note(1010, 0, 40.0)
    assert renumber.original((65_560) & 0xFFFF) == 1010


LADDER = (150_000, 400_000, 1_200_000)


def demand(
    height: int = 360, current: int = NOTHING, most: int = 2, rates: tuple[int, ...] = LADDER
) -> Demand:
    return Demand(height, rates, most, current)


@pytest.mark.parametrize(
    ("budget", "demands", "chosen"),
    [
        (10e6, [demand(), demand()], [2, 2]),
        (500_000, [demand()], [1]),
        (50_000, [demand()], [0]),  # one picture is sent whatever the budget
        (50_000, [demand(), demand(720)], [NOTHING, 0]),
        (1_500_000, [demand(180), demand(720)], [0, 2]),  # what is shown largest comes first
        (1_000_000, [demand(), demand()], [1, 1]),  # equals side by side
        (10e6, [demand(0), demand()], [NOTHING, 2]),
        (10e6, [demand(most=0), demand(most=1)], [0, 1]),
        (10e6, [demand(rates=(150_000, 0, 0)), demand(rates=(0, 400_000, 0))], [0, 1]),
        (10e6, [demand(rates=(0, 0, 0))], [NOTHING]),
        (1_250_000, [demand(current=2)], [2]),  # staying needs less room than going up
        (1_250_000, [demand(current=1)], [1]),
        (600_000, [demand(most=0, rates=(600_000,)), demand(720, most=0, rates=(500_000,))], [NOTHING, 0]),
        (10e6, [], []),
    ],
)
def test_layers_for_a_budget(budget: float, demands: list[Demand], chosen: list[int]) -> None:
    assert allocate(budget, demands) == chosen


def test_where_everything_fits_nothing_needs_to_be_weighed() -> None:
    """Both ways choose alike, with steps that do not come, and larger ones that take less."""
    dice = random.Random(7)
    for _ in range(2000):
        demands = [
            demand(
                dice.choice((0, 180, 360, 720)),
                dice.randrange(NOTHING, 3),
                dice.randrange(3),
                tuple(dice.choice((0, 150_000, 400_000, 1_200_000)) for _ in LADDER),
            )
            for _ in range(dice.randrange(1, 6))
        ]
        budget = MARGIN * sum(sum(each.rates) for each in demands)
        assert allocate(budget, demands) == weigh(budget, demands)
