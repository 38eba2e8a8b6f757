"""The recording of one Room: a recorder with one more sink on each Publication."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from media.control import RecordingChanged
from media.key_frame_rounds import KeyFrameRounds
from media.layer import Layer
from media.publication import Publication
from media.sink import PacketSink, RecorderStatus, RecordSink, RoomRecorder
from media.surroundings import Surroundings
from media.toplayer import TopLayer

logger = logging.getLogger(__name__)

STATUS_INTERVAL = 1.0
# Packets are kept so long for the recorder; one that is written by hand takes them along.
DELIVERY_INTERVAL = 0.19
# A recorder that cannot write out its queue in this time is left behind at shutdown. Seconds.
CLOSE_TIMEOUT = 5.0


class RoomRecording:
    """Given: an open recorder, and what brings it the packets kept for it. Owned: its sinks.

    Tells its status on change and every second.
    """

    def __init__(
        self,
        room_id: str,
        recording_id: str,
        directory: str,
        recorder: RoomRecorder,
        surroundings: Surroundings,
        deliver: Callable[[Publication], None],
    ) -> None:
        self.room_id = room_id
        self.recording_id = recording_id
        self.directory = directory
        self._recorder = recorder
        self._surroundings = surroundings
        self._deliver = deliver
        self._sinks: dict[Publication, PacketSink] = {}
        self._rounds = KeyFrameRounds()
        self._told: RecorderStatus | None = None
        self._told_at = self._delivered_at = float("-inf")
        self._sink_failure: str | None = None

    def attach(self, publication: Publication) -> None:
        """Record this Publication from now on, beginning with a key frame that is asked for."""
        if publication in self._sinks or not publication.started:
            return
        try:
            sink = self._recorder.open_track(publication.track)
        except Exception:
            # Talk goes on; the recording says that it is faulty.
            logger.exception("The recorder refused a track of %s", publication.track.participant_id)
            self._sink_failure = "track_refused"
            return
        takes_records = isinstance(sink, RecordSink)
        if len(publication.layers) > 1:
            sink = TopLayer(sink)
        self._sinks[publication] = sink
        if takes_records:
            publication.attach_recorder(sink)
        else:
            publication.attach(sink)
        publication.request_key_frame()

    def detach(self, publication: Publication, reason: str) -> None:
        """The Publication has ended."""
        sink = self._sinks.pop(publication, None)
        if sink is not None:
            self._deliver(publication)
            publication.detach(sink)
            self._close_sink(sink, reason)

    def hold(self, reason: str) -> None:
        """Take no further packet of anybody."""
        for publication in list(self._sinks):
            self.detach(publication, reason)

    def sink_broke(self, sink: PacketSink) -> None:
        """The router dropped one of our sinks because it raised."""
        for publication, own in list(self._sinks.items()):
            if own is sink:
                self._sink_failure = "sink_failed"
                del self._sinks[publication]
                self._close_sink(sink, "sink_failed")

    def mend(self, publications: Iterable[Publication]) -> None:
        """Somebody asked to start again: record what was refused or broke; what runs goes on."""
        self._sink_failure = None
        for publication in publications:
            self.attach(publication)

    def _close_sink(self, sink: PacketSink, reason: str) -> None:
        try:
            sink.close(reason)
        except Exception:
            logger.exception("Closing a track of recording %s failed", self.recording_id)

    def status(self) -> RecorderStatus:
        """The recorder's own status, or faulty when a sink of it failed."""
        status = self._recorder.status()
        if self._sink_failure is not None and status.state != "stopped":
            return RecorderStatus(
                "faulty",
                status.bytes_on_disk,
                status.tracks,
                self._sink_failure,
                status.dropped,
                status.stalled,
            )
        return status

    def tick(self, now: float) -> None:
        """Fetch packets, ask for a key frame that is due; tell the status on change and every second."""
        if now - self._delivered_at < DELIVERY_INTERVAL:
            return
        self._delivered_at = now
        for publication in list(self._sinks):
            self._deliver(publication)
        self._rounds.look(self._recorded_layers(), now)
        status = self.status()
        changed = self._told is None or _what_people_see(status) != _what_people_see(self._told)
        if changed or now - self._told_at >= STATUS_INTERVAL:
            self._told, self._told_at = status, now
            self._tell(status)

    def _recorded_layers(self) -> Iterator[Layer]:
        """Those whose packets the recorder has now, but for who is muted."""
        for publication, sink in self._sinks.items():
            layer = sink.layer if isinstance(sink, TopLayer) else publication.layers[0]
            if layer is not None and not publication.muted:
                yield layer

    def _tell(self, status: RecorderStatus) -> None:
        self._surroundings.emit(
            RecordingChanged(
                room_id=self.room_id,
                recording_id=self.recording_id,
                state=status.state,
                cause=status.cause,
                bytes_on_disk=status.bytes_on_disk,
                tracks=status.tracks,
                dropped=status.dropped,
                stalled=status.stalled,
            )
        )

    def snapshot(self) -> dict[str, Any]:
        """Shape: {recording_id, directory, state, cause, bytes_on_disk, tracks, dropped}."""
        status = self.status()
        return {
            "recording_id": self.recording_id,
            "directory": self.directory,
            "state": status.state,
            "cause": status.cause,
            "bytes_on_disk": status.bytes_on_disk,
            "tracks": status.tracks,
            "dropped": status.dropped,
        }

    async def close(self, reason: str) -> None:
        """Detach everywhere at once, then let the recorder write out what it has."""
        self.hold(reason)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await asyncio.to_thread(self._recorder.close, reason)
        except Exception:
            logger.exception("Closing recording %s failed", self.recording_id)
        status = self._recorder.status()
        self._tell(
            RecorderStatus(
                "stopped", status.bytes_on_disk, status.tracks, status.cause or reason, status.dropped
            )
        )


def _what_people_see(status: RecorderStatus) -> tuple[object, ...]:
    return status.state, status.cause, status.stalled
