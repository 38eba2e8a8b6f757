"""A load peer's transport-wide feedback says what a browser's would."""

from bench.feedback import WideArrivals
from bench.sdp import (
    TRANSPORT_WIDE_ID,
    LocalTransport,
    OfferedTrack,
    read_description,
    write_answer,
    write_offer,
)
from bench.traffic import PreparedVideo, WideNumbers
from media.feedback import parse_compound
from media.transportwide import TransportFeedback

LOCAL = LocalTransport("frag", "password", ("sha-256", "AA:BB"), ("127.0.0.1", 5000))


def told(packets: list[bytes]) -> list[TransportFeedback]:
    found = [item for packet in packets for item in parse_compound(packet)]
    return [item for item in found if isinstance(item, TransportFeedback)]


def test_what_came_and_what_did_not() -> None:
    arrivals = WideArrivals()
    for number, at in (
        (65534, 1_000_000_000),
        (0, 1_010_000_000),
        (65535, 1_012_000_000),
        (2, 1_020_000_000),
    ):
        arrivals.note(number, at)
    (feedback,) = told(arrivals.take(5, 6))
    first = feedback.arrivals[0]
    assert feedback.base == 65534 and first is not None
    deltas = [None if at is None else round(1000 * (at - first)) for at in feedback.arrivals]
    assert deltas == [0, 12, 10, None, 20]
    assert arrivals.take(5, 6) == []
    arrivals.note(3, 1_030_000_000)
    (feedback,) = told(arrivals.take(5, 6))
    assert (feedback.base, len(feedback.arrivals)) == (3, 1)


def test_the_number_is_found_in_a_packet() -> None:
    arrivals = WideArrivals()
    arrivals.extension_id = TRANSPORT_WIDE_ID
    track = PreparedVideo(1, 77, "1", wide=WideNumbers(next=700))
    for at in (0, 1_000_000):
        arrivals.find(memoryview(bytes(track.next(0))), at)
    (feedback,) = told(arrivals.take(5, 6))
    assert (feedback.base, len(feedback.arrivals)) == (700, 2)


def test_it_is_agreed_to_only_when_wanted() -> None:
    tracks = [OfferedTrack("audio", "0", 5), OfferedTrack("video", "1", 6)]
    offer = read_description(write_offer(LOCAL, tracks, feedback=True))
    assert [section.transport_wide_id for section in offer.sections] == [TRANSPORT_WIDE_ID] * 2
    assert "transport-cc" in write_answer(LOCAL, offer, feedback=True)
    assert "transport-cc" not in write_answer(LOCAL, offer)
    assert "transport-cc" not in write_offer(LOCAL, tracks)
