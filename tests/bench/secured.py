"""Two ends of one SRTP association without a handshake, for tests of the compiled parts."""

import socket
from types import SimpleNamespace
from typing import Any

from pylibsrtp import Policy, Session

KEY = bytes(range(44))


def session(direction: int) -> Session:
    """A session with the same key for everybody (AES-256-GCM)."""
    return Session(Policy(KEY, direction, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_256_GCM))


def outbound() -> Session:
    """For whoever sends."""
    return session(Policy.SSRC_ANY_OUTBOUND)


def inbound() -> Session:
    """For whoever receives."""
    return session(Policy.SSRC_ANY_INBOUND)


def udp() -> socket.socket:
    """A non-blocking socket on a free port of 127.0.0.1."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    opened.setblocking(False)
    return opened


class BareWire:
    """What a Seat asks of a Wire: a connected socket and libsrtp's contexts; notes what it is given."""

    def __init__(self, opened: socket.socket) -> None:
        self.socket = opened
        self.sessions = (inbound(), outbound())
        self.plain: list[bytes] = []
        self.rtcp: list[bytes] = []

    def srtp_contexts(self) -> tuple[Any, Any]:
        """(inbound, outbound)."""
        first, second = self.sessions
        return first._srtp[0], second._srtp[0]

    def receive_plain(self, data: bytes) -> None:
        """Neither SRTP nor SRTCP."""
        self.plain.append(data)

    def on_rtcp(self, view: memoryview, size: int, _arrived_ns: int) -> None:
        """Decrypted."""
        self.rtcp.append(bytes(view[:size]))


def bare_peer(publish: BareWire, subscribe: BareWire, audio: Any, video: Any) -> Any:
    """What a Seat asks of a Peer; `heard` is what it was told of streams, `done` its chores."""
    heard: dict[int, tuple[int, int]] = {}
    done: list[str] = []
    return SimpleNamespace(
        publish_wire=publish,
        subscribe_wire=subscribe,
        audio=audio,
        video=video,
        publishes=True,
        feedback=False,
        arrivals=SimpleNamespace(extension_id=0),
        heard=heard,
        done=done,
        note_source=lambda ssrc, highest, size: heard.__setitem__(ssrc, (highest, size)),
        send_reports=lambda: done.append("reports"),
        keep_alive=lambda: done.append("consent"),
    )
