"""The latest packets of one Layer, to answer NACKs from (RFC 4585 section 6.2.1)."""

from typing import Any

from media.fastpath import CACHE_PLACES, ffi, new
from media.rtp import Packet, parse_packet

NOTHING = -1


class PacketCache:
    """A ring of `size` bytes with the latest `places` indexes, both powers of two, in the struct `state`.

    An older packet is overwritten by a newer one, never the reverse. Memory is bounded by `size`, whatever
    the packets measure.
    """

    __slots__ = ("_mask", "_memory", "_ring", "state")

    def __init__(self, places: int = CACHE_PLACES, size: int = 1 << 19) -> None:
        for count in (places, size):
            if count <= 0 or count & (count - 1):
                raise ValueError("places and size must be powers of two")
        if places > CACHE_PLACES:
            raise ValueError(f"at most {CACHE_PLACES} places")
        self._memory = ffi.new("char[]", size)
        self._ring = memoryview(ffi.buffer(self._memory))
        self._mask = places - 1
        state: Any = new("cache")
        state.ring, state.size, state.places = self._memory, size, places
        for place in range(places):
            state.start[place] = NOTHING
        self.state = state

    def put(self, packet: Packet) -> bool:
        """Keep the packet unless its place belongs to a newer one; False when it is there already."""
        state, index, length = self.state, packet.index, len(packet.data)
        place = index & self._mask
        if state.start[place] >= 0 and state.index[place] >= index:
            return bool(state.index[place] != index)
        if length > state.size:
            return True
        start = int(state.written)
        left = state.size - (start & (state.size - 1))
        if left < length:
            start += left  # in one piece
        begin = start & (state.size - 1)
        self._ring[begin : begin + length] = packet.data
        state.written = start + length
        state.index[place] = index
        state.start[place] = start
        state.length[place] = length
        return True

    def get(self, index: int) -> Packet | None:
        """The packet with that very index, or None if it never came or was overwritten."""
        if not self.has(index):
            return None
        state, place = self.state, index & self._mask
        begin = state.start[place] & (state.size - 1)
        packet = parse_packet(self._ring[begin : begin + state.length[place]].tobytes())
        packet.index = index
        return packet

    def has(self, index: int) -> bool:
        """Whether `get` would find it."""
        state, place = self.state, index & self._mask
        start = state.start[place]
        return bool(start >= 0 and state.index[place] == index and state.written - start <= state.size)
