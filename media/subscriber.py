"""The subscribe transport of one Participant: our offers, its answers, its Subscriptions."""

import re
import secrets
from dataclasses import dataclass, field

from media.codecs import DEFAULT_AUDIO, DEFAULT_VIDEO, choose_redundancy, choose_repair
from media.control import ControlError, OfferMade, TransportChanged
from media.description import Codec, Description, DescriptionError, MediaSection, parse_description
from media.feedback import BandwidthEstimate, Feedback, KeyFrameRequest, Nack, ReportBlock
from media.negotiation import (
    OFFERED_TRANSPORT_WIDE_ID,
    OfferedStream,
    build_offer,
    numbers_wanted,
    orientation_wanted,
)
from media.outflow import Outflow
from media.publication import Publication
from media.redundancy import RedundancyOut
from media.repair import RepairOut
from media.sentlog import SentLog
from media.sink import Kind, Source
from media.subscription import Subscription
from media.surroundings import Surroundings
from media.transport import Transport, TransportState
from media.transportwide import TransportFeedback

# Seconds after which an unanswered offer is made again: the controller may have missed it.
OFFER_PATIENCE = 5.0
ANSWER_DEADLINE = 60.0
TICK_INTERVAL = 0.09
VIDEO_TYPES = range(96, 111)


@dataclass(slots=True)
class Slot:
    """One m-line. It keeps its place and mid; who it belongs to may change after somebody left."""

    mid: str
    kind: Kind
    codec: Codec
    owner: tuple[str, Source] | None = None
    subscription: Subscription | None = None
    # For retransmissions of it, whether or not the browser agrees to them.
    repair_ssrc: int = 0


@dataclass(slots=True)
class PendingOffer:
    """An offer that waits for its answer, and the slots that it activates."""

    offer_id: int
    made_at: float
    active: dict[str, Subscription] = field(default_factory=dict)


