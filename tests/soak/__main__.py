"""`python -m tests.soak`: half an hour (LIANXIN_SOAK_MINUTES) of sittings while media workers are killed.

Prints what happened and what each process held before and after; ends with 1 when something grew or broke.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.run import Outcome, Plan, soak


def table(outcome: Outcome) -> str:
    """What happened, and by process what was held before and after."""
    lines = [
        f"sittings {outcome.sittings}, media workers killed {outcome.kills}",
        "happened: " + ", ".join(f"{name} {count}" for name, count in outcome.happened.most_common()),
        "refused: " + (", ".join(f"{text} {n}" for text, n in outcome.refused.most_common(12)) or "-"),
        "",
        f"{'process':12} {'MB 2nd fifth':>12} {'MB last':>9} {'growth':>8}   "
        f"{'files':>9} {'sockets':>9} {'threads':>9} {'tasks':>9}",
    ]
    for name, before in sorted(outcome.before.items()):
        after = outcome.after.get(name, before)
        memory = outcome.memory.get(name)
        grown = " " * 31
        if memory:
            grown = f"{memory[0]:12.1f} {memory[1]:9.1f} {memory[2]:8.1%}"
        pairs = [
            f"{getattr(before, what):>4}->{getattr(after, what):<4}"
            for what in ("descriptors", "sockets", "threads", "tasks")
        ]
        lines.append(f"{name:12} {grown}   " + " ".join(pairs))
    for name, sizes in sorted(outcome.course.items()):
        lines.append(f"{name:12} MB by tenths: " + " ".join(f"{size:.1f}" for size in sizes))
    lines += ["", f"passing files {outcome.files[0]} -> {outcome.files[1]}"]
    return "\n".join(lines)


def main() -> int:
    minutes = float(os.environ.get("LIANXIN_SOAK_MINUTES", "30"))
    plan = Plan(minutes * 60, seed=int(os.environ.get("LIANXIN_SOAK_SEED", "1")))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lxsoak") as folder:
        outcome = asyncio.run(soak(Path(folder), plan))
    print(
        f"soak of {minutes:g} minutes, seed {plan.seed}, took {(time.monotonic() - began) / 60:.1f} minutes"
    )
    print(table(outcome))
    for fault in outcome.faults:
        print(f"!! {fault}")
    print("no leak" if not outcome.faults else f"{len(outcome.faults)} faults")
    return bool(outcome.faults)


if __name__ == "__main__":
    sys.exit(main())
