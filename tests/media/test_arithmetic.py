"""Sequence numbers, cache, loss and renumbering: the arithmetic that must hold at every wrap."""

from __future__ import annotations

import random

import pytest

from media.cache import PacketCache
from media.loss import ATTEMPTS, LARGEST_GAP, PATIENCE, LossDetector
from media.renumber import Renumber
from media.rtp import Packet
from media.sequence import Unwrapper, nearest
from media.stats import ReceptionStats


def packet(index: int, timestamp: int = 0) -> Packet:
    made = Packet(b"\x80" + bytes(12), 96, index & 0xFFFF, timestamp, 7, False, 12, 13)
    made.index = index
    return made


class TestUnwrapper:
    @pytest.mark.parametrize("start", [0, 1, 32767, 32768, 65535])
    def test_counts_through_the_wrap(self, start: int) -> None:
        unwrapper = Unwrapper()
        first = unwrapper.unwrap(start)
        assert first == 0x10000 + start
        assert [unwrapper.unwrap((start + i) & 0xFFFF) - first for i in range(1, 200_000)] == list(
            range(1, 200_000)
        )

    def test_late_packets_around_the_wrap_keep_their_place(self) -> None:
        unwrapper = Unwrapper()
        assert unwrapper.unwrap(65534) == 0x1FFFE
        assert unwrapper.unwrap(1) == 0x20001
        assert unwrapper.unwrap(65535) == 0x1FFFF
        assert unwrapper.unwrap(0) == 0x20000
        assert unwrapper.highest == 0x20001

    def test_a_packet_before_the_first_stays_positive(self) -> None:
        unwrapper = Unwrapper()
        unwrapper.unwrap(0)
        assert unwrapper.unwrap(65535) == 0xFFFF

    @pytest.mark.parametrize(
        ("reference", "number", "expected"),
        [
            (100_000, 100_000 & 0xFFFF, 100_000),
            (0x1FFFF, 0, 0x20000),
            (0x20000, 0xFFFF, 0x1FFFF),
            (0x20000, 0x8000, 0x28000),
            (0x20000, 0x8001, 0x18001),
        ],
    )
    def test_nearest(self, reference: int, number: int, expected: int) -> None:
        assert nearest(reference, number) == expected

    def test_any_disorder_within_a_thousand_is_undone(self) -> None:
        dice = random.Random(7)
        true = list(range(0x10000 + 65_000, 0x10000 + 65_000 + 5000))
        order = sorted(true, key=lambda i: i + dice.randrange(1000))
        unwrapper = Unwrapper()
        unwrapper.unwrap(65_000)
        assert [unwrapper.unwrap(i & 0xFFFF) for i in order] == order


class TestPacketCache:
    def test_gives_what_it_was_given_and_no_other(self) -> None:
        cache = PacketCache(8)
        for index in range(100, 108):
            cache.put(packet(index))
        assert [cache.get(i).index for i in range(100, 108)] == list(range(100, 108))
        assert cache.get(99) is None
        assert cache.get(108) is None

    def test_the_oldest_makes_room(self) -> None:
        cache = PacketCache(8)
        for index in range(100, 110):
            cache.put(packet(index))
        assert cache.get(100) is None
        assert cache.get(101) is None
        assert cache.get(102) is not None

    def test_a_late_packet_does_not_displace_a_newer_one(self) -> None:
        cache = PacketCache(8)
        cache.put(packet(108))
        cache.put(packet(100))
        assert cache.get(108) is not None
        assert cache.get(100) is None

    @pytest.mark.parametrize("size", [0, -1, 3, 12])
    def test_only_powers_of_two(self, size: int) -> None:
        with pytest.raises(ValueError, match="powers of two"):
            PacketCache(size)


def numbered(order: int) -> Packet:
    """A packet that tells when its sender let it go: the test reads it from the timestamp."""
    return Packet(bytes(12), 96, 0, order, 1, False, 12, 12)


