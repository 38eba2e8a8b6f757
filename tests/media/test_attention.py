"""Layers that nobody watches are let go after a while, and asked for at once when somebody does."""

from __future__ import annotations

from media.attention import AGAIN, BEGINNING, LET_GO, PATIENCE, Attention, RoomAttention
from media.outflow import Outflow, Wish
from media.subscription import Subscription
from media.toplayer import TopLayer
from tests.media.test_forwarding import Outlet
from tests.media.test_simulcast import Stage, Track
from tests.media.test_wishes import Wire

STEP = 1 / 30


class Hall:
    """A camera whose browser does as it is told, after a tenth of a second, and people who watch it."""

    def __init__(self, recorded: bool = False, deaf: bool = False) -> None:
        self.stage = Stage()
        self.attention = Attention(self.stage.publication)
        self.recorded, self.deaf = recorded, deaf
        self.track = Track()
        if recorded:
            self.stage.publication.attach(TopLayer(self.track))
        self.now = 0.0
        self.active = {"q", "h", "f"}
        # What the publisher's network does not carry.
        self.narrow: set[str] = set()
        self.told: list[tuple[float, list[str]]] = []
        self.obeyed = 0
        self.watchers: list[tuple[Subscription, Outflow, Outlet]] = []

    def enter(self) -> Subscription:
        subscription = Subscription(self.stage.publication, outlet := Outlet(), 4000, 100, "anna", 0)
        self.stage.publication.attach(subscription)
        subscription.open()
        self.watchers.append((subscription, Outflow(Wire()), outlet))  # type: ignore[arg-type]
        return subscription

    def wish(self, height: int, visible: bool = True) -> None:
        self.watchers[0][1].wish({("anna", "camera"): Wish(height, visible)})

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            self._obey()
            asked = {item.ssrc for item in self.stage.requests(self.now) if hasattr(item, "ssrc")}
            for rank, rid in enumerate("qhf"):
                if rid in self.active - self.narrow:
                    key = 100 + rank in asked or self.stage.frames[rank] == 0
                    self.stage.send(rank, self.now, key)
            for subscription, outflow, _ in self.watchers:
                outflow.tick([subscription], self.now)
            rids = self.attention.look(self.recorded, self.now)
            if rids is not None:
                self.told.append((self.now, rids))

    def _obey(self) -> None:
        while not self.deaf and self.obeyed < len(self.told) and self.told[self.obeyed][0] + 0.1 < self.now:
            self.active = set(self.told[self.obeyed][1])
            self.obeyed += 1

    @property
    def shown(self) -> str:
        layer = self.watchers[0][0].layer
        return layer.rid if layer is not None else ""


def test_all_are_sent_at_first_and_one_layer_alone_is_never_touched() -> None:
    hall = Hall()
    hall.run(BEGINNING)
    assert hall.told == []
    stage = Stage()
    stage.publication.layers = stage.publication.layers[:1]
    assert Attention(stage.publication).look(False, 100.0) is None


def test_without_a_recording_upper_layers_that_nobody_sees_are_let_go() -> None:
    hall = Hall()
    hall.enter()
    hall.wish(170)
    hall.run(BEGINNING + PATIENCE + 1)
    assert [rids for _, rids in hall.told] == [["q"]]
    assert hall.told[0][0] > BEGINNING + PATIENCE - 1
    hall.run(20)
    assert len(hall.told) == 1 and hall.shown == "q"


def test_a_recording_keeps_the_top_and_the_smallest() -> None:
    hall = Hall(recorded=True)
    hall.enter()
    hall.wish(1080)
    hall.run(BEGINNING + PATIENCE + 10)
    assert [rids for _, rids in hall.told] == [["q", "f"]]
    assert {packet.ssrc for packet in hall.track.packets[200:]} == {102}


def test_whoever_looks_again_has_it_at_once() -> None:
    hall = Hall()
    hall.enter()
    hall.wish(170)
    hall.run(BEGINNING + PATIENCE + 5)
    began = hall.now
    hall.wish(1080)
    hall.run(1.0)
    assert hall.told[-1][1] == ["q", "f"] and hall.told[-1][0] - began < 0.3
    assert hall.shown == "f"
    # Meanwhile and after it the numbers had no break.
    numbers = hall.watchers[0][2].numbers
    assert {(b - a) & 0xFFFF for a, b in zip(numbers, numbers[1:], strict=False)} == {1}


def test_a_moment_of_looking_away_changes_nothing() -> None:
    hall = Hall()
    hall.enter()
    hall.run(BEGINNING + PATIENCE + 3)
    before = len(hall.told)
    for _ in range(10):
        hall.wish(1080, visible=False)
        hall.run(PATIENCE / 2)
        hall.wish(1080)
        hall.run(PATIENCE / 2)
    assert [rids for _, rids in hall.told[before:]] == []


def test_an_empty_room_needs_the_smallest_only() -> None:
    hall = Hall()
    hall.run(BEGINNING + PATIENCE + 2)
    assert [rids for _, rids in hall.told] == [["q"]]
    hall.enter()
    hall.run(1.5)
    assert hall.shown == "f"


def test_what_was_not_heard_is_told_again() -> None:
    hall = Hall()
    hall.enter()
    hall.wish(170)
    hall.run(BEGINNING + PATIENCE + 2)
    hall.deaf = True
    hall.wish(1080)
    hall.run(AGAIN + 5)
    # The next smaller one is called for as well. The page has time to try by itself; then it lets go first.
    assert [rids for _, rids in hall.told[1:]] == [["q", "f"], ["q", "h", "f"], ["q"], ["q", "h", "f"]]
    called, let_go, again = (at for at, _ in hall.told[2:])
    assert AGAIN <= let_go - called < AGAIN + 0.3
    assert LET_GO <= again - let_go < 2 * LET_GO
    hall.deaf = False
    hall.run(4)
    assert hall.shown == "f"


def test_a_layer_that_the_browser_dropped_itself_is_not_told_off() -> None:
    hall = Hall(recorded=True)
    hall.enter()
    hall.run(3)
    hall.active = {"q", "h"}
    hall.run(BEGINNING + 3 * PATIENCE)
    # The recorder takes what does come, so nothing is let go either.
    assert hall.told == [] and hall.shown == "h"
    hall.active = {"q", "h", "f"}
    hall.run(3)
    assert hall.shown == "f"


def test_when_the_top_fails_the_smallest_is_there_and_the_middle_is_called_for() -> None:
    hall = Hall(recorded=True)
    hall.enter()
    hall.run(BEGINNING + PATIENCE + 2)
    assert hall.told[-1][1] == ["q", "f"] and hall.shown == "f"
    hall.narrow = {"f"}
    hall.run(1.5)
    assert hall.told[-1][1] == ["q", "h", "f"]
    hall.run(1.0)
    assert hall.shown == "h" and hall.track.packets[-1].ssrc == 101
    hall.narrow = set()
    hall.run(2.0)
    assert hall.shown == "f" and hall.track.packets[-1].ssrc == 102
    hall.run(PATIENCE + 1)
    assert hall.told[-1][1] == ["q", "f"]


def test_a_room_forgets_publications_that_ended() -> None:
    stage, attention = Stage(), RoomAttention()
    stage.send(0, 0.0, key=True)
    assert list(attention.look([stage.publication], False, 1.0)) == []
    assert list(attention.look([], False, 2.0)) == [] and not attention._each
