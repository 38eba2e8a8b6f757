"""Transport-wide feedback: what is built is understood, hostile bytes are refused, losses are told."""

from __future__ import annotations

import random
import struct

import pytest

from media.feedback import FeedbackError, build_transport_wide, parse_compound
from media.transportwide import MOST_PENDING, ArrivalLog, TransportFeedback


def packet(number: int, extension_id: int = 3, before: bytes = b"", words: int = 2) -> bytes:
    element = before + bytes((extension_id << 4 | 1,)) + (number & 0xFFFF).to_bytes(2, "big")
    block = element + bytes(4 * words - len(element))
    return struct.pack("!BBHLL", 0x90, 96, 1, 2, 3) + struct.pack("!HH", 0xBEDE, words) + block + b"payload"


def told(log: ArrivalLog) -> list[TransportFeedback]:
    return [item for body in log.take(1, 2) for item in parse_compound(build_transport_wide(body))]


def test_arrivals_come_back_as_they_were() -> None:
    log = ArrivalLog(3)
    for number, at in ((65_534, 10.0), (65_535, 10.001), (1, 10.5), (0, 10.4995), (4, 12.0)):
        log.note(packet(number), at)
    (feedback,) = told(log)
    assert feedback.base == 65_534
    first = feedback.arrivals[0]
    relative = [None if a is None else round(a - first, 4) for a in feedback.arrivals]
    assert relative == [0, 0.001, 0.4995, 0.5, None, None, 2.0]


def test_the_next_feedback_begins_where_the_last_ended_and_tells_the_hole() -> None:
    log = ArrivalLog(3)
    log.note(packet(7), 1.0)
    told(log)
    assert told(log) == []
    log.note(packet(10), 1.1)
    (feedback,) = told(log)
    assert feedback.base == 8
    assert [a is not None for a in feedback.arrivals] == [False, False, True]


def test_the_element_is_found_wherever_it_stands() -> None:
    log = ArrivalLog(3)
    log.note(packet(1), 1.0)
    log.note(packet(2, before=b"\x10\xff"), 1.0)
    log.note(packet(3, before=b"\x12\x33\x34\x35", words=3), 1.0)
    log.note(packet(4, extension_id=5), 1.0)
    log.note(packet(5), 1.0)
    (feedback,) = told(log)
    assert [a is not None for a in feedback.arrivals] == [True, True, True, False, True]


def test_a_value_that_looks_like_the_element_is_none() -> None:
    """Repeats name their section and layer first; the name of the second section, "1", is 0x31."""
    log = ArrivalLog(3)
    for number in range(100, 110):
        log.note(packet(number, before=b"\x22\x01\x02\x03\x40\x30", words=4), 1.0)
        named = b"\x22\x01\x02\x03\xb1q\x31" if number % 2 else b"\x22\x01\x02\x03\x42\x30\x31\x41"
        log.note(packet(200 + number, 7, before=named, words=4), 1.0)  # A value where ours stood.
    (feedback,) = told(log)
    assert feedback.base == 100 and len(feedback.arrivals) == 10 and None not in feedback.arrivals


def test_long_silence_and_floods_have_ceilings() -> None:
    log = ArrivalLog(3)
    log.note(packet(1), 1.0)
    log.note(packet(2), 100.0)
    assert [f.base for f in told(log)] == [1, 2]
    for number in range(3 * MOST_PENDING):
        log.note(packet(number * 7), 101.0 + number / 1000)
    found = told(log)
    assert 0 < sum(len(f.arrivals) for f in found) <= 2000


@pytest.mark.parametrize(
    "fci",
    [
        b"",
        struct.pack("!HHLH", 1, 1, 0, 0x2001),  # promises a delta
        struct.pack("!HHLH", 1, 65_535, 0, 0x3FFF),  # more packets than anybody sends
        struct.pack("!HHLHH", 1, 100, 0, 0x2000, 0x2000),  # runs of nothing
        struct.pack("!HHLH", 1, 20, 0, 0x0005),
    ],
)
def test_malformed_feedback_is_refused(fci: bytes) -> None:
    body = (bytes(8) + fci)[: (8 + len(fci)) // 4 * 4]
    with pytest.raises(FeedbackError):
        parse_compound(build_transport_wide(body))


def test_random_losses_and_delays_survive_the_round_trip() -> None:
    dice = random.Random(7)
    for _ in range(200):
        log, sent, now = ArrivalLog(3), {}, 5.0
        start = dice.randrange(65_536)
        for step in range(dice.randrange(1, 300)):
            now += dice.choice((0.0, 0.001, 0.02, 0.2, -0.01))
            if dice.random() < 0.8:
                log.note(packet(start + step), now)
                sent[start + step & 0xFFFF] = now
        got = {
            (f.base + place) & 0xFFFF: at
            for f in told(log)
            for place, at in enumerate(f.arrivals)
            if at is not None
        }
        assert got.keys() == sent.keys()
        if sent:
            shift = {round((got[n] - sent[n]) * 1000) for n in sent}
            assert max(shift) - min(shift) <= 1
