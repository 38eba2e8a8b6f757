"""A reel: the packets of one layer for its recorder, framed by the compiled path (media/reel.c)."""

from dataclasses import dataclass
from typing import Any

from media.fastpath import ffi, new, new_bytes

# Taken ten times a second, and when half full. A key frame of 60 packets in one batch fits into the rest.
VIDEO_BYTES, AUDIO_BYTES = 192 * 1024, 16 * 1024


@dataclass(frozen=True, slots=True)
class Records:
    """Packets of one layer in the order of their arrival, none of which begins a key frame.

    `framed`: `count` records of docs/recording-format.md, one behind the other; `last_at`: when the last
    packet came, monotonic seconds.
    """

    framed: bytes
    count: int
    last_at: float


class Reel:
    """Owns the struct reel that `state` points to."""

    def __init__(self, is_video: bool) -> None:
        size = VIDEO_BYTES if is_video else AUDIO_BYTES
        self._bytes = new_bytes(size)
        self._view = memoryview(ffi.buffer(self._bytes))
        self.state: Any = new("reel")
        self.state.bytes, self.state.size = self._bytes, size

    def take(self) -> Records | None:
        """What is on it, which it then forgets; None when nothing is."""
        state = self.state
        end = state.end
        if not end:
            return None
        taken = Records(self._view[:end].tobytes(), state.count, state.last_at)
        state.end = state.count = 0
        return taken
