"""Child processes of the recordings worker: low priority, and gone when the worker is."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

NICE = 10
PR_SET_PDEATHSIG = 1
# Where `python -m recordings...` finds our packages, wherever the worker itself was started.
HOME = Path(__file__).resolve().parent.parent


def die_with_parent() -> None:
    """For a child process: end when the parent does."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:
        sys.exit("the parent is gone")
