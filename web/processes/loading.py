"""How a process loads its modules."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Nobody looks for garbage meanwhile: what is loaded stays, and looking was a fifth of a start.

    Seconds count here: a web process that was killed is missed by everybody until it is back.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
