"""What a role may do in a room. The table of docs/protocol.md section 2."""

from __future__ import annotations

from enum import StrEnum


class Right(StrEnum):
    """What a command needs; listed in `welcome` so that a page shows only what works."""

    PUBLISH = "publish"
    SUBSCRIBE = "subscribe"
    RAISE_HAND = "raise_hand"
    WAIT = "wait"
    SHARE = "share"
    CHAT = "chat"
    SEE_LOBBY = "see_lobby"
    ADMIT = "admit"
    MUTE = "mute"
    REMOVE = "remove"
    OPEN = "open"
    PAUSE = "pause"
    CLOSE = "close"
    RECORD = "record"
    RENAME = "rename"
    ARRANGE = "arrange"
    PHASE = "phase"
    HAND_OVER = "hand_over"
    TAKE_BACK = "take_back"
    READ_MINUTES = "read_minutes"
    FOLLOW_MINUTES = "follow_minutes"
    SHOW_MINUTES = "show_minutes"
    DELIBERATE = "deliberate"
    MARK = "mark"
    VEIL = "veil"


OFFICIAL_ROLES = frozenset({"host", "joint_receptionist", "department", "recorder", "observer"})
# Who comes with the matter; others read their names only where the policy lets them (KNOW_NAMES).
CITIZEN_ROLES = frozenset({"petitioner", "party", "proxy", "companion"})
GUEST_ROLES = CITIZEN_ROLES | {"interpreter", "mediator", "third_party"}

_WATCH = frozenset({Right.SUBSCRIBE, Right.CHAT, Right.SEE_LOBBY})
_SPEAK = frozenset({Right.PUBLISH, Right.SUBSCRIBE, Right.RAISE_HAND})
_SHOW = _SPEAK | {Right.SHARE}
_HOST = frozenset(
    {Right.ADMIT, Right.MUTE, Right.REMOVE, Right.OPEN, Right.PAUSE, Right.CLOSE, Right.RECORD}
    | {Right.RENAME, Right.ARRANGE, Right.PHASE, Right.HAND_OVER, Right.DELIBERATE, Right.VEIL}
)
# Whoever had the host's part and dropped; the handler looks whether it was this person.
_BACK = frozenset({Right.TAKE_BACK})

_MINUTES = frozenset({Right.READ_MINUTES, Right.MARK})
_FOLLOW = frozenset({Right.FOLLOW_MINUTES})

RIGHTS: dict[str, frozenset[Right]] = {
    "host": _WATCH | _SHOW | _HOST | _BACK | _MINUTES | {Right.SHOW_MINUTES},
    "joint_receptionist": _WATCH | _SHOW | _BACK | _MINUTES,
    "department": _WATCH | _SHOW | _MINUTES,
    "recorder": _WATCH | _SHOW | _MINUTES,
    "observer": _WATCH,
    **{role: _SHOW | _FOLLOW | {Right.WAIT} for role in sorted(GUEST_ROLES)},
    # Lends a voice and has no papers in the matter.
    "interpreter": _SPEAK | _FOLLOW | {Right.WAIT},
    # A lawyer or psychologist speaks in the matter; what is written is the parties' business.
    "third_party": _SHOW | {Right.WAIT},
}


def rights_of(role: str) -> frozenset[Right]:
    """The rights of an invitation's role; an unknown role has none."""
    return RIGHTS.get(role, frozenset())


def is_official(role: str) -> bool:
    """Officials go straight into the room and see the waiting room; everybody else waits."""
    return role in OFFICIAL_ROLES