class Subscriber:
    """Owns one transport and the Subscriptions that leave by it."""

    def __init__(
        self, room_id: str, participant_id: str, surroundings: Surroundings, last_offer_id: int = 0
    ) -> None:
        self.participant_id = participant_id
        self._room_id = room_id
        self._surroundings = surroundings
        self._slots: list[Slot] = []
        self._by_ssrc: dict[int, Subscription] = {}
        self._payload_types: dict[tuple[str, str], int] = {}
        self._pending: PendingOffer | None = None
        self._offer_id = last_offer_id
        self._version = 0
        self._session_id = secrets.randbits(62)
        self._stale = True
        # Whether pictures that lie on their side are shown upright there; believed until an answer denies it.
        self.turns_pictures = True
        self._ticked_at = float("-inf")
        self.transport = Transport(surroundings.gate, surroundings.config, surroundings.certificate, self)
        self.outflow = Outflow(self.transport)
        # Two silent m-lines from the start: the handshake is done before anybody publishes.
        self._add_slot("audio", DEFAULT_AUDIO)
        self._add_slot("video", DEFAULT_VIDEO)
        self.transport.open(surroundings.clock() + ANSWER_DEADLINE)

    @property
    def last_offer_id(self) -> int:
        """Offer ids grow over restarts, so that a late answer is recognised."""
        return self._offer_id

    @property
    def subscriptions(self) -> list[Subscription]:
        """All that are attached to a Publication."""
        return list(self._by_ssrc.values())

    def hears(self, publication: Publication) -> bool:
        """Whether a Subscription to it is attached."""
        return any(each.publication is publication for each in self._by_ssrc.values())

    def attach(self, publication: Publication) -> None:
        """Subscribe to it, on the m-line of its source when there was one. Call `offer` afterwards."""
        self.outflow.unsettle()
        owner = (publication.track.participant_id, publication.track.source)
        slot = next((s for s in self._slots if s.owner == owner), None)
        if slot is not None and slot.subscription is not None and slot.codec == self._codec_for(publication):
            slot.subscription.publication.detach(slot.subscription)
            slot.subscription.switch(publication)
            publication.attach(slot.subscription)
            return
        slot = slot or self._free_slot(publication)
        self._release(slot)
        self._occupy(slot, publication)
        self._stale = True

    def _free_slot(self, publication: Publication) -> Slot:
        kind = publication.track.kind
        free = next((s for s in self._slots if s.owner is None and s.kind == kind), None)
        return free or self._add_slot(kind, self._codec_for(publication))

    def _add_slot(self, kind: Kind, codec: Codec) -> Slot:
        slot = Slot(str(len(self._slots)), kind, codec)
        self._slots.append(slot)
        return slot

    def _occupy(self, slot: Slot, publication: Publication) -> None:
        track = publication.track
        slot.owner = (track.participant_id, track.source)
        slot.codec = self._codec_for(publication)
        ssrc = self._new_ssrc()
        slot.subscription = Subscription(
            publication,
            self.transport,
            ssrc,
            slot.codec.payload_type,
            stream_name(track.participant_id, track.source),
            secrets.randbelow(0x8000),
        )
        self._by_ssrc[ssrc] = slot.subscription
        slot.repair_ssrc = self._new_ssrc() if slot.kind == "video" else 0
        publication.attach(slot.subscription)

    def _new_ssrc(self) -> int:
        while True:
            ssrc = secrets.randbits(32)
            if ssrc > 0xFF and ssrc not in self._by_ssrc:
                return ssrc

    def _codec_for(self, publication: Publication) -> Codec:
        track = publication.track
        if track.kind == "audio":
            return DEFAULT_AUDIO
        key = (track.codec, track.fmtp)
        number = self._payload_types.setdefault(key, VIDEO_TYPES[len(self._payload_types) % len(VIDEO_TYPES)])
        return Codec(number, track.codec, track.clock_rate, 0, track.fmtp)

    def withdraw(self, participant_id: str, source: Source) -> None:
        """That source is gone for good; its m-line falls silent and may serve another. Call `offer`."""
        for slot in self._slots:
            if slot.owner == (participant_id, source):
                self._release(slot)
                slot.owner = None
                self._stale = True

    def _release(self, slot: Slot) -> None:
        subscription, slot.subscription = slot.subscription, None
        if subscription is not None:
            subscription.publication.detach(subscription)
            subscription.close("withdrawn")
            self._by_ssrc.pop(subscription.ssrc, None)

    def offer(self, now: float) -> None:
        """Make an offer if something changed and none waits for its answer."""
        if not self._stale or self._pending is not None or self.transport.state is TransportState.CLOSED:
            return
        self._stale = False
        self._offer_id += 1
        self._version += 1
        active = {slot.mid: slot.subscription for slot in self._slots if slot.subscription}
        self._pending = PendingOffer(self._offer_id, now, active)
        end = self._surroundings.local_end(self.transport.credentials, self._session_id)
        event = OfferMade(
            room_id=self._room_id,
            participant_id=self.participant_id,
            offer_id=self._offer_id,
            offer_sdp=build_offer([_stream(slot) for slot in self._slots], self._version, end),
            tracks=[_track(slot) for slot in self._slots if slot.owner is not None and slot.subscription],
        )
        self._surroundings.emit(event)

    def restart(self, now: float) -> None:
        """Begin ICE anew with the next offer; DTLS, SRTP and what is being sent go on."""
        self.transport.restart()
        self._pending = None
        self._stale = True
        self.offer(now)

    def answer(self, offer_id: int, sdp: str, now: float) -> None:
        """Take the answer. Raises ControlError stale_offer or bad_sdp; then the offer still waits."""
        pending = self._pending
        if pending is None or pending.offer_id != offer_id:
            raise ControlError("stale_offer", "another offer was made since")
        description = self._read_answer(sdp)
        self._pending = None
        deadline = now + self._surroundings.config.handshake_timeout
        self.transport.expect(description.fingerprints, description.setup == "passive", deadline)
        if self.transport.sent is None and numbers_wanted(description):
            self.transport.sent = SentLog(OFFERED_TRANSPORT_WIDE_ID)
        pictures = [s for s in description.sections if s.kind == "video" and not s.is_rejected]
        self.turns_pictures = all(orientation_wanted(section) for section in pictures)
        for section in description.sections:
            self._settle(section, pending.active.get(section.mid))
        self._hasten(now)
        self.offer(now)

    def _read_answer(self, sdp: str) -> Description:
        try:
            description = parse_description(sdp, len(self._slots))
        except DescriptionError as exc:
            raise ControlError("bad_sdp", str(exc)) from exc
        mids = [slot.mid for slot in self._slots]
        if [s.mid for s in description.sections] != mids[: len(description.sections)]:
            raise ControlError("bad_sdp", "the answer's m-sections are not those of the offer")
        if description.setup == "actpass":
            raise ControlError("bad_sdp", "an answer must decide on a setup role")
        return description

    def _settle(self, section: MediaSection, subscription: Subscription | None) -> None:
        slot = self._slots[int(section.mid)]
        if subscription is None or slot.subscription is not subscription:
            return
        subscription.oriented = orientation_wanted(section)
        repair = choose_repair(section, slot.codec)
        if repair is None or not slot.repair_ssrc:
            subscription.resends.repair = None
        elif subscription.resends.repair is None:
            subscription.resends.repair = RepairOut(self.transport, slot.repair_ssrc, repair.payload_type)
        again = choose_redundancy(section, slot.codec)
        if again is None:
            subscription.redundancy = None
        elif subscription.redundancy is None:
            subscription.redundancy = RedundancyOut(again.payload_type, subscription.state)
        if section.is_rejected or section.direction not in ("recvonly", "sendrecv"):
            subscription.shut()
        elif not subscription.opened:
            subscription.open()

    def take_packet(self, data: bytes, now: float) -> None:
        """A subscriber has nothing to publish here."""
        self._surroundings.gate.counters["unrouted"] += 1

    def take_feedback(self, feedback: list[Feedback], now: float) -> None:
        """Answer NACKs, pass key frame requests up, remember reports."""
        for item in feedback:
            if isinstance(item, TransportFeedback | BandwidthEstimate):
                self.outflow.receive(item, now)
            elif isinstance(item, ReportBlock | Nack | KeyFrameRequest):
                subscription = self._by_ssrc.get(item.ssrc)
                if subscription is None:
                    continue
                if isinstance(item, Nack):
                    subscription.resend(item.numbers, now)
                elif isinstance(item, KeyFrameRequest):
                    subscription.request_key_frame()
                else:
                    subscription.last_block = item
                    if subscription.redundancy is not None:
                        subscription.redundancy.heed(item.fraction_lost)
        if self.outflow.is_urgent:
            self.outflow.tick(self._by_ssrc.values(), now)

    def transport_changed(self, transport: Transport, cause: str | None) -> None:
        """Tell the controller; ask for key frames when media can flow."""
        event = TransportChanged(
            room_id=self._room_id,
            participant_id=self.participant_id,
            direction="subscribe",
            state=transport.state.value,
            cause=cause,
        )
        self._surroundings.emit(event)
        if transport.state is TransportState.CONNECTED:
            for subscription in self.subscriptions:
                subscription.call()
            self._hasten(self._surroundings.clock())
        elif transport.state is TransportState.CLOSED:
            for slot in self._slots:
                self._release(slot)

    def _hasten(self, now: float) -> None:
        """Key frames that are wanted to begin with are asked for now, not with the publisher's next tick."""
        for subscription in self.subscriptions:
            subscription.publication.tick(now)
        self._surroundings.gate.flush()

    def tick(self, now: float) -> None:
        """Liveness, offers that nobody answered, what is sent of whom."""
        if now - self._ticked_at < TICK_INTERVAL:
            return
        self._ticked_at = now
        self.transport.tick(now)
        if self._pending is not None and now - self._pending.made_at > OFFER_PATIENCE:
            self._pending = None
            self._stale = True
        self.offer(now)
        self.outflow.tick(self._by_ssrc.values(), now)

    def close(self, cause: str) -> None:
        """Close the transport and detach from all Publications."""
        self._pending = None
        self.transport.close(cause)


def stream_name(participant_id: str, source: Source) -> str:
    """The msid and CNAME: microphone and camera share one, so that they are played in step."""
    name = re.sub(r"[^A-Za-z0-9_-]", "-", participant_id)
    return f"{name}-screen" if source == "screen" else name


def _stream(slot: Slot) -> OfferedStream:
    if slot.owner is None or slot.subscription is None:
        return OfferedStream(slot.mid, slot.codec, None, "", "")
    participant_id, source = slot.owner
    return OfferedStream(
        slot.mid,
        slot.codec,
        slot.subscription.ssrc,
        stream_name(participant_id, source),
        f"{slot.mid}-{source}",
        slot.repair_ssrc or None,
    )


def _track(slot: Slot) -> dict[str, str]:
    assert slot.owner is not None
    return {"mid": slot.mid, "participant_id": slot.owner[0], "source": slot.owner[1], "kind": slot.kind}
