"""A gate with its own socket inside the test process, and a peer's end of an SRTP association."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import replace

from aioice import stun
from pylibsrtp import Policy, Session

from media.aiortc_port import Certificate, SrtpPair
from media.config import MediaConfig
from media.datagrams import key_of, open_port
from media.fastlane import FastLane
from media.gate import Gate
from media.transport import Transport, TransportState

CERTIFICATE = Certificate()
PROFILE = Policy.SRTP_PROFILE_AEAD_AES_256_GCM


class Owner:
    """Notes what its transport tells it."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.feedback: list[object] = []
        self.states: list[tuple[str, str | None]] = []

    def take_packet(self, data: bytes, now: float) -> None:
        self.packets.append(data)

    def take_feedback(self, feedback: list[object], now: float) -> None:
        self.feedback += feedback

    def transport_changed(self, transport: Transport, cause: str | None) -> None:
        self.states.append((transport.state.value, cause))


class Loopback:
    """`gate` listens; `stranger()` makes sockets; `read` takes what has arrived."""

    def __init__(self, batched: bool = True, lane: FastLane | None = None, **settings: object) -> None:
        self.port = open_port("127.0.0.1", 0, batched)
        self.gate = Gate(self.port, lane=lane)
        self.config = replace(MediaConfig(0, ("127.0.0.1",), ""), **settings)
        self.address = self.port.socket.getsockname()
        self.sockets: list[socket.socket] = []

    def stranger(self) -> socket.socket:
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.bind(("127.0.0.1", 0))
        peer.connect(self.address)
        peer.settimeout(1)
        self.sockets.append(peer)
        return peer

    def transport(self, owner: Owner) -> Transport:
        transport = Transport(self.gate, self.config, CERTIFICATE, owner)
        transport.open(1e9)
        return transport

    def connected(self, owner: Owner) -> tuple[Transport, socket.socket, Session]:
        """A transport that has finished its handshake, the peer's socket and its sending SRTP session."""
        transport, peer, key = self.transport(owner), self.stranger(), os.urandom(44)
        transport._pair = SrtpPair(
            session(key, Policy.SSRC_ANY_INBOUND), session(key, Policy.SSRC_ANY_OUTBOUND)
        )
        transport._move(TransportState.CONNECTED)
        peer.send(binding_request(transport))
        self.read(1)
        peer.recv(2048)
        return transport, peer, session(key, Policy.SSRC_ANY_OUTBOUND)

    def read(self, datagrams: int, now: float | None = None) -> None:
        """Wait for so many datagrams more."""
        deadline = time.monotonic() + 2
        goal = self.port.received + datagrams
        while self.port.received < goal:
            assert time.monotonic() < deadline, "datagrams are missing"
            self.gate.read(time.monotonic() if now is None else now)

    def close(self) -> None:
        for peer in self.sockets:
            peer.close()
        self.port.close()


def session(key: bytes, ssrc_type: int) -> Session:
    policy = Policy(key=key, ssrc_type=ssrc_type, srtp_profile=PROFILE)
    policy.allow_repeat_tx = True
    policy.window_size = 1024
    return Session(policy)


def binding_request(
    transport: Transport, nominate: bool = True, password: str | None = None, fragment: str | None = None
) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{fragment or transport.credentials.fragment}:peer"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLING"] = 7
    if nominate:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity((password or transport.credentials.password).encode())
    return bytes(message)


def address_key(peer: socket.socket) -> bytes:
    return key_of(socket.AF_INET, peer.getsockname())


__all__ = ["CERTIFICATE", "Loopback", "Owner", "address_key", "binding_request", "session"]
