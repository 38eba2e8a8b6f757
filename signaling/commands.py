"""What a client may say: every command a frozen dataclass, listed in COMMANDS by its `type`.

Field types are the whole grammar: `protocol.parse` refuses everything they do not allow. A limit in
the metadata counts characters of a text or entries of an object. docs/protocol.md is compared with
this file by a test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Source = Literal["microphone", "camera", "screen"]
MediaPath = Literal["unknown", "udp", "tcp", "relay"]
MarkKind = Literal["key", "promise", "dispute", "care"]
Scalar = str | int | float | bool | None
Layout = Literal["auto", "speaker", "tiers", "evidence", "grid"]
Spot = Literal["next", "last"]
Channel = Literal["telephone", "on_site", "another_day"]

# RFC 8866 sets no ceiling on SDP; ours is four times what a browser offers for three sources.
SDP_LIMIT = 32 * 1024
SOURCE_LIMIT = 4
CHAT_LIMIT = 500
TILE_LIMIT = 64
REASON_LIMIT = 200
NAME_LIMIT = 64
DEVICE_FIELD_LIMIT = 24
QUALITY_ROW_LIMIT = 10
PEOPLE_LIMIT = 64


def limited(maximum: int, code: str = "bad_message", minimum: int = 1) -> Any:
    """A dataclass field whose text or object has between `minimum` and `maximum` members."""
    return field(metadata={"maximum": maximum, "minimum": minimum, "code": code})


@dataclass(frozen=True, kw_only=True)
class Command:
    """A request; `id` is the client's own number and comes back in the answer."""

    id: int


@dataclass(frozen=True, kw_only=True)
class Authenticate(Command):
    """First message of a connection, within ten seconds."""

    version: int
    ticket: str = limited(200)
    publish_alive: bool
    subscribe_alive: bool


@dataclass(frozen=True, kw_only=True)
class Ping(Command):
    """Ask for a pong."""


@dataclass(frozen=True, kw_only=True)
class Leave(Command):
    """Go away on purpose; the seat is kept."""


@dataclass(frozen=True, kw_only=True)
class PageState(Command):
    """The page went out of sight, or is seen again."""

    hidden: bool


@dataclass(frozen=True, kw_only=True)
class Ready(Command):
    """The device check is done, or the person is back from stepping away."""

    device: dict[str, Scalar] = limited(DEVICE_FIELD_LIMIT, minimum=0)


@dataclass(frozen=True, kw_only=True)
class StepAway(Command):
    """Leave the waiting room for a moment; the place is kept."""


@dataclass(frozen=True, kw_only=True)
class ComeBack(Command):
    """Back from stepping away."""


@dataclass(frozen=True, kw_only=True)
class Publish(Command):
    """Offer the publish transport; `sources` maps each m-line's mid to what it carries."""

    sdp: str = limited(SDP_LIMIT, "bad_sdp")
    sources: dict[str, Source] = limited(SOURCE_LIMIT, minimum=0)


@dataclass(frozen=True, kw_only=True)
class Subscribe(Command):
    """Ask for a new subscribe transport; an `offer` follows."""


@dataclass(frozen=True, kw_only=True)
class Answer(Command):
    """Answer the `offer` of the same number."""

    offer_id: int
    sdp: str = limited(SDP_LIMIT, "bad_sdp")


@dataclass(frozen=True, kw_only=True)
class SourceState(Command):
    """Switch one's own source on or off."""

    source: Source
    enabled: bool


@dataclass(frozen=True, kw_only=True)
class Watch(Command):
    """How this page shows the others: a tile for each picture, in place of the last list."""

    tiles: list[dict[str, Scalar]] = limited(TILE_LIMIT, minimum=0)


@dataclass(frozen=True, kw_only=True)
class TellQuality(Command):
    """How well media travelled in the last seconds, a row for each; columns in signaling/quality.py."""

    path: MediaPath
    up: list[list[int]] = limited(QUALITY_ROW_LIMIT, minimum=0)
    down: list[list[int]] = limited(QUALITY_ROW_LIMIT, minimum=0)


@dataclass(frozen=True, kw_only=True)
class RaiseHand(Command):
    """Raise or lower one's hand."""

    raised: bool


@dataclass(frozen=True, kw_only=True)
class Chat(Command):
    """Say something to the officials."""

    text: str = limited(CHAT_LIMIT)


@dataclass(frozen=True, kw_only=True)
class Admit(Command):
    """Call a waiting person into the room."""

    participant_id: str = limited(64)


@dataclass(frozen=True, kw_only=True)
class Deny(Command):
    """Send a waiting person away."""

    participant_id: str = limited(64)
    reason: str = limited(REASON_LIMIT, minimum=0)


@dataclass(frozen=True, kw_only=True)
class Mute(Command):
    """Lock a source of somebody, or release it."""

    participant_id: str = limited(64)
    source: Source
    muted: bool


@dataclass(frozen=True, kw_only=True)
class Remove(Command):
    """Take the seat and the link from somebody."""

    participant_id: str = limited(64)
    reason: str = limited(REASON_LIMIT, minimum=0)


@dataclass(frozen=True, kw_only=True)
class MoveToLobby(Command):
    """Send somebody from the room back to the waiting room."""

    participant_id: str = limited(64)
    reason: str = limited(REASON_LIMIT, minimum=0)


