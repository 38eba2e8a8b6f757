"""The control messages between a controller (the web process) and a media worker.

On the unix socket each message is a frame: u32 length (big endian), then a msgpack map
`{"kind": class name, **fields}`. A Request carries `request_id` and is answered by exactly one Reply;
Events come unasked. All requests are idempotent: asking twice is as good as asking once.
"""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import msgpack

from media.sink import Kind, RecorderState, Source

MAX_FRAME = 4 * 1024 * 1024
LENGTH_BYTES = 4


class ControlProtocolError(ValueError):
    """A frame that is no message of ours; the connection must be closed."""


class ControlError(Exception):
    """A refused request.

    `code` is stable: not_found, bad_sdp, too_many, stale_offer, recorder_failed, forbidden, timeout, closed.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, kw_only=True)
class Message:
    """Base of all messages; knows its class by name when read back."""

    kinds: ClassVar[dict[str, type["Message"]]] = {}

    def __init_subclass__(cls) -> None:
        Message.kinds[cls.__name__] = cls


@dataclass(frozen=True, kw_only=True)
class Request(Message):
    """Asked by the controller. `request_id` is filled in by the client."""

    request_id: int = 0


@dataclass(frozen=True, kw_only=True)
class Reply(Message):
    """Answer to the Request of the same id; `result` is empty unless the request's docstring names it."""

    request_id: int
    ok: bool = True
    error_code: str | None = None
    detail: str = ""
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CreateRoom(Request):
    room_id: str


@dataclass(frozen=True, kw_only=True)
class CloseRoom(Request):
    room_id: str
    reason: str = "closed"


@dataclass(frozen=True, kw_only=True)
class AddParticipant(Request):
    room_id: str
    participant_id: str
    may_publish: bool = True


@dataclass(frozen=True, kw_only=True)
class RemoveParticipant(Request):
    room_id: str
    participant_id: str
    reason: str = "left"


@dataclass(frozen=True, kw_only=True)
class Publish(Request):
    """Offer of a publishing browser; `sources` maps mid to source. Result: {answer_sdp, transport_id}.

    An offer with the ICE credentials of the live transport renegotiates it; any other replaces it.
    """

    room_id: str
    participant_id: str
    offer_sdp: str
    sources: dict[str, Source]


@dataclass(frozen=True, kw_only=True)
class Subscribe(Request):
    """Start the participant's subscribe transport anew, or only its ICE when `restart` is set and the
    transport lives. An OfferMade follows."""

    room_id: str
    participant_id: str
    restart: bool = False


@dataclass(frozen=True, kw_only=True)
class AcceptOffer(Request):
    room_id: str
    participant_id: str
    offer_id: int
    answer_sdp: str


@dataclass(frozen=True, kw_only=True)
class SetMuted(Request):
    """Drop the packets of that source for everybody, the recorder included."""

    room_id: str
    participant_id: str
    source: Source
    muted: bool


@dataclass(frozen=True, kw_only=True)
class SetWishes(Request):
    """How a participant is shown the others: [{participant_id, source, height, visible}], replacing the last.

    `height` in pixels of the screen. What is not visible is not sent; what is not named is sent as usual.
    """

    room_id: str
    participant_id: str
    wishes: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class SetPartition(Request):
    """Part the room: only those of the same group hear and see each other, and nothing is recorded.

    It holds from the reply on; without groups the room opens again, a moment later (media/partition.py).
    """

    room_id: str
    groups: list[list[str]]


@dataclass(frozen=True, kw_only=True)
class StartRecording(Request):
    room_id: str
    recording_id: str
    directory: str


@dataclass(frozen=True, kw_only=True)
class StopRecording(Request):
    room_id: str
    reason: str = "stopped"


@dataclass(frozen=True, kw_only=True)
class Snapshot(Request):
    """Result: {worker_id, rooms: [RoomSnapshot]}; the shape is the one of `Room.snapshot`."""


@dataclass(frozen=True, kw_only=True)
class Statistics(Request):
    """Result: {worker: counters, rooms: {room_id: counters}}."""


@dataclass(frozen=True, kw_only=True)
class Load(Request):
    """Result: {cpu: share of one core, 0 to 1, smoothed over seconds; rooms: how many}. Cheap to ask."""


@dataclass(frozen=True, kw_only=True)
class Event(Message):
    """Told by the worker to every connected controller."""

    room_id: str


@dataclass(frozen=True, kw_only=True)
class OfferMade(Event):
    """`tracks`: [{mid, participant_id, source, kind}] of the m-lines that carry something now."""

    participant_id: str
    offer_id: int
    offer_sdp: str
    tracks: list[dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class TransportChanged(Event):
    """direction: publish or subscribe; state: connecting, connected, silent or closed."""

    participant_id: str
    direction: str
    state: str
    cause: str | None = None


@dataclass(frozen=True, kw_only=True)
class PublicationChanged(Event):
    """`started` with its first packet, `ended` when it is withdrawn or its transport closes."""

    participant_id: str
    source: Source
    kind: Kind
    state: str


@dataclass(frozen=True, kw_only=True)
class PublishAgain(Event):
    """Their pictures lie on their side for somebody who came: published anew, they will be upright."""

    participant_id: str


@dataclass(frozen=True, kw_only=True)
class LayersWanted(Event):
    """The publisher shall send these layers of the source, and no others. Told again until they come."""

    participant_id: str
    source: Source
    rids: list[str]


@dataclass(frozen=True, kw_only=True)
class RecordingChanged(Event):
    """On every change and once a second while the recorder is open.

    `stalled` names tracks, `<participant id>-<source>`, that come and do not get to the disk.
    """

    recording_id: str
    state: RecorderState
    cause: str | None = None
    bytes_on_disk: int = 0
    tracks: int = 0
    dropped: int = 0
    stalled: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SpeakersChanged(Event):
    """Who has the floor, and loudness by participant in dBov (0 loudest, -127 silence).

    At once when the speaker changes, otherwise at most once a second.
    """

    levels: dict[str, int]
    speaker: str | None = None


@dataclass(frozen=True, kw_only=True)
class QualityMeasured(Event):
    """Once a second; the shape of `people` is the one of `QualityMeter.measure`."""

    people: dict[str, dict[str, list[int]]]


def dump_message(message: Message) -> bytes:
    """One whole frame."""
    body: bytes = msgpack.packb({"kind": type(message).__name__, "fields": vars(message)})
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def parse_message(body: bytes) -> Message:
    """The message of one frame, without its length. Raises ControlProtocolError."""
    try:
        envelope = msgpack.unpackb(body)
        kind = Message.kinds[envelope["kind"]]
        values = envelope["fields"]
        known = {f.name for f in fields(kind)}
        if set(values) - known:
            raise ControlProtocolError("unknown field")
        return kind(**values)
    except (ValueError, TypeError, KeyError, msgpack.UnpackException) as exc:
        raise ControlProtocolError(str(exc)) from exc


def frame_length(header: bytes) -> int:
    """The length told by a frame's first four bytes. Raises ControlProtocolError over the ceiling."""
    length = int.from_bytes(header, "big")
    if length > MAX_FRAME:
        raise ControlProtocolError("frame too large")
    return length
