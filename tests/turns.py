"""In which turns a few processes take the files of tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

BROWSERS = "files that drive browsers"
ROOT = Path(__file__).parent.parent


@cache
def drives_browsers(path: str) -> bool:
    """Whether tests of that file carry the marker; who gives files out has no more than their names."""
    return "mark.browser" in (ROOT / path).read_text("utf-8")


class BrowsersInTurn(LoadFileScheduling):
    """As `--dist loadfile`, in the order of names, but the files with browsers in one piece and first."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        path = str(super()._split_scope(nodeid))
        return BROWSERS if drives_browsers(path) else path

    def _assign_work_unit(self, node: object) -> None:
        if BROWSERS in self.workqueue:
            self.workqueue.move_to_end(BROWSERS, last=False)
        super()._assign_work_unit(node)
