"""How well media travels, seen from the worker: one row for each participant and direction, once a second.

A row has the columns of the `quality` command (docs/protocol.md): loss in thousandths, round trip in ms,
jitter in ms, kbit/s, width, height, frames a second; -1 is unknown. The worker sees no round trip and no
picture: those come from the browser.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from media.publication import Publication
from media.publisher import Publisher
from media.subscriber import Subscriber

UNKNOWN = -1
Row = list[int]


class Ends(Protocol):
    """A participant of the room, as far as it is measured."""

    @property
    def participant_id(self) -> str: ...
    @property
    def publisher(self) -> Publisher | None: ...
    @property
    def subscriber(self) -> Subscriber | None: ...


class _Totals(NamedTuple):
    expected: int
    received: int
    octets: int


Report = dict[str, dict[str, Row]]


class QualityMeter:
    """Remembers the totals of last time. Everybody without a started stream has no row."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, int], _Totals] = {}
        self._at: float | None = None

    def measure(self, people: Iterable[Ends], now: float) -> Report:
        """Shape: {participant id: {"up": row, "down": row}}; a direction without streams is missing."""
        seconds = now - self._at if self._at is not None else 0.0
        self._at = now
        totals: dict[tuple[str, int], _Totals] = {}
        report = {}
        for person in people:
            up = self._up(person.publisher, totals, seconds)
            down = self._down(person.participant_id, person.subscriber, totals, seconds)
            report[person.participant_id] = {
                direction: row for direction, row in (("up", up), ("down", down)) if row is not None
            }
        self._before = totals
        return report

    def _up(
        self, publisher: Publisher | None, totals: dict[tuple[str, int], _Totals], seconds: float
    ) -> Row | None:
        started = [p for p in publisher.publications if p.ssrc is not None] if publisher is not None else []
        expected = received = octets = 0
        known = False
        for publication in started:
            stats = publication.stats
            key = (publication.track.participant_id, publication.ssrc or 0)
            totals[key] = total = _Totals(stats.expected, stats.received, stats.bytes)
            passed = self._since_last_time(key, total)
            if passed is not None:
                known = True
                expected += passed.expected
                received += passed.received
                octets += passed.octets
        if not known or seconds <= 0:
            return None
        jitter = max(_jitter(p) for p in started)
        return _row(max(0, expected - received), expected, jitter, octets, seconds)

    def _down(
        self,
        participant_id: str,
        subscriber: Subscriber | None,
        totals: dict[tuple[str, int], _Totals],
        seconds: float,
    ) -> Row | None:
        sent = octets = 0
        lost, known = 0.0, False
        for subscription in subscriber.subscriptions if subscriber is not None else ():
            key = (participant_id, subscription.ssrc)
            packets = subscription.packets
            totals[key] = total = _Totals(packets, packets, subscription.octets)
            passed = self._since_last_time(key, total)
            if passed is None:
                continue
            known = True
            sent += passed.expected
            octets += passed.octets
            if subscription.last_block is not None:
                lost += passed.expected * subscription.last_block.fraction_lost / 256
        if not known or seconds <= 0:
            return None
        return _row(round(lost), sent, UNKNOWN, octets, seconds)

    def _since_last_time(self, key: tuple[str, int], total: _Totals) -> _Totals | None:
        """None for a stream that is new."""
        before = self._before.get(key)
        if before is None:
            return None
        return _Totals(
            max(0, total.expected - before.expected),
            max(0, total.received - before.received),
            max(0, total.octets - before.octets),
        )


def _jitter(publication: Publication) -> int:
    return round(publication.stats.jitter / publication.stats.clock_rate * 1000)


def _row(lost: int, expected: int, jitter: int, octets: int, seconds: float) -> Row:
    loss = round(lost / expected * 1000) if expected else UNKNOWN
    return [loss, UNKNOWN, jitter, round(octets * 8 / seconds / 1000), UNKNOWN, UNKNOWN, UNKNOWN]
