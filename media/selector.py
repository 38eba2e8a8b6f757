"""The event loop of a worker whose common packets never reach the interpreter.

asyncio waits in a selector. This one waits in media/fastpath.c, which reads the UDP ports, forwards what is
common and waits on; it comes back when something needs Python. Nothing is shared between threads, and the
writer thread of the recorder may have the interpreter while packets are forwarded.
"""

import asyncio
import select
import selectors
import time
from collections.abc import Callable

import uvloop

from media.fastlane import FastLane

NO_DEADLINE = -1.0


class PacketSelector(selectors.EpollSelector):
    """An EpollSelector that lets the lane wait."""

    def __init__(self, lane: FastLane) -> None:
        super().__init__()
        self._lane = lane

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As selectors.BaseSelector.select; `timeout` in seconds."""
        deadline = NO_DEADLINE if timeout is None else time.monotonic() + max(timeout, 0.0)
        keys = self.get_map()
        ready = []
        for fd, events in self._lane.wait(self.fileno(), deadline):
            key = keys.get(fd)
            mask = _mask(events) & key.events if key is not None else 0
            if key is not None and mask:
                ready.append((key, mask))
        return ready


def _mask(events: int) -> int:
    """Errors and hang-ups count as both, so that whoever waits learns of them."""
    readable = selectors.EVENT_READ if events & ~select.EPOLLOUT else 0
    return readable | (selectors.EVENT_WRITE if events & ~select.EPOLLIN else 0)


def loop_factory(lane: FastLane | None) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the worker's loop: around the lane, or uvloop's where nothing was compiled."""
    if lane is None:
        return uvloop.new_event_loop
    return lambda: asyncio.SelectorEventLoop(PacketSelector(lane))
