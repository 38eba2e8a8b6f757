"""A way up that becomes narrow is seen within three feedbacks; chance and disorder are not taken for it."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

from media.credit import MOST, MOST_ALONE, SHARE, RepairCredit
from media.feedback import BandwidthEstimate, parse_compound
from media.publication import Publication
from media.publisher import Publisher
from media.uplink import HOLD, UNASKED, Uplink, withhold
from tests.media.test_attention import Hall
from tests.media.test_simulcast import Stage

STEP = 0.1  # seconds between feedbacks
SIZE = 1100  # octets of a packet


class Way:
    """Feedbacks of a way up, with the decision after each."""

    def __init__(self) -> None:
        self.uplink, self.now, self.octets = Uplink(), 0.0, 0
        self.found: list[tuple[float, float]] = []
        self.budget: float | None = None

    def feed(self, sent: int, came: int) -> None:
        self.now += STEP
        self.octets += came * SIZE
        if self.uplink.looks(sent, came):
            self.budget = self.uplink.note(sent, came, self.octets, self.now)
            if self.budget is not None:
                self.found.append((self.now, self.budget))


def test_two_thirds_lost_are_seen_at_once_and_held_for_a_while() -> None:
    way = Way()
    for _ in range(20):
        way.feed(15, 15)
    began = way.now
    for _ in range(6):
        way.feed(16, 5)
    assert way.found[0][0] - began <= 3 * STEP
    carried = 5 * SIZE * 8 / STEP
    assert way.found[-1][1] == pytest.approx(0.8 * carried, rel=0.01)
    last = way.now
    for _ in range(80):
        way.feed(6, 6)
    assert way.budget is None
    assert way.found[-1][0] - last == pytest.approx(HOLD, abs=2 * STEP)


def test_where_a_queue_has_filled_up_less_is_proof_enough() -> None:
    for late, narrow in ((0.0, False), (0.05, False), (0.25, True)):
        way = Way()
        for number in range(60):
            way.uplink.hear(1000.0 + 0.01 * (number % 3))
            way.feed(15, 15)
        for _ in range(4):
            way.uplink.hear(1000.0 + late)
            way.feed(15, 8)
        assert bool(way.found) is narrow, late


def test_a_microphone_that_begins_anew_or_is_not_there_is_not_late() -> None:
    way = Way()
    for transit in (*[1000.0] * 20, *[-60_000.0] * 3, None, None, *[2000.0] * 3):
        way.uplink.hear(transit)
        way.feed(15, 8)
    assert way.found == []


@pytest.mark.parametrize("seed", range(5))
def test_a_fifth_lost_by_chance_is_not_narrow(seed: int) -> None:
    way, dice = Way(), random.Random(seed)
    for _ in range(6_000):  # ten minutes
        sent = dice.randrange(8, 20)
        way.feed(sent, sum(dice.random() >= 0.2 for _ in range(sent)))
    assert way.found == []


def test_a_pause_of_the_network_and_late_packets_are_not_narrow() -> None:
    way = Way()
    for _ in range(30):
        way.feed(15, 15)
        way.feed(0, 0)
        way.feed(70, 4)  # All of a third of a second went lost, then it goes on.
        way.feed(15, 15)
        way.feed(15, 6)  # Nine are late,
        way.feed(6, 15)  # and here they are.
    assert way.found == []


def layered(rates: tuple[int, ...]) -> Publication:
    publication = Stage().publication
    for layer, rate in zip(publication.layers, rates, strict=True):
        layer.usual = rate
    return publication


@pytest.mark.parametrize(
    ("budget", "kept"), [(None, "qhf"), (2_000_000, "qhf"), (700_000, "qh"), (240_000, "q"), (50_000, "q")]
)
def test_as_many_layers_stay_as_fit_beside_the_sound(budget: float | None, kept: str) -> None:
    layers = layered((150_000, 400_000, 1_200_000)).layers
    withhold(layers, budget, 70_000, 1.0)
    assert "".join(layer.rid for layer in layers if not layer.withheld) == kept
    withhold(layers, None, 70_000, 9.0)
    assert not any(layer.withheld for layer in layers)


def test_a_withheld_layer_is_there_for_nobody_though_it_still_comes() -> None:
    stage, now = Stage(), 1.0
    for rank in range(3):
        stage.send(rank, now, True)
    top = stage.publication.layers[2]
    assert top.present(now) and top.rate(now) > 0
    for layer in stage.publication.layers:
        layer.usual = 400_000
    withhold(stage.publication.layers, 1, 0, now)
    stage.send(2, now + 0.05, True)
    assert not top.present(now + 0.05) and top.rate(now + 0.05) == 0
    withhold(stage.publication.layers, None, 0, now + 0.1)
    assert top.present(now + 0.1) and top.rate(now + 0.1) > 0


def test_what_is_not_carried_is_let_go_at_once_and_the_smallest_is_shown() -> None:
    hall = Hall(recorded=True)
    hall.enter()
    hall.wish(1080)
    hall.run(3.0)
    assert hall.shown == "f"
    layers, before = hall.stage.publication.layers, len(hall.told)
    withhold(layers, 1, 0, hall.now)
    began = hall.now
    hall.run(UNASKED + 0.5)
    assert hall.told[before][1] == ["q"] and hall.told[before][0] - began < 0.1
    assert hall.shown == "q"
    hall.run(2.0)
    assert [rids for _, rids in hall.told[before:]] == [["q"]]  # Nobody's wish brings it back meanwhile.
    withhold(layers, None, 0, hall.now)
    hall.run(2.0)
    assert hall.told[-1][1][-1] == "f" and hall.shown == "f"


def test_no_key_frame_is_asked_for_before_the_page_has_let_go() -> None:
    stage = Stage()
    now = 0.0
    for number in range(30):
        now += 1 / 30
        for rank in range(3):
            stage.send(rank, now, number == 0)
    stage.requests(now)
    for layer in stage.publication.layers:
        layer.usual = 400_000
    withhold(stage.publication.layers, 100_000, 0, now)
    asked_at = None
    while asked_at is None and now < 5:
        now += 1 / 30
        stage.send(0, now, False)
        stage.publication.layers[0].request_key_frame()
        if any(getattr(item, "ssrc", None) == 100 for item in stage.requests(now)):
            asked_at = now
    assert asked_at is not None and 1.0 + UNASKED <= asked_at < 1.0 + UNASKED + 0.1


def test_requests_for_what_was_lost_have_a_ceiling() -> None:
    upper, smallest = RepairCredit(False), RepairCredit(True)
    # Two of three packets lost for half a second: 50 lost, 25 came.
    assert sum(upper.take(10, came) for came in (5, 10, 15, 20, 25)) <= MOST + SHARE * 25
    assert smallest.take(100, 0) == MOST_ALONE
    # A fifth lost both ways, some asked for twice: all of it.
    chance, came = RepairCredit(False), 0
    for _ in range(100):
        came += 8
        assert chance.take(3, came) == 3


def test_the_browser_is_told_once_and_told_when_it_is_over() -> None:
    """It obeys an estimate within the round trip; its page takes longer to let go of a layer."""
    told: list[bytes] = []
    layers = [SimpleNamespace(ssrc=number, is_video=True) for number in (7, 8)]
    sound = SimpleNamespace(ssrc=9, is_video=False)
    publisher: Any = SimpleNamespace(
        _limited_to=None,
        publications=[SimpleNamespace(layers=layers), SimpleNamespace(layers=[sound])],
        _surroundings=SimpleNamespace(config=SimpleNamespace(video_bitrate=2_500_000)),
        transport=SimpleNamespace(send_rtcp=told.append),
    )
    for budget in (None, 200_000.0, 200_000.0, 150_000.0, None, None):
        Publisher._limit(publisher, budget)
    estimates = [
        found for data in told for found in parse_compound(data) if isinstance(found, BandwidthEstimate)
    ]
    assert [round(found.bitrate, -3) for found in estimates] == [200_000, 150_000, 5_000_000]
