"""The narrow waist: what a Router writes to, and what a recorder must offer to the media worker."""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from media.reel import Records
from media.rtp import Packet

Source = Literal["microphone", "camera", "screen"]
Kind = Literal["audio", "video"]
RecorderState = Literal["preparing", "active", "faulty", "stopped"]


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The sender information of one RTCP SR (RFC 3550 section 6.4.1).

    `ntp` is the 64 bit NTP time of the sender's wall clock, `rtp_timestamp` the same instant in RTP units.
    """

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packet_count: int = 0
    octet_count: int = 0


@dataclass(frozen=True, slots=True)
class TrackDescription:
    """What a recorder must know of a track to make its packets playable later. `clock_rate` is in hertz.

    `orientation_id` numbers the header extension of media/orientation.py, 0 where there is none;
    packets of `redundant_payload_type` (0: none) are of media/redundancy.py.
    """

    room_id: str
    participant_id: str
    source: Source
    kind: Kind
    codec: str  # "opus", "VP8" or "H264"
    clock_rate: int
    channels: int  # 0 for video
    payload_type: int
    fmtp: str
    orientation_id: int = 0
    redundant_payload_type: int = 0


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """How a room's recorder is doing. `dropped` counts packets lost to a full queue or a failing disk.

    `stalled` names tracks whose packets come but whose bytes on the disk do not grow, each
    `<participant id>-<source>`.
    """

    state: RecorderState
    bytes_on_disk: int = 0
    tracks: int = 0
    cause: str | None = None
    dropped: int = 0
    stalled: tuple[str, ...] = ()


class PacketSink(Protocol):
    """Anything a Router writes to: a Subscription, a recorder's track, a test spy."""

    def write(self, packet: Packet, now: float) -> None:
        """Take the packet at once; `now` in monotonic seconds. Never block, never raise for a full queue."""

    def report(self, report: SenderReport, now: float) -> None:
        """Take the sender report of this source."""

    def close(self, reason: str) -> None:
        """No packet follows. Called once."""


@runtime_checkable
class RecordSink(PacketSink, Protocol):
    """One that also takes packets by the hundred, as the journal keeps them."""

    def record(self, records: Records, layer: object) -> None:
        """As `write` of each packet; all belong to that Layer."""


class RoomRecorder(Protocol):
    """Records the tracks of one room. One sink sees the packets of one SSRC only."""

    def open_track(self, track: TrackDescription) -> PacketSink:
        """Begin a track, or continue it after its publisher came back with a new SSRC."""

    def status(self) -> RecorderStatus:
        """The present state; cheap, called several times a second."""

    def close(self, reason: str) -> None:
        """Write out what is queued and stop. May block; called outside the event loop's thread."""


class RecorderFactory(Protocol):
    """Handed to the worker by whoever starts it, so that media/ knows nothing of files."""

    def open(self, recording_id: str, directory: str) -> RoomRecorder:
        """Open a recorder. May block; called outside the event loop's thread. Raises OSError."""
