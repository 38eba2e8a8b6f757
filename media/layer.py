"""One SSRC of a Publication: the only one, or one of its simulcast layers."""

from collections.abc import Callable, Sequence
from typing import Any

from media.cache import PacketCache
from media.credit import RepairCredit
from media.fastpath import CODECS, LARGEST_GAP, NULL, OTHER, ffi, new
from media.feedback import build_key_frame_request, build_nack
from media.keyframe import KeyFrameThrottle, begins_key_frame
from media.loss import LossDetector
from media.loudness import Loudness
from media.orientation import read_orientation, rotation_of
from media.redundancy import unfold
from media.reel import Reel
from media.rtp import Packet, RtpError, find_extension
from media.sequence import FULL, nearest
from media.sink import SenderReport, TrackDescription
from media.stats import ReceptionStats
from media.temporal import level_of
from media.vp8 import frame_height

# A second of video at 2.5 Mbit/s is about 280 packets; Opus sends 50. Places and bytes.
VIDEO_PLACES, VIDEO_BYTES = 512, 512 * 1024
AUDIO_PLACES, AUDIO_BYTES = 128, 32 * 1024
# Our own SSRC in feedback; RTCP receivers only need it to be there.
FEEDBACK_SSRC = 1
# Seconds without a packet after which a browser has stopped sending the layer.
PRESENCE = 0.8
# The same where the smallest layer, which is of the same pictures, goes on: six of them in a dark room.
OVERTAKEN = 0.6
RATE_INTERVAL = 0.5
# What a layer usually takes is followed down by this in each interval.
FADING = 0.95
# Seconds in which a browser should have taken up a layer that it had let go.
EXPECTED = 3.0
HALF_CIRCLE = 1 << 31


