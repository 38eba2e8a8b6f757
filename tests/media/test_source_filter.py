"""The gate: strangers, forgers and repeaters change nothing; the owner of an address is heard."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

import pytest
from aioice import stun

from media import feedback
from media.fastlane import FastLane
from media.fastpath import LARGEST
from media.transport import MOST_ADDRESSES, MOST_SSRCS
from tests.media.loopback import Loopback, Owner, address_key, binding_request

CLIENT_HELLO = b"\x16\xfe\xff" + bytes(60)


@pytest.fixture(params=["compiled", "batched", "portable"])
def loopback(request: pytest.FixtureRequest) -> Iterator[Loopback]:
    lane = FastLane.open() if request.param == "compiled" else None
    made = Loopback(batched=request.param != "portable", lane=lane)
    yield made
    made.close()


def rtp(number: int, ssrc: int = 7, payload: bytes = b"payload") -> bytes:
    return struct.pack("!BBHLL", 0x80, 96, number & 0xFFFF, number * 3000, ssrc) + payload


def test_empty_datagrams_are_dropped(loopback: Loopback) -> None:
    transport, peer, _ = loopback.connected(owner := Owner())
    states = list(owner.states)
    loopback.stranger().send(b"")
    peer.send(b"")
    loopback.read(2)
    assert loopback.gate.counters["empty"] == 2
    assert owner.states == states


def test_dtls_of_strangers_is_dropped_before_during_and_after(loopback: Loopback) -> None:
    stranger = loopback.stranger()
    stranger.send(CLIENT_HELLO)
    loopback.read(1)
    waiting = loopback.transport(Owner())
    stranger.send(CLIENT_HELLO)
    loopback.read(1)
    transport, peer, srtp = loopback.connected(owner := Owner())
    stranger.send(CLIENT_HELLO)
    stranger.send(b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28")
    peer.send(srtp.protect(rtp(1)))
    loopback.read(3)
    assert loopback.gate.counters["stranger"] == 4
    assert waiting._early == [] and waiting.destination is None
    assert owner.packets == [rtp(1)]


def test_srtp_of_strangers_and_plain_rtp_are_dropped(loopback: Loopback) -> None:
    transport, peer, srtp = loopback.connected(owner := Owner())
    stranger = loopback.stranger()
    stranger.send(srtp.protect(rtp(1)))  # even with the right key
    stranger.send(rtp(2))
    peer.send(rtp(3))
    peer.send(os.urandom(1) and b"\x80" + os.urandom(200))
    loopback.read(4)
    assert owner.packets == []
    assert loopback.gate.counters["stranger"] == 2
    assert loopback.gate.counters["forged"] == 2
    assert address_key(stranger) not in transport._addresses


def test_a_repeated_packet_arrives_once(loopback: Loopback) -> None:
    _, peer, srtp = loopback.connected(owner := Owner())
    first, second, third = (srtp.protect(rtp(n)) for n in (1, 2, 3))
    for data in (first, third, third, second, first, second):
        peer.send(data)
    loopback.read(6)
    assert owner.packets == [rtp(1), rtp(3), rtp(2)]
    assert loopback.gate.counters["replayed"] == 3


def test_only_so_many_ssrcs_are_heard(loopback: Loopback) -> None:
    transport, peer, srtp = loopback.connected(owner := Owner())
    for start in range(0, 2000, 50):
        for ssrc in range(start, start + 50):
            peer.send(srtp.protect(rtp(1, ssrc=1000 + ssrc)))
        loopback.read(50)
    assert len(transport.ssrcs) == MOST_SSRCS
    assert len(owner.packets) == MOST_SSRCS
    assert loopback.gate.counters["too_many_ssrcs"] == 2000 - MOST_SSRCS


def test_a_forged_ssrc_takes_no_place(loopback: Loopback) -> None:
    transport, peer, srtp = loopback.connected(Owner())
    for ssrc in range(50):
        peer.send(rtp(1, ssrc=ssrc) + bytes(16))
    peer.send(srtp.protect(rtp(1, ssrc=99)))
    loopback.read(51)
    assert transport.ssrcs == {99}


def test_malformed_rtcp_is_counted_and_good_rtcp_heard(loopback: Loopback) -> None:
    _, peer, srtp = loopback.connected(owner := Owner())
    peer.send(srtp.protect_rtcp(b"\x80\xc8\x00\x01" + bytes(4)))
    peer.send(srtp.protect_rtcp(feedback.build_key_frame_request(1, 7)))
    loopback.read(2)
    assert loopback.gate.counters["rtcp_malformed"] == 1
    assert owner.feedback == [feedback.KeyFrameRequest(7)]


def test_too_large_a_datagram_is_dropped(loopback: Loopback) -> None:
    _, peer, _ = loopback.connected(owner := Owner())
    peer.send(b"\x80" + bytes(LARGEST + 100))
    loopback.read(1)
    assert loopback.port.oversized == 1
    assert owner.packets == []


def test_any_exception_in_a_parser_means_drop_and_count(loopback: Loopback) -> None:
    _, peer, srtp = loopback.connected(owner := Owner())

    def explode(data: bytes, now: float) -> None:
        raise KeyError("a bug")

    heard, owner.take_packet = owner.take_packet, explode  # type: ignore[method-assign]
    peer.send(srtp.protect(rtp(1)))
    loopback.read(1)
    owner.take_packet = heard  # type: ignore[method-assign]
    peer.send(srtp.protect(rtp(2)))
    loopback.read(1)
    assert loopback.gate.counters["parser_error"] == 1
    assert owner.packets == [rtp(2)]


class TestChecks:
    def test_an_authentic_check_is_answered_with_the_peers_address(self, loopback: Loopback) -> None:
        transport, peer = loopback.transport(Owner()), loopback.stranger()
        peer.send(request := binding_request(transport))
        loopback.read(1)
        answer = stun.parse_message(peer.recv(2048))
        assert answer.message_class is stun.Class.RESPONSE
        assert answer.transaction_id == stun.parse_message(request).transaction_id
        assert answer.attributes["XOR-MAPPED-ADDRESS"] == peer.getsockname()
        assert answer.check_message_integrity(transport.credentials.password.encode())
        assert "FINGERPRINT" in answer.attributes
        assert transport.destination is not None and transport.destination.key == address_key(peer)

    @pytest.mark.parametrize(
        "kind", ["password", "fragment", "truncated", "flipped", "indication", "unsigned"]
    )
    def test_a_forged_check_gets_no_answer_and_no_ear(self, loopback: Loopback, kind: str) -> None:
        transport, peer = loopback.transport(Owner()), loopback.stranger()
        good = binding_request(transport)
        unsigned = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        unsigned.attributes["USERNAME"] = f"{transport.credentials.fragment}:peer"
        unsigned.add_fingerprint()
        forged = {
            "password": binding_request(transport, password="wrong"),
            "fragment": binding_request(transport, fragment="unknown"),
            "truncated": good[:-4],
            "flipped": good[:30] + bytes([good[30] ^ 1]) + good[31:],
            "indication": b"\x00\x11" + good[2:],
            "unsigned": bytes(unsigned),
        }[kind]
        peer.send(forged)
        peer.send(CLIENT_HELLO)
        loopback.read(2)
        peer.settimeout(0.05)
        with pytest.raises(TimeoutError):
            peer.recv(2048)
        assert transport.destination is None
        assert loopback.gate.counters["stranger"] == 1

    def test_an_answer_is_hardly_larger_than_its_question(self, loopback: Loopback) -> None:
        transport, peer = loopback.transport(Owner()), loopback.stranger()
        peer.send(request := binding_request(transport))
        loopback.read(1)
        assert len(peer.recv(2048)) <= len(request)

    def test_nomination_moves_the_destination_and_a_plain_check_does_not(self, loopback: Loopback) -> None:
        transport, first, second = loopback.transport(Owner()), loopback.stranger(), loopback.stranger()
        first.send(binding_request(transport))
        loopback.read(1)
        second.send(binding_request(transport, nominate=False))
        loopback.read(1)
        assert transport.destination.key == address_key(first)
        second.send(binding_request(transport))
        loopback.read(1)
        assert transport.destination.key == address_key(second)

    def test_addresses_are_bounded_and_forgotten(self, loopback: Loopback) -> None:
        transport = loopback.transport(Owner())
        for _ in range(MOST_ADDRESSES + 5):
            loopback.stranger().send(binding_request(transport))
        loopback.read(MOST_ADDRESSES + 5)
        assert len(transport._addresses) == MOST_ADDRESSES
        assert len(loopback.gate._by_address) == MOST_ADDRESSES
        loopback.gate.dismiss(transport)
        assert not loopback.gate._by_address and not loopback.gate._by_fragment


class TestLiveness:
    def test_silence_then_return_then_expiry(self, loopback: Loopback) -> None:
        transport, peer, srtp = loopback.connected(owner := Owner())
        peer.send(srtp.protect(rtp(1)))
        loopback.read(1, now=100.0)
        transport.tick(102.9)
        transport.tick(103.1)
        peer.send(srtp.protect(rtp(2)))
        loopback.read(1, now=104.0)
        states = [s for s, _ in owner.states][-3:]
        assert states == ["connected", "silent", "connected"]
        transport.tick(107.5)
        peer.send(rtp(3))  # not authentic, so no sign of life
        loopback.read(1, now=120.0)
        transport.tick(134.1)
        assert owner.states[-2:] == [("silent", None), ("closed", "consent_expired")]

    def test_a_check_is_a_sign_of_life(self, loopback: Loopback) -> None:
        transport, peer, _ = loopback.connected(owner := Owner())
        peer.send(binding_request(transport))
        loopback.read(1, now=200.0)
        transport.tick(202.0)
        assert owner.states[-1][0] == "connected"

    def test_a_handshake_that_never_begins_ends_at_its_deadline(self, loopback: Loopback) -> None:
        from media.transport import Transport
        from tests.media.loopback import CERTIFICATE

        transport = Transport(loopback.gate, loopback.config, CERTIFICATE, owner := Owner())
        transport.open(15.0)
        transport.tick(14.9)
        transport.tick(15.1)
        transport.tick(16.0)
        assert owner.states == [("connecting", None), ("closed", "handshake_timeout")]
        assert not loopback.gate._by_fragment

    def test_a_crowd_of_dtls_records_is_bounded(self, loopback: Loopback) -> None:
        transport, peer = loopback.transport(Owner()), loopback.stranger()
        peer.send(binding_request(transport))
        for _ in range(50):
            peer.send(CLIENT_HELLO)
        loopback.read(51)
        assert len(transport._early) == 8
        assert loopback.gate.counters["dtls_dropped"] == 42
