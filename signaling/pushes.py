"""What the server says: answers and pushes, each a frozen dataclass, listed in PUSHES by its `type`.

Times are texts in ISO 8601, UTC, with milliseconds and Z. Sizes are bytes, levels dBov (0 is
loudest, 127 silence, RFC 6464).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from signaling.commands import Channel, Layout, MediaPath, Source
from signaling.material_views import ExhibitView
from signaling.queue_views import QueueView, WaitView

Presence = Literal["connected", "reconnecting", "away"]
MediaState = Literal["none", "connecting", "connected", "silent"]
Place = Literal["lobby", "room", "closed"]
QualityLevel = Literal["good", "fair", "poor", "gone"]
BadgeState = Literal["off", "preparing", "active", "paused", "faulty", "stopped"]


@dataclass(frozen=True)
class PhaseView:
    """A phase that this type of session goes through."""

    code: str
    title: str


@dataclass(frozen=True)
class SessionView:
    """The sitting as every participant may know it."""

    id: str
    title: str
    state: str
    starts_at: str
    ends_at: str
    opened_at: str | None
    server_time: str
    phases: list[PhaseView]


@dataclass(frozen=True)
class ConductView:
    """How the sitting is conducted.

    `deputy` takes over when the host drops, `displaced` is the host who dropped and may take it back.
    """

    layout: Layout
    spotlight: str | None
    phase: str | None
    deputy: str | None
    displaced: str | None


@dataclass(frozen=True)
class SourceView:
    """One source of a participant: does it arrive, does its owner want it, did the host lock it."""

    published: bool
    enabled: bool
    locked: bool


@dataclass(frozen=True)
class QualityView:
    """How well somebody's media travels; loss in percent, round trip in ms, null while unknown."""

    up: QualityLevel
    down: QualityLevel
    up_loss: int | None
    down_loss: int | None
    round_trip: int | None
    path: MediaPath


@dataclass(frozen=True)
class ParticipantView:
    """Somebody in the room."""

    participant_id: str
    name: str
    role: str
    tier: str | None
    organisation: str | None
    presence: Presence
    media: MediaState
    sources: dict[Source, SourceView]
    hand_raised_at: str | None
    speaking: bool
    hidden: bool
    quality: QualityView | None
    veiled: bool


@dataclass(frozen=True)
class LobbyView:
    """Somebody in the waiting room, as officials see it; stepped out, the place is kept `away_until`."""

    participant_id: str
    name: str
    role: str
    number: str
    position: int
    since: str
    ready: bool
    device: dict[str, str | int | float | bool | None] | None
    presence: Presence
    hidden: bool
    away_until: str | None


@dataclass(frozen=True)
class RecordingView:
    """The badge. `active` only while the recorder confirms bytes on disk.

    `stalled` names what comes and does not get to the disk, each `<participant id>-<source>`. `free` are
    the bytes left on the disk, for officials.
    """

    state: BadgeState
    since: str | None
    bytes: int
    cause: str | None
    stalled: list[str]
    free: int | None


@dataclass(frozen=True)
class DeliberationView:
    """Officials confer in private; `returns_at` once the countdown to the return runs.

    `inside`: whether the reader is one of them; only they read who the others are.
    """

    since: str
    returns_at: str | None
    inside: bool
    participants: list[str]


@dataclass(frozen=True)
class RoomView:
    """The whole room; `lobby` is empty for everybody who is not an official.

    `presenter` is whose document is on the stage; `minutes_shown` tells the petitioner's side to read along,
    `minutes_state` (None before they are begun) when to read them back and to sign.
    `open_objections` to them are for officials.
    """

    state: str
    opened_at: str | None
    participants: list[ParticipantView]
    presenter: str | None
    lobby: list[LobbyView]
    recording: RecordingView
    conduct: ConductView
    minutes_shown: bool
    minutes_state: str | None
    open_objections: int
    deliberation: DeliberationView | None
    exhibit: ExhibitView | None


@dataclass(frozen=True)
class Relay:
    """A TURN server as RTCPeerConnection takes it."""

    urls: list[str]
    username: str
    credential: str


