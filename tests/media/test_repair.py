"""Retransmissions (RFC 4588), the hostile ones first: one packet each, in its place, once."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest
from aiortc.sdp import SessionDescription

from media.codecs import DEFAULT_VIDEO, choose_repair, repair_of
from media.description import parse_description
from media.feedback import Nack, parse_compound
from media.negotiation import OfferedStream, accept, build_answer, build_offer
from media.repair import NUMBER, RepairOut
from media.rtp import parse_packet
from media.subscription import Subscription
from tests.media.offers import offer, section
from tests.media.stages import MID, PublisherStage, datagram
from tests.media.test_forwarding import Outlet, Stage
from tests.media.test_negotiation import END
from tests.media.test_simulcast import LAYERS, payload

VP8, RTX, OTHER_RTX = 96, 97, 99
CAMERA, REPAIR = 21, 22
REPAIRED = "a=extmap:12 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
ONE = section("video", "0", ssrc=CAMERA)


@pytest.fixture
async def stage() -> AsyncIterator[PublisherStage]:
    one = PublisherStage({"0": "camera"}, ONE)
    yield one
    await one.close()


@pytest.fixture
async def layered() -> AsyncIterator[PublisherStage]:
    one = PublisherStage({"0": "camera"}, [*section("video", "0"), *LAYERS, REPAIRED])
    yield one
    await one.close()


def camera(number: int, **more: object) -> bytes:
    return datagram(VP8, number, CAMERA, payload(number == 1, number, number), **more)


def again(number: int, own: int, ssrc: int = REPAIR, payload_type: int = RTX, **more: object) -> bytes:
    body = NUMBER.pack(number) + payload(number == 1, number, number)
    return datagram(payload_type, own, ssrc, body, **more)


@pytest.mark.parametrize(
    ("data", "counter"),
    [
        (datagram(RTX, 5, REPAIR, b"", padding=200), "rtx_padding"),
        (datagram(RTX, 5, REPAIR, b""), "rtx_padding"),
        (datagram(RTX, 5, REPAIR, b"\x00"), "rtx_malformed"),
        (datagram(RTX, 5, REPAIR, b"\x00\x02"), "rtx_malformed"),
        (again(2, 5, ssrc=77), "rtx_unrouted"),
        (again(2, 5, ssrc=77, elements={MID: b"9"}), "rtx_unrouted"),
        (again(2, 5, payload_type=OTHER_RTX), "unrouted"),
        (again(2, 5, payload_type=VP8, ssrc=REPAIR), "unrouted"),
        (again(1, 5), "rtx_repeated"),
        (again(40_000, 5), "rtx_repeated"),
    ],
)
async def test_what_repairs_nothing_is_counted_and_changes_nothing(
    stage: PublisherStage, data: bytes, counter: str
) -> None:
    assert len(stage.take(camera(1), camera(3))) == 2
    assert stage.take(data, data) == []
    assert stage.counters[counter] == 2
    assert [len(p.layers) for p in stage.publisher.publications] == [1]
    assert stage.publisher.publications[0].stats.received == 2


async def test_probing_before_any_picture_makes_no_publication(stage: PublisherStage) -> None:
    probe = datagram(RTX, 5, REPAIR, b"", {MID: b"0"}, padding=255)
    assert stage.take(probe, again(1, 6)) == []
    assert not stage.publisher.publications[0].started
    assert len(stage.take(camera(1))) == 1


async def test_a_missing_packet_comes_in_its_place_as_it_was(stage: PublisherStage) -> None:
    extension = {MID: b"0"}
    first, missing, third = (camera(n, elements=extension, timestamp=n * 3000) for n in (1, 2, 3))
    stage.take(first, third)
    (restored,) = stage.take(again(2, 900, elements=extension, timestamp=6000, padding=7))
    assert restored.data == missing and restored.repeated
    assert (restored.index & 0xFFFF, restored.ssrc, restored.layer) == (
        2,
        CAMERA,
        stage.publisher.publications[0].layers[0],
    )
    assert stage.publisher.publications[0].loss.missing == 0
    # Sent twice, and the delayed original after it: nobody sees it again.
    assert stage.take(again(2, 901, timestamp=6000), missing) == []


async def test_what_was_muted_does_not_come_again(stage: PublisherStage) -> None:
    (publication,) = stage.publisher.publications
    stage.take(camera(1))
    publication.muted = True
    stage.take(camera(3), camera(4))
    publication.muted = False
    publication.keep_back()
    assert stage.take(camera(2)) == []  # Overtaken on its way, or sent again without a stream of its own.
    assert stage.take(again(2, 5), again(3, 6), again(4, 7)) == []
    assert len(stage.take(camera(5), camera(7), again(6, 8))) == 3


async def test_layers_are_repaired_by_their_names(layered: PublisherStage) -> None:
    for rank, rid in enumerate((b"q", b"h", b"f")):
        names = {MID: b"0", 10: rid}
        layered.take(camera_of(rank, 1, names), camera_of(rank, 3, names))
    (publication,) = layered.publisher.publications
    assert {layer.loss.missing for layer in publication.layers} == {1}
    for rank, rid in enumerate((b"q", b"h", b"f")):
        body = NUMBER.pack(2) + b"\x10\x01" + rid
        packet = datagram(RTX, 7, 200 + rank, body, {MID: b"0", 12: rid})
        (restored,) = layered.take(packet)
        assert (restored.ssrc, restored.payload) == (100 + rank, b"\x10\x01" + rid)
    for names in ({MID: b"0", 12: b"z"}, {MID: b"0"}, {12: b"q"}, {MID: b"0", 12: b"\xff\xfe"}):
        assert layered.take(datagram(RTX, 7, 300, NUMBER.pack(2) + b"\x10\x01", names)) == []
    assert layered.counters["rtx_unrouted"] == 4


def camera_of(rank: int, number: int, names: dict[int, bytes]) -> bytes:
    return datagram(VP8, number, 100 + rank, payload(number == 1, number, number), names)


async def test_any_bytes_are_survived(layered: PublisherStage) -> None:
    dice = random.Random(4588)
    layered.take(*(camera_of(0, n, {MID: b"0", 10: b"q"}) for n in (1, 3)))
    for _ in range(5000):
        body = dice.randbytes(dice.choice((0, 1, 2, 3, 40)))
        names = {MID: b"0", 12: dice.choice((b"q", b"h", dice.randbytes(3)))}
        data = bytearray(datagram(RTX, dice.randrange(65_536), dice.choice((201, 202)), body, names))
        data[dice.randrange(12, len(data))] ^= 1 << dice.randrange(8)
        layered.publisher.take_packet(bytes(data), 1.0)
    assert layered.counters["rtx_padding"] and layered.counters["rtx_malformed"]


def test_an_answer_takes_what_retransmits_the_codec_chosen() -> None:
    description = parse_description(offer([*section("video", "0"), *LAYERS, REPAIRED]))
    answer = build_answer(accept(description), description, END)
    for line in ("m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96", REPAIRED):
        assert f"{line}\r\n" in answer
    assert SessionDescription.parse(answer).media[0].rtp.codecs[1].parameters == {"apt": 96}


@pytest.mark.parametrize("line", ["apt=98", "apt=", "", "apt=97", "apt=96x"])
def test_retransmissions_of_anything_else_are_not_taken(line: str) -> None:
    sdp = offer(section("video", "0")).replace("a=fmtp:97 apt=96", f"a=fmtp:97 {line}")
    (choice,) = accept(parse_description(sdp))
    assert choice is not None and choice.repair is None


def test_our_offer_has_a_stream_for_retransmissions() -> None:
    sdp = build_offer([OfferedStream("0", DEFAULT_VIDEO, 5000, "anna", "0-camera", 5001)], 1, END)
    media = SessionDescription.parse(sdp).media[0]
    assert [(g.semantic, g.items) for g in media.ssrc_group] == [("FID", [5000, 5001])]
    assert {s.ssrc for s in media.ssrc} == {5000, 5001}
    answered = parse_description(offer(section("video", "0", "recvonly", ["96 VP8/90000", "112 rtx/90000"])))
    answered.sections[0].codecs[1] = repair_of(DEFAULT_VIDEO)
    assert choose_repair(answered.sections[0], DEFAULT_VIDEO) == repair_of(DEFAULT_VIDEO)


def subscribed(number: int = 60_000) -> tuple[Stage, Subscription, Outlet]:
    stage = Stage()
    subscription, outlet = stage.subscribe(number)
    subscription.resends.repair = RepairOut(outlet, 4001, 112, 65_535)
    for n in range(1, 6):
        stage.send(n, payload(n == 1, n, n))
    return stage, subscription, outlet


def test_a_subscriber_gets_what_it_missed_beside_the_media() -> None:
    _, subscription, outlet = subscribed()
    before = list(outlet.sent)
    subscription.resend((60_001, 60_003, 60_900), 1.0)
    extra = outlet.sent[len(before) :]
    assert [(kind & 0x7F, number, ssrc) for kind, number, _, ssrc, _ in extra] == [
        (112, 65_535, 4001),
        (112, 0, 4001),
    ]
    for (kind, _, stamp, _, body), original in zip(extra, (before[1], before[3]), strict=True):
        assert (kind & 0x80, stamp) == (original[0] & 0x80, original[2])
        assert body == NUMBER.pack(original[1]) + original[4]
    assert subscription.packets == 5


def test_padding_takes_no_number_from_the_media() -> None:
    stage, subscription, outlet = subscribed()
    assert subscription.pad(10)
    stage.send(6)
    media = [number for kind, number, *_ in outlet.sent if kind & 0x7F == 100]
    assert media == list(range(60_000, 60_006))
    assert len(outlet.sent) == 16


def test_publishers_are_asked_again_for_what_is_missing() -> None:
    stage = Stage()
    stage.send(1)
    stage.send(4)
    assert stage.requests() == [Nack(77, (2, 3))]
    assert parse_compound(stage.upstream[0]) and parse_packet(camera(1)).payload
