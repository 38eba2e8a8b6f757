"""Sound that repeats itself (RFC 2198), lying lengths first: passed on, stripped, or used to fill holes."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator

import pytest

from media.codecs import DEFAULT_AUDIO, OFFERED_REDUNDANCY, choose_redundancy
from media.description import parse_description
from media.negotiation import OfferedStream, accept, build_answer, build_offer
from media.redundancy import CALM_REPORTS, RedundancyError, RedundancyOut, blocks_of, unfold
from media.rtp import parse_packet
from recordings.film.depacketise import StreamPacket, frames_of
from tests.media.offers import offer, section
from tests.media.stages import PublisherStage, datagram
from tests.media.test_forwarding import Stage
from tests.media.test_hostile_bytes import run
from tests.media.test_negotiation import END

OPUS, RED, VOICE = 111, 63, 11
FMTP = "a=fmtp:63 111/111"
FRAME = 960


def red(*blocks: tuple[int, bytes], primary: bytes, payload_type: int = OPUS) -> bytes:
    heads = b"".join(
        bytes((0x80 | payload_type,)) + (age << 10 | len(data)).to_bytes(3, "big") for age, data in blocks
    )
    return heads + bytes((payload_type,)) + b"".join(data for _, data in blocks) + primary


def sound(number: int) -> bytes:
    return b"sound %d" % number


def packet_of(number: int, distance: int = 1) -> bytes:
    """The packet with this number; it repeats so many before it."""
    older = [(FRAME * d, sound(number - d)) for d in range(distance, 0, -1)]
    return datagram(RED, number, VOICE, red(*older, primary=sound(number)), timestamp=number * FRAME)


@pytest.fixture
async def stage() -> AsyncIterator[PublisherStage]:
    one = PublisherStage({"0": "microphone"}, [*section("audio", "0", ssrc=VOICE), FMTP])
    yield one
    await one.close()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x6f",
        b"\xef",
        b"\xef\x00\x00",
        b"\xef\xff\xff\xff",
        red((960, b"x" * 20), primary=b""),
        red((960, b"x" * 20), primary=b"y")[:10],
        b"\xef\x0f\x03\xff\x6f" + b"x" * 1000,
        b"\xef\x00\x00\x00" * 400,
        b"\xef\x00\x00\x00" * 17 + b"\x6fprimary",
        red(primary=b"sound", payload_type=96),
    ],
)
async def test_what_lies_about_its_blocks_is_dropped_and_counted(
    stage: PublisherStage, payload: bytes
) -> None:
    assert stage.take(datagram(RED, 1, VOICE, payload)) == []
    assert (stage.counters["red_malformed"], stage.counters["unrouted"]) == (1, 1)
    assert not stage.publisher.publications[0].started
    assert list(frames_of("opus", [StreamPacket(1, 0, False, payload, 0.0, redundant=True)])) == [] or (
        blocks_of(payload)[-1].payload_type == 96
    )


def test_any_bytes_are_blocks_or_refused() -> None:
    sample = red((1920, b"older"), (960, b"old"), primary=b"new")

    def parse(data: bytes) -> object:
        found = blocks_of(data)
        assert sum(len(block.data) for block in found) < len(data) and found[-1].data
        return found

    assert run("redundancy", 2198, [sample], parse, RedundancyError) > 500


async def test_the_primary_block_is_the_sound_and_the_rest_is_kept(stage: PublisherStage) -> None:
    data = packet_of(7, 2)
    (packet,) = stage.take(data)
    assert packet.payload == sound(7) == packet.data[packet.payload_offset : packet.payload_end]
    assert packet.redundant is not None and len(blocks_of(packet.redundant)) == 3
    # What is recorded is what came.
    assert packet.data == data
    assert stage.publisher.publications[0].track.redundant_payload_type == RED
    (plain,) = stage.take(datagram(OPUS, 8, VOICE, sound(8), timestamp=8 * FRAME))
    assert (plain.payload, plain.redundant) == (sound(8), None)


async def test_nothing_repeated_is_taken_where_it_was_not_agreed() -> None:
    stage = PublisherStage({"0": "microphone"}, section("audio", "0", ssrc=VOICE))
    try:
        assert stage.publisher.publications[0].track.redundant_payload_type == 0
        assert stage.take(packet_of(1)) == []
        assert stage.counters["unrouted"] == 1
    finally:
        await stage.close()


@pytest.mark.parametrize("fmtp", ["", "111/0", "0/0", "111/112", "96/96"])
def test_only_what_repeats_the_codec_chosen_is_taken(fmtp: str) -> None:
    lines = [*section("audio", "0"), f"a=fmtp:63 {fmtp}"]
    (choice,) = accept(parse_description(offer(lines)))
    assert choice is not None and choice.redundancy is None


@pytest.mark.parametrize(
    "codecs", [["63 red/48000/2", "111 opus/48000/2"], ["111 opus/48000/2", "63 red/48000/2"]]
)
def test_the_answer_keeps_the_order_of_the_offer_and_in_band_correction(codecs: list[str]) -> None:
    description = parse_description(offer([*section("audio", "0", codecs=codecs), FMTP]))
    answer = build_answer(accept(description), description, END)
    assert f"m=audio 9 UDP/TLS/RTP/SAVPF {' '.join(c.split()[0] for c in codecs)}\r\n" in answer
    for line in (FMTP, "a=rtpmap:63 red/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1"):
        assert f"{line}\r\n" in answer


def test_our_offer_has_it_behind_plain_sound_with_in_band_correction() -> None:
    sdp = build_offer([OfferedStream("0", DEFAULT_AUDIO, 5000, "anna", "0-microphone")], 1, END)
    (found,) = parse_description(sdp).sections
    assert [codec.payload_type for codec in found.codecs] == [111, 63]
    assert choose_redundancy(found, DEFAULT_AUDIO) == OFFERED_REDUNDANCY
    assert "a=fmtp:111 minptime=10;useinbandfec=1\r\n" in sdp


class Voices:
    """A microphone that repeats itself, with one subscriber."""

    def __init__(self, redundancy: RedundancyOut | None) -> None:
        self.stage = Stage("audio", "opus")
        self.subscription, self.outlet = self.stage.subscribe(500)
        self.subscription.redundancy = redundancy

    def send(self, *numbers: int) -> None:
        for number in numbers:
            packet = parse_packet(packet_of(number))
            unfold(packet, OPUS)
            if self.stage.publication.receive(packet, number / 50):
                self.stage.router.forward(self.stage.publication, packet, number / 50)

    def kinds(self) -> Iterator[int]:
        return (kind & 0x7F for kind, *_ in self.outlet.sent)


def test_a_receiver_that_did_not_agree_gets_the_primary_block() -> None:
    voices = Voices(None)
    voices.send(1, 2, 3)
    assert [body for *_, body in voices.outlet.sent] == [sound(1), sound(2), sound(3)]
    assert set(voices.kinds()) == {100}


def test_a_receiver_that_agreed_gets_it_whole_until_its_network_was_calm() -> None:
    voices = Voices(redundancy := RedundancyOut(RED))
    voices.send(1, 2)
    for _ in range(CALM_REPORTS):
        redundancy.heed(0)
    voices.send(3, 4)
    # One was lost before it came to us: the next one brings it along.
    voices.send(6, 7)
    redundancy.heed(20)
    voices.send(8)
    assert list(voices.kinds()) == [RED, RED, 100, 100, RED, 100, RED]
    bodies = [body for *_, body in voices.outlet.sent]
    assert [block.data for block in blocks_of(bodies[4])] == [sound(5), sound(6)]
    assert bodies[3] == sound(4)
    assert voices.outlet.numbers == [500, 501, 502, 503, 505, 506, 507]


def stream(numbers: list[int], distance: int = 1) -> list[StreamPacket]:
    packets = [parse_packet(packet_of(n, distance)) for n in numbers]
    return [
        StreamPacket(p.sequence_number, p.timestamp, False, p.payload, p.timestamp / 48_000, redundant=True)
        for p in packets
    ]


def test_a_recording_fills_its_holes_from_what_follows() -> None:
    frames = list(frames_of("opus", stream([10, 11, 13, 14, 17, 18, 22], 2)))
    assert [frame.data for frame in frames] == [
        sound(n) for n in (10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21, 22)
    ]
    assert [round(frame.at * 50) for frame in frames] == [10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21, 22]


def test_a_recording_of_random_loss_has_each_sound_once_and_in_order() -> None:
    dice = random.Random(20)
    kept = [n for n in range(20, 2020) if dice.random() > 0.2]
    packets = [
        packet
        if dice.random() < 0.8
        else StreamPacket(packet.number, packet.timestamp, False, sound(packet.number), 0)
        for packet in stream(kept)
    ]
    found = [int(frame.data.split()[1]) for frame in frames_of("opus", packets)]
    assert found == sorted(set(found)) and set(kept) <= set(found)
    print(f"of 2000 sounds {len(kept)} came, {len(found)} are heard")
    assert len(found) > 0.9 * 2000
