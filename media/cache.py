"""The latest packets of one Publication, to answer NACKs from (RFC 4585 section 6.2.1)."""

from media.rtp import Packet


class PacketCache:
    """A ring of the latest `size` indexes; an older packet is overwritten by a newer one, never the reverse.

    Memory is bounded by `size` packets of at most one datagram each.
    """

    __slots__ = ("_mask", "_ring")

    def __init__(self, size: int = 512) -> None:
        if size <= 0 or size & (size - 1):
            raise ValueError("size must be a power of two")
        self._mask = size - 1
        self._ring: list[Packet | None] = [None] * size

    def put(self, packet: Packet) -> bool:
        """Keep the packet unless its place belongs to a newer one; False when it is there already."""
        place = packet.index & self._mask
        present = self._ring[place]
        if present is None or present.index < packet.index:
            self._ring[place] = packet
            return True
        return present.index != packet.index

    def get(self, index: int) -> Packet | None:
        """The packet with that very index, or None if it never came or was overwritten."""
        packet = self._ring[index & self._mask]
        return packet if packet is not None and packet.index == index else None
