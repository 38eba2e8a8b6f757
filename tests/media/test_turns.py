"""Short turns of the thread that forwards."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from media.turns import SHORT, ask_for_turns, turns
from recordings.capture.recorder import NICENESS, _yield_to_others


def in_a_thread(work: Callable[[], list[float | None]]) -> list[float | None]:
    """What it returns; nothing is left of what it asked for."""
    found: list[float | None] = []
    thread = threading.Thread(target=lambda: found.extend(work()))
    thread.start()
    thread.join()
    return found


needed = pytest.mark.skipif(turns() is None, reason="the kernel does not tell of turns")


@needed
def test_who_forwards_asks_for_short_turns_and_who_writes_for_usual_ones() -> None:
    usual = turns()
    assert usual is not None and usual > SHORT

    def forward_and_begin_to_write() -> list[float | None]:
        assert ask_for_turns(SHORT)

        def write() -> list[float | None]:
            inherited = turns()
            _yield_to_others()
            return [inherited, turns(), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())]

        return [turns(), *in_a_thread(write)]

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    mine, inherited, writing, niceness = in_a_thread(forward_and_begin_to_write)
    assert mine == inherited == pytest.approx(SHORT)
    assert writing == pytest.approx(usual)
    assert niceness == max(before, NICENESS)
    assert turns() == pytest.approx(usual), "of its own thread only"


@needed
def test_it_keeps_the_priority_of_the_thread() -> None:
    def work() -> list[float | None]:
        own = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, own, 7)
        assert ask_for_turns(SHORT)
        return [os.getpriority(os.PRIO_PROCESS, own)]

    assert in_a_thread(work) == [7]
