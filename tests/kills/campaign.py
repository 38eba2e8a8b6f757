"""Rounds, two at a time, until so many media workers and so many recordings workers were killed."""

from __future__ import annotations

import asyncio
import random
import shutil
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cases.database import Database
from recordings.archive.copies import objects_of
from tests.clock import FixedClock
from tests.databases import DatabaseServer
from tests.factories import make_world
from tests.kills.proof import Findings, examine_round
from tests.kills.round import Round

KILLS_OF_A_ROUND = 4


@dataclass(frozen=True)
class Plan:
    """``kills`` of each kind of worker, ``lanes`` rounds at a time."""

    kills: int
    seed: int
    lanes: int = 2


@dataclass
class Outcome:
    """``media``: kills of media workers. ``stages``: those of recordings workers, by what was to be done."""

    media: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    found: Findings = field(default_factory=Findings)


class Campaign:
    """Given: a folder, the plan, who hears of each round. Hands out kills and adds up what is found."""

    def __init__(self, folder: Path, plan: Plan, say: Callable[[str], None]) -> None:
        self._say = say
        self.outcome = Outcome()
        self._folder = folder
        self._plan = plan
        self._dice = random.Random(plan.seed)
        self._server = DatabaseServer(folder)
        self._ordered = 0  # of media workers; the others are as many as a round came to

    async def run(self) -> Outcome:
        """Raises nothing for what goes wrong in a round: it becomes a fault."""
        (self._folder / "store").mkdir(exist_ok=True)
        try:
            await asyncio.gather(*(self._lane() for _ in range(self._plan.lanes)))
        finally:
            self._server.close()
        return self.outcome

    async def _lane(self) -> None:
        while self._media_left > 0 or self._sealers_left > 0:
            kills = min(KILLS_OF_A_ROUND, max(0, self._media_left))
            self._ordered += kills
            self.outcome.rounds += 1
            seed = self._dice.randrange(1 << 32)
            try:
                await self._round(self.outcome.rounds, seed, kills)
            except Exception:  # noqa: BLE001
                self.outcome.found.faults.append(f"round with seed {seed}:\n{traceback.format_exc()}")
                return
            found = self.outcome.found
            kills_told = f"{self.outcome.media} + {self.outcome.stages.total()} kills"
            self._say(f"{kills_told}, {found.recordings} recordings, {len(found.faults)} faults")

    @property
    def _media_left(self) -> int:
        return self._plan.kills - self._ordered

    @property
    def _sealers_left(self) -> int:
        return self._plan.kills - self.outcome.stages.total()

    async def _round(self, number: int, seed: int, kills: int) -> None:
        folder = self._folder / str(number)
        (folder / "store").mkdir(parents=True)
        database = Database(self._server.create("sqlite"))
        try:
            async with database.session() as db:
                world = await make_world(db, FixedClock())
            this = Round(database, world, folder, seed)
            await this.talk(kills)
            await this.finish(min(KILLS_OF_A_ROUND, max(0, self._sealers_left)))
            self.outcome.media += len(this.kills)
            self.outcome.stages.update(this.stages)
            async with database.session() as db:
                rows = [(each.row.id, list(await objects_of(db, each.row.id))) for each in this.recorded]
            self.outcome.found.add(await examine_round(this, rows))
        finally:
            await database.close()
            shutil.rmtree(folder, ignore_errors=True)
