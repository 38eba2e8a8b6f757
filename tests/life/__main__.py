"""`python -m tests.life`: a matter from each of the eight doors through its whole life, in a real browser.

`--out DIR` keeps a picture of every page at both widths and every paper (default: `var/life`); `--database`
names `sqlite` or `postgresql` instead of both; `--only letter,web` plays these alone; `--papers` keeps the
papers and looks at no page, which takes a third of the time, and prints every deadline in the words of the
pages.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from cases import passwords
from cases.database import Database
from tests.databases import DatabaseServer, missing_reason
from tests.factories import CHEAP_HASH, CHEAP_HASHER
from tests.life.lives import LIVES
from tests.life.papers import LOOKS
from tests.life.stage import set_up
from tests.scenarios.browsers import chromium


async def play(system: str, server: DatabaseServer, out: Path, names: list[str], pictures: bool) -> list[str]:
    """Each life on a database of its own; returns what was found wrong."""
    folder, faults, kinds = out / system, list[str](), set[str]()
    counted = Counter[str]()
    folder.mkdir(parents=True, exist_ok=True)
    faces = out.absolute() / "faces"
    faces.mkdir(exist_ok=True)
    for old in (*folder.glob("*.png"), *folder.glob("*.pdf")):
        old.unlink()
    async with chromium() as browser:
        for name in names:
            url, began = server.create(system), time.monotonic()
            database, kept = Database(url), folder / name
            kept.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="lxlife") as state:
                var = Path(state) / "var"
                var.mkdir(mode=0o700)
                (var / "faces").symlink_to(faces)  # Cut out once: it costs as much as a short life.
                async with set_up(database, browser, var, kept, pictures) as stage:
                    try:
                        life = await LIVES[name](stage)
                        print("\n".join([system, *life.summary(not pictures)]), flush=True)
                        kinds |= {paper.kind for paper in life.issued}
                        counted += Counter(
                            papers=len(life.issued), deadlines=len(life.duties), steps=len(life.steps),
                            looks=life.looks, lives=1,
                        )  # fmt: skip
                    except Exception as error:  # noqa: BLE001 - the other lives are played all the same.
                        stage.faults.append(f"{type(error).__name__}: {error}")
                        print(f"!! {name}: {stage.faults[-1]}", flush=True)
                    faults += [f"{system} {name}: {each}" for each in stage.faults]
            await database.close()
            server.drop(url)
            print(f"{system} {name}: {stage.shots} pages, {time.monotonic() - began:.0f} s", flush=True)
    told = ", ".join(f"{count} {what}" for what, count in sorted(counted.items()))
    print(f"{system}: {told}", flush=True)
    if names == list(LIVES) and kinds != set(LOOKS):
        faults.append(f"{system}: never issued {sorted(set(LOOKS) - kinds)}")
    return faults


def main() -> int:
    arguments = argparse.ArgumentParser(prog="tests.life", description=__doc__)
    arguments.add_argument("--out", type=Path, default=Path("var/life"))
    arguments.add_argument("--database", choices=("sqlite", "postgresql"))
    arguments.add_argument("--only", default="")
    arguments.add_argument("--papers", action="store_true")
    given = arguments.parse_args()
    passwords.HASHER, passwords.DECOY = CHEAP_HASHER, CHEAP_HASH
    systems = [given.database] if given.database else ["sqlite", "postgresql"]
    if "postgresql" in systems and (reason := missing_reason()):
        print(f"!! {reason}")
        systems.remove("postgresql")
    names, faults = given.only.split(",") if given.only else list(LIVES), list[str]()
    with tempfile.TemporaryDirectory(prefix="lxlifedb") as home:
        server = DatabaseServer(Path(home))
        try:
            for system in systems:
                faults += asyncio.run(play(system, server, given.out, names, not given.papers))
        finally:
            server.close()
    for fault in faults:
        print(f"!! {fault}")
    print(f"{len(faults)} faults; pictures and papers in {given.out}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
