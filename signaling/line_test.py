"""The line test: a few seconds of real media between a citizen's page and a media worker, measured here.

The page sends a painted picture and a tone (no camera, no microphone) as one participant of a room of its
own and receives them as another. The worker counts packets in both directions; the round trip is the time
from our answer to the page's next message, which must carry a number that only the answer told.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from cases.errors import Conflict, NotFound, RuleError
from media.control import (
    AcceptOffer,
    AddParticipant,
    CloseRoom,
    CreateRoom,
    Event,
    OfferMade,
    Publish,
    QualityMeasured,
    Request,
    Snapshot,
    Subscribe,
)
from media.sink import Source
from scheduling.arrival.line_score import LineFigures, LineScore, score_line
from signaling.media_client import Unavailable, WorkerLink
from signaling.quality import BITRATE, LOSS, UNKNOWN, Row

logger = logging.getLogger(__name__)
SENDER, RECEIVER = "line-out", "line-back"
# Seconds. A browser needs three or four to find out what the line takes; the last ones are judged.
MEASURED = 9
JUDGED = 5
# No media in both directions by then, and there is none to come.
PATIENCE = 15.0
AT_MOST = 28.0
# An answer waits this long for something to tell, so that the page's next message is a fresh beat.
BEAT = 0.3
# What came out is kept for the person's own answers, which take a while.
KEPT = 600.0
# Beyond these a page is told to try later: receptions come first. One person has one test at a time.
MOST_AT_ONCE = 6
MOST_KEPT = 500
# A second without a stream: nothing came, and of what nobody sent none was lost.
NOTHING: Row = (UNKNOWN, UNKNOWN, UNKNOWN, 0, UNKNOWN, UNKNOWN, UNKNOWN)


class Busy(Conflict):
    """Too many tests at this moment."""

    default_code = "line_busy"
    default_message = "现在测网络的人太多，请过一分钟再试。"


@dataclass
class LineTest:
    """One test. `up` and `down` are rows of the worker, a second each, oldest first; times in seconds."""

    id: str
    invitation_id: str
    link: WorkerLink
    began: float
    beat: str = ""
    answered_at: float | None = None
    trips: list[float] = field(default_factory=list)
    up: list[Row] = field(default_factory=list)
    down: list[Row] = field(default_factory=list)
    offers: list[OfferMade] = field(default_factory=list)
    path: str = ""
    published: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)
    flows: asyncio.Event = field(default_factory=asyncio.Event)
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    broken: bool = False
    figures: LineFigures = LineFigures()
    score: LineScore = LineScore.UNMEASURED

    def hear(self, event: Event) -> None:
        """What the worker tells of this room."""
        if isinstance(event, OfferMade) and event.participant_id == RECEIVER:
            self.offers = [event]  # A newer offer holds all that an older one did.
            self.news.set()
        elif isinstance(event, QualityMeasured):
            up, down = event.people.get(SENDER, {}).get("up"), event.people.get(RECEIVER, {}).get("down")
            if not self.flows.is_set() and not (_carries(up) and _carries(down)):
                return
            self.flows.set()
            self.up.append(up or NOTHING)
            self.down.append(down or NOTHING)
            if len(self.up) >= MEASURED:
                self.enough.set()

    def give_up(self) -> None:
        """It broke on our side, or the person began another: it says nothing about the line."""
        if not self.over.is_set():
            self.broken = True
            self.enough.set()

    def finish(self, path: str) -> None:
        """Judge what was measured; a test that broke on our side says nothing about the line."""
        if self.broken:
            return
        self.figures = LineFigures(
            round_trip=_round_trip(self.trips),
            loss_up=_mean(self.up, LOSS), loss_down=_mean(self.down, LOSS),
            kbps_up=_median(self.up, BITRATE), kbps_down=_median(self.down, BITRATE),
            path=path,
        )  # fmt: skip
        self.score = score_line(self.figures)


class LineTests:
    """All tests of this process. Given: how a worker is picked, a steady clock. Owned: a task for each."""

    def __init__(self, pick: Callable[[bool], WorkerLink | None], now: Callable[[], float]) -> None:
        self._pick = pick
        self._now = now
        self._tests: dict[str, LineTest] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        """How many are being measured."""
        return sum(1 for test in self._tests.values() if not test.enough.is_set())

    async def begin(self, invitation_id: str) -> LineTest:
        """Start one; an older one of the same person ends. Raises Busy, Unavailable, Overloaded."""
        self._forget_old()
        for test in self._tests.values():
            if test.invitation_id == invitation_id:
                test.give_up()
        if self.running >= MOST_AT_ONCE:
            raise Busy()
        link = self._pick(True)
        if link is None:
            raise Unavailable()
        test = LineTest(f"line-{secrets.token_hex(12)}", invitation_id, link, self._now())
        self._tests[test.id] = test
        task = asyncio.create_task(self._run(test), name="line test")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return test

    async def beat(
        self, test_id: str, invitation_id: str, said: str, offer: str, answer: tuple[int, str] | None,
        relayed: bool = False, lines: dict[str, Source] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """One message of the page and its answer: {beat, over, answer_sdp?, offer?: {offer_id, sdp}, score?}.

        `said` is the beat of the last answer. `offer` is the page's own offer with its m-lines `lines`, once;
        `answer` the number and SDP with which it takes ours. Raises NotFound, RuleError of the worker.
        """
        test = self.find(test_id, invitation_id)
        arrived = self._now()
        if test.answered_at is not None and said == test.beat:
            test.trips.append(arrived - test.answered_at)
        test.answered_at = None
        reply: dict[str, Any] = {}
        if relayed:
            test.path = "relay"
        if offer and not test.published:
            reply["answer_sdp"] = await self._publish(test, offer, lines or {})
        elif answer is not None:
            await self._accept(test, *answer)
        elif not test.offers and not test.over.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await test.news.wait()
        test.news.clear()
        if test.offers:
            latest = test.offers.pop()
            reply["offer"] = {"offer_id": latest.offer_id, "sdp": latest.offer_sdp}
        test.beat = secrets.token_hex(8)
        test.answered_at = self._now()
        done = test.over.is_set()
        return {"beat": test.beat, "over": done} | reply | ({"score": str(test.score)} if done else {})

    def find(self, test_id: str, invitation_id: str) -> LineTest:
        """The test if it is this person's. Raises NotFound."""
        test = self._tests.get(test_id)
        if test is None or test.invitation_id != invitation_id:
            raise NotFound("line_test_not_found", "这次网络检测已经结束，请重新检测。")
        return test

    def hear(self, link: WorkerLink, event: Event) -> bool:
        """Take an event if it belongs to a test."""
        test = self._tests.get(event.room_id)
        if test is None or test.link is not link:
            return False
        test.hear(event)
        return True

    def lost(self, link: WorkerLink) -> None:
        """The worker is gone, and with it the test; that is not the line's fault."""
        for test in self._tests.values():
            if test.link is link:
                test.give_up()

    async def close(self) -> None:
        """End all."""
        for test in self._tests.values():
            test.give_up()
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    # One test

    async def _run(self, test: LineTest) -> None:
        try:
            await self._wait(test)
            await self._judge(test)
        finally:
            test.over.set()
            test.news.set()
            with contextlib.suppress(RuleError):
                await test.link.request(CloseRoom(room_id=test.id, reason="measured"))

    async def _wait(self, test: LineTest) -> None:
        enough = asyncio.ensure_future(test.enough.wait())
        flows = asyncio.ensure_future(test.flows.wait())
        try:
            await asyncio.wait({enough, flows}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if test.flows.is_set():
                await asyncio.wait({enough}, timeout=AT_MOST - (self._now() - test.began))
        finally:
            enough.cancel()
            flows.cancel()

    async def _judge(self, test: LineTest) -> None:
        """Nothing was offered by the page: nothing was tried, and nothing is said about the line."""
        test.broken = test.broken or not test.published
        path = ""
        with contextlib.suppress(RuleError):
            path = await self._path_of(test)
        test.finish(path and (test.path or path))

    async def _publish(self, test: LineTest, offer: str, lines: dict[str, Source]) -> str:
        room = test.id
        await self._ask(test, CreateRoom(room_id=room))
        await self._ask(test, AddParticipant(room_id=room, participant_id=SENDER))
        await self._ask(test, AddParticipant(room_id=room, participant_id=RECEIVER, may_publish=False))
        given = await self._ask(
            test, Publish(room_id=room, participant_id=SENDER, offer_sdp=offer, sources=lines)
        )
        test.published = True
        await self._ask(test, Subscribe(room_id=room, participant_id=RECEIVER))
        return str(given["answer_sdp"])

    async def _accept(self, test: LineTest, offer_id: int, sdp: str) -> None:
        try:
            await self._ask(
                test,
                AcceptOffer(room_id=test.id, participant_id=RECEIVER, offer_id=offer_id, answer_sdp=sdp),
            )
        except RuleError as error:
            if error.code != "bad_state":  # A newer offer is on its way; that one will be answered.
                raise

    async def _path_of(self, test: LineTest) -> str:
        answer = await self._ask(test, Snapshot())
        for room in answer.get("rooms", []):
            if room["room_id"] == test.id:
                paths = {
                    person["publish_path"] or person["subscribe_path"] for person in room["participants"]
                }
                return "tcp" if "tcp" in paths else "udp" if "udp" in paths else ""
        return ""

    async def _ask(self, test: LineTest, request: Request) -> dict[str, Any]:
        try:
            return await test.link.request(request)
        except Unavailable:
            test.give_up()
            raise

    def _forget_old(self) -> None:
        horizon = self._now() - KEPT
        ended = [test for test in self._tests.values() if test.over.is_set()]
        surplus = len(self._tests) - MOST_KEPT
        for place, test in enumerate(ended):  # The oldest first.
            if test.began < horizon or place < surplus:
                del self._tests[test.id]


def _carries(row: Row | None) -> bool:
    return row is not None and row[BITRATE] > 0


def _judged(rows: list[Row], column: int) -> list[int]:
    return [row[column] for row in rows[-JUDGED:]]


def _mean(rows: list[Row], column: int) -> int | None:
    known = [figure for figure in _judged(rows, column) if figure >= 0]
    return round(sum(known) / len(known)) if known else None


def _median(rows: list[Row], column: int) -> int | None:
    return round(median(_judged(rows, column))) if rows else None


def _round_trip(trips: list[float]) -> int | None:
    """The lower quartile in ms: a page that is busy answers late, and none answers early."""
    return round(sorted(trips)[len(trips) // 4] * 1000) if trips else None
