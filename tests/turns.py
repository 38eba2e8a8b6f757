"""In which turns a few processes take the files of tests."""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

ROOMS = "files in which browsers meet in a room"
ROOT = Path(__file__).parent.parent
# Browsers that look at pages, without a call that goes on in real time.
PAGES = ("tests/web/", "tests/journey/")


@cache
def drives_browsers(path: str) -> bool:
    """Whether tests of that file carry the marker; who gives files out has no more than their names."""
    return "mark.browser" in (ROOT / path).read_text("utf-8")


def scope_of(path: str) -> str:
    """What is given out in one piece: all rooms together, so that no two of them share the processor."""
    return ROOMS if drives_browsers(path) and not path.startswith(PAGES) else path


def turn_of(scope: str) -> int:
    """What takes longest comes first, so that nothing long is left for the end."""
    return 0 if scope == ROOMS else 1 if drives_browsers(scope) else 2


class BrowsersInTurn(LoadFileScheduling):
    """As `--dist loadfile`, but by these turns, and within each in the order of names."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(str(super()._split_scope(nodeid)))

    def _assign_work_unit(self, node: object) -> None:
        self.workqueue = OrderedDict(sorted(self.workqueue.items(), key=lambda item: turn_of(item[0])))
        super()._assign_work_unit(node)
