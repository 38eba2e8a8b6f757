"""What a recorder gets of a Publication with layers: one stream, the largest layer that is there."""

from media.layer import Layer
from media.reel import Records
from media.rtp import Packet
from media.sink import PacketSink, RecordSink, SenderReport


class TopLayer:
    """A PacketSink before a recorder's track. Goes to another layer at its key frame only.

    Packets are handed on as they came, under the SSRC of their layer, so that the journal holds what was
    received; packets of no two layers are ever mixed.
    """

    def __init__(self, sink: PacketSink) -> None:
        self._sink = sink
        self._records = sink if isinstance(sink, RecordSink) else None
        self._layer: Layer | None = None

    @property
    def layer(self) -> Layer | None:
        """The one whose packets are handed on; None before its first key frame."""
        return self._layer

    def write(self, packet: Packet, now: float) -> None:
        """Hand on a packet of the chosen layer."""
        if packet.layer is not self._layer and not self._change(packet, now):
            return
        self._sink.write(packet, now)

    def record(self, records: Records, layer: object) -> None:
        """As `write`; packets of another layer that begin no key frame change nothing."""
        assert self._records is not None, "only a sink that takes records is given any"
        if layer is self._layer:
            self._records.record(records, layer)
        elif isinstance(layer, Layer) and self._wants(layer, records.last_at):
            layer.request_key_frame()

    def _wants(self, layer: Layer, now: float) -> bool:
        """Whether it is better than the chosen one."""
        chosen = self._layer
        return chosen is None or layer.rank >= chosen.rank or not chosen.present(now)

    def _change(self, packet: Packet, now: float) -> bool:
        layer = packet.layer
        if not isinstance(layer, Layer) or not self._wants(layer, now):
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
