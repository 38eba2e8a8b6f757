"""What is not seen is not sent, what is shown small is sent small."""

from __future__ import annotations

import pytest

from media.control import ControlError
from media.feedback import BandwidthEstimate
from media.outflow import Outflow, Wish, read_wishes
from media.subscription import Subscription
from tests.media.test_forwarding import Stage as Forwarding
from tests.media.test_simulcast import Stage, subscribed


class Wire:
    """A transport without transport-wide numbers."""

    sent = None


def flowing(stage: Stage, since: float, seconds: float) -> float:
    now = since
    for frame in range(round(seconds * 30)):
        now = since + frame / 30
        for rank in range(3):
            stage.send(rank, now, key=frame % 30 == 0)
        stage.publication.tick(now)
    return now


def layer_of(subscription: Subscription) -> str | None:
    return subscription.layer.rid if subscription.layer is not None else None


def test_height_and_visibility_decide() -> None:
    stage = Stage()
    subscription, _ = subscribed(stage)
    outflow = Outflow(Wire())  # type: ignore[arg-type]
    now = flowing(stage, 0.0, 1.0)
    for height, visible, rid in ((180, True, "q"), (400, True, "h"), (1080, True, "f"), (1080, False, None)):
        outflow.wish({("anna", "camera"): Wish(height, visible)})
        outflow.tick([subscription], now)
        now = flowing(stage, now + 0.03, 1.1)
        assert layer_of(subscription) == rid
    outflow.wish({})
    outflow.tick([subscription], now)
    flowing(stage, now + 0.03, 1.1)
    assert layer_of(subscription) == "f"


def test_an_estimate_of_the_receiver_is_believed_where_there_is_nothing_better() -> None:
    stage = Stage()
    subscription, _ = subscribed(stage)
    outflow = Outflow(Wire())  # type: ignore[arg-type]
    now = flowing(stage, 0.0, 1.0)
    stage.layers[0].bitrate, stage.layers[1].bitrate, stage.layers[2].bitrate = 100_000, 400_000, 1_200_000
    assert outflow.bitrate is None
    outflow.receive(BandwidthEstimate(500_000, ()), now)
    outflow.tick([subscription], now)
    assert subscription.aimed_at is stage.layers[1]


def test_what_is_settled_is_looked_at_once_a_second_until_something_changes() -> None:
    """A camera without layers that is sent: the next look is due after a second, or at once."""
    stage = Stage("")
    subscription, _ = subscribed(stage)
    outflow = Outflow(Wire())  # type: ignore[arg-type]
    stage.send(0, 0.0, key=True)
    outflow.tick([subscription], 0.0)
    assert subscription.layer is stage.layers[0]

    def looks_at(now: float) -> bool:
        subscription.aim(None)
        outflow.tick([subscription], now)
        looked = subscription.aimed_at is not None
        subscription.aim(stage.layers[0])
        stage.send(0, now, key=True)
        return looked

    assert not looks_at(0.9)
    assert looks_at(1.0), "a second has passed"
    assert looks_at(1.25), "at the last look it was not sent"
    outflow.tick([subscription], 1.5)
    assert not looks_at(1.7)
    outflow.unsettle()
    assert looks_at(1.8), "somebody came"
    outflow.tick([subscription], 2.1)
    outflow.receive(BandwidthEstimate(5_000_000, ()), 2.3)
    assert looks_at(2.4), "the receiver told something"
    outflow.tick([subscription], 2.7)
    outflow.wish({("anna", "camera"): Wish(360, True)})
    assert looks_at(2.7), "it is shown otherwise"


def test_a_layer_that_the_browser_stopped_is_left() -> None:
    stage = Stage()
    subscription, _ = subscribed(stage)
    outflow = Outflow(Wire())  # type: ignore[arg-type]
    now = flowing(stage, 0.0, 1.0)
    outflow.tick([subscription], now)
    assert subscription.aimed_at is stage.layers[2]
    for frame in range(30):
        now += 1 / 30
        stage.send(0, now, key=frame == 0)
    outflow.tick([subscription], now)
    stage.send(0, now + 0.03, key=True)
    assert layer_of(subscription) == "q"


@pytest.mark.parametrize(
    "wishes",
    [
        [{}],
        ["x"],
        [None],
        [{"participant_id": "p", "source": "camera", "height": "high", "visible": True}],
        [{"participant_id": "p", "source": ["camera"], "height": 1, "visible": True}],
    ],
)
def test_malformed_wishes_are_refused(wishes: list) -> None:
    with pytest.raises(ControlError):
        read_wishes(wishes)


def test_what_is_far_too_much_is_held_until_the_smaller_picture_begins() -> None:
    stage = Stage()
    subscription, outlet = subscribed(stage)
    outflow = Outflow(Wire())  # type: ignore[arg-type]
    now = flowing(stage, 0.0, 1.0)
    outflow.tick([subscription], now)
    now = flowing(stage, now + 0.03, 1.1)
    assert layer_of(subscription) == "f"
    stage.layers[0].bitrate, stage.layers[1].bitrate, stage.layers[2].bitrate = 100_000, 400_000, 1_200_000
    outflow.receive(BandwidthEstimate(500_000, ()), now)
    outflow.tick([subscription], now + 0.25)
    assert subscription.layer is None and subscription.aimed_at is stage.layers[1]
    sent = len(outlet.sent)
    stage.send(2, now + 0.3)
    assert len(outlet.sent) == sent
    stage.send(1, now + 0.4, key=True)
    assert layer_of(subscription) == "h"


def test_when_a_layer_stops_coming_the_first_smaller_one_that_begins_is_taken() -> None:
    stage = Stage()
    subscription, _ = subscribed(stage)
    outflow = Outflow(Wire())  # type: ignore[arg-type]
    now = flowing(stage, 0.0, 1.0)
    outflow.tick([subscription], now)
    now = flowing(stage, now + 0.03, 1.1)
    assert layer_of(subscription) == "f"
    for _ in range(30):
        now += 0.04
        stage.send(0, now)
        stage.send(1, now)
    outflow.tick([subscription], now)
    assert subscription.aimed_at is stage.layers[1]
    stage.send(0, now + 0.04, key=True)
    assert layer_of(subscription) == "q"


def test_a_voice_nobody_listens_to_is_not_sent_and_comes_back_at_once() -> None:
    """Who listens to the interpretation alone needs no packet of the original, and the other way round."""
    stage = Forwarding("audio", "opus")
    subscription, outlet = stage.subscribe()
    outflow = Outflow(Wire())  # type: ignore[arg-type]
    stage.send(1, b"sound")
    outflow.wish({("anna", "microphone"): Wish(0, False), ("ben", "microphone"): Wish(0, True)})
    outflow.tick([subscription], 1.0)
    for number in range(2, 12):
        stage.send(number, b"sound")
    assert len(outlet.sent) == 1
    subscription.open()  # A new answer of the browser does not bring it back.
    outflow.tick([subscription], 2.0)
    stage.send(12, b"sound")
    assert len(outlet.sent) == 1
    outflow.wish({})
    outflow.tick([subscription], 3.0)
    stage.send(13, b"sound")
    stage.send(14, b"sound")
    assert len(outlet.sent) == 3
