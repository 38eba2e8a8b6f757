"""Stream: all packets of one SSRC of a track, put in order, with the time at which each was meant.

Times are seconds since the beginning of the recording on the server's clock. Within a participant,
RTP sender reports put audio and video on one clock (RFC 3550 section 6.4.1), so lips and voice meet.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from media.orientation import read_orientation
from media.rtp import Packet, RtpError, parse_packet
from recordings.capture import segment
from recordings.evidence.inventory import ClockMap
from recordings.evidence.sender_clock import (
    Floats,
    Reports,
    as_if_never_set,
    believable,
    clock_sets,
    on_sender_clock,
    on_server_clock,
)
from recordings.film.depacketise import StreamPacket

RESTART = 3.0  # seconds by which RTP time and arrival part when a sender begins anew with its old SSRC
OVERLAP = 1.0  # seconds that streams of one connection have in common at least; stragglers have less
MOST_EARLY = 64  # reports that wait for the first packet of their stream

# Which records of a file are taken; None: all.
Within = Callable[[segment.SegmentFile], Iterable[segment.Record | segment.Damage]]


def unwrap(value: int, near: int, bits: int) -> int:
    """The integer congruent to ``value`` modulo 2**bits that lies nearest to ``near``."""
    half = 1 << (bits - 1)
    return near + ((value - near + half) & ((1 << bits) - 1)) - half


class Told(NamedTuple):
    """A sender report: when it came (seconds of the recording), 64 bits of NTP time, 32 of RTP time."""

    arrival: float
    ntp: int
    rtp_time: int


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
    after: int | None = None  # the last timestamp of the same simulcast layer's turn before this one
    # Arrival, NTP seconds, unwrapped RTP time; shared by the turns of one layer.
    reports: list[tuple[float, float, int]] = field(default_factory=list)

    def continues(self, packet: Packet, arrival: float) -> bool:
        """False when the packet begins a new count of timestamps: the sender restarted."""
        if not self.timestamp:
            return True
        media = (unwrap(packet.timestamp, self.timestamp[-1], 32) - self.timestamp[-1]) / self.clock_rate
        return abs(arrival - self.arrival[-1] - media) < RESTART

    def add(self, packet: Packet, arrival: float, file: int, offset: int) -> None:
        """Take one RTP packet found at ``offset`` of file number ``file``."""
        last_index = self.index[-1] if self.index else packet.sequence_number
        before = packet.timestamp if self.after is None else self.after
        last_time = self.timestamp[-1] if self.timestamp else before
        self.index.append(unwrap(packet.sequence_number, last_index, 16))
        self.timestamp.append(unwrap(packet.timestamp, last_time, 32))
        self.arrival.append(arrival)
        self.marker.append(packet.marker)
        self.orientation.append(-1 if packet.orientation is None else packet.orientation)
        self.redundant.append(packet.redundant is not None)
        self.place.extend((file, offset + packet.payload_offset, offset + packet.payload_end))

    def add_report(self, told: Told) -> None:
        """Take a sender report of this stream."""
        if self.timestamp:
            rtp_time = unwrap(told.rtp_time, self.timestamp[-1], 32)
            self.reports.append((told.arrival, told.ntp / 4294967296.0, rtp_time))

    def media_seconds(self) -> Floats:
        """RTP timestamps in seconds since the first packet."""
        stamps = np.asarray(self.timestamp, dtype=np.float64)
        return np.asarray((stamps - stamps[0]) / self.clock_rate, dtype=np.float64)

    def believed_reports(self) -> Reports | None:
        """The reports in the terms of ``media_seconds``; None when there are none to believe."""
        if not self.reports:
            return None
        rows = np.array(self.reports, dtype=np.float64).T
        found = believable(Reports(rows[0], rows[1], (rows[2] - self.timestamp[0]) / self.clock_rate))
        return found if len(found.media) else None

    def order(self) -> NDArray[np.int64]:
        """Positions of the packets by sequence number, each number once."""
        _, first = np.unique(np.asarray(self.index), return_index=True)
        return first.astype(np.int64)


def connections_of(streams: list[Stream]) -> list[list[Stream]]:
    """Streams that overlap in time came over one connection.

    The sender's clock may be set between two connections, so each is moved to our clock by itself.
    """
    found: list[list[Stream]] = []
    until = float("-inf")
    for stream in sorted(streams, key=lambda stream: min(stream.arrival)):
        if not found or min(stream.arrival) > until - OVERLAP:
            found.append([])
        found[-1].append(stream)
        until = max(until, max(stream.arrival))
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
        self._early: list[tuple[int, Told]] = []  # SSRC and report, of streams that have no packet yet

    def read(
        self, source: str, paths: list[Path], track: dict[str, Any], within: Within | None = None
    ) -> None:
        """Index the segments of one track; ``track`` is its entry in the manifest."""
        self._early = []
        present: dict[tuple[int, str], Stream] = {}  # the streams of each SSRC; packets go to the newest
        self._streams[source] = []
        header: segment.SegmentHeader | None = None
        for path in paths:
            file = segment.SegmentFile(path)
            self._files.append(file)
            # Where a header is damaged, what came before it mostly went on.
            header = self._headers[len(self._files) - 1] = file.header or header
            items = within(file) if within else file.items()
            self._read_file(file, items, source, present, track)

    def _read_file(
        self,
        file: segment.SegmentFile,
        items: Iterable[segment.Record | segment.Damage],
        source: str,
        present: dict[tuple[int, str], Stream],
        track: dict[str, Any],
    ) -> None:
        boot = file.header.boot_id if file.header else None
        header = self._headers[len(self._files) - 1]
        codec = header.codec if header else track["codec"]
        rate = (header.clock_rate if header else track["clock_rate"]) or 90_000
        for item in items:
            if isinstance(item, segment.Damage):
                continue
            if item.kind == segment.RTP:
                wall_ns = self._clock.wall_ns(boot, item.monotonic_ns, item.wall_ns)
                self._take(item, (wall_ns - self._origin_ns) / 1e9, source, present, codec, rate)
            elif item.kind == segment.SENDER_REPORT:
                report = segment.parse_report(item.payload)
                if report is not None:
                    wall_ns = self._clock.wall_ns(boot, item.monotonic_ns, item.wall_ns)
                    told = Told((wall_ns - self._origin_ns) / 1e9, report[1], report[2])
                    self._report(told, report[0], present.get((report[0], codec)))

    def _report(self, told: Told, ssrc: int, stream: Stream | None) -> None:
        """Give a report to its stream; one that comes before the first packet waits for it."""
        if stream is not None:
            stream.add_report(told)
        elif len(self._early) < MOST_EARLY:
            self._early.append((ssrc, told))

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
        known = present.get((packet.ssrc, codec))
        continues = known is not None and known.continues(packet, arrival)
        if known is not None and continues and known is self._streams[source][-1]:
            stream = known
        else:
            # Simulcast layers take turns; each turn is a stream of its own, with the reports of all of them:
            # a turn may be over before the next report comes.
            stream = present[packet.ssrc, codec] = Stream(packet.ssrc, codec, rate)
            if known is not None and continues:
                stream.after, stream.reports = known.timestamp[-1], known.reports
            self._streams[source].append(stream)
        stream.add(packet, arrival, len(self._files) - 1, record.end - len(record.payload) - 4)
        if self._early:
            for ssrc, told in self._early:
                if ssrc == packet.ssrc:
                    stream.add_report(told)
            self._early = [early for early in self._early if early[0] != packet.ssrc]

    def settle(self) -> None:
        """Compute every packet's time: reported streams together, each other stream by itself."""
        reported: list[Stream] = []
        for stream in self.all():
            if stream.believed_reports() is None:
                arrivals = [np.asarray(stream.arrival)]
                self._times[id(stream)] = on_server_clock([stream.media_seconds()], arrivals, False)[0]
            else:
                reported.append(stream)
        for connection in connections_of(reported):
            self._settle_connection(connection)

    def _settle_connection(self, connection: list[Stream]) -> None:
        """Streams with reports of one clock, which may be set meanwhile."""
        believed = [found for stream in connection if (found := stream.believed_reports()) is not None]
        sets = clock_sets(believed)
        times = [
            on_sender_clock(stream.media_seconds(), as_if_never_set(reports, sets))
            for stream, reports in zip(connection, believed, strict=True)
        ]
        arrivals = [np.asarray(stream.arrival) for stream in connection]
        moved = on_server_clock(times, arrivals, True)
        self._times.update((id(stream), at) for stream, at in zip(connection, moved, strict=True))

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
                stream.arrival[position],
            )

    def close(self) -> None:
        for file in self._files:
            file.close()
