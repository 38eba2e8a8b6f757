"""A matter lives on each database: one from door to archive, others through their doors."""

from __future__ import annotations

from datetime import date as day
from pathlib import Path

import pytest
from playwright.async_api import Browser

from cases.database import Database
from tests.life.days import Duty, asking, deciding, handling, objection
from tests.life.doors import DOORS
from tests.life.ledger import Life
from tests.life.lives import LIVES
from tests.life.stage import set_up
from tests.scenarios.browsers import needs_chromium

# One to its end and each other door once; `make life` plays all eight to their ends on both databases.
WHOLE = {"sqlite": "letter"}


@pytest.mark.browser
@needs_chromium
@pytest.mark.timeout(240)
async def test_a_whole_life_and_the_other_doors(
    database: Database, database_system: str, chrome: Browser, tmp_path: Path, faces: Path
) -> None:
    (tmp_path / "var").mkdir(mode=0o700)
    (tmp_path / "var" / "faces").symlink_to(faces)
    async with set_up(database, chrome, tmp_path / "var") as stage:
        for name in doors_of(database_system):
            await Life.begin(stage, DOORS[name], desk=False)
        if whole := WHOLE.get(database_system):
            await LIVES[whole](stage)


def doors_of(system: str) -> list[str]:
    """The doors that nobody's whole life begins at, each once."""
    left = [name for name in DOORS if name not in WHOLE.values()]
    return left[::2] if system == "sqlite" else left[1::2]


def test_the_other_arithmetic_knows_the_calendar() -> None:
    # By hand: 20 September 2026 is a Sunday that is worked; 1 to 7 October are not.
    assert handling(day(2026, 7, 22)).due() == day(2026, 9, 20)
    assert asking(day(2026, 9, 3)).raw() == day(2026, 10, 3)
    assert asking(day(2026, 9, 3)).due() == day(2026, 10, 8)
    assert objection(day(2026, 4, 29)).due() == day(2026, 5, 9)
    held: Duty = deciding(day(2026, 8, 26), again=True)
    held.hearings = [(day(2026, 9, 1), day(2026, 9, 5))]
    assert held.due() == day(2026, 9, 30)
    held.hearings.append((day(2026, 9, 20), None))
    assert held.raw() is None and held.due() is None and held.told() == ""
