"""A subscriber's transport-wide feedback: the packets that a browser would send every 50 to 250 ms."""

from media.feedback import build_transport_wide
from media.rtp import find_extension
from media.transportwide import build_transport_feedback

_TICK_NS = 250_000
# More than this between two numbers and they do not belong to one run.
_HALF = 0x8000


class WideArrivals:
    """Transport-wide numbers and arrival times (ns) since the last feedback; `extension_id` is 0 without."""

    def __init__(self) -> None:
        self.extension_id = 0
        self._found: dict[int, int] = {}
        self._highest = -1
        self._told = -1
        self._count = 0

    def find(self, packet: memoryview, arrived_ns: int) -> None:
        """Note the number that a decrypted packet bears."""
        element = find_extension(bytes(packet), self.extension_id)
        if element is not None and len(element) == 2:
            self.note(int.from_bytes(element, "big"), arrived_ns)

    def note(self, number: int, arrived_ns: int) -> None:
        """The packet of this number (16 bits) came."""
        if self._highest < 0:
            self._highest = number
            self._told = number - 1
        index = self._highest + (number - self._highest + _HALF) % (2 * _HALF) - _HALF
        self._highest = max(self._highest, index)
        self._found.setdefault(index, arrived_ns)

    def take(self, sender: int, media: int) -> list[bytes]:
        """RTCP packets for all that was noted, none when nothing new came."""
        found, self._found = self._found, {}
        last, first = self._highest, self._told + 1
        ticks = [found[n] // _TICK_NS if n in found else None for n in range(first, last + 1)]
        if not any(tick is not None for tick in ticks):
            return []
        self._told = last
        body = build_transport_feedback(sender, media, first, ticks, self._count)
        self._count += 1
        return [build_transport_wide(body)]
