"""The publish transport of one Participant: from its offer to its Publications."""

from dataclasses import dataclass, replace
from typing import Protocol

from media.control import ControlError, TransportChanged
from media.description import Description, DescriptionError, parse_description
from media.fastlane import Fanout
from media.feedback import (
    Feedback,
    build_bandwidth_estimate,
    build_receiver_report,
    build_transport_wide,
)
from media.layer import Layer
from media.negotiation import Accepted, accept, build_answer
from media.publication import FEEDBACK_SSRC, Publication
from media.redundancy import RedundancyError, unfold
from media.repair import RepairsIn
from media.rtp import Packet, RtpError, find_extension, parse_packet
from media.sink import SenderReport, Source, TrackDescription
from media.surroundings import Surroundings
from media.transport import Transport, TransportState
from media.transportwide import ArrivalLog
from media.uplink import Uplink, withhold

SENDING = ("sendrecv", "sendonly")
KIND_OF: dict[Source, str] = {"microphone": "audio", "camera": "video", "screen": "video"}
REPORT_INTERVAL = 1.0
# Chromium believes an estimate at once in its first two seconds, so those come quickly.
EARLY_INTERVAL = 0.2
EARLY_SECONDS = 2.0
# Of transport-wide feedback, in seconds; browsers themselves send one every 50 to 250 ms.
FEEDBACK_INTERVAL = 0.09


class PublisherRoom(Fanout, Protocol):
    """The Room as a Publisher sees it."""

    room_id: str

    def publication_began(self, publication: Publication) -> None:
        """Negotiated; packets may come."""

    def publication_started(self, publication: Publication) -> None:
        """Its first packet is about to be forwarded."""

    def publication_ended(self, publication: Publication, withdrawn: bool) -> None:
        """Withdrawn by its publisher, or else lost with its transport."""

    def forward(self, publication: Publication, packet: Packet, now: float) -> None:
        """Give the packet to all sinks."""

    def forward_report(self, publication: Publication, report: SenderReport, now: float) -> None:
        """Give the report to all sinks."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An offer that was found acceptable, before anything is changed by it."""

    description: Description
    sources: dict[str, Source]
    choices: list[Accepted | None]

    @property
    def sending(self) -> dict[str, Accepted]:
        """The m-sections that will carry something, by mid."""
        return {c.section.mid: c for c in self.choices if c and c.section.direction in SENDING}

    def upright(self) -> "Plan":
        """The same without orientation, so that the sender turns its pictures itself."""
        choices = [replace(choice, orientation_id=0) if choice else None for choice in self.choices]
        return replace(self, choices=choices)


@dataclass(slots=True)
class _Line:
    """An accepted m-section and what arrives on it."""

    accepted: Accepted
    ssrcs: tuple[int, ...]
    publication: Publication


