"""Stream: all packets of one SSRC of a track, put in order, with the time at which each was meant.

Times are seconds since the beginning of the recording on the server's clock. Within a participant,
RTP sender reports put audio and video on one clock (RFC 3550 section 6.4.1), so lips and voice meet.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.orientation import read_orientation
from media.rtp import Packet, RtpError, parse_packet
from recordings import segment
from recordings.depacketise import StreamPacket
from recordings.inventory import ClockMap

Floats = NDArray[np.float64]
WINDOW = 10.0  # seconds in which the least delayed packet tells the delay
NTP_TRUST = 2.0  # seconds a report may stray from the median of its stream
RESTART = 3.0  # seconds by which RTP time and arrival part when a sender begins anew with its old SSRC
TIME_TRUST = 3.0  # seconds a computed time may stray from the arrival before arrival is taken


def unwrap(value: int, near: int, bits: int) -> int:
    """The integer congruent to ``value`` modulo 2**bits that lies nearest to ``near``."""
    half = 1 << (bits - 1)
    return near + ((value - near + half) & ((1 << bits) - 1)) - half


@dataclass
class Stream:
    """Index over the packets of one SSRC; payloads stay in the mapped files."""

    ssrc: int
    codec: str
    clock_rate: int
    index: array[int] = field(default_factory=lambda: array("q"))
    timestamp: array[int] = field(default_factory=lambda: array("q"))
    arrival: array[float] = field(default_factory=lambda: array("d"))
    marker: array[int] = field(default_factory=lambda: array("b"))
    orientation: array[int] = field(default_factory=lambda: array("b"))  # -1 where a packet tells none
    redundant: array[int] = field(default_factory=lambda: array("b"))  # 1: blocks of media.redundancy
    place: array[int] = field(default_factory=lambda: array("q"))  # file number, start, end: three a packet
    reports: list[tuple[float, int]] = field(default_factory=list)  # NTP seconds, unwrapped RTP time

    def continues(self, packet: Packet, arrival: float) -> bool:
        """False when the packet begins a new count of timestamps: the sender restarted."""
        if not self.timestamp:
            return True
        media = (unwrap(packet.timestamp, self.timestamp[-1], 32) - self.timestamp[-1]) / self.clock_rate
        return abs(arrival - self.arrival[-1] - media) < RESTART

    def add(self, packet: Packet, arrival: float, file: int, offset: int) -> None:
        """Take one RTP packet found at ``offset`` of file number ``file``."""
        last_index = self.index[-1] if self.index else packet.sequence_number
        last_time = self.timestamp[-1] if self.timestamp else packet.timestamp
        self.index.append(unwrap(packet.sequence_number, last_index, 16))
        self.timestamp.append(unwrap(packet.timestamp, last_time, 32))
        self.arrival.append(arrival)
        self.marker.append(packet.marker)
        self.orientation.append(-1 if packet.orientation is None else packet.orientation)
        self.redundant.append(packet.redundant is not None)
        self.place.extend((file, offset + packet.payload_offset, offset + packet.payload_end))

    def add_report(self, ntp: int, rtp_time: int) -> None:
        if self.timestamp:
            self.reports.append((ntp / 4294967296.0, unwrap(rtp_time, self.timestamp[-1], 32)))

    def media_seconds(self) -> Floats:
        """RTP timestamps in seconds since the first packet."""
        stamps = np.asarray(self.timestamp, dtype=np.float64)
        return np.asarray((stamps - stamps[0]) / self.clock_rate, dtype=np.float64)

    def sender_seconds(self) -> Floats | None:
        """Times on the sender's clock, or None without believable reports."""
        if not self.reports:
            return None
        ntp = np.array([report[0] for report in self.reports])
        media = (np.array([report[1] for report in self.reports]) - self.timestamp[0]) / self.clock_rate
        offset = ntp - media
        good = np.abs(offset - np.median(offset)) < NTP_TRUST
        order = np.argsort(media[good], kind="stable")
        stamps = self.media_seconds()
        return stamps + np.interp(stamps, media[good][order], offset[good][order])

    def order(self) -> NDArray[np.int64]:
        """Positions of the packets by sequence number, each number once."""
        _, first = np.unique(np.asarray(self.index), return_index=True)
        return first.astype(np.int64)


def on_server_clock(domain: list[tuple[Stream, Floats]]) -> list[Floats]:
    """Sender times moved to the server's clock by the least delay in each window of time."""
    sender = np.concatenate([times for _, times in domain])
    arrival = np.concatenate([np.asarray(stream.arrival) for stream, _ in domain])
    delay = arrival - sender
    window = np.floor((arrival - arrival.min()) / WINDOW).astype(np.int64)
    order = np.lexsort((delay, window))
    _, first = np.unique(window[order], return_index=True)
    best = order[first]
    by_time = best[np.argsort(sender[best], kind="stable")]
    moved = []
    for stream, times in domain:
        at = times + np.interp(times, sender[by_time], delay[by_time])
        real = np.asarray(stream.arrival)
        moved.append(np.where(np.abs(at - real) > TIME_TRUST, real, at))
    return moved


