"""Retransmission streams (RTX, RFC 4588): what is sent again travels under an SSRC and numbers of its own.

From a publisher, such a packet is made into the one that it repeats before anything else sees it; to a
subscriber, what it asked for is wrapped, and padding is sent, without touching the numbers of the media.
"""

from collections import Counter
from struct import Struct

from media.layer import Layer
from media.negotiation import Accepted
from media.outlet import Outlet
from media.publication import Publication
from media.rtp import HEADER_LENGTH, Packet, RtpError, find_extension, parse_packet

# The sequence number of the original, before its payload (RFC 4588 section 4).
NUMBER = Struct("!H")
PADDING_BIT = 0x20


def restore(packet: Packet, ssrc: int, payload_type: int) -> bytes | None:
    """The datagram that a retransmission repeats: header and extensions as they came again, no padding.

    None when there is no payload in it.
    """
    if len(packet.payload) <= NUMBER.size:
        return None
    data = packet.data
    return b"".join(
        (
            bytes((data[0] & ~PADDING_BIT, data[1] & 0x80 | payload_type)),
            packet.payload[: NUMBER.size],
            data[4:8],
            ssrc.to_bytes(4, "big"),
            data[HEADER_LENGTH : packet.payload_offset],
            packet.payload[NUMBER.size :],
        )
    )


class RepairsIn:
    """The retransmission streams of one Publisher.

    Counted under `counters`: rtx_restored, rtx_padding (nothing in it: browsers probe), rtx_malformed,
    rtx_repeated (was there already), rtx_unrouted (repairs nothing we know). The transport limits SSRCs.
    """

    def __init__(self, counters: Counter[str]) -> None:
        self._counters = counters
        self._lines: list[tuple[Accepted, Publication]] = []
        self._layers: dict[int, tuple[Layer, int]] = {}

    def expect(self, accepted: Accepted, publication: Publication) -> None:
        """An m-section begins; it may have retransmissions."""
        if accepted.repair is not None:
            self._lines.append((accepted, publication))

    def forget(self, publication: Publication) -> None:
        """Its m-section has ended."""
        self._lines = [line for line in self._lines if line[1] is not publication]
        gone = publication.layers
        self._layers = {ssrc: found for ssrc, found in self._layers.items() if found[0] not in gone}

    def takes(self, packet: Packet) -> bool:
        """Whether its payload type is one of retransmissions."""
        return any(a.repair and a.repair.payload_type == packet.payload_type for a, _ in self._lines)

    def restore(self, packet: Packet) -> Packet | None:
        """The packet that was missing, or None when this is not one; counted either way."""
        if len(packet.payload) <= NUMBER.size:
            self._counters["rtx_malformed" if packet.payload else "rtx_padding"] += 1
            return None
        found = self._layers.get(packet.ssrc) or self._find(packet)
        if found is None or found[0].ssrc is None:
            self._counters["rtx_unrouted"] += 1
            return None
        layer, payload_type = found
        if not layer.lacks(NUMBER.unpack_from(packet.payload)[0]):
            self._counters["rtx_repeated"] += 1
            return None
        data = restore(packet, layer.ssrc or 0, payload_type)
        self._counters["rtx_restored"] += 1
        if data is None:
            return None
        again = parse_packet(data)
        again.repeated = True
        return again

    def _find(self, packet: Packet) -> tuple[Layer, int] | None:
        for accepted, publication in self._lines:
            if accepted.repair is None or accepted.repair.payload_type != packet.payload_type:
                continue
            layer = _layer_of(packet, accepted, publication)
            if layer is not None:
                found = layer, accepted.codec.payload_type
                self._layers[packet.ssrc] = found
                return found
        return None


def _layer_of(packet: Packet, accepted: Accepted, publication: Publication) -> Layer | None:
    """By the group in the offer, else by the names in the packet (RFC 8852 section 4, RFC 8843 9.2)."""
    section = accepted.section
    original = section.repair_ssrcs.get(packet.ssrc)
    if original is not None:
        return next((layer for layer in publication.layers if layer.ssrc == original), None)
    try:
        mid = find_extension(packet.data, accepted.mid_id) if accepted.mid_id else None
        rid = find_extension(packet.data, accepted.repaired_rid_id) if accepted.repaired_rid_id else None
    except RtpError:
        return None
    if mid != section.mid.encode():
        return None
    name = (rid or b"").decode("ascii", "replace")
    return next((layer for layer in publication.layers if layer.rid == name), None)


class RepairOut:
    """The retransmission stream of one Subscription; its numbers run on for as long as the SSRC is used."""

    def __init__(self, outlet: Outlet, ssrc: int, payload_type: int, first_number: int = 0) -> None:
        self.ssrc = ssrc
        self.payload_type = payload_type
        self._outlet = outlet
        self._number = first_number

    def send(self, marker: bool, number: int, timestamp: int, payload: bytes) -> None:
        """Send a packet again that went out as `number`."""
        self._send(marker << 7 | self.payload_type, timestamp, NUMBER.pack(number) + payload, 0)

    def pad(self, count: int, timestamp: int, padding: bytes) -> None:
        """Send packets of nothing but padding."""
        for _ in range(count):
            self._send(self.payload_type, timestamp, padding, PADDING_BIT)

    def _send(self, marker_and_type: int, timestamp: int, payload: bytes, padding: int) -> None:
        self._outlet.send_rtp(marker_and_type, self._number & 0xFFFF, timestamp, self.ssrc, payload, padding)
        self._number += 1
