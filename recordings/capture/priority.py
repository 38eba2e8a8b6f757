"""The priority of the threads that bring recordings to the disk."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

# Below the thread that forwards, which must not wait while many tracks are written.
NICENESS = 5


def yield_to_others() -> None:
    """Lower the calling thread's priority where the system has one for each thread."""
    if sys.platform.startswith("linux"):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