class TestLossDetector:
    def test_an_unbroken_stream_misses_nothing(self) -> None:
        loss = LossDetector()
        assert [loss.receive(i, i / 50) for i in range(1000, 1200)] == [[]] * 200
        assert loss.due(99) == []

    def test_a_gap_is_asked_for_at_once_and_again_after_a_round_trip(self) -> None:
        loss = LossDetector()
        loss.receive(10, 0.0)
        assert loss.receive(13, 0.1) == [11, 12]
        assert loss.due(0.15) == []
        assert loss.receive(14, 0.2) == [11, 12]
        loss.receive(11, 0.21)
        assert loss.due(0.35) == [12]
        loss.receive(12, 0.36)
        assert loss.missing == 0
        assert loss.recovered == 2
        assert loss.due(9) == []

    def test_the_round_trip_is_learnt_from_the_answers(self) -> None:
        for told in (0.02, 0.3):
            loss = LossDetector()
            for index in range(0, 400, 2):
                loss.receive(index, index * 1.0)
                loss.receive(index + 2, index + 1.0)
                loss.receive(index + 1, index + 1.0 + told)
            assert told / 1.3 < loss.round_trip < told * 1.3

    def test_reordering_is_forgiven_without_a_second_request(self) -> None:
        loss = LossDetector()
        for index in (10, 12, 11, 13):
            loss.receive(index, 0.0)
        assert loss.due(1.0) == []

    def test_where_packets_overtake_each_other_it_learns_to_wait(self) -> None:
        loss = LossDetector(lambda packet: packet.timestamp)
        asked = []
        for step in range(200):
            index, now = 3 * step, step * 0.1
            asked.append(loss.receive(index + 1, now, numbered(index + 1)))
            asked[-1] += loss.receive(index + 3, now + 0.02, numbered(index + 3))
            asked[-1] += loss.due(now + 0.05)
            loss.receive(index + 2, now + 0.06, numbered(index + 2))
        assert asked[0] == [2]
        assert not any(asked[100:])
        assert loss.overtaken == 200 and 0.03 < loss.hold < 0.06

    def test_where_packets_are_lost_it_does_not_wait(self) -> None:
        loss = LossDetector(lambda packet: packet.timestamp)
        for step in range(200):
            index, now = 3 * step, step * 0.1
            loss.receive(index + 1, now, numbered(index + 1))
            assert loss.receive(index + 3, now + 0.02, numbered(index + 3)) == [index + 2]
            loss.receive(index + 2, now + 0.06, numbered(index + 3))
        assert loss.hold == 0 and loss.overtaken == 0

    def test_it_gives_up_after_its_attempts(self) -> None:
        loss = LossDetector()
        loss.round_trip = 0.02
        loss.receive(1, 0.0)
        asked = [0.0] * len(loss.receive(3, 0.0))
        asked += [step / 100 for step in range(1, 300) if loss.due(step / 100)]
        assert len(asked) == ATTEMPTS
        # Four at once, the last ones after a second in which the link was gone.
        assert asked[3] < 0.1 and asked[-1] > 1.0
        assert (loss.missing, loss.given_up) == (0, 1)

    def test_it_gives_up_after_its_patience(self) -> None:
        loss = LossDetector()
        loss.receive(1, 0.0)
        loss.receive(3, 0.0)
        assert loss.due(PATIENCE + 0.1) == []
        assert loss.given_up == 1

    def test_a_jump_is_not_asked_for(self) -> None:
        loss = LossDetector()
        loss.receive(1, 0.0)
        assert loss.receive(1 + LARGEST_GAP + 2, 0.0) == []
        assert (loss.jumped, loss.missing) == (1, 0)

    def test_memory_is_bounded_whatever_comes(self) -> None:
        loss = LossDetector()
        dice = random.Random(3)
        index = 0
        for step in range(20_000):
            index += dice.choice((1, 1, 2, 50, 250, 300))
            loss.receive(index, step / 1000)
            assert loss.missing <= 512

    def test_a_duplicate_changes_nothing(self) -> None:
        loss = LossDetector()
        for index in (10, 11, 11, 10, 12):
            assert loss.receive(index, 0.0) == []


