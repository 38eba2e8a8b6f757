"""The state of the packet path that Python and media/fastpath.c share, and the compiled path if there is one.

Python's classes keep their hot fields in these structs, compiled path or not, so that either can take the
next packet. Without a compiler `library` is None and Python does everything: slower, to the same effect.
"""

from pathlib import Path
from typing import Any

from media.library import Library

HERE = Path(__file__).parent
LIBRARY = Library("fastpath", (HERE / "fastpath.c", HERE / "reel.c"), (HERE / "reel.h", HERE / "fastpath.h"))
build = LIBRARY.build

ffi = LIBRARY.declarations()
_constants = ffi.dlopen(None)
BATCH: int = _constants.BATCH
LARGEST_GAP: int = _constants.LARGEST_GAP
STRIDE: int = _constants.STRIDE
LARGEST: int = _constants.LARGEST
NAME_LENGTH: int = _constants.NAME_LENGTH
CONTROL_LENGTH: int = _constants.CONTROL_LENGTH
MOST_STREAMS: int = _constants.MOST_STREAMS
MOST_PORTS: int = _constants.MOST_PORTS
MOST_ARRIVALS: int = _constants.MOST_ARRIVALS
SENT_LOG: int = _constants.SENT_LOG
CACHE_PLACES: int = _constants.CACHE_PLACES
IDLE: int = _constants.IDLE
SENDING: int = _constants.SENDING
WAITING: int = _constants.WAITING
BY_HAND: int = _constants.BY_HAND
EVENT_RAW: int = _constants.EVENT_RAW
EVENT_DECRYPTED: int = _constants.EVENT_DECRYPTED
EVENT_SHARED: int = _constants.EVENT_SHARED
EVENT_UNWOUND: int = _constants.EVENT_UNWOUND
EVENT_MISSING: int = _constants.EVENT_MISSING
EVENT_REFUSED: int = _constants.EVENT_REFUSED
EVENT_REEL: int = _constants.EVENT_REEL
CODECS = {"opus": _constants.OPUS, "VP8": _constants.VP8, "H264": _constants.H264}
OTHER: int = _constants.OTHER
NULL = ffi.NULL


_raw = ffi.new_allocator(should_clear_after_alloc=False)


def new_bytes(size: int) -> Any:
    """`char[size]` that nobody has touched, so that it takes no memory before it is used."""
    return _raw("char[]", size)


def new(kind: str) -> Any:
    """A zeroed `struct kind`; it lives as long as what is returned."""
    return ffi.new(f"struct {kind} *")


def load() -> Any:
    """The compiled functions, or None when they were not built for these sources."""
    return LIBRARY.load(ffi)


if __name__ == "__main__":
    reason = build()
    if reason is not None:
        print(f"!! 转发核心未编译，改用 Python 转发（约慢一倍）：{reason} (packets are forwarded by Python)")
