"""The soak: sittings one after another in lanes, media workers killed now and then, and a ledger."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from cases.database import Database
from tests.scenarios.service import running_service
from tests.soak.ledger import Held, Ledger, course, growth, is_idle, leaks
from tests.soak.peer import Workbench
from tests.soak.sitting import Sitting, arrange

SAMPLE_EVERY = 2.0
# Rooms are closed by then, also on a busy machine.
LEAST_SETTLE = 20.0
IDLE_SECONDS = 2.5  # so long the recordings worker must have had nothing to do
# Worker 0 lives to the end, so that its memory tells something.
MORTAL = "media 1"


@dataclass(frozen=True)
class Plan:
    """`seconds` of life; sittings of a length between these; a worker is killed so often."""

    seconds: float
    lanes: int = 3
    sitting: tuple[float, float] = (30.0, 75.0)
    kill_every: float = 45.0
    seed: int = 1
    flat: float = 0.05  # how much memory may grow
    settle: float = 180.0  # everything has long been composed by then


@dataclass
class Outcome:
    """What happened, what was held before and after, what went wrong in words."""

    sittings: int = 0
    kills: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    before: dict[str, Held] = field(default_factory=dict)
    after: dict[str, Held] = field(default_factory=dict)
    files: tuple[int, int] = (0, 0)
    memory: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    course: dict[str, list[float]] = field(default_factory=dict)
    flat: float = 0.05
    broken: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Everything that must not be: broken sittings, leaks, memory that grew."""
        swollen = [
            f"{name}: {early:.1f} -> {late:.1f} MB ({share:+.1%})"
            for name, (early, late, share) in self.memory.items()
            if share > self.flat
        ]
        kept = leaks(self.before, self.after)
        files = [f"files: {self.files[0]} -> {self.files[1]}"] if self.files[1] > self.files[0] else []
        inner = [text for text in self.refused if "BROKEN" in text]
        return [*self.broken, *inner, *kept, *files, *swollen]


class Soak:
    """Owns nothing but its tasks; `ledger.service` runs."""

    def __init__(self, plan: Plan, ledger: Ledger, database: Database) -> None:
        self.outcome = Outcome(flat=plan.flat)
        self._plan, self._ledger, self._database = plan, ledger, database
        self._bench = Workbench(plan.seed)
        self._dice = random.Random(plan.seed)
        self._numbers = iter(range(1, 1_000_000))

    async def run(self) -> Outcome:
        await self._warm_up()
        outcome = self.outcome
        outcome.before, files = await self._at_rest()
        end = time.monotonic() + self._plan.seconds
        watching = [asyncio.create_task(self._watch()), asyncio.create_task(self._kill())]
        await asyncio.gather(*(self._lane(end) for _ in range(self._plan.lanes)))
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        outcome.after, later = await self._at_rest()
        outcome.files = (files, later)
        self._judge_memory()
        return outcome

    async def _warm_up(self) -> None:
        """Every lane once, briefly: pools are filled and modules loaded, also those of a restarted worker."""
        await asyncio.gather(*(self._sit(4.0) for _ in range(self._plan.lanes)))

    async def _lane(self, end: float) -> None:
        while (left := end - time.monotonic()) > 0:
            await self._sit(min(left, self._dice.uniform(*self._plan.sitting)))

    async def _sit(self, seconds: float) -> None:
        number = next(self._numbers)
        paths = await arrange(self._database, number)
        dice = random.Random(f"{self._plan.seed}/{number}")
        sitting = Sitting(self._ledger.service.base, paths, self._bench, dice)
        try:
            await sitting.hold(seconds)
        except Exception as error:
            self.outcome.broken.append(f"sitting {number}: {error!r}"[:300])
        self.outcome.sittings += 1
        self.outcome.happened += sitting.happened
        self.outcome.refused += sitting.refused

    async def _watch(self) -> None:
        while True:
            self._ledger.sample()
            await asyncio.sleep(SAMPLE_EVERY)

    async def _kill(self) -> None:
        while True:
            await asyncio.sleep(self._plan.kill_every)
            if number := self._ledger.processes().get(MORTAL):
                os.kill(number, signal.SIGKILL)
                self.outcome.kills += 1

    async def _at_rest(self) -> tuple[dict[str, Held], int]:
        """What is held when nobody is there: the least seen while what was closed is put away."""
        end = time.monotonic() + self._plan.settle
        while await self._ledger.rooms() and time.monotonic() < end + LEAST_SETTLE:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        while time.monotonic() < end and not await self._composed():  # noqa: ASYNC110 - only /proc knows
            await asyncio.sleep(0.5)
        least: dict[str, Held] = {}
        files = 1 << 30
        for _ in range(3):
            await asyncio.sleep(1)
            for name, held in (await self._ledger.holdings()).items():
                least[name] = min(least.get(name, held), held, key=lambda h: (h.descriptors, h.tasks))
            files = min(files, self._ledger.files())
        if not await self._composed():
            least.pop("recordings")  # Still at work: what it holds says nothing.
        return least, files

    async def _composed(self) -> bool:
        """Whether the recordings worker has nothing to do for a while."""
        return await is_idle(self._ledger.processes()["recordings"], IDLE_SECONDS)

    def _judge_memory(self) -> None:
        for (name, number), samples in self._ledger.memory.items():
            lived = self._ledger.processes().get(name) == number
            if lived and name != MORTAL and (judged := growth(samples)):
                self.outcome.memory[name] = judged
                self.outcome.course[name] = course(samples)


async def soak(directory: Path, plan: Plan) -> Outcome:
    """A service of its own in `directory`, with two media workers, and the whole plan on it."""
    temporary = directory / "tmp"
    temporary.mkdir(parents=True)
    with _temporary_files_in(temporary):
        async with running_service(directory / "var", workers=2) as service:
            database = Database(service.settings.database_url)
            try:
                outcome = await Soak(plan, Ledger(service, temporary), database).run()
            finally:
                await database.close()
    outcome.broken += told_faults((directory / "var" / "service.log").read_text(errors="replace"))
    return outcome


def told_faults(log: str, most: int = 3) -> list[str]:
    """What the service's log tells of code that went wrong, however well people were served meanwhile."""
    parts = log.split("Traceback (most recent call last)")[1:]
    return [f"log: {part[:1500]}" for part in parts[:most]]


@contextlib.contextmanager
def _temporary_files_in(folder: Path):
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None
    try:
        yield
    finally:
        os.environ.pop("TMPDIR")
        if before is not None:
            os.environ["TMPDIR"] = before
        tempfile.tempdir = None
