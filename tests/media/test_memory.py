"""Memory of those who left goes back to the system."""

import ctypes
import subprocess
import sys

import pytest

# Rooms come and go: caches and reels, and between them small things that stay.
LIFE = """
import ctypes, resource, sys
from media.fastpath import ffi, new_bytes
from media.memory import give_back, map_large_blocks

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

if sys.argv[1] == "mapped":
    assert map_large_blocks()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
first = [new_bytes(size) for size in (192 * 1024, 512 * 1024)]
del first
before = resident()
caches, kept = [], []
for _ in range(100):
    block = new_bytes(192 * 1024)
    ctypes.memset(int(ffi.cast("uintptr_t", block)), 1, 192 * 1024)
    caches.append(block)
    kept.append(libc.malloc(600))
del caches, block
if sys.argv[2] == "trimmed":
    give_back()
print((resident() - before) // 1024)
"""


def grown(*how: str) -> int:
    """KB by which a process grew by people who are gone."""
    done = subprocess.run([sys.executable, "-c", LIFE, *how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc")
def test_what_people_leave_behind_goes_back() -> None:
    assert grown("mapped", "as it is") < 2_000
    assert grown("as ever", "as it is") > 10_000, "then nobody needs to map anything"
    assert grown("as ever", "trimmed") < 2_000
