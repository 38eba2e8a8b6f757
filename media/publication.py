"""One Track arriving at the Router, in one SSRC of one transport or in several layers."""

from collections.abc import Callable, Sequence

from media.cache import PacketCache
from media.layer import FEEDBACK_SSRC, Layer
from media.loss import LossDetector
from media.loudness import Loudness, audio_level
from media.rtp import Packet
from media.sink import PacketSink, SenderReport, TrackDescription
from media.stats import ReceptionStats

__all__ = ["FEEDBACK_SSRC", "Publication"]

# The usual names of layers from small to large; other names count in the order of the offer.
KNOWN_RIDS = "qhf"


class Publication:
    """The layers of one source, smallest first; without simulcast there is one, with an empty rid.

    `sinks` is a tuple, replaced whole by `attach` and `detach`; every sink sees every layer. Feedback to
    the publisher goes through `send_feedback`.
    """

    def __init__(
        self,
        track: TrackDescription,
        send_feedback: Callable[[bytes], None],
        key_frame_interval: float,
        audio_level_id: int = 0,
        rids: Sequence[str] = (),
    ) -> None:
        self.track = track
        self.sinks: tuple[PacketSink, ...] = ()
        self.muted = False
        # Whether a packet has come.
        self.started = False
        self.ended = False
        self.loudness = Loudness()
        names = sorted(rids, key=KNOWN_RIDS.find) if all(r in KNOWN_RIDS for r in rids) else rids
        self.layers = tuple(
            Layer(track, rid, rank, send_feedback, key_frame_interval)
            for rank, rid in enumerate(names or ("",))
        )
        self._by_ssrc: dict[int, Layer] = {}
        self._audio_level_id = audio_level_id

    @property
    def best(self) -> Layer:
        """The largest layer of which a packet has come, or the smallest before the first one."""
        return next((x for x in reversed(self.layers) if x.ssrc is not None), self.layers[0])

    @property
    def ssrc(self) -> int | None:
        """The SSRC of the best layer; None before the first packet."""
        return self.best.ssrc

    @property
    def stats(self) -> ReceptionStats:
        """Of the best layer."""
        return self.best.stats

    @property
    def loss(self) -> LossDetector:
        """Of the best layer."""
        return self.best.loss

    @property
    def cache(self) -> PacketCache:
        """Of the best layer."""
        return self.best.cache

    @property
    def key_frames(self) -> int:
        """How many have begun, of all layers together."""
        return sum(layer.key_frames for layer in self.layers)

    def attach(self, sink: PacketSink) -> None:
        """Let the sink have every packet from now on; attaching twice is as good as once."""
        if sink not in self.sinks:
            self.sinks = (*self.sinks, sink)

    def detach(self, sink: PacketSink) -> None:
        """No further packet for that sink. Its owner closes it."""
        self.sinks = tuple(s for s in self.sinks if s is not sink)

    def claim(self, ssrc: int, rid: str) -> bool:
        """Let an SSRC be the layer of that name; False when there is none or it has one already."""
        for layer in self.layers:
            if layer.rid == rid and layer.ssrc is None:
                layer.ssrc = ssrc
                self._by_ssrc[ssrc] = layer
                return True
        return False

    def receive(self, packet: Packet, now: float) -> bool:
        """Take one packet; whether it is to be forwarded. One that came as a retransmission before is not."""
        layer = self._by_ssrc.get(packet.ssrc)
        if layer is None:
            if not self.claim(packet.ssrc, ""):
                return False
            layer = self._by_ssrc[packet.ssrc]
        self.started = True
        if not layer.receive(packet, now):
            return False
        if self._audio_level_id and not layer.is_video:
            self._receive_level(packet, now)
        if self.muted:
            return False
        return layer.cache.put(packet)

    def _receive_level(self, packet: Packet, now: float) -> None:
        level = audio_level(packet.data, self._audio_level_id)
        if level is not None:
            packet.audio_level = level
            if not self.muted:
                self.loudness.receive(level, now)

    def receive_report(self, report: SenderReport, now: float) -> bool:
        """A sender report; whether it is of one of our SSRCs."""
        layer = self._by_ssrc.get(report.ssrc)
        if layer is not None:
            layer.receive_report(report, now)
        return layer is not None

    def request_key_frame(self) -> None:
        """Somebody cannot decode any layer without one. Sent by `tick`, at most once per interval."""
        for layer in self.layers:
            layer.request_key_frame()

    def tick(self, now: float) -> None:
        """Repeat NACKs and send due key frame requests; every few tens of milliseconds."""
        for layer in self.layers:
            layer.tick(now)

    def close(self) -> None:
        """The stream has ended. Sinks are closed by their owners."""
        self.ended = True
        self.sinks = ()
