"""In which turns a few processes take the files of tests."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sized
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

NETWORKS = "files in which browsers meet over networks that are measured"
RECEPTIONS = "files in which browsers hold receptions"
SECONDS = "files without browsers in which seconds are measured"
# Each begins at once and goes on in real time, mostly waiting: one file of it after another.
LANES = (NETWORKS, RECEPTIONS, SECONDS)
ROOT = Path(__file__).parent.parent
# Browsers that look at pages, without a call that goes on in real time.
PAGES = ("tests/web/", "tests/journey/", "tests/life/")
# How far whatever has time stands back behind whatever goes on in real time.
NICENESS = 10


@cache
def marked(path: str, marker: str) -> bool:
    """Whether tests of that file carry the marker; who gives files out has no more than their names."""
    return f"mark.{marker}" in (ROOT / path).read_text("utf-8")


def scope_of(path: str) -> str:
    """What is given out in one piece: files that would disturb each other's measurements."""
    if path.startswith(PAGES):
        return path
    if marked(path, "browser"):
        return RECEPTIONS if path.startswith("tests/scenarios/") else NETWORKS
    return SECONDS if marked(path, "real_time") else path


def turn_of(scope: str) -> int:
    """What takes longest comes first, so that nothing long is left for the end."""
    return 0 if scope in LANES else 1 if marked(scope, "browser") else 2


def order_of(unit: tuple[str, Sized]) -> tuple[int, int]:
    """Of a scope and its tests, of which many take long: few are left for the end."""
    scope, tests = unit
    return turn_of(scope), -len(tests)


def give_way(path: str) -> None:
    """Called before each test of a process: from its first file that has time on, it stands back."""
    if scope_of(path) not in LANES and os.nice(0) < NICENESS:
        os.nice(NICENESS - os.nice(0))


class BrowsersInTurn(LoadFileScheduling):
    """As `--dist loadfile`, but by these turns, and within each what has most tests first."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(str(super()._split_scope(nodeid)))

    def _assign_work_unit(self, node: object) -> None:
        self.workqueue = OrderedDict(sorted(self.workqueue.items(), key=order_of))
        super()._assign_work_unit(node)
