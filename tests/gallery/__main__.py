"""`python -m tests.gallery`: every page and every state of the room as pictures, to be looked at.

Pictures at 1280, 390 and 360 px hang in `--shots DIR` (default: `var/gallery`) with one page of all; `--only`
names chapters, `--sizes` some of the widths, `--english` shows the chapters of STREETS in English. What
scrolls sideways, is covered or too small for a finger is printed. The chapter `pages` walks the demonstration
(kept in `--demo DIR`, where that is given), lays sheets of six and names the routes that it did not reach.
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

from playwright.async_api import Browser

from tests.gallery import beside, full, links, others, progress, proof, room, trouble
from tests.gallery.house import ENGLISH, Street, street
from tests.gallery.pages import pages
from tests.gallery.people import Cast
from tests.gallery.statuses import statuses
from tests.gallery.wall import SIZES, Wall
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
# Each scene has a house of its own; nobody sits before a camera.
STREETS: dict[str, tuple[Callable[[Street], Awaitable[None]], ...]] = {
    "links": (
        links.problems, links.identity, proof.elsewhere, links.screens, links.minutes, links.afterwards,
        links.guests,
    ),
    "beside": (beside.mediation, beside.court, beside.public, beside.written, beside.signing_in),
    "progress": (progress.concluded, progress.times, progress.own_booking),
    "full": (full.full,),
    "desk": (beside.officials,),
}  # fmt: skip
# Where it is asked who people are.
STRICT = (links.identity, proof.elsewhere, beside.written)
STATUSES, PAGES = "statuses", "pages"


async def walk(wall: Wall, browser: Browser, chapter: str, language: str) -> None:
    """The scenes of one chapter of STREETS; one that fails is told, and the others go on."""
    for scene in STREETS[chapter]:
        try:
            async with street(browser, wall, language, scene in STRICT) as them:
                await scene(them)
        except Exception as error:  # noqa: BLE001 - the other scenes are worth looking at.
            traceback.print_exc()
            wall.faults.append(f"{chapter}.{scene.__name__}: {error}")


async def photograph(
    folder: Path, chapters: list[str], sizes: tuple[int, ...] = tuple(SIZES), language: str = "",
    demo: Path | None = None,
) -> list[str]:  # fmt: skip
    """Play and hang; returns what is wrong. A scene that fails ends its chapter and is told."""
    folder.mkdir(parents=True, exist_ok=True)
    wall = Wall(folder, sizes)
    for chapter in STREETS.keys() & set(chapters):
        async with chromium() as browser:
            await walk(wall, browser, chapter, language)
    if STATUSES in chapters:
        async with chromium() as browser:
            await statuses(wall, browser)
    if PAGES in chapters:
        with tempfile.TemporaryDirectory(prefix="lxgallery") as state:
            await pages(wall, demo or Path(state))
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
    names = [*CHAPTERS, *STREETS, STATUSES, PAGES]
    arguments.add_argument("--shots", type=Path, default=Path("var/gallery"))
    arguments.add_argument("--only", nargs="+", choices=names, default=names)
    arguments.add_argument("--sizes", nargs="+", type=int, choices=SIZES, default=list(SIZES))
    arguments.add_argument("--english", action="store_true")
    arguments.add_argument("--demo", type=Path)
    given = arguments.parse_args()
    language = ENGLISH if given.english else ""
    faults = asyncio.run(photograph(given.shots, given.only, tuple(given.sizes), language, given.demo))
    for fault in faults:
        print(f"!! {fault}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