@dataclass(frozen=True, kw_only=True)
class CallNext(Command):
    """Call the first of the waiting room who is there."""


@dataclass(frozen=True, kw_only=True)
class Postpone(Command):
    """Let somebody wait longer: one place back, or at the end."""

    participant_id: str = limited(64)
    to: Spot
    reason: str = limited(REASON_LIMIT, minimum=0)


@dataclass(frozen=True, kw_only=True)
class Refer(Command):
    """End the waiting of somebody who will be received in another way."""

    participant_id: str = limited(64)
    to: Channel
    reason: str = limited(REASON_LIMIT, minimum=0)


@dataclass(frozen=True, kw_only=True)
class MuteAll(Command):
    """Lock every microphone but those of hosts."""


@dataclass(frozen=True, kw_only=True)
class LowerHands(Command):
    """Lower everybody's hand."""


@dataclass(frozen=True, kw_only=True)
class Rename(Command):
    """Show somebody under another name."""

    participant_id: str = limited(64)
    name: str = limited(NAME_LIMIT)
    reason: str = limited(REASON_LIMIT, minimum=0)


@dataclass(frozen=True, kw_only=True)
class Arrange(Command):
    """How everybody sees the room; `spotlight` is large in it, empty for nobody."""

    layout: Layout
    spotlight: str = limited(64, minimum=0)


@dataclass(frozen=True, kw_only=True)
class BeginPhase(Command):
    """Go to a phase of the sitting; empty ends the phases."""

    phase: str = limited(32, minimum=0)


@dataclass(frozen=True, kw_only=True)
class HandOver(Command):
    """Give the host's part to a colleague."""

    participant_id: str = limited(64)


@dataclass(frozen=True, kw_only=True)
class NameDeputy(Command):
    """Name who takes over when the host drops; empty for nobody by name."""

    participant_id: str = limited(64, minimum=0)


@dataclass(frozen=True, kw_only=True)
class TakeBack(Command):
    """The host who dropped is back and takes the part again."""


@dataclass(frozen=True, kw_only=True)
class Open(Command):
    """Begin the sitting; recording starts with it where the session is to be recorded."""


@dataclass(frozen=True, kw_only=True)
class Pause(Command):
    """Interrupt the sitting and its recording; the reason is kept."""

    reason: str = limited(REASON_LIMIT)


@dataclass(frozen=True, kw_only=True)
class Resume(Command):
    """Go on after a pause."""


@dataclass(frozen=True, kw_only=True)
class Deliberate(Command):
    """Part the room: these officials confer, nobody else hears them and nothing is recorded."""

    participants: list[str] = limited(PEOPLE_LIMIT)


@dataclass(frozen=True, kw_only=True)
class EndDeliberation(Command):
    """Bring everybody back after a countdown."""


@dataclass(frozen=True, kw_only=True)
class SetMark(Command):
    """Mark this moment."""

    mark: MarkKind
    note: str = limited(REASON_LIMIT, minimum=0)


@dataclass(frozen=True, kw_only=True)
class WithdrawMark(Command):
    """Take a mark back; it stays in the history."""

    mark_id: str = limited(64)


@dataclass(frozen=True, kw_only=True)
class Veil(Command):
    """Screen somebody, no picture and an altered voice, or show them again."""

    participant_id: str = limited(64)
    veiled: bool


@dataclass(frozen=True, kw_only=True)
class VoiceAltered(Command):
    """This page of a screened person sends the altered voice and nothing else."""


@dataclass(frozen=True, kw_only=True)
class Close(Command):
    """End the sitting for everybody."""


@dataclass(frozen=True, kw_only=True)
class CloseUnsigned(Command):
    """End it before its minutes are signed; the reason is kept."""

    reason: str = limited(REASON_LIMIT)


@dataclass(frozen=True, kw_only=True)
class StartRecording(Command):
    """Start the recording, or start it again after a fault."""


COMMANDS: dict[str, type[Command]] = {
    "authenticate": Authenticate,
    "ping": Ping,
    "leave": Leave,
    "page_state": PageState,
    "ready": Ready,
    "step_away": StepAway,
    "come_back": ComeBack,
    "publish": Publish,
    "subscribe": Subscribe,
    "answer": Answer,
    "source_state": SourceState,
    "watch": Watch,
    "quality": TellQuality,
    "raise_hand": RaiseHand,
    "chat": Chat,
    "admit": Admit,
    "deny": Deny,
    "mute": Mute,
    "remove": Remove,
    "move_to_lobby": MoveToLobby,
    "call_next": CallNext,
    "postpone": Postpone,
    "refer": Refer,
    "mute_all": MuteAll,
    "lower_hands": LowerHands,
    "rename": Rename,
    "arrange": Arrange,
    "begin_phase": BeginPhase,
    "hand_over": HandOver,
    "name_deputy": NameDeputy,
    "take_back": TakeBack,
    "open": Open,
    "pause": Pause,
    "resume": Resume,
    "deliberate": Deliberate,
    "end_deliberation": EndDeliberation,
    "mark": SetMark,
    "withdraw_mark": WithdrawMark,
    "veil": Veil,
    "voice_altered": VoiceAltered,
    "close": Close,
    "close_unsigned": CloseUnsigned,
    "start_recording": StartRecording,
}