@dataclass(frozen=True)
class MediaNeeds:
    """Which of the two transports the client has to negotiate (again)."""

    publish_needed: bool
    subscribe_needed: bool


@dataclass(frozen=True)
class OfferedTrack:
    """What one m-line of an offer carries."""

    mid: str
    participant_id: str
    source: Source
    kind: Literal["audio", "video"]


class Push:
    """Anything the server sends."""


@dataclass(frozen=True)
class Ok(Push):
    """The command was done; `sdp` only answers `publish`."""

    id: int
    sdp: str | None = None


@dataclass(frozen=True)
class Error(Push):
    """The command was refused; `id` is null when the message had none to read."""

    id: int | None
    code: str
    message: str


@dataclass(frozen=True)
class Pong(Push):
    """Answer to `ping`."""

    id: int


@dataclass(frozen=True)
class Welcome(Push):
    """Authenticated: who you are, where you are, what you may do."""

    version: int
    participant_id: str
    session: SessionView
    role: str
    place: Place
    rights: list[str]
    room: RoomView | None
    queue: QueueView | None
    media: MediaNeeds
    relays: list[Relay]


@dataclass(frozen=True)
class RoomChanged(Push):
    """The full state of the room, at most ten times a second."""

    room: RoomView


@dataclass(frozen=True)
class QueueChanged(Push):
    """The place in the waiting room changed, or how long it probably takes."""

    position: int
    ahead: int
    number: str
    state_text: str
    note: str
    away_until: str | None
    wait: WaitView | None


@dataclass(frozen=True)
class RightsChanged(Push):
    """What you may do from now on: the host's part came or went."""

    role: str
    rights: list[str]


@dataclass(frozen=True)
class Referred(Push):
    """You will be received in another way; the connection closes with 4410."""

    to: Channel
    message: str


@dataclass(frozen=True)
class Admitted(Push):
    """From the waiting room into the room."""

    relays: list[Relay]


@dataclass(frozen=True)
class MovedToLobby(Push):
    """From the room back into the waiting room."""


@dataclass(frozen=True)
class Denied(Push):
    """Not let in; the connection closes with 4410."""

    reason: str


@dataclass(frozen=True)
class Removed(Push):
    """Taken out; the connection closes with 4410."""

    reason: str


@dataclass(frozen=True)
class ChatSaid(Push):
    """A line among officials. `from` is the participant id of the speaker."""

    from_: str
    name: str
    text: str
    at: str


@dataclass(frozen=True)
class Offer(Push):
    """The server's offer for the subscribe transport."""

    offer_id: int
    sdp: str
    tracks: list[OfferedTrack]


@dataclass(frozen=True)
class Speakers(Push):
    """Who has the floor, and audio levels by participant id."""

    levels: dict[str, int]
    speaker: str | None


@dataclass(frozen=True)
class Layers(Push):
    """Which layers of your own source to send; the others nobody watches."""

    source: Source
    rids: list[str]


@dataclass(frozen=True)
class MediaLost(Push):
    """The media worker of this room is gone; wait for `media_restored`."""


@dataclass(frozen=True)
class MediaRestored(Push):
    """The room exists again on a worker; negotiate what is needed."""

    publish_needed: bool
    subscribe_needed: bool


@dataclass(frozen=True)
class SessionClosed(Push):
    """The sitting is over; the connection closes with 1000. Officials read who ended it."""

    message: str


@dataclass(frozen=True)
class Replaced(Push):
    """The same seat was opened elsewhere; the connection closes with 4409.

    With words the seat moved to another device for good, and this one cannot take it back.
    """

    message: str = ""


PUSHES: dict[str, type[Push]] = {
    "ok": Ok,
    "error": Error,
    "pong": Pong,
    "welcome": Welcome,
    "room": RoomChanged,
    "queue": QueueChanged,
    "rights": RightsChanged,
    "referred": Referred,
    "admitted": Admitted,
    "moved_to_lobby": MovedToLobby,
    "denied": Denied,
    "removed": Removed,
    "chat": ChatSaid,
    "offer": Offer,
    "speakers": Speakers,
    "layers": Layers,
    "media_lost": MediaLost,
    "media_restored": MediaRestored,
    "session_closed": SessionClosed,
    "replaced": Replaced,
}
