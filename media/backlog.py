"""What waits to be written to one TCP connection.

Policy when the peer takes less than we have: video is dropped from the first packet that finds more than
VIDEO_CEILING bytes waiting to the end of its frame, because a picture with a hole is of no use; the peer
asks again for what it misses. Audio, reports, checks and DTLS wait, up to CEILING bytes; beyond that they
are dropped as well. Nothing is dropped once it waits, so a frame on the stream is never torn.
"""

from collections import deque
from itertools import islice

from media.framing import frame

# About a second of a weak line.
VIDEO_CEILING = 64 * 1024
CEILING = 256 * 1024
MOST_BUFFERS = 64
# Payload types of sound: Opus, and RED around it. All other RTP is video or its repair.
SOUNDS = frozenset({111, 63})


class Backlog:
    """Frames in order. `put` adds one, `head` and `taken` are for the writer."""

    def __init__(self) -> None:
        self.size = 0
        self.dropped = 0
        self._frames: deque[bytes | memoryview] = deque()
        # Timestamp of the video frame that is being left out, by SSRC.
        self._skipping: dict[bytes, bytes] = {}

    def put(self, datagram: bytes | memoryview) -> bool:
        """Let one wait. False when it was dropped."""
        if self.size > CEILING or (_is_video(datagram) and self._skips(datagram)):
            self.dropped += 1
            return False
        framed = frame(datagram)
        self._frames.append(framed)
        self.size += len(framed)
        return True

    def _skips(self, datagram: bytes | memoryview) -> bool:
        # The RTP header is not encrypted (RFC 3711 section 3.1).
        timestamp, ssrc = bytes(datagram[4:8]), bytes(datagram[8:12])
        if self.size > VIDEO_CEILING:
            self._skipping[ssrc] = timestamp
            return True
        if self._skipping.get(ssrc) == timestamp:
            return True
        self._skipping.pop(ssrc, None)
        return False

    def head(self) -> list[bytes | memoryview]:
        """What to write next, for sendmsg."""
        return list(islice(self._frames, MOST_BUFFERS))

    def taken(self, count: int) -> None:
        """The kernel has taken so many bytes."""
        self.size -= count
        while count:
            first = self._frames[0]
            if count < len(first):
                self._frames[0] = memoryview(first)[count:]
                return
            count -= len(first)
            self._frames.popleft()


def _is_video(datagram: bytes | memoryview) -> bool:
    if len(datagram) < 12 or not 128 <= datagram[0] < 192 or 192 <= datagram[1] < 224:
        return False
    return datagram[1] & 0x7F not in SOUNDS
