"""What the C library does with memory that was given back, in a process where people come and go for days.

A cache (512 KB) or a reel (192 KB) that is freed would by default raise the size from which blocks are
mapped on their own (mallopt(3), M_MMAP_THRESHOLD), until all of them come from one heap, in whose holes
smaller things settle later: a worker grew by 8 % in half an hour of sittings. With glibc only; elsewhere
nothing happens.
"""

import ctypes
from typing import Any

M_MMAP_THRESHOLD = -3
# Blocks from this size on are mapped on their own and go back to the system when they are freed. Bytes.
LARGE = 128 * 1024


def _libc() -> Any:
    return ctypes.CDLL(None)


def map_large_blocks() -> bool:
    """Fix the size of large blocks for the life of this process; whether the C library can."""
    mallopt = getattr(_libc(), "mallopt", None)
    return mallopt is not None and bool(mallopt(M_MMAP_THRESHOLD, LARGE))


def give_back() -> bool:
    """Return free pages of the heap to the system; whether there were any. 90 MB of holes took 1.2 ms."""
    trim = getattr(_libc(), "malloc_trim", None)
    return trim is not None and bool(trim(0))
