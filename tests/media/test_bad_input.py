"""Bad input to the media plane, by the lines of its table (B15 to B38): which test answers for which line.

Most of them stand beside what they break; the rest is here.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aioice import stun

from media import feedback
from media.feedback import FeedbackError, Nack, parse_compound
from media.room import Room
from media.surroundings import Surroundings
from media.transport import Transport
from tests.media.loopback import CERTIFICATE, Loopback, Owner, binding_request
from tests.media.offers import FINGERPRINT, offer, section
from tests.media.test_aiortc_port import Pair

TESTS = Path(__file__).parents[1]
# Line and matter: folder and file of the test, and its name.
ANSWERS = {
    "B15 no description": "media/negotiation::a_bad_description_is_refused",
    "B16 B17 bombs": "media/negotiation::a_bomb_is_refused_in_no_time",
    "B16 B17 bombs to a worker": "hostile/control_channel::sdp_bombs",
    "B18 setup, fingerprint": "media/negotiation::a_bad_description_is_refused",
    "B18 another's fingerprint": "media/aiortc_port::a_foreign_certificate_is_refused",
    "B19 B20 candidates": "media/bad_input::b19_b20_candidates_of_a_peer_are_never_asked",
    "B22 STUN": "media/bad_input::b22_a_broken_check_makes_no_state_and_gets_no_answer",
    "B22 STUN forged": "media/source_filter::a_forged_check_gets_no_answer_and_no_ear",
    "B22 amplification": "media/source_filter::an_answer_is_hardly_larger_than_its_question",
    "B23 peers of a relay": "scenarios/relay_refusals::b23_the_relay_leads_to_the_worker_alone",
    "B24 old credentials": "scenarios/relay::the_relay_refuses_strangers_and_old_credentials",
    "B24 allocations": "scenarios/relay_refusals::b24_one_credential_has_a_quota",
    "B25 floods of checks": "media/reach::forgers_get_so_many_answers_a_second_and_the_peer_all_of_its_own",
    "B26 empty datagrams": "media/source_filter::empty_datagrams_are_dropped",
    "B27 DTLS of strangers": "media/source_filter::dtls_of_strangers_is_dropped_before_during_and_after",
    "B29 forged alerts": "media/bad_input::b29_plaintext_alerts_after_the_handshake_are_ignored",
    "B30 no handshake": "media/source_filter::a_handshake_that_never_begins_ends_at_its_deadline",
    "B30 how many wait": "media/bad_input::b30_a_participant_has_two_handshakes_pending_at_the_most",
    "B31 plain RTP": "media/source_filter::srtp_of_strangers_and_plain_rtp_are_dropped",
    "B31 repeated": "media/source_filter::a_repeated_packet_arrives_once",
    "B31 wrong key": "hostile/insiders::srtp_with_a_wrong_key",
    "B32 extensions": "media/rtp::elements_past_the_end_are_refused",
    "B34 SSRCs": "media/source_filter::only_so_many_ssrcs_are_heard",
    "B34 memory": "hostile/insiders::thirty_thousand_ssrcs",
    "B35 another's SSRC": "media/bad_input::b35_names_of_another_stay_within_their_own_transport",
    "B37 cut": "media/feedback::malformed_compounds_are_refused",
    "B37 NACK of everything": "media/bad_input::b37_a_nack_names_no_more_than_a_datagram_holds",
    "B37 NACKs answered": "media/forwarding::a_flood_of_nacks_is_throttled",
    "B37 PLI": "hostile/insiders::key_frame_requests_are_limited",
    "B37 BYE": "media/bad_input::b37_a_goodbye_for_another_ends_nothing",
    "B38 payloads": "media/hostile_layers::vp8_descriptors",
    "B38 payloads of a live stream": "hostile/insiders::bent_payloads_on_a_live_stream",
}
# Where a browser could be sent to knock: loopback, metadata, a private network, mapped, multicast, odd ports.
PLACES = [
    "127.0.0.1 {port}", "169.254.169.254 80", "10.0.0.1 22", "::ffff:127.0.0.1 {port}", "224.0.0.1 5353",
    "127.0.0.1 0", "0f1e2d3c-0000-4000-8000-000000000000.local {port}", "intranet.example.gov.cn {port}",
]  # fmt: skip


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    loopback = Loopback()
    told: list[object] = []
    surroundings = Surroundings(
        loopback.config, loopback.gate, CERTIFICATE, None, told.append, lambda: 1.0, ("127.0.0.1",), False
    )  # type: ignore[arg-type]
    made = Room("r", surroundings)
    for name in ("anna", "bert"):
        made.add(name, True)
    yield made
    await made.close("test")
    await loopback.gate.close()
    loopback.close()


@pytest.mark.parametrize("line", ANSWERS)
def test_every_line_has_its_test(line: str) -> None:
    place, _, name = ANSWERS[line].partition("::")
    folder, _, file = place.partition("/")
    text = (TESTS / folder / f"test_{file}.py").read_text("utf-8")
    assert re.search(rf"def test_{name}\(", text), name


async def test_b19_b20_candidates_of_a_peer_are_never_asked(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*asked: object, **more: object) -> None:
        raise AssertionError(f"a name was looked up: {asked}")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as target:
        target.bind(("127.0.0.1", 0))
        target.setblocking(False)
        port = target.getsockname()[1]
        lines = [f"a=candidate:1 1 udp 1 {p.format(port=port)} typ host" for p in PLACES]
        sdp = offer([*section("audio", "0", ssrc=11), *lines])
        answer = room.publish("anna", sdp, {"0": "microphone"})["answer_sdp"]
        assert "169.254" not in answer and ".local" not in answer
        for step in range(20):
            room.tick(1.0 + step / 10)
            await asyncio.sleep(0)
        with pytest.raises(BlockingIOError):
            target.recv(2048)
    publisher = room.participants["anna"].publisher
    assert publisher is not None and publisher.transport.destination is None


def attribute(kind: int, value: bytes, size: int | None = None) -> bytes:
    return struct.pack("!HH", kind, len(value) if size is None else size) + value + bytes(-len(value) % 4)


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("!HHI", kind, len(body), 0x2112A442) + bytes(12) + body


def allocation(transport: Transport) -> bytes:
    """A request of a relay's, signed as a check would be."""
    asked = stun.Message(stun.Method.ALLOCATE, stun.Class.REQUEST)
    asked.attributes["USERNAME"] = f"{transport.credentials.fragment}:peer"
    asked.add_message_integrity(transport.credentials.password.encode())
    return bytes(asked)


