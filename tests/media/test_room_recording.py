"""A track that the recorder refused or broke: faulty at once, recorded again when somebody starts anew."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from media.control import RecordingChanged
from media.publication import Publication
from media.room_recording import RoomRecording
from media.sink import PacketSink, RecorderStatus, RoomRecorder, TrackDescription
from media.surroundings import Surroundings


class FakeSink:
    def close(self, reason: str) -> None:
        return None


class FakeRecorder:
    """Refuses tracks while told to; says that all is well all the while."""

    def __init__(self) -> None:
        self.refuses = True
        self.opened: list[str] = []

    def open_track(self, track: TrackDescription) -> FakeSink:
        if self.refuses:
            raise OSError("told to fail")
        self.opened.append(track.participant_id)
        return FakeSink()

    def status(self) -> RecorderStatus:
        return RecorderStatus("active", 100, len(self.opened))


class FakePublication:
    started = True
    muted = False
    layers = (SimpleNamespace(is_video=False),)

    def __init__(self, participant_id: str) -> None:
        self.track = SimpleNamespace(participant_id=participant_id)
        self.sinks: list[PacketSink] = []

    def attach(self, sink: PacketSink) -> None:
        self.sinks.append(sink)

    def request_key_frame(self) -> None:
        return None


def test_starting_again_records_what_was_refused_or_broke_and_only_that() -> None:
    recorder, told = FakeRecorder(), []
    surroundings = cast(Surroundings, SimpleNamespace(emit=told.append))
    recording = RoomRecording(
        "room", "rec1", "", cast(RoomRecorder, recorder), surroundings, lambda publication: None
    )
    anna, bert = FakePublication("anna"), FakePublication("bert")
    both: list[Any] = [cast(Publication, anna), cast(Publication, bert)]
    for publication in both:
        recording.attach(publication)
    recording.tick(1.0)
    assert (recording.status().state, recording.status().cause) == ("faulty", "track_refused")
    recorder.refuses = False
    recording.mend(both)
    recording.tick(1.2)
    assert recording.status().state == "active" and recorder.opened == ["anna", "bert"]
    recording.sink_broke(bert.sinks[0])
    assert recording.status().cause == "sink_failed"
    recording.mend(both)
    recording.tick(1.4)
    assert recorder.opened == ["anna", "bert", "bert"] and len(anna.sinks) == 1
    states = [event.state for event in told if isinstance(event, RecordingChanged)]
    assert states == ["faulty", "active"]