def connections_of(domain: list[tuple[Stream, Floats]]) -> list[list[tuple[Stream, Floats]]]:
    """Streams that overlap in time came over one connection.

    The sender's clock may be set between two connections, so each is moved to our clock by itself.
    """
    found: list[list[tuple[Stream, Floats]]] = []
    until = float("-inf")
    for entry in sorted(domain, key=lambda entry: min(entry[0].arrival)):
        if not found or min(entry[0].arrival) > until:
            found.append([])
        found[-1].append(entry)
        until = max(until, max(entry[0].arrival))
    return found


class ParticipantStreams:
    """All streams of one participant, timed together. Owns the mapped files until ``close``."""

    def __init__(self, clock: ClockMap, origin_ns: int) -> None:
        self._clock = clock
        self._origin_ns = origin_ns
        self._files: list[segment.SegmentFile] = []
        self._headers: dict[int, segment.SegmentHeader | None] = {}  # by number of the file
        self._streams: dict[str, list[Stream]] = {}
        self._times: dict[int, Floats] = {}

    def read(self, source: str, paths: list[Path], track: dict[str, Any]) -> None:
        """Index the segments of one track; ``track`` is its entry in the manifest."""
        present: dict[tuple[int, str], Stream] = {}  # the stream that packets go to, one at most
        self._streams[source] = []
        header: segment.SegmentHeader | None = None
        for path in paths:
            file = segment.SegmentFile(path)
            self._files.append(file)
            # Where a header is damaged, what came before it mostly went on.
            header = self._headers[len(self._files) - 1] = file.header or header
            self._read_file(file, source, present, track)

    def _read_file(
        self,
        file: segment.SegmentFile,
        source: str,
        present: dict[tuple[int, str], Stream],
        track: dict[str, Any],
    ) -> None:
        boot = file.header.boot_id if file.header else None
        header = self._headers[len(self._files) - 1]
        codec = header.codec if header else track["codec"]
        rate = (header.clock_rate if header else track["clock_rate"]) or 90_000
        for item in file.items():
            if isinstance(item, segment.Damage):
                continue
            if item.kind == segment.RTP:
                wall_ns = self._clock.wall_ns(boot, item.monotonic_ns, item.wall_ns)
                self._take(item, (wall_ns - self._origin_ns) / 1e9, source, present, codec, rate)
            elif item.kind == segment.SENDER_REPORT:
                report = segment.parse_report(item.payload)
                if report is not None and (report[0], codec) in present:
                    present[report[0], codec].add_report(report[1], report[2])

    def _take(
        self,
        record: segment.Record,
        arrival: float,
        source: str,
        present: dict[tuple[int, str], Stream],
        codec: str,
        rate: int,
    ) -> None:
        """Put a packet into the stream of its SSRC, or into a new one; not RTP is left out."""
        try:
            packet = parse_packet(record.payload)
        except RtpError:
            return
        header = self._headers[len(self._files) - 1]
        if packet.marker and header is not None:
            packet.orientation = read_orientation(packet.data, header.orientation_id)
        if header is not None and packet.payload_type == header.redundant_payload_type != 0:
            packet.redundant = packet.payload
        stream = present.get((packet.ssrc, codec))
        if stream is None or not stream.continues(packet, arrival):
            # Simulcast layers take turns; each turn is a stream of its own.
            present.clear()
            stream = present[packet.ssrc, codec] = Stream(packet.ssrc, codec, rate)
            self._streams[source].append(stream)
        stream.add(packet, arrival, len(self._files) - 1, record.end - len(record.payload) - 4)

    def settle(self) -> None:
        """Compute every packet's time: reported streams together, each other stream by itself."""
        together: list[tuple[Stream, Floats]] = []
        for stream in self.all():
            sender = stream.sender_seconds()
            if sender is None:
                self._times[id(stream)] = on_server_clock([(stream, stream.media_seconds())])[0]
            else:
                together.append((stream, sender))
        for connection in connections_of(together):
            for (stream, _), times in zip(connection, on_server_clock(connection), strict=True):
                self._times[id(stream)] = times

    def all(self) -> list[Stream]:
        return [stream for streams in self._streams.values() for stream in streams]

    def streams(self, source: str) -> list[Stream]:
        """Streams of a source in the order in which they began."""
        return sorted(self._streams.get(source, ()), key=lambda stream: stream.arrival[0])

    def packets(self, stream: Stream) -> Iterator[StreamPacket]:
        times = self._times[id(stream)]
        for position in stream.order():
            file, start, end = stream.place[3 * position : 3 * position + 3]
            orientation = stream.orientation[position]
            yield StreamPacket(
                stream.index[position],
                stream.timestamp[position],
                bool(stream.marker[position]),
                self._files[file].data[start:end],
                float(times[position]),
                orientation if orientation >= 0 else None,
                bool(stream.redundant[position]),
            )

    def close(self) -> None:
        for file in self._files:
            file.close()
