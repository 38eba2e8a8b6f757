"""A recording never goes long without a key frame: asked for only where none came, one picture at a time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from media.feedback import KeyFrameRequest
from media.key_frame_rounds import AGAIN, EVERY
from media.room_recording import RoomRecording
from media.rtp import Packet
from media.sink import RecorderStatus, RoomRecorder, SenderReport, TrackDescription
from media.surroundings import Surroundings
from tests.media.test_simulcast import Stage

TICK = 0.2


class Tape:
    """A recorder that remembers when key frames came."""

    def __init__(self) -> None:
        self.keys: list[float] = []

    def open_track(self, track: TrackDescription) -> Tape:
        return self

    def write(self, packet: Packet, now: float) -> None:
        if packet.key_frame:
            self.keys.append(now)

    def report(self, report: SenderReport, now: float) -> None: ...

    def close(self, reason: str) -> None: ...

    def status(self) -> RecorderStatus:
        return RecorderStatus("active", 100, 1)


class Show:
    """Publishers whose browsers answer a request with a key frame, unless they are told not to."""

    def __init__(self, *stages: Stage) -> None:
        self.stages = stages
        self.now = 0.0
        self.asked: list[tuple[float, int]] = []
        self.answers = True
        self.sends = True
        self.tape = Tape()
        surroundings = cast(Surroundings, SimpleNamespace(emit=lambda event: None))
        self.recording = RoomRecording(
            "room", "rec1", "", cast(RoomRecorder, self.tape), surroundings, lambda publication: None
        )
        self.frame(key=True)
        for stage in stages:
            self.recording.attach(stage.publication)

    def frame(self, key: bool = False) -> None:
        for stage in self.stages:
            for rank in range(len(stage.layers)):
                stage.send(rank, self.now, key=key)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK)):
            self.now += TICK
            if self.sends:
                self.frame()
            self.recording.tick(self.now)
            for place, stage in enumerate(self.stages):
                for item in stage.requests(self.now):
                    if isinstance(item, KeyFrameRequest):
                        self.asked.append((self.now, place))
                        if self.answers:
                            stage.send(item.ssrc - 100, self.now, key=True)

    def settle(self) -> None:
        """The request with which each track begins has been sent and answered."""
        self.run(2.0)
        assert {place for _, place in self.asked} == set(range(len(self.stages)))
        self.asked.clear()


def test_each_picture_begins_anew_every_twenty_seconds_and_not_all_at_once() -> None:
    show = Show(Stage(""), Stage(""), Stage(""))
    show.settle()
    show.run(3 * EVERY)
    moments = [at for at, _ in show.asked]
    assert len(set(moments)) == len(moments), "two at the same moment"
    for place in range(3):
        mine = [at for at, asked in show.asked if asked == place]
        assert len(mine) in (2, 3)
        assert all(later - at >= EVERY - TICK for at, later in zip(mine, mine[1:], strict=False))
    assert max(b - a for a, b in zip(show.tape.keys, show.tape.keys[1:], strict=False)) < EVERY + 1


def test_whose_key_frames_come_by_themselves_is_not_asked() -> None:
    show = Show(Stage(""))
    show.settle()
    for _ in range(6):
        show.run(EVERY / 2)
        show.frame(key=True)
    assert show.asked == []


def test_a_request_that_was_lost_is_repeated_but_not_at_every_tick() -> None:
    show = Show(Stage(""))
    show.settle()
    show.answers = False
    show.run(EVERY + 3 * AGAIN)
    assert 3 <= len(show.asked) <= 4
    assert all(b[0] - a[0] >= AGAIN - TICK for a, b in zip(show.asked, show.asked[1:], strict=False))


def test_of_several_layers_the_one_that_is_recorded_is_asked() -> None:
    show = Show(Stage("qhf"))
    show.run(2.0)
    before = [layer.key_frames for layer in show.stages[0].layers]
    show.asked.clear()
    show.run(EVERY + 1)
    after = [layer.key_frames for layer in show.stages[0].layers]
    assert [b - a for a, b in zip(before, after, strict=True)] == [0, 0, 1]


@pytest.mark.parametrize("why", ["nothing comes", "muted", "sound is late"])
def test_nobody_is_asked_in_vain(why: str) -> None:
    show = Show(Stage(""))
    show.settle()
    publication: Any = show.stages[0].publication
    show.sends = why != "nothing comes"
    publication.muted = why == "muted"
    publication.layers[0].is_held_up = why == "sound is late"
    show.run(2 * EVERY)
    assert show.asked == []
    show.sends, publication.muted, publication.layers[0].is_held_up = True, False, False
    show.run(1.0)
    assert len(show.asked) == 1
