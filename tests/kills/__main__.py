"""`python -m tests.kills`: LIANXIN_KILLS (100) kills of each kind of worker at seeded random moments.

LIANXIN_KILLS_SEED (1) chooses the moments. Prints what was held against the recordings; ends with 1 when
anything written is missing, a gap is not told or a film does not decode.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.kills.campaign import Campaign, Outcome, Plan


def table(outcome: Outcome) -> str:
    """What was killed, and what was found of what had been written."""
    found = outcome.found
    tails = sorted(found.tails) or [0.0]
    stages = ", ".join(f"{name} {count}" for name, count in sorted(outcome.stages.items()))
    rows = (
        ("media workers killed", f"{outcome.media}"),
        ("recordings workers killed", f"{outcome.stages.total()} ({stages})"),
        ("recordings sealed, composed, archived", f"{found.recordings}"),
        ("writes the kernel took, all in the result", f"{found.writes}"),
        ("records in the result", f"{found.records}"),
        ("pages shown, all in the result", f"{found.pages}"),
        ("torn ends, told as such", f"{found.torn}"),
        ("gaps told", f"{found.gaps}"),
        ("films decoded to the end", f"{found.film_seconds:.0f} s"),
        ("lost before a kill, median and longest", f"{median(tails):.2f} s, {tails[-1]:.2f} s"),
    )
    return "\n".join(f"{name:42} {value}" for name, value in rows)


def say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    plan = Plan(int(os.environ.get("LIANXIN_KILLS", "100")), int(os.environ.get("LIANXIN_KILLS_SEED", "1")))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lxkills") as folder:
        outcome = asyncio.run(Campaign(Path(folder), plan, say).run())
    took = (time.monotonic() - began) / 60
    print(f"{plan.kills} kills of each worker, seed {plan.seed}, took {took:.1f} minutes")
    print(table(outcome))
    for fault in outcome.found.faults:
        print(f"!! {fault}")
    print("nothing is missing" if not outcome.found.faults else f"{len(outcome.found.faults)} faults")
    return bool(outcome.found.faults)


if __name__ == "__main__":
    sys.exit(main())