@pytest.mark.parametrize("wrong", ["fingerprint", "truncated", "short", "method", "endless"])
def test_b22_a_broken_check_makes_no_state_and_gets_no_answer(wrong: str) -> None:
    loopback = Loopback()
    transport, peer = loopback.transport(Owner()), loopback.stranger()
    good = binding_request(transport)
    name = attribute(0x0006, f"{transport.credentials.fragment}:peer".encode())
    peer.send(
        {
            "fingerprint": good[:-1] + bytes([good[-1] ^ 1]),
            "truncated": message(0x0001, name + attribute(0x0008, bytes(4), 20)),
            "short": message(0x0001, name + attribute(0x0024, b"\x01")),  # PRIORITY of one byte, unsigned
            "method": allocation(transport),
            "endless": message(0x0001, attribute(0x8022, b"") * 300),
        }[wrong]
    )
    loopback.read(1)
    peer.settimeout(0.05)
    with pytest.raises(TimeoutError):
        peer.recv(2048)
    assert transport.destination is None and not loopback.gate._by_address
    assert loopback.gate.counters["stun_dropped"] == 1 and not loopback.gate.counters["parser_error"]
    peer.settimeout(1)
    peer.send(good)
    loopback.read(1)
    assert stun.parse_message(peer.recv(2048)).message_class is stun.Class.RESPONSE
    loopback.close()


@pytest.mark.parametrize("alert", [b"\x02\x28", b"\x02\x0a", b"\x01\x00"])
async def test_b29_plaintext_alerts_after_the_handshake_are_ignored(alert: bytes) -> None:
    """Fatal ones and a goodbye, from the peer's own address as anybody on the way can forge them."""
    pair = Pair()
    await pair.connect()
    for version in (b"\xfe\xfd", b"\xfe\xff"):
        for epoch in (b"\x00\x00", b"\x00\x01"):
            assert pair.server.receive(b"\x15" + version + epoch + bytes(6) + b"\x00\x02" + alert)
    await asyncio.sleep(0.05)
    assert pair.closed == []
    await pair.client.close()
    await asyncio.sleep(0.05)
    assert pair.closed == ["server"]  # The real goodbye is heard.
    await pair.server.close()


async def test_b30_a_participant_has_two_handshakes_pending_at_the_most(room: Room) -> None:
    for number in range(20):
        print_of_another = ":".join([f"{number:02X}"] * 32)
        sdp = offer(section("audio", "0", ssrc=11)).replace(FINGERPRINT, print_of_another)
        sdp = sdp.replace("ufrag:abcd", f"ufrag:abcd{number}")
        room.publish("anna", sdp, {"0": "microphone"})
        room.subscribe("anna")
    gate = room._surroundings.gate
    assert len(gate._by_fragment) == 2 and gate.departed == 38


async def test_b35_names_of_another_stay_within_their_own_transport(room: Room) -> None:
    """Bert says the same MID and sends the SSRC that is Anna's: only what is Bert's changes."""
    sdp = offer(section("audio", "0", ssrc=11))
    for name in ("anna", "bert"):
        room.publish(name, sdp, {"0": "microphone"})
    anna, bert = (room.participants[name].publisher for name in ("anna", "bert"))
    assert anna is not None and bert is not None
    for number in range(3):
        bert.take_packet(struct.pack("!BBHLL", 0x80, 111, number, 960 * number, 11) + b"sound", 1.0)
    bert.take_feedback([feedback.SenderReport(11, 1, 2, 3, 4)], 1.0)
    assert [p.started for p in (*anna.publications, *bert.publications)] == [False, True]
    assert anna.publications[0].layers[0].stats.bytes == 0


def test_b37_a_nack_names_no_more_than_a_datagram_holds() -> None:
    def compound(items: int) -> bytes:
        body = struct.pack("!LL", 1, 7) + struct.pack("!HH", 0, 0xFFFF) * items
        return struct.pack("!BBH", 0x81, 205, len(body) // 4) + body

    told = [item for item in parse_compound(compound(300)) if isinstance(item, Nack)]
    assert sum(len(item.numbers) for item in told) <= 17 * 300
    with pytest.raises(FeedbackError):
        parse_compound(compound(4000)[:1400])  # 65,536 and more promised, and cut by the datagram


def test_b37_a_goodbye_for_another_ends_nothing() -> None:
    loopback = Loopback()
    _, peer, srtp = loopback.connected(owner := Owner())
    bye = b"\x81\xcb\x00\x01" + struct.pack("!L", 4711)
    peer.send(srtp.protect_rtcp(bye))
    peer.send(srtp.protect_rtcp(feedback.build_key_frame_request(1, 7)))
    loopback.read(2)
    assert owner.feedback == [feedback.KeyFrameRequest(7)]
    assert [state for state, _ in owner.states][-1] == "connected"
    loopback.close()
