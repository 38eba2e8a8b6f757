"""The soak in small: seconds of what `make soak` does for half an hour; and its ledger sees what grows."""

from __future__ import annotations

import asyncio
import time
from asyncio.subprocess import PIPE
from collections import Counter
from pathlib import Path

import pytest

from tests.soak.__main__ import table
from tests.soak.ledger import Held, course, growth, is_idle, leaks
from tests.soak.run import Outcome, Plan, soak, told_faults

pytestmark = pytest.mark.real_time

SHORT = Plan(8.0, lanes=2, sitting=(8.0, 8.0), kill_every=4.0, seed=7, flat=0.5, settle=0.0)


@pytest.mark.timeout(240)
async def test_nothing_is_left_of_sittings_and_killed_workers(tmp_path: Path) -> None:
    began = time.monotonic()
    outcome = await soak(tmp_path, SHORT)
    print(f"\n{table(outcome)}\ntook {time.monotonic() - began:.1f} s")
    assert outcome.faults == []
    assert outcome.sittings >= 2 * SHORT.lanes and outcome.kills >= 1
    assert sum(outcome.happened.values()) >= 4


def test_the_ledger_sees_what_grows() -> None:
    line = [(float(n), 100.0 + n) for n in range(100)]
    assert growth(line[:5]) is None
    early, late, share = growth(line) or (0, 0, 0)
    assert (early, late) == (129.5, 189.5) and share == pytest.approx(0.463, abs=0.01)
    assert course(line) == [104.5 + 10 * part for part in range(10)]
    before = Held(10, 3, 4, 5)
    assert leaks({"web": before}, {"web": before}) == []
    for after in (Held(11, 3, 4, 5), Held(10, 4, 4, 5), Held(10, 3, 5, 5), Held(10, 3, 4, 6)):
        assert len(leaks({"web": before}, {"web": after})) == 1
    # One more connection to the database, with its thread, is no leak; twenty are.
    more = Counter({"lianxin.db": 1, "lianxin.db-wal": 1})
    assert leaks({"web": before}, {"web": Held(12, 3, 5, 5, more)}) == []
    many = Counter({"lianxin.db": 20})
    assert len(leaks({"web": before}, {"web": Held(30, 3, 24, 5, many)})) == 2


def test_memory_that_grows_and_files_that_stay_are_faults() -> None:
    outcome = Outcome(files=(3, 4), memory={"web": (100.0, 106.0, 0.06), "media 0": (80.0, 83.0, 0.0375)})
    assert [fault.partition(":")[0] for fault in outcome.faults] == ["files", "web"]
    assert told_faults("all is well\n") == []
    assert told_faults("a\nTraceback (most recent call last)\n  x\nKeyError\n") == ["log: \n  x\nKeyError\n"]


async def test_who_waits_for_a_process_of_their_own_is_at_work() -> None:
    script = "read line; sleep 60 & echo; read line; kill $!"
    process = await asyncio.create_subprocess_exec("sh", "-c", script, stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None and process.stdout is not None
    assert await is_idle(process.pid, 0.2)
    process.stdin.write(b"work\n")
    await process.stdout.readline()
    assert not await is_idle(process.pid, 0.2)
    await process.communicate(b"stop\n")
