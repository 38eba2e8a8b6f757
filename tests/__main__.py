"""`python -m tests [pytest arguments]`: the whole suite; the few that failed are judged again, alone.

Real browsers encode and decode on the same two cores as everything else in the suite, so a test that
measures seconds can fail because of its neighbour. Such tests (markers `browser`, `netns`, `real_time`)
get one more run with the machine to themselves. Any other has no such excuse: it has to pass alone three
times in a row, and is named as one to be mended. The output names each of them either way.

Files are given out to as many processes as `-n` says. What goes on in real time is begun first, in three
lanes of one file after another: browsers that meet over networks, browsers that hold receptions, and seconds
that are measured without browsers. Nothing long is left for the end, and no two files of one lane run side by
side. Pages in browsers come next, then all others; these stand back behind the lanes (tests/turns.py).
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
# More than this is no bad neighbour. Eight that measure seconds failed on a machine half as fast as another,
# and passed alone, each of them.
AT_MOST = 10


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
        """The tests to judge once more: all that failed, or none; what could not be collected is no test."""
        if len(self.failed) > AT_MOST or any(not keywords for keywords in self.failed.values()):
            return []
        return list(self.failed)

    def unexcused(self) -> list[str]:
        """Of these, the ones that no neighbour should have been able to disturb."""
        return [name for name in self.again() if not self.failed[name] & REAL_TIME]


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
    unexcused = witness.unexcused()
    for tests in (again, *([unexcused] * 2 if unexcused else [])):
        if code := judged_alone(tests):
            return code
    print("!!! These passed only when they had the machine to themselves:\n    " + "\n    ".join(again))
    if unexcused:
        print("!!! Nothing is timed in these: each hides a fault:\n    " + "\n    ".join(unexcused))
    return 0


def judged_alone(tests: list[str]) -> int:
    """The exit code of a run of these tests with the machine to themselves."""
    command = [sys.executable, "-m", "pytest", "-n", "0", *tests]
    return subprocess.run(command, env=os.environ | {ALONE: "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