class Layer:
    """Statistics, loss, cache and key frames of one incoming SSRC, the hot fields in the struct `state`.

    `rid` is empty without simulcast; `rank` grows with the size of the picture, `above` is how many layers
    are larger. `bitrate` in bit/s over
    the last half second, `height` in pixels or 0 while unknown.
    """

    def __init__(
        self,
        track: TrackDescription,
        rid: str,
        rank: int,
        send_feedback: Callable[[bytes], None],
        key_frame_interval: float,
        above: int = 0,
    ) -> None:
        self.rid = rid
        self.rank = rank
        self.ssrc: int | None = None
        self.last_report: SenderReport | None = None
        state: Any = new("stream")
        self.state = state
        self.stats = ReceptionStats(track.clock_rate, state)
        self.loss = LossDetector(self._order_of, state)
        self.loudness = Loudness(state)
        # Of the transport-wide number, 0 where there is none.
        self.transport_wide_id = 0
        self.is_video = track.kind == "video"
        if self.is_video:
            self.cache = PacketCache(VIDEO_PLACES, VIDEO_BYTES >> min(above, 2))
        else:
            self.cache = PacketCache(AUDIO_PLACES, AUDIO_BYTES)
        state.cache = self.cache.state
        state.codec = CODECS.get(track.codec, OTHER) if self.is_video else CODECS["opus"]
        state.sequence = -1
        state.heard_at = float("-inf")
        self._subscriptions = NULL
        self.reel: Reel | None = None
        # Of the same pictures; None for that one itself.
        self.smallest: Layer | None = None
        self.key_frames = 0
        self.key_frame_at = float("-inf")
        self.repeated = 0
        self.bitrate = 0
        self.height = 0
        # How many temporal layers its frames have (media/temporal.py).
        self.temporal_layers = 1
        # Whether the publisher was told not to send it (media/attention.py).
        self.paused = False
        # Whether the publisher's network cannot carry it (media/uplink.py): to all others it is not there.
        self.withheld = False
        # Whether what is asked for again would stand in the way of sound.
        self.is_held_up = False
        self._resumed_at = float("-inf")
        # Bit/s that it has taken lately, while it was sent.
        self.usual = 0
        self.rotation = 0
        self._codec = track.codec
        self._orientation_id = state.orientation_id = track.orientation_id
        self._redundant_type = state.redundant_type = track.redundant_payload_type
        state.payload_type = track.payload_type
        self._send_feedback = send_feedback
        # Up to this index packets are for nobody: they came while the source was muted or the room parted.
        self.kept_until = -1
        self._throttle = KeyFrameThrottle(key_frame_interval)
        self._credit = RepairCredit(rank == 0)
        self._measured_at = 0.0
        self._measured_bytes = 0

    def present(self, now: float) -> bool:
        """Whether the browser is sending it; what comes late or again does not tell."""
        heard_at = self.state.heard_at
        if self.withheld:
            return False
        if self.smallest is not None and self.smallest.state.heard_at - heard_at > OVERTAKEN:
            return False
        return bool(now - heard_at < PRESENCE)

    def serve(self, subscriptions: Sequence[Any]) -> None:
        """These structs subscription get its packets in the compiled path."""
        state = self.state
        self._subscriptions = ffi.new("struct subscription *[]", list(subscriptions)) or NULL
        state.subscriptions, state.subscription_count = self._subscriptions, len(subscriptions)

    def wind(self, recorded: bool) -> None:
        """Whether the compiled path keeps its packets for a recorder."""
        if recorded and self.reel is None:
            self.reel = Reel(self.is_video)
        self.state.reel = self.reel.state if recorded and self.reel is not None else NULL

    def unwrap(self, number: int) -> int:
        """The index of a sequence number (RFC 3550 appendix A.1)."""
        state = self.state
        index = nearest(state.sequence, number) if state.sequence >= 0 else FULL + number
        if index > state.sequence:
            state.sequence = index
        return int(index)

    def recall(self, index: int) -> Packet | None:
        """The packet with that index as it went to the sinks, None when it is not kept (any more)."""
        packet = self.cache.get(index)
        if packet is not None:
            packet.layer = self
            self.complete(packet)
        return packet

    def complete(self, packet: Packet) -> None:
        """Read from the bytes of an accepted packet what its sinks want to know besides."""
        if self._redundant_type and packet.payload_type == self._redundant_type:
            unfold(packet, self.state.payload_type)
        if self._orientation_id and packet.marker:
            packet.orientation = read_orientation(packet.data, self._orientation_id)

    def pause(self, paused: bool, now: float) -> None:
        """The publisher is told not to send it, or to send it again."""
        self.paused = paused
        self._resumed_at = float("-inf") if paused else now

    @property
    def is_awaited(self) -> bool:
        """Whether nothing has come since it was to be sent again."""
        return bool(self._resumed_at > self.state.heard_at)

    def rate(self, now: float) -> int:
        """Bit/s that sending it takes, also while it is paused or about to come; 0 when it cannot be had."""
        if self.present(now):
            return max(1, self.bitrate)
        if self.withheld:
            return 0
        is_due = self.is_awaited and now - self._resumed_at < EXPECTED
        return self.usual if self.paused or is_due else 0

    def lacks(self, number: int) -> bool:
        """Whether the packet with this sequence number would be of use: not there, not too old, not muted."""
        highest = int(self.state.sequence)
        index = nearest(highest, number)
        if highest < 0 or not -VIDEO_PLACES < index - highest <= LARGEST_GAP:
            return False
        return index > self.kept_until and not self.cache.has(index)

    def keep_back(self) -> None:
        """What was sent while nobody was to hear or see it shall not come again either."""
        self.kept_until = int(self.state.sequence)

    def receive(self, packet: Packet, now: float) -> bool:
        """Take one packet of this SSRC; False when it is here already.

        What was only overtaken may come after its own retransmission, which SRTP cannot know.
        """
        packet.layer = self
        before = self.state.sequence
        index = packet.index = self.unwrap(packet.sequence_number)
        if index > before:
            if not packet.repeated:
                self.state.heard_at = now
        elif self.cache.has(index):
            self.repeated += 1
            return False
        self.stats.receive(index, packet.timestamp, len(packet.data), now)
        self._ask(self.loss.receive(index, now, packet), now)
        if self.is_video:
            self._receive_video(packet, now)
        return True

    def notice(self, index: int, missing: int, now: float) -> None:
        """The compiled path has taken `index`, before which so many are missing, or some are due."""
        packet = self.cache.get(index) if missing else None
        self._ask(self.loss.notice(index, missing, now, packet), now)

    def _ask(self, missing: list[int], now: float) -> None:
        """Not for a picture that is not sent any more: what comes again would take the place of others."""
        if not missing or self.ssrc is None or self.is_held_up or (self.is_video and not self.present(now)):
            return
        if self.is_video:
            missing = missing[: self._credit.take(len(missing), self.stats.received)]
        if missing:
            self._send_feedback(build_nack(FEEDBACK_SSRC, self.ssrc, missing))

    def _receive_video(self, packet: Packet, now: float) -> None:
        if packet.marker and self._orientation_id:
            packet.orientation = read_orientation(packet.data, self._orientation_id)
            if packet.orientation is not None:
                self.rotation = rotation_of(packet.orientation)
        if self._codec == "VP8" and (level := level_of(packet.payload)) >= 0:
            self.state.top_level = max(self.state.top_level, level >> 6)
        packet.key_frame = begins_key_frame(self._codec, packet.payload)
        if packet.key_frame:
            self.key_frames += 1
            self.key_frame_at = now
            self._throttle.satisfy()
            if self._codec == "VP8":
                self.height = frame_height(packet.payload)

    def _order_of(self, packet: Packet) -> int | None:
        """In which order the sender let it go."""
        try:
            number = find_extension(packet.data, self.transport_wide_id) if self.transport_wide_id else None
        except RtpError:
            return None
        return int.from_bytes(number[:2], "big") if number else None

    def receive_report(self, report: SenderReport, now: float) -> None:
        """A sender report of this SSRC."""
        self.last_report = report
        self.stats.note_sender_report(report.ntp, now)

    def sender_seconds(self, timestamp: int) -> float | None:
        """The moment of an RTP timestamp on the sender's clock, None before the first report."""
        report = self.last_report
        if report is None:
            return None
        ticks = (timestamp - report.rtp_timestamp + HALF_CIRCLE) % (2 * HALF_CIRCLE) - HALF_CIRCLE
        return report.ntp / (1 << 32) + ticks / self.stats.clock_rate

    def expect_key_frame(self, until: float) -> None:
        """One is about to come unasked: none is asked for before that moment."""
        self._throttle.wait(until)

    def request_key_frame(self, first: bool = False) -> None:
        """Somebody cannot decode without one, or (`first`) waits for it to begin. Sent by `tick` when due."""
        if self.is_video:
            self._throttle.want(first)

    def tick(self, now: float) -> None:
        """Repeat NACKs, send a due key frame request, measure; every few tens of milliseconds."""
        elapsed = now - self._measured_at
        is_quiet = elapsed < RATE_INTERVAL and not self.loss.missing and not self._throttle.is_wanted
        if is_quiet or self.ssrc is None:
            return
        self._ask(self.loss.due(now), now)
        if self.rid and self.loss.missing and not self.present(now):
            self.loss.forget()
        # A layer that is not sent begins with a key frame anyway, and asking makes all others send one.
        if (self.present(now) or not self.rid) and self._throttle.due(now):
            self._send_feedback(build_key_frame_request(FEEDBACK_SSRC, self.ssrc))
        if elapsed >= RATE_INTERVAL:
            received = self.stats.bytes
            self.bitrate = round((received - self._measured_bytes) * 8 / elapsed)
            self._measured_at, self._measured_bytes = now, received
            if self.present(now):
                self.usual = max(self.bitrate, round(self.usual * FADING))
            if self._codec == "VP8":
                self._count_temporal_layers()

    def _count_temporal_layers(self) -> None:
        """Of the packets since the last time; an upper one that is missing there counts for a while yet."""
        found, self.state.top_level = 1 + self.state.top_level, 0
        self.temporal_layers = max(1, found, self.temporal_layers - 1)
