"""The line test: what the worker counts and the server times is the score, whatever the page says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cases.errors import NotFound
from media.control import AcceptOffer, CloseRoom, Publish, QualityMeasured
from scheduling.arrival.line_score import LineScore
from signaling.line_test import (
    MEASURED,
    MOST_AT_ONCE,
    RECEIVER,
    SENDER,
    Busy,
    LineTest,
    LineTests,
)
from signaling.media_client import Unavailable
from tests.signaling.hall import Hall

WHO = "invitation-1"
LINES: Any = {"0": "microphone", "1": "camera"}


class Steady:
    """A clock that goes on when a test says so."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def now(hall: Hall) -> Steady:
    """The registry's tests, on a clock of the test."""
    clock = Steady()
    hall.registry.line_tests = LineTests(hall.registry.workers.pick, clock)
    return clock


def row(loss: int, kbps: int) -> list[int]:
    return [loss, -1, 3, kbps, -1, -1, -1]


async def connect(hall: Hall) -> tuple[LineTest, dict[str, Any]]:
    """Both directions are agreed upon; the last answer of the server."""
    tests = hall.registry.line_tests
    test = await tests.begin(WHO)
    reply = await tests.beat(test.id, WHO, "", "offer", None, lines=LINES)
    assert reply["answer_sdp"] == "answer to offer"
    while "offer" not in reply:
        reply = await tests.beat(test.id, WHO, reply["beat"], "", None)
    taken = (reply["offer"]["offer_id"], "answer")
    return test, await tests.beat(test.id, WHO, reply["beat"], "", taken)


async def measure(
    hall: Hall, test: LineTest, up: list[int], down: list[int], seconds: int = MEASURED
) -> None:
    """The worker tells of some seconds."""
    for _ in range(seconds):
        people = {SENDER: {"up": up}, RECEIVER: {"down": down}}
        hall.worker.tell(QualityMeasured(room_id=test.id, people=people))


async def judged(hall: Hall, test: LineTest) -> LineTest:
    """What came out, once the room of the test is gone from the worker."""
    await asyncio.wait_for(test.over.wait(), 5)
    await asyncio.wait_for(hall.worker.empty.wait(), 5)
    assert hall.worker.requests(CloseRoom)[-1].room_id == test.id
    return hall.registry.line_tests.find(test.id, WHO)


async def test_a_good_line(hall: Hall, now: Steady) -> None:
    test, reply = await connect(hall)
    for seconds in (0.06, 0.05, 0.9, 0.05):  # One of them late: the page was busy.
        now.at += seconds
        test.news.set()
        reply = await hall.registry.line_tests.beat(test.id, WHO, reply["beat"], "", None)
    await measure(hall, test, row(0, 640), row(10, 600))
    test = await judged(hall, test)
    assert test.score is LineScore.GOOD
    figures = test.figures
    assert (figures.kbps_up, figures.kbps_down, figures.loss_up, figures.loss_down) == (640, 600, 0, 10)
    assert figures.round_trip is not None and figures.round_trip <= 60 and figures.path == "udp"
    last = await hall.registry.line_tests.beat(test.id, WHO, reply["beat"], "", None)
    assert (last["over"], last["score"]) == (True, "good")
    assert [request.sources for request in hall.worker.requests(Publish)] == [LINES]
    assert hall.worker.requests(AcceptOffer)[0].participant_id == RECEIVER


async def test_a_page_that_guesses_the_beat_is_not_timed(hall: Hall, now: Steady) -> None:
    test, reply = await connect(hall)
    before = len(test.trips)
    test.news.set()
    await hall.registry.line_tests.beat(test.id, WHO, "0" * 16, "", None)  # Faster than the answer.
    assert len(test.trips) == before
    now.at += 2.0
    test.news.set()
    reply = await hall.registry.line_tests.beat(test.id, WHO, test.beat, "", None)
    assert test.trips[-1] == pytest.approx(2.0) and reply["over"] is False


async def test_what_was_lost_makes_the_score_worse(hall: Hall, now: Steady) -> None:
    test, _ = await connect(hall)
    await measure(hall, test, row(80, 300), row(0, 280))
    assert (await judged(hall, test)).score is LineScore.SOUND


async def test_a_line_that_breaks_off_is_poor(hall: Hall, now: Steady) -> None:
    test, _ = await connect(hall)
    await measure(hall, test, row(0, 300), row(0, 280), seconds=MEASURED - 5)
    for _ in range(5):
        hall.worker.tell(QualityMeasured(room_id=test.id, people={}))
    found = await judged(hall, test)
    assert (found.score, found.figures.kbps_up) == (LineScore.POOR, 0)


async def test_nothing_at_all_gets_through(hall: Hall, now: Steady, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling.line_test.PATIENCE", 0.05)
    test, _ = await connect(hall)
    hall.worker.tell(QualityMeasured(room_id=test.id, people={SENDER: {"up": row(0, 500)}}))  # One way only.
    found = await judged(hall, test)
    assert (found.score, found.figures.kbps_up) == (LineScore.POOR, None)


async def test_a_worker_that_dies_says_nothing_about_the_line(hall: Hall, now: Steady) -> None:
    test, _ = await connect(hall)
    await hall.worker.kill()
    await asyncio.wait_for(test.over.wait(), 5)
    assert test.score is LineScore.UNMEASURED
    with pytest.raises(Unavailable):
        await hall.registry.line_tests.begin(WHO)


async def test_tests_are_the_persons_own_and_not_too_many(hall: Hall, now: Steady) -> None:
    tests = hall.registry.line_tests
    first = await tests.begin(WHO)
    with pytest.raises(NotFound):
        await tests.beat(first.id, "invitation-2", "", "offer", None, lines=LINES)
    second = await tests.begin(WHO)
    assert first.enough.is_set() and first.broken and second.id != first.id
    for number in range(MOST_AT_ONCE - 1):
        await tests.begin(f"other-{number}")
    with pytest.raises(Busy):
        await tests.begin("one-too-many")
    await tests.close()
    assert tests.running == 0


async def test_results_are_forgotten_after_a_while(hall: Hall, now: Steady) -> None:
    test, _ = await connect(hall)
    await measure(hall, test, row(0, 640), row(0, 600))
    await judged(hall, test)
    now.at += 601
    await hall.registry.line_tests.begin("somebody-else")
    with pytest.raises(NotFound):
        hall.registry.line_tests.find(test.id, WHO)
    await hall.registry.line_tests.close()