class Publisher:
    """Owns a transport and the Publications that arrive on it.

    With `upright` no orientation is agreed on: somebody looks on who could not turn the pictures.
    """

    def __init__(
        self, room: PublisherRoom, participant_id: str, surroundings: Surroundings, upright: bool = False
    ) -> None:
        self.participant_id = participant_id
        # Told to publish anew, because of that.
        self.is_recalled = False
        self._upright = upright
        self._room = room
        self._surroundings = surroundings
        self._gate = surroundings.gate
        self._remote: Description | None = None
        self._lines: dict[str, _Line] = {}
        self._routes: dict[int, Publication] = {}
        self._repairs = RepairsIn(self._gate.counters)
        self._connected_at = 0.0
        self._reported_at = float("-inf")
        self._arrivals: ArrivalLog | None = None
        self._uplink = Uplink()
        self._limited_to: float | None = None
        self._fed_back_at = float("-inf")
        self.transport = Transport(surroundings.gate, surroundings.config, surroundings.certificate, self)

    @property
    def publications(self) -> list[Publication]:
        """What is published now."""
        return [line.publication for line in self._lines.values()]

    def belongs_to(self, description: Description) -> bool:
        """Whether this offer comes from the PeerConnection that is connected here."""
        remote = self._remote
        alive = self.transport.state is not TransportState.CLOSED
        if not alive or remote is None:
            return False
        return remote.fragment == description.fragment or description.restarts_ice_of(remote)

    def negotiate(self, plan: Plan) -> str:
        """Carry out a plan and give the answer."""
        plan = plan.upright() if self._upright else plan
        description, sources, sending = plan.description, plan.sources, plan.sending
        if self._remote is None:
            self._begin(description)
        elif description.restarts_ice_of(self._remote):
            self.transport.restart()
        self._remote = description
        for mid, line in list(self._lines.items()):
            if not _continues(line, sending.get(mid), sources.get(mid)):
                self._end_line(mid, withdrawn=True)
        transport_wide_id = max((c.transport_wide_id for c in sending.values()), default=0)
        if transport_wide_id and self._arrivals is None:
            self._arrivals = ArrivalLog(transport_wide_id)
            self.transport.inbound.arrivals = self._arrivals.state
        for mid, choice in sending.items():
            if mid not in self._lines:
                self._begin_line(choice, sources[mid])
        return build_answer(
            plan.choices, description, self._surroundings.local_end(self.transport.credentials)
        )

    def _begin(self, description: Description) -> None:
        deadline = self._surroundings.clock() + self._surroundings.config.handshake_timeout
        self.transport.open(deadline)
        self.transport.expect(description.fingerprints, description.setup == "passive", deadline)

    def _begin_line(self, choice: Accepted, source: Source) -> None:
        publication = Publication(
            self._track(choice, source),
            self.transport.send_rtcp,
            self._surroundings.config.key_frame_interval,
            choice.audio_level_id,
            choice.rids,
        )
        for layer in publication.layers:
            layer.transport_wide_id = choice.transport_wide_id
        ssrcs = tuple(s for s in choice.section.ssrcs if s not in choice.section.repair_ssrcs)
        self._lines[choice.section.mid] = _Line(choice, ssrcs, publication)
        self._repairs.expect(choice, publication)
        for ssrc in ssrcs if not choice.rids else ():
            self._routes.setdefault(ssrc, publication)
        self._room.publication_began(publication)

    def _track(self, choice: Accepted, source: Source) -> TrackDescription:
        codec = choice.codec
        return TrackDescription(
            room_id=self._room.room_id,
            participant_id=self.participant_id,
            source=source,
            kind="audio" if choice.section.kind == "audio" else "video",
            codec=codec.name,
            clock_rate=codec.clock_rate,
            channels=codec.channels,
            payload_type=codec.payload_type,
            fmtp=codec.fmtp,
            orientation_id=choice.orientation_id,
            redundant_payload_type=choice.redundancy.payload_type if choice.redundancy else 0,
        )

    def _end_line(self, mid: str, withdrawn: bool) -> None:
        line = self._lines.pop(mid)
        self._routes = {s: p for s, p in self._routes.items() if p is not line.publication}
        self._repairs.forget(line.publication)
        if self._gate.lane is not None:
            self._gate.lane.disown(self.transport.inbound, line.publication)
        self._room.publication_ended(line.publication, withdrawn)
        line.publication.close()

    def take_packet(self, data: bytes, now: float) -> None:
        """One authenticated RTP packet: find its Publication and forward it."""
        try:
            packet = parse_packet(data)
        except RtpError:
            self._gate.counters["rtp_malformed"] += 1
            return
        if self._arrivals is not None:
            self._arrivals.note(data, self._gate.arrived or now)
        publication = self._routes.get(packet.ssrc)
        if publication is None:
            found = self._repairs.restore(packet) if self._repairs.takes(packet) else packet
            if found is None:
                return
            packet = found
            publication = self._routes.get(packet.ssrc) or self._find_route(packet)
        if publication is None or not self._is_of(packet, publication.track):
            self._gate.counters["unrouted"] += 1
            return
        fresh = not publication.started
        forwarded = publication.receive(packet, now)
        if fresh and publication.started:
            self._room.publication_started(publication)
        if forwarded:
            self._room.forward(publication, packet, now)
            self._adopt(publication, packet)

    def _adopt(self, publication: Publication, packet: Packet) -> None:
        """Let the compiled path serve the layer from its next packet on."""
        lane, layer = self._gate.lane, packet.layer
        if lane is not None and isinstance(layer, Layer) and not layer.state.number:
            lane.adopt(self.transport.inbound, publication, layer, self._room)

    def _is_of(self, packet: Packet, track: TrackDescription) -> bool:
        """Whether the packet is of the track's codec, alone or in what repeats it."""
        if packet.payload_type == track.payload_type:
            return True
        if packet.payload_type != track.redundant_payload_type or not track.redundant_payload_type:
            return False
        try:
            unfold(packet, track.payload_type)
        except RedundancyError:
            self._gate.counters["red_malformed"] += 1
            return False
        return True

    def _find_route(self, packet: Packet) -> Publication | None:
        """By the MID extension, else by a payload type of one m-section only (RFC 8843 section 9.2)."""
        fitting = [line for line in self._lines.values() if line.accepted.carries(packet.payload_type)]
        for line in fitting:
            if line.accepted.mid_id and (line.accepted.rids or not line.publication.started):
                mid = find_extension(packet.data, line.accepted.mid_id)
                if mid is not None and mid == line.accepted.section.mid.encode():
                    return self._learn(packet, line)
        if len(fitting) == 1 and not fitting[0].publication.started and not fitting[0].accepted.rids:
            return self._learn(packet, fitting[0])
        return None

    def _learn(self, packet: Packet, line: _Line) -> Publication | None:
        """Remember the SSRC; of several layers, it must be one that names itself (RFC 8852 section 3.1)."""
        if line.accepted.rids:
            rid = find_extension(packet.data, line.accepted.rid_id) or b""
            if not line.publication.claim(packet.ssrc, rid.decode("ascii", "replace")):
                return None
        self._routes[packet.ssrc] = line.publication
        return line.publication

    def take_feedback(self, feedback: list[Feedback], now: float) -> None:
        """Sender reports are all that a publisher's RTCP can tell us."""
        for item in feedback:
            if isinstance(item, SenderReport):
                publication = self._routes.get(item.ssrc)
                if publication is not None and publication.receive_report(item, now):
                    self._room.forward_report(publication, item, now)

    def transport_changed(self, transport: Transport, cause: str | None) -> None:
        """Tell the controller; end the Publications with the transport."""
        if transport.state is TransportState.CONNECTED and not self._connected_at:
            self._connected_at = self._surroundings.clock()
        event = TransportChanged(
            room_id=self._room.room_id,
            participant_id=self.participant_id,
            direction="publish",
            state=transport.state.value,
            cause=cause,
        )
        self._surroundings.emit(event)
        if transport.state is TransportState.CLOSED:
            for mid in list(self._lines):
                self._end_line(mid, withdrawn=False)

    def tick(self, now: float) -> None:
        """Every few tens of milliseconds: liveness, NACKs, key frames, reports."""
        self.transport.tick(now)
        if not self.transport.ready:
            return
        for line in self._lines.values():
            line.publication.tick(now)
        if self._arrivals is not None and now - self._fed_back_at >= FEEDBACK_INTERVAL:
            self._fed_back_at = now
            self._send_arrivals(self._arrivals)
            self._weigh(self._arrivals, now)
        early = now - self._connected_at < EARLY_SECONDS
        if now - self._reported_at >= (EARLY_INTERVAL if early else REPORT_INTERVAL):
            self._reported_at = now
            self._send_reports(now)

    def _send_arrivals(self, arrivals: ArrivalLog) -> None:
        media = next((p.ssrc for p in self.publications if p.ssrc is not None), 0)
        for body in arrivals.take(FEEDBACK_SSRC, media):
            self.transport.send_rtcp(build_transport_wide(body))

    def _weigh(self, arrivals: ArrivalLog, now: float) -> None:
        """Let go of layers that the publisher's network does not carry, before its browser finds out."""
        was_behind = self._uplink.is_behind
        self._uplink.hear(self._transit())
        if self._uplink.is_behind is not was_behind:
            for layer in (x for p in self.publications for x in p.layers[1:]):
                layer.is_held_up = self._uplink.is_behind
        if not self._uplink.looks(arrivals.sent, arrivals.came):
            return
        publications = self.publications
        octets = sum(layer.stats.bytes for p in publications for layer in p.layers)
        budget = self._uplink.note(arrivals.sent, arrivals.came, octets, now)
        self._limit(budget)
        for camera in (p for p in publications if len(p.layers) > 1):
            rest = sum(p.best.bitrate for p in publications if p is not camera)
            withhold(camera.layers, budget, rest, now)

    def _limit(self, budget: float | None) -> None:
        """Say it to the browser too, which obeys within the round trip, long before its page has let go."""
        if budget == self._limited_to:
            return
        self._limited_to = budget
        video = [x.ssrc for p in self.publications for x in p.layers if x.ssrc is not None and x.is_video]
        if video:
            most = self._surroundings.config.video_bitrate * len(video)
            self.transport.send_rtcp(build_bandwidth_estimate(FEEDBACK_SSRC, int(budget or most), video))

    def _transit(self) -> float | None:
        """Of the last packet of the microphone, in seconds; only differences mean anything."""
        for line in self._lines.values():
            publication = line.publication
            if publication.track.source == "microphone" and publication.started:
                return float(publication.layers[0].state.transit) / publication.track.clock_rate
        return None

    def _send_reports(self, now: float) -> None:
        layers = [layer for p in self.publications for layer in p.layers]
        blocks = [x.stats.report(x.ssrc, now) for x in layers if x.ssrc is not None]
        video = [x.ssrc for x in layers if x.ssrc is not None and x.is_video]
        data = build_receiver_report(FEEDBACK_SSRC, blocks)
        if video and self._arrivals is None:
            bitrate = self._surroundings.config.video_bitrate * len(video)
            data += build_bandwidth_estimate(FEEDBACK_SSRC, bitrate, video)
        self.transport.send_rtcp(data)

    def close(self, cause: str) -> None:
        """Close the transport, and with it the Publications."""
        self.transport.close(cause)


