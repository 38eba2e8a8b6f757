"""`python -m tests.journey`: the reception from the message on the phone to the receipt, in real browsers.

`--shots DIR` keeps a picture of every page and state, with an index page (default: `var/journey`);
`--runs N` measures instead: N times from the link to a new host, and prints the medians.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.journey.album import Album
from tests.journey.figures import measure_runs
from tests.journey.run import cast, told_twice, walk


async def photograph(folder: Path) -> list[str]:
    """Walk it once; returns what pages fail in."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    album = Album(folder)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lxjourney") as state:
        try:
            async with asyncio.timeout(1800), cast(Path(state) / "var", album) as them:
                try:
                    await walk(them)
                finally:
                    album.faults += them.errors + told_twice(them)
                    album.heard = {name: ear.told for name, ear in them.ears.items()}
        finally:
            print(f"{album.bind()} after {time.monotonic() - began:.0f} s")
    return album.faults


def main() -> int:
    arguments = argparse.ArgumentParser(prog="tests.journey", description=__doc__)
    arguments.add_argument("--shots", type=Path, default=Path("var/journey"))
    arguments.add_argument("--runs", type=int, default=0)
    given = arguments.parse_args()
    if given.runs:
        return asyncio.run(measure_runs(given.runs))
    faults = asyncio.run(photograph(given.shots))
    for fault in faults:
        print(f"!! {fault}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
