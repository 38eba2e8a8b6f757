"""The fan-out of one Room."""

import logging
from collections.abc import Callable

from media.publication import Publication
from media.rtp import Packet
from media.sink import PacketSink, SenderReport

logger = logging.getLogger(__name__)


class Router:
    """Writes each packet of a Publication to its sinks. `on_broken` learns of a sink that raised."""

    def __init__(self, on_broken: Callable[[Publication, PacketSink], None]) -> None:
        self._on_broken = on_broken

    def forward(self, publication: Publication, packet: Packet, now: float) -> None:
        """Write the packet to every sink, to recorders after those that were kept for them."""
        if publication.recorders:
            self.deliver(publication)
        self.share(publication, publication.sinks, packet, now)

    def share(
        self, publication: Publication, sinks: tuple[PacketSink, ...], packet: Packet, now: float
    ) -> None:
        """Write the packet to these of its sinks."""
        for sink in sinks:  # A tuple, replaced whole by attach and detach.
            try:
                sink.write(packet, now)
            except Exception:
                # A broken sink must not silence the others.
                logger.exception("Detaching a broken sink of %s", publication.track)
                self._drop(publication, sink)

    def deliver(self, publication: Publication) -> None:
        """Give its recorders what the compiled path kept for them."""
        for layer in publication.layers:
            records = layer.reel.take() if layer.reel is not None else None
            if records is None:
                continue
            for sink in publication.recorders:
                try:
                    sink.record(records, layer)
                except Exception:
                    logger.exception("Detaching a broken recorder of %s", publication.track)
                    self._drop(publication, sink)

    def report(self, publication: Publication, report: SenderReport, now: float) -> None:
        """Hand a sender report to every sink."""
        self.deliver(publication)
        for sink in publication.sinks:
            try:
                sink.report(report, now)
            except Exception:
                logger.exception("Detaching a broken sink of %s", publication.track)
                self._drop(publication, sink)

    def _drop(self, publication: Publication, sink: PacketSink) -> None:
        publication.detach(sink)
        self._on_broken(publication, sink)
