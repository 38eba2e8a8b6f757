"""One Track arriving at the Router, in one SSRC of one transport or in several layers."""

from collections.abc import Callable, Sequence
from typing import Any

from media.cache import PacketCache
from media.layer import FEEDBACK_SSRC, Layer
from media.loss import LossDetector
from media.loudness import Loudness, audio_level
from media.rtp import Packet
from media.sink import PacketSink, RecordSink, SenderReport, TrackDescription
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
        # Those of the sinks that may have their packets a moment later, many at once.
        self.recorders: tuple[RecordSink, ...] = ()
        # Whether a packet has come.
        self.started = False
        self.ended = False
        names = sorted(rids, key=KNOWN_RIDS.find) if all(r in KNOWN_RIDS for r in rids) else rids
        names = names or ("",)
        self.layers = tuple(
            Layer(track, rid, rank, send_feedback, key_frame_interval, len(names) - 1 - rank)
            for rank, rid in enumerate(names)
        )
        for layer in self.layers[1:]:
            layer.smallest = self.layers[0]
        self._by_ssrc: dict[int, Layer] = {}
        self._audio_level_id = audio_level_id
        self._muted = False
        for layer in self.layers:
            layer.state.level_id = audio_level_id
        self._settle()

    @property
    def best(self) -> Layer:
        """The largest layer of which packets come, or the smallest before the first one."""
        for layer in reversed(self.layers):
            if layer.ssrc is not None and not layer.paused:
                return layer
        return self.layers[0]

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
    def is_upright(self) -> bool:
        """Whether its picture can be shown as it is, as far as its sender told."""
        return not any(layer.rotation for layer in self.layers)

    @property
    def loudness(self) -> Loudness:
        """Of a microphone."""
        return self.layers[0].loudness

    @property
    def muted(self) -> bool:
        """Whether its packets go nowhere."""
        return self._muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        self._muted = muted
        self._settle()

    @property
    def key_frames(self) -> int:
        """How many have begun, of all layers together."""
        return sum(layer.key_frames for layer in self.layers)

    def attach(self, sink: PacketSink) -> None:
        """Let the sink have every packet from now on; attaching twice is as good as once."""
        if sink not in self.sinks:
            self.sinks = (*self.sinks, sink)
            self._settle()

    def attach_recorder(self, sink: PacketSink) -> None:
        """The same for one that may have packets a tick later; if it takes records, it gets them so."""
        if sink not in self.sinks and isinstance(sink, RecordSink):
            self.recorders = (*self.recorders, sink)
        self.attach(sink)

    def detach(self, sink: PacketSink) -> None:
        """No further packet for that sink. Its owner closes it."""
        self.sinks = tuple(s for s in self.sinks if s is not sink)
        self.recorders = tuple(s for s in self.recorders if s is not sink)
        self._settle()

    def _settle(self) -> None:
        """Tell the compiled path for whom it works."""
        states = [state_of(sink) for sink in self.sinks if sink not in self.recorders]
        known = [state for state in states if state is not None]
        for layer in self.layers:
            layer.serve(known)
            layer.wind(bool(self.recorders))
            layer.state.is_shared = len(known) < len(states)
            layer.state.is_open = not self._muted and not self.ended

    @property
    def by_hand(self) -> tuple[PacketSink, ...]:
        """The sinks that get nothing in the compiled path."""
        return tuple(s for s in self.sinks if s not in self.recorders and not is_served(s))

    def claim(self, ssrc: int, rid: str) -> bool:
        """Let an SSRC be the layer of that name; False when there is none or it has one already."""
        for layer in self.layers:
            if layer.rid == rid and layer.ssrc is None:
                layer.ssrc = layer.state.ssrc = ssrc
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
        if self.muted or packet.index <= layer.kept_until:
            return False
        return layer.cache.put(packet)

    def keep_back(self) -> None:
        """What came so far, or is on its way again, is for nobody else."""
        for layer in self.layers:
            layer.keep_back()

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
        self.sinks = self.recorders = ()
        self._settle()


def is_served(sink: PacketSink) -> bool:
    """Whether the compiled path writes to it."""
    served = getattr(sink, "served_compiled", None)
    return served is not None and served()


def state_of(sink: PacketSink) -> Any:
    """Its struct subscription, None when it has none."""
    return getattr(sink, "state", None)
