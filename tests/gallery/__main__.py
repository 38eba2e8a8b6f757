"""`python -m tests.gallery`: the states of the room and the pages of trouble as pictures, to be looked at.

Pictures at 1280, 390 and 360 px hang in `--shots DIR` (default: `var/gallery`) with one page of all; `--only`
names chapters. What scrolls sideways, is covered or too small for a finger is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.gallery import others, room, trouble
from tests.gallery.people import Cast
from tests.gallery.statuses import statuses
from tests.gallery.wall import Wall
from tests.scenarios.browsers import chromium
from tests.scenarios.service import running_service

Scene = Callable[[Cast], Awaitable[None]]
# Each chapter plays its scenes on a service of its own.
CHAPTERS: dict[str, tuple[Scene, ...]] = {
    "room": (
        room.before, room.meeting, others.hall, room.conduct, room.shown, room.troubles, room.joined,
        room.minutes, others.signing, room.end,
    ),
    "mediation": (others.mediation,),
    "line": (others.line,),
    "trouble": (trouble.refusals, trouble.papers, trouble.imported, trouble.stations),
}  # fmt: skip
STATUSES = "statuses"


async def photograph(folder: Path, chapters: list[str]) -> list[str]:
    """Play and hang; returns what is wrong. A scene that fails ends its chapter and is told."""
    folder.mkdir(parents=True, exist_ok=True)
    wall = Wall(folder)
    if STATUSES in chapters:
        async with chromium() as browser:
            await statuses(wall, browser)
    for chapter in CHAPTERS.keys() & set(chapters):
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="lxgallery") as state:
            async with running_service(Path(state) / "var") as service, chromium() as browser:
                them = Cast(service, browser, wall)
                for scene in CHAPTERS[chapter]:
                    try:
                        await scene(them)
                    except Exception as error:  # noqa: BLE001 - the other scenes are worth looking at.
                        traceback.print_exc()
                        wall.faults.append(f"{chapter}.{scene.__name__}: {error}")
        print(f"{chapter}: {time.monotonic() - began:.0f} s")
    print(wall.bind())
    return wall.faults


def main() -> int:
    arguments = argparse.ArgumentParser(prog="tests.gallery", description=__doc__)
    names = [*CHAPTERS, STATUSES]
    arguments.add_argument("--shots", type=Path, default=Path("var/gallery"))
    arguments.add_argument("--only", nargs="+", choices=names, default=names)
    given = arguments.parse_args()
    faults = asyncio.run(photograph(given.shots, given.only))
    for fault in faults:
        print(f"!! {fault}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
