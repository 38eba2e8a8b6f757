"""What a recorder gets of a Publication with layers: one stream, the largest layer that is there."""

from media.layer import Layer
from media.rtp import Packet, parse_packet
from media.sink import PacketSink, SenderReport, TapedSink


class TopLayer:
    """A PacketSink before a recorder's track. Goes to another layer at its key frame only.

    Packets are handed on as they came, under the SSRC of their layer, so that the journal holds what was
    received; packets of no two layers are ever mixed.
    """

    def __init__(self, sink: PacketSink) -> None:
        self._sink = sink
        self._taped = sink if isinstance(sink, TapedSink) else None
        self._layer: Layer | None = None

    def write(self, packet: Packet, now: float) -> None:
        """Hand on a packet of the chosen layer."""
        if packet.layer is not self._layer and not self._change(packet, now):
            return
        self._sink.write(packet, now)

    def record(self, data: bytes, layer: object, now: float) -> None:
        """As `write`; a packet of another layer that begins no key frame changes nothing."""
        if layer is self._layer and self._taped is not None:
            self._taped.record(data, layer, now)
        else:
            packet = parse_packet(data)
            packet.layer, packet.key_frame = layer, False
            self.write(packet, now)

    def _change(self, packet: Packet, now: float) -> bool:
        layer, chosen = packet.layer, self._layer
        if not isinstance(layer, Layer):
            return False
        if chosen is not None and layer.rank < chosen.rank and chosen.present(now):
            return False
        if not packet.key_frame:
            layer.request_key_frame()
            return False
        self._layer = layer
        self._sink.write(packet, now)
        if layer.last_report is not None:
            # At once, so that the new layer is on the clock of the old one.
            self._sink.report(layer.last_report, now)
        return False

    def report(self, report: SenderReport, now: float) -> None:
        """Hand on the reports of the chosen layer."""
        if self._layer is not None and report.ssrc == self._layer.ssrc:
            self._sink.report(report, now)

    def close(self, reason: str) -> None:
        """Close the track."""
        self._sink.close(reason)
