"""The states of a transport and how it may go from one to another."""

from enum import StrEnum


class TransportState(StrEnum):
    """new -> connecting -> connected <-> silent -> closed."""

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    SILENT = "silent"
    CLOSED = "closed"


S = TransportState
TRANSITIONS: dict[TransportState, frozenset[TransportState]] = {
    S.NEW: frozenset({S.CONNECTING, S.CLOSED}),
    S.CONNECTING: frozenset({S.CONNECTED, S.CLOSED}),
    S.CONNECTED: frozenset({S.SILENT, S.CLOSED}),
    S.SILENT: frozenset({S.CONNECTED, S.CLOSED}),
    S.CLOSED: frozenset(),
}
