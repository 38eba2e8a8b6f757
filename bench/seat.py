"""A peer as the compiled generator sees it: its wires and tracks as C structures, and the way back."""

from typing import Any

from bench.native import Native
from bench.peer import Peer
from bench.sdp import OPUS, VP8
from bench.traffic import (
    FRAMES_PER_SECOND,
    KEY_FRAME_INTERVAL,
    PACKET_OFFSETS,
    WIDE_AT,
    PreparedAudio,
    PreparedTrack,
    PreparedVideo,
)
from bench.wire import Wire

_SECOND = 1_000_000_000


class Seat:
    """Keeps the C structures of one connected peer alive. Used only by the engine's own thread."""

    def __init__(self, native: Native, peer: Peer, first_index: int) -> None:
        self.peer = peer
        self.feedback = peer.feedback
        self._native = native
        self._kept: list[Any] = []
        self._publish = self._wire(peer.publish_wire, first_index)
        self._subscribe = self._wire(peer.subscribe_wire, first_index + 1)
        self._subscribe.wide_id = peer.arrivals.extension_id
        self.wires = [(peer.publish_wire, self._publish), (peer.subscribe_wire, self._subscribe)]
        self._audio = self._sound(peer.audio)
        self._video = self._picture(peer.video)
        self.tracks = [self._audio, self._video] if peer.publishes else []

    def _wire(self, wire: Wire, index: int) -> Any:
        made = self._native.ffi.new("struct wire *")
        made.index = index
        made.fd = wire.socket.fileno()
        inbound, outbound = wire.srtp_contexts()
        made.inbound, made.outbound = self._native.pointer(inbound), self._native.pointer(outbound)
        return made

    def _track(self, track: PreparedTrack) -> Any:
        made = self._native.ffi.new("struct track *")
        made.wire = self._publish
        made.track, made.number, made.ssrc = track.track, track.number, track.ssrc
        made.sequence, made.timestamp, made.octets = track.sequence_number, track.timestamp, track.octets
        made.due = int(track.due * _SECOND)
        made.picture_at = -1
        made.wide_at = WIDE_AT if track.wide is not None else -1
        if track.wide is not None:
            self._publish.wide_next = track.wide.next
        return made

    def _sound(self, track: PreparedAudio) -> Any:
        made = self._track(track)
        made.payload_type, made.timestamp_step, made.cycle = OPUS, 960, _SECOND // 50
        made.part_count = 1
        self._fill(made.parts[0], track.packet, 0.0)
        return made

    def _picture(self, track: PreparedVideo) -> Any:
        made = self._track(track)
        made.payload_type, made.timestamp_step = VP8, 90_000 // FRAMES_PER_SECOND
        made.cycle, made.marker = _SECOND // FRAMES_PER_SECOND, 1
        made.picture_at = track.descriptor_at + 2
        made.key_interval, made.key_wanted = KEY_FRAME_INTERVAL, track.key_frame_wanted
        track.key_frame_wanted = False
        made.part_count = len(PACKET_OFFSETS)
        for number, offset in enumerate(PACKET_OFFSETS):
            packet = track.next_packet if number else track.delta_packet
            self._fill(made.parts[number], packet, offset)
        self._fill(made.key, track.key_packet, 0.0)
        return made

    def _fill(self, part: Any, packet: bytearray, offset: float) -> None:
        data = self._native.ffi.new("uint8_t[]", bytes(packet))
        self._kept.append(data)
        part.data, part.size, part.offset = data, len(packet), int(offset * _SECOND)

    def read(self, letter: Any) -> None:
        """One datagram that is not RTP: hand it to the wire it came by."""
        wire, made = self.wires[letter.wire.index % 2]
        view = memoryview(self._native.ffi.buffer(letter.data))
        if letter.is_rtcp:
            wire.on_rtcp(view, letter.size, 0)
        else:
            wire.receive_plain(bytes(view[: letter.size]))
        if self.peer.video.key_frame_wanted:
            self.peer.video.key_frame_wanted = False
            self._video.key_wanted = 1

    def send_reports(self) -> None:
        """Let the peer know how far it is, and report."""
        for track, made in ((self.peer.audio, self._audio), (self.peer.video, self._video)):
            track.number, track.timestamp, track.octets = made.number, made.timestamp, made.octets
        self.peer.video.key_frames = self._video.key_frames
        heard = self._subscribe
        for source in heard.sources[0 : heard.source_count]:
            self.peer.note_source(source.ssrc, source.highest & 0xFFFF, source.largest)
        self.peer.send_reports()

    def keep_alive(self) -> None:
        """Consent checks."""
        self.peer.keep_alive()

    def send_feedback(self) -> None:
        """Tell what arrived, by transport-wide number."""
        heard = self._subscribe
        for place in range(heard.arrival_count):
            self.peer.arrivals.note(heard.arrival_numbers[place], heard.arrival_times[place])
        heard.arrival_count = 0
        self.peer.send_feedback()
