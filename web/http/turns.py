"""Whoever taps twice sends a form twice: the second request waits here until the first has answered.

For comfort only, within this process: that nothing is entered twice is kept by the database.
"""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

from aiohttp import web


class Turns:
    """A lock for each name; it is forgotten when nobody holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, name: str) -> asyncio.Lock:
        """The lock of this name, for `async with`."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock


TURNS = web.AppKey("turns", Turns)
