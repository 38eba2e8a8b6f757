"""Datagrams on a stream: each behind its length in two bytes (RFC 4571 section 2)."""

from media.fastpath import LARGEST

PREFIX = 2


class FramingError(ValueError):
    """A frame longer than any datagram of ours; the stream cannot be trusted any more."""


class Deframer:
    """Cuts a stream into datagrams. Holds less than one frame between two calls."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def waiting(self) -> bool:
        """Whether the beginning of a frame is there and its end is not."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """The datagrams that are complete now, also empty ones. Raises FramingError."""
        data = self._rest + data
        found = []
        position = 0
        while position + PREFIX <= len(data):
            length = data[position] << 8 | data[position + 1]
            if length > LARGEST:
                raise FramingError(f"a frame of {length} bytes")
            end = position + PREFIX + length
            if end > len(data):
                break
            found.append(data[position + PREFIX : end])
            position = end
        self._rest = data[position:]
        return found


def frame(datagram: bytes | memoryview) -> bytes:
    """A datagram as it stands in the stream."""
    return len(datagram).to_bytes(PREFIX, "big") + datagram
