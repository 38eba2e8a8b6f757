"""One Track arriving at the Router, from one SSRC of one transport."""

from collections.abc import Callable

from media.cache import PacketCache
from media.feedback import build_key_frame_request, build_nack
from media.keyframe import KeyFrameThrottle, begins_key_frame
from media.loss import LossDetector
from media.loudness import Loudness, audio_level
from media.rtp import Packet
from media.sequence import Unwrapper
from media.sink import PacketSink, SenderReport, TrackDescription
from media.stats import ReceptionStats

# A second of video at 2.5 Mbit/s is about 280 packets; Opus sends 50.
VIDEO_CACHE = 512
AUDIO_CACHE = 128
# Our own SSRC in feedback; RTCP receivers only need it to be there.
FEEDBACK_SSRC = 1
ROUND_TRIP = 0.1


class Publication:
    """Statistics, loss, cache and key frames of one incoming stream.

    `sinks` is a tuple, replaced whole by `attach` and `detach`. Feedback to the publisher goes through
    `send_feedback`.
    """

    def __init__(
        self,
        track: TrackDescription,
        send_feedback: Callable[[bytes], None],
        key_frame_interval: float,
        audio_level_id: int = 0,
    ) -> None:
        self.track = track
        self.sinks: tuple[PacketSink, ...] = ()
        self.ssrc: int | None = None
        self.muted = False
        self.ended = False
        self.last_report: SenderReport | None = None
        self.loudness = Loudness()
        self.stats = ReceptionStats(track.clock_rate)
        self.loss = LossDetector()
        is_video = track.kind == "video"
        self.cache = PacketCache(VIDEO_CACHE if is_video else AUDIO_CACHE)
        self.key_frames = 0
        self._is_video = is_video
        self._codec = track.codec
        self._audio_level_id = audio_level_id
        self._send_feedback = send_feedback
        self._sequence = Unwrapper()
        self._throttle = KeyFrameThrottle(key_frame_interval)

    @property
    def started(self) -> bool:
        """Whether a packet has come."""
        return self.ssrc is not None

    def attach(self, sink: PacketSink) -> None:
        """Let the sink have every packet from now on; attaching twice is as good as once."""
        if sink not in self.sinks:
            self.sinks = (*self.sinks, sink)

    def detach(self, sink: PacketSink) -> None:
        """No further packet for that sink. Its owner closes it."""
        self.sinks = tuple(s for s in self.sinks if s is not sink)

    def receive(self, packet: Packet, now: float) -> bool:
        """Take one packet; whether it is to be forwarded."""
        if self.ssrc != packet.ssrc:
            if self.ssrc is not None:
                return False  # One SSRC per Publication; simulcast layers are not negotiated.
            self.ssrc = packet.ssrc
        index = packet.index = self._sequence.unwrap(packet.sequence_number)
        self.stats.receive(index, packet.timestamp, len(packet.data), now)
        if self._is_video:
            self._receive_video(packet, index, now)
        elif self._audio_level_id:
            self._receive_level(packet, now)
        if self.muted:
            return False
        self.cache.put(packet)
        return True

    def _receive_video(self, packet: Packet, index: int, now: float) -> None:
        missing = self.loss.receive(index, now)
        if missing:
            self._send_feedback(build_nack(FEEDBACK_SSRC, packet.ssrc, missing))
        packet.key_frame = begins_key_frame(self._codec, packet.payload)
        if packet.key_frame:
            self.key_frames += 1
            self._throttle.satisfy()

    def _receive_level(self, packet: Packet, now: float) -> None:
        level = audio_level(packet.data, self._audio_level_id)
        if level is not None:
            packet.audio_level = level
            if not self.muted:
                self.loudness.receive(level, now)

    def receive_report(self, report: SenderReport, now: float) -> None:
        """A sender report of this SSRC."""
        self.last_report = report
        self.stats.note_sender_report(report.ntp, now)

    def request_key_frame(self) -> None:
        """Somebody cannot decode without one. Sent by `tick`, at most once per interval."""
        if self._is_video:
            self._throttle.want()

    def tick(self, now: float) -> None:
        """Repeat NACKs and send a due key frame request; every few tens of milliseconds."""
        if self.ssrc is None:
            return
        again = self.loss.due(now, ROUND_TRIP)
        if again:
            self._send_feedback(build_nack(FEEDBACK_SSRC, self.ssrc, again))
        if self._throttle.due(now):
            self._send_feedback(build_key_frame_request(FEEDBACK_SSRC, self.ssrc))

    def close(self) -> None:
        """The stream has ended. Sinks are closed by their owners."""
        self.ended = True
        self.sinks = ()