def _continues(line: _Line, choice: Accepted | None, source: Source | None) -> bool:
    """Whether a renegotiated m-section carries on as the same stream."""
    if choice is None or source != line.publication.track.source or choice.codec != line.accepted.codec:
        return False
    if choice.rids != line.accepted.rids or choice.repair != line.accepted.repair:
        return False
    if choice.redundancy != line.accepted.redundancy:
        return False
    if choice.orientation_id != line.accepted.orientation_id:
        return False
    return not choice.section.ssrcs or line.publication.ssrc in (None, *choice.section.ssrcs)


def _check_sources(sending: dict[str, Accepted], sources: dict[str, Source]) -> None:
    used = [sources[mid] for mid in sending]
    if len(set(used)) != len(used):
        raise ControlError("bad_sdp", "a source is named twice")
    for mid, choice in sending.items():
        if KIND_OF.get(sources[mid]) != choice.section.kind:
            raise ControlError("bad_sdp", "a source does not fit the kind of its m-section")


def read_offer(sdp: str, sources: dict[str, Source]) -> Plan:
    """Parse a publisher's offer. Raises ControlError bad_sdp, also when the sources do not fit it."""
    try:
        description = parse_description(sdp)
    except DescriptionError as exc:
        raise ControlError("bad_sdp", str(exc)) from exc
    choices = [c if c and c.section.mid in sources else None for c in accept(description)]
    plan = Plan(description, sources, choices)
    _check_sources(plan.sending, sources)
    return plan