class TestRenumber:
    def test_starts_at_the_given_number_whatever_the_index(self) -> None:
        renumber = Renumber(65_535, 5000, 90_000)
        renumber.restart(123_456, 99, 1.0)
        assert renumber.number(123_456) == 65_535
        assert renumber.number(123_457) == 0
        assert renumber.timestamp(99) == 5000

    def test_a_pause_leaves_no_hole_and_time_goes_on(self) -> None:
        renumber = Renumber(10, 0, 90_000)
        renumber.restart(1000, 0, 0.0)
        for step in range(5):
            renumber.note(1000 + step, step * 3000, step / 30)
        renumber.restart(1400, 777_777, 4 / 30 + 2.0)
        assert renumber.number(1400) == 15
        assert renumber.timestamp(777_777) == 4 * 3000 + 2 * 90_000
        assert renumber.original(15) is None  # not sent yet
        renumber.note(1400, 777_777, 2.2)
        assert renumber.original(15) == 1400

    def test_numbers_of_an_earlier_run_are_unknown(self) -> None:
        renumber = Renumber(0, 0, 90_000)
        renumber.restart(100, 0, 0.0)
        renumber.note(100, 0, 0.0)
        renumber.note(101, 0, 0.0)
        renumber.restart(500, 0, 1.0)
        renumber.note(500, 0, 1.0)
        assert renumber.original(2) == 500
        assert renumber.original(1) is None
        assert renumber.original(3) is None

    def test_late_packets_do_not_move_the_end(self) -> None:
        renumber = Renumber(0, 0, 90_000)
        renumber.restart(100, 0, 0.0)
        renumber.note(105, 5, 0.1)
        renumber.note(101, 1, 0.2)
        renumber.restart(900, 50, 0.1)
        assert renumber.number(900) == 6

    def test_there_and_back_through_many_wraps(self) -> None:
        renumber = Renumber(60_000, 0, 90_000)
        renumber.restart(70_001, 0, 0.0)
        for index in range(70_001, 70_001 + 200_000):
            renumber.note(index, 0, 0.0)
            assert renumber.original(renumber.number(index)) == index
        assert renumber.original(renumber.number(index - 400)) == index - 400

    def test_timestamps_wrap(self) -> None:
        renumber = Renumber(0, 0xFFFFFFF0, 90_000)
        renumber.restart(1, 5, 0.0)
        assert renumber.timestamp(5 + 0x20) == 0x10


class TestReceptionStats:
    def test_a_report_tells_fraction_and_total(self) -> None:
        stats = ReceptionStats(90_000)
        for index in range(1000, 1100):
            if index % 4:
                stats.receive(index, index * 3000, 100, index / 30)
        block = stats.report(7, 40.0)
        # The first of the hundred is missing too, but nobody can know that.
        assert (stats.expected, stats.lost) == (99, 24)
        assert block.packets_lost == 24
        assert block.fraction_lost == (24 << 8) // 99
        assert stats.report(7, 41.0).fraction_lost == 0

    def test_steady_arrival_has_no_jitter(self) -> None:
        stats = ReceptionStats(90_000)
        for index in range(100):
            stats.receive(index, index * 3000, 100, index / 30)
        assert stats.jitter < 1

    def test_the_last_sender_report_comes_back(self) -> None:
        stats = ReceptionStats(90_000)
        stats.receive(1, 0, 100, 0.0)
        stats.note_sender_report(0x1122334455667788, 10.0)
        block = stats.report(7, 10.5)
        assert block.last_sr == 0x33445566
        assert block.delay_since_last_sr == 32_768
