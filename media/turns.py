"""How soon a thread gets the core that it shares with others (Linux, sched_setattr(2)).

A thread that asks for short turns comes before one in the middle of a longer turn, and gets no more of the
core for it. Who forwards packets works for some 0.1 ms at a time; the kernel's own turn of about 3 ms is what
a packet may otherwise wait for the writer of the recordings. Needs no privilege. Kernels before 6.12 do not
heed it, other systems do not have it.
"""

import os
import platform
import sys
import threading
from typing import Any

from cffi import FFI

# Seconds; the kernel takes 0.1 to 100 ms.
SHORT = 0.0002
_NUMBERS = {"x86_64": (314, 315), "aarch64": (274, 275)}

_ffi = FFI()
_ffi.cdef(
    """
    struct sched_attr {
        uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority;
        uint64_t runtime, deadline, period;
    };
    long syscall(long number, ...);
    """
)


def ask_for_turns(seconds: float) -> bool:
    """Ask for turns so long for the calling thread, 0 for the kernel's own; whether the system took it."""
    attributes = _read()
    if attributes is None:
        return False
    attributes.nice = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    attributes.runtime = round(seconds * 1e9)
    number = _NUMBERS[platform.machine()][0]
    return bool(_call(number, attributes, _ffi.cast("unsigned int", 0)) == 0)


def turns() -> float | None:
    """The calling thread's own, in seconds; None where they cannot be asked for."""
    attributes = _read()
    return attributes.runtime / 1e9 if attributes is not None and attributes.runtime else None


def _read() -> Any:
    """The attributes of the calling thread, None where it is not one that shares by turns (SCHED_OTHER)."""
    if not sys.platform.startswith("linux") or platform.machine() not in _NUMBERS:
        return None
    attributes = _ffi.new("struct sched_attr *")
    attributes.size = size = _ffi.sizeof("struct sched_attr")
    number = _NUMBERS[platform.machine()][1]
    failed = _call(number, attributes, _ffi.cast("unsigned int", size), _ffi.cast("unsigned int", 0))
    return attributes if not failed and attributes.policy == os.SCHED_OTHER else None


def _call(number: int, attributes: Any, *others: Any) -> int:
    library: Any = _ffi.dlopen(None)
    return int(library.syscall(number, _ffi.cast("long", 0), attributes, *others))
