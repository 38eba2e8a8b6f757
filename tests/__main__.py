"""`python -m tests [pytest arguments]`: the whole suite; what measures real time is judged again, alone.

Real browsers encode and decode on the same two cores as everything else in the suite, so a test that
measures seconds can fail because of its neighbour. Such tests (markers `browser`, `netns`, `real_time`)
get one more run with the machine to themselves. Nothing else does, and the output names each of them.

Files are given out to as many processes as `-n` says. Those in which browsers meet in a room count as one
file, which is begun first: no two of them run side by side, and nothing long is left for the end. Files in
which browsers only look at pages measure no seconds: they are given out one by one, before all others.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

REAL_TIME = frozenset({"browser", "netns", "real_time"})
# Tells a test that it has the machine to itself: if that stands still even then, nobody can judge.
ALONE = "LIANXIN_ALONE"
# More than this is no bad neighbour.
AT_MOST = 5


class Witness:
    """Of a run: the tests that failed, with their markers and other keywords; gives the tests out."""

    def __init__(self) -> None:
        self.failed: dict[str, set[str]] = {}

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        from tests.turns import BrowsersInTurn  # Not before pytest has prepared its plugins.

        return BrowsersInTurn(config, log) if config.getoption("dist") == "loadfile" else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.setdefault(report.nodeid, set()).update(report.keywords)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed[report.nodeid] = set()

    def again(self) -> list[str]:
        """The tests to run once more: all that failed, or none."""
        if len(self.failed) > AT_MOST or any(not keywords & REAL_TIME for keywords in self.failed.values()):
            return []
        return list(self.failed)


def keep_bytecode() -> None:
    """Each of some hundred processes that the tests start would otherwise compile the whole service again."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def main(arguments: list[str]) -> int:
    keep_bytecode()
    witness = Witness()
    result = pytest.main(arguments, plugins=[witness])
    if result != pytest.ExitCode.TESTS_FAILED or not (again := witness.again()):
        return int(result)
    print("\n!!! Failed beside others, judged again alone:\n    " + "\n    ".join(again), flush=True)
    environment = os.environ | {ALONE: "1"}
    alone = subprocess.run([sys.executable, "-m", "pytest", "-n", "0", *again], env=environment, check=False)
    if alone.returncode == 0:
        print("!!! These passed only when they had the machine to themselves:\n    " + "\n    ".join(again))
    return alone.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
