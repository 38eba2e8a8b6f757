"""A clock for what happened before the demo day, and turns for what happened side by side."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from cases.clock import BEIJING, Clock
from cases.deadlines.in_force import calendar_of


@dataclass(frozen=True)
class At:
    """It stands at one moment, which is aware."""

    moment: datetime

    def now(self) -> datetime:
        # In UTC as every clock: the audit's digests are over it, and would not be found again otherwise.
        return self.moment.astimezone(UTC)


def days_before(clock: Clock, ago: int, hour: tuple[int, int], region_code: str) -> datetime:
    """That hour of the day so many working days of a region before today, in Beijing."""
    day = clock.now().astimezone(BEIJING).date()
    while ago:
        day -= timedelta(days=1)
        ago -= calendar_of(region_code).is_working(day)
    return datetime.combine(day, time(*hour), BEIJING)


class Turns:
    """Stories told side by side, act by act in the order of time, as the audit's chain has them.

    They share one database session: none goes on before the one whose turn it is waits or has ended.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[datetime, int, asyncio.Future[None], asyncio.Task[None]]] = []
        self._places, self._asked = itertools.count(), asyncio.Event()

    async def at(self, moment: datetime) -> At:
        """The clock of that moment, once every other story has come as far."""
        task, turn = asyncio.current_task(), asyncio.get_running_loop().create_future()
        assert task is not None
        heapq.heappush(self._waiting, (moment, next(self._places), turn, task))
        self._asked.set()
        await turn
        return At(moment)

    async def tell(self, *stories: Coroutine[None, None, None]) -> None:
        """Tell them all to their ends."""
        told = []
        try:
            for story in stories:
                told.append(asyncio.create_task(story))
                await self._go_on(told[-1])
            while self._waiting:
                _, _, turn, task = heapq.heappop(self._waiting)
                turn.set_result(None)
                await self._go_on(task)
        finally:
            for task in told:
                task.cancel()

    async def _go_on(self, task: asyncio.Task[None]) -> None:
        """Until this story waits for its next turn or has ended."""
        self._asked.clear()
        asked = asyncio.create_task(self._asked.wait())
        await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if task.done():
            await task
