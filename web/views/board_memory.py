"""Which board was sent to whom last: one that cannot have changed is not built again every second."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta

from aiohttp import web

# What pages and other processes write is on every board by then; rooms and tasks are at once.
TRUSTED_FOR = timedelta(seconds=5)
CEILING = 2000  # Boards that are remembered; the oldest are built anew.


class BoardMemory:
    """Owned: for each reader and address the mark that was sent, when it was built, and of which state."""

    def __init__(self) -> None:
        self._sent: OrderedDict[str, tuple[str, datetime, Hashable]] = OrderedDict()
        self._acts = 0

    @property
    def acts(self) -> int:
        """How many tasks were taken, given back or closed."""
        return self._acts

    def note_act(self) -> None:
        """Somebody changed what every board shows."""
        self._acts += 1

    def keep(self, reader: str, mark: str, now: datetime, state: Hashable) -> None:
        """This was sent, built from `state` at `now`."""
        self._sent[reader] = (mark, now, state)
        self._sent.move_to_end(reader)
        while len(self._sent) > CEILING:
            self._sent.popitem(last=False)

    def is_fresh(self, reader: str, mark: str, now: datetime, state: Hashable) -> bool:
        """Does the reader hold what would be built now, as far as can be known without looking?"""
        sent, at, of = self._sent.get(reader, ("", now, None))
        return sent == mark != "" and of == state and timedelta(0) <= now - at < TRUSTED_FOR


BOARDS = web.AppKey("boards", BoardMemory)
