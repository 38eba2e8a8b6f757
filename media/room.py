"""The live gathering of one Session in the media worker: who sends, who receives, what is recorded."""

import asyncio
import logging
from typing import Any

from media.attention import RoomAttention
from media.control import (
    ControlError,
    LayersWanted,
    PublicationChanged,
    PublishAgain,
    QualityMeasured,
    SpeakersChanged,
)
from media.outflow import Wishes
from media.participant import Participant
from media.partition import CAUSE, Groups, Partition, rearrange
from media.publication import Publication
from media.publisher import Plan, Publisher, read_offer
from media.quality import QualityMeter
from media.room_recording import RoomRecording
from media.router import Router
from media.rtp import Packet
from media.sink import PacketSink, SenderReport, Source
from media.speech import RoomSpeech
from media.subscriber import Subscriber
from media.subscription import Subscription
from media.surroundings import Surroundings
from media.transport import TransportState

logger = logging.getLogger(__name__)

# Seconds between measurements of everybody's lines.
QUALITY_INTERVAL = 1.0
MOST_PARTICIPANTS = 64


class Room:
    """Given: surroundings. Owned: participants and the recording; `close` ends them in this order."""

    def __init__(self, room_id: str, surroundings: Surroundings) -> None:
        self.room_id = room_id
        self.participants: dict[str, Participant] = {}
        self.recording: RoomRecording | None = None
        self._surroundings = surroundings
        self._router = Router(self._sink_broke)
        self.partition = Partition()
        self._muted: set[tuple[str, Source]] = set()
        self._recording_lock = asyncio.Lock()
        self._speech = RoomSpeech()
        self._attention = RoomAttention()
        self._quality = QualityMeter()
        self._quality_at = float("-inf")

    @property
    def publications(self) -> list[Publication]:
        """All of the room."""
        publishers = (p.publisher for p in self.participants.values())
        return [publication for p in publishers if p is not None for publication in p.publications]

    def add(self, participant_id: str, may_publish: bool) -> None:
        """Let somebody in, or change whether they may publish. Raises ControlError too_many."""
        present = self.participants.get(participant_id)
        if present is not None:
            present.may_publish = may_publish
            if not may_publish and present.publisher is not None:
                present.publisher.close("not_allowed")
            return
        if len(self.participants) >= MOST_PARTICIPANTS:
            raise ControlError("too_many", "the room is full")
        self.participants[participant_id] = Participant(participant_id, may_publish)

    def remove(self, participant_id: str, reason: str) -> None:
        """Close their transports and withdraw what they published. No error when they are not there."""
        participant = self.participants.pop(participant_id, None)
        if participant is None:
            return
        for end in (participant.publisher, participant.subscriber):
            if end is not None:
                end.close(reason)
        self._muted = {key for key in self._muted if key[0] != participant_id}
        self._withdraw_missing(participant_id, frozenset())

    def publish(self, participant_id: str, offer_sdp: str, sources: dict[str, Source]) -> dict[str, Any]:
        """Answer a publisher's offer. Raises ControlError not_found, forbidden or bad_sdp."""
        participant = self._participant(participant_id)
        if not participant.may_publish:
            raise ControlError("forbidden", "this participant may not publish")
        plan = read_offer(offer_sdp, sources)
        publisher = participant.publisher
        if publisher is None or not publisher.belongs_to(plan.description):
            answer = self._replace_publisher(participant, plan)
        else:
            answer = publisher.negotiate(plan)
        assert participant.publisher is not None
        present = frozenset(p.track.source for p in participant.publisher.publications)
        self._withdraw_missing(participant_id, present)
        return {
            "answer_sdp": answer,
            "transport_id": participant.publisher.transport.credentials.fragment,
        }

    def _replace_publisher(self, participant: Participant, plan: Plan) -> str:
        if participant.publisher is not None:
            participant.publisher.close("replaced")
        upright = not self._is_turned_for_all(participant.participant_id)
        participant.publisher = Publisher(self, participant.participant_id, self._surroundings, upright)
        return participant.publisher.negotiate(plan)

    def subscribe(self, participant_id: str, restart: bool = False) -> None:
        """Start a subscribe transport anew, or only its ICE, and offer. Raises ControlError not_found."""
        participant = self._participant(participant_id)
        running = participant.subscriber
        if restart and running is not None and running.transport.state is not TransportState.CLOSED:
            running.restart(self._surroundings.clock())
            return
        if participant.subscriber is not None:
            participant.last_offer_id = participant.subscriber.last_offer_id
            participant.subscriber.close("replaced")
        subscriber = Subscriber(self.room_id, participant_id, self._surroundings, participant.last_offer_id)
        participant.subscriber = subscriber
        subscriber.outflow.wish(participant.wishes)
        for publication in self.publications:
            if self.partition.lets_hear(participant_id, publication):
                subscriber.attach(publication)
        subscriber.offer(self._surroundings.clock())

    def part(self, groups: Groups) -> None:
        """From now on nobody hears those of another group and nothing is recorded; or open a moment later."""
        if not groups:
            self.partition.order_open(self._surroundings.clock())
            return
        self._surroundings.gate.flush()
        if self.partition.stands:
            self._keep_back()
        self.partition.close(groups)
        if self.recording is not None:
            self.recording.hold(CAUSE)
        self._rearrange()

    def _open(self) -> None:
        """The room is whole again, from the next packet on."""
        self._keep_back()
        self._rearrange()
        for publication in self.publications:
            self._record(publication)

    def _keep_back(self) -> None:
        for publication in self.publications:
            publication.keep_back()

    def _rearrange(self) -> None:
        now, publications = self._surroundings.clock(), self.publications
        for participant in self.participants.values():
            if participant.subscriber is not None:
                rearrange(participant.subscriber, publications, self.partition, now)

    def set_wishes(self, participant_id: str, wishes: Wishes) -> None:
        """How they are shown the others; kept for their next transport. Raises ControlError not_found."""
        participant = self._participant(participant_id)
        participant.wishes = wishes
        if participant.subscriber is not None:
            participant.subscriber.outflow.wish(wishes)

    def accept_offer(self, participant_id: str, offer_id: int, answer_sdp: str) -> None:
        """Take a subscriber's answer. Raises ControlError not_found, stale_offer or bad_sdp."""
        subscriber = self._participant(participant_id).subscriber
        if subscriber is None:
            raise ControlError("not_found", "no subscribe transport")
        subscriber.answer(offer_id, answer_sdp, self._surroundings.clock())

    def set_muted(self, participant_id: str, source: Source, muted: bool) -> None:
        """Stop or let through a source, also one that is not published yet."""
        self._participant(participant_id)
        key = (participant_id, source)
        if muted:
            self._muted.add(key)
        else:
            self._muted.discard(key)
        for publication in self.publications:
            if (publication.track.participant_id, publication.track.source) == key:
                self._apply_mute(publication)

    def _apply_mute(self, publication: Publication) -> None:
        muted = (publication.track.participant_id, publication.track.source) in self._muted
        if publication.muted and not muted:
            for sink in publication.sinks:
                if isinstance(sink, Subscription):
                    sink.hold()
            publication.keep_back()
            publication.request_key_frame()
        publication.muted = muted

    def publication_began(self, publication: Publication) -> None:
        """Subscribe everybody else to it at once; offers go out before the first packet arrives."""
        self._apply_mute(publication)
        now = self._surroundings.clock()
        for subscriber in self._others(publication.track.participant_id):
            if self.partition.lets_hear(subscriber.participant_id, publication):
                subscriber.attach(publication)
                asyncio.get_running_loop().call_soon(subscriber.offer, now)

    def publication_started(self, publication: Publication) -> None:
        """Record it, and tell."""
        self._record(publication)
        self._tell_publication(publication, "started")

    def _record(self, publication: Publication) -> None:
        if self.recording is not None and not self.partition.stands:
            self.recording.attach(publication)

    def publication_ended(self, publication: Publication, withdrawn: bool) -> None:
        """Close its recorder track, and tell. Subscribers keep the m-line for the publisher's return."""
        if self.recording is not None:
            self.recording.detach(publication, "withdrawn" if withdrawn else "transport_lost")
        if publication.started:
            self._tell_publication(publication, "ended")

    def _tell_publication(self, publication: Publication, state: str) -> None:
        self._surroundings.emit(
            PublicationChanged(
                room_id=self.room_id,
                participant_id=publication.track.participant_id,
                source=publication.track.source,
                kind=publication.track.kind,
                state=state,
            )
        )

    def _withdraw_missing(self, participant_id: str, present: frozenset[Source]) -> None:
        sources: tuple[Source, ...] = ("microphone", "camera", "screen")
        now = self._surroundings.clock()
        for subscriber in self._others(participant_id):
            for source in sources:
                if source not in present:
                    subscriber.withdraw(participant_id, source)
            subscriber.offer(now)

    def _others(self, participant_id: str) -> list[Subscriber]:
        return [
            p.subscriber
            for p in self.participants.values()
            if p.participant_id != participant_id and p.subscriber is not None
        ]

    def _is_turned_for_all(self, participant_id: str) -> bool:
        """Whether all who receive from there turn pictures by the orientation that comes with them."""
        return all(subscriber.turns_pictures for subscriber in self._others(participant_id))

    def _recall_turned(self) -> None:
        """Who sends pictures on their side to somebody who sees them so is asked to publish anew."""
        for participant_id, participant in self.participants.items():
            publisher = participant.publisher
            if publisher is None or publisher.is_recalled:
                continue
            lying = not all(publication.is_upright for publication in publisher.publications)
            if lying and not self._is_turned_for_all(participant_id):
                publisher.is_recalled = True
                event = PublishAgain(room_id=self.room_id, participant_id=participant_id)
                self._surroundings.emit(event)

    def _participant(self, participant_id: str) -> Participant:
        try:
            return self.participants[participant_id]
        except KeyError as exc:
            raise ControlError("not_found", "no such participant") from exc

    def forward(self, publication: Publication, packet: Packet, now: float) -> None:
        """Give the packet to all sinks."""
        self._router.forward(publication, packet, now)

    def share(
        self, publication: Publication, sinks: tuple[PacketSink, ...], packet: Packet, now: float
    ) -> None:
        """Give the packet to these of its sinks."""
        self._router.share(publication, sinks, packet, now)

    def deliver(self, publication: Publication) -> None:
        """Give its recorders what was kept for them."""
        self._router.deliver(publication)

    def forward_report(self, publication: Publication, report: SenderReport, now: float) -> None:
        """Give the report to all sinks, after the packets before it."""
        self._router.report(publication, report, now)

    def _sink_broke(self, publication: Publication, sink: PacketSink) -> None:
        if self.recording is not None:
            self.recording.sink_broke(sink)

    async def start_recording(self, recording_id: str, directory: str) -> None:
        """Record all present and future Publications. Raises ControlError recorder_failed or conflict."""
        async with self._recording_lock:
            if self.recording is not None:
                if self.recording.recording_id != recording_id:
                    raise ControlError("conflict", "another recording of this room is open")
                self.recording.mend(() if self.partition.stands else self.publications)
                return
            factory = self._surroundings.recorder_factory
            try:
                recorder = await asyncio.to_thread(factory.open, recording_id, directory)
            except Exception as exc:
                logger.exception("Opening recording %s failed", recording_id)
                raise ControlError("recorder_failed", str(exc)) from exc
            recording = RoomRecording(
                self.room_id, recording_id, directory, recorder, self._surroundings, self._router.deliver
            )
            self.recording = recording
        for publication in self.publications:
            self._record(publication)
        recording.tick(self._surroundings.clock())

    async def stop_recording(self, reason: str) -> None:
        """Close the recording. No error when there is none."""
        async with self._recording_lock:
            recording, self.recording = self.recording, None
            if recording is not None:
                await recording.close(reason)

    def tick(self, now: float) -> None:
        """Ten times a second. Packets are served in between: a room of many takes a millisecond and more."""
        poll = self._surroundings.gate.poll
        if self.partition.open_if_due(now):
            self._open()
        for participant in list(self.participants.values()):
            if participant.publisher is not None:
                participant.publisher.tick(now)
                now = poll(now)
            if participant.subscriber is not None:
                participant.subscriber.tick(now)
                now = poll(now)
        if self.recording is not None:
            self.recording.tick(now)
            now = poll(now)
        publications = self.publications
        self._tell_wanted(publications, now)
        if self._speech.is_due(now):
            self._tell_speakers(publications, now)
        if now - self._quality_at >= QUALITY_INTERVAL:
            self._quality_at = now
            self._recall_turned()
            people = self._quality.measure(self.participants.values(), now)
            self._surroundings.emit(QualityMeasured(room_id=self.room_id, people=people))

    def _tell_wanted(self, publications: list[Publication], now: float) -> None:
        is_recorded = self.recording is not None
        for publication, rids in self._attention.look(publications, is_recorded, now):
            who, source = publication.track.participant_id, publication.track.source
            self._surroundings.emit(
                LayersWanted(room_id=self.room_id, participant_id=who, source=source, rids=rids)
            )
            for subscriber in self._others(who):
                subscriber.outflow.hurry()

    def _tell_speakers(self, publications: list[Publication], now: float) -> None:
        heard = (
            p
            for p in publications
            if p.track.source == "microphone"
            and not p.muted
            and self.partition.confers(p.track.participant_id)
        )
        levels = self._speech.look(heard, now)
        if levels is not None:
            speaker = self._speech.speaker
            self._surroundings.emit(SpeakersChanged(room_id=self.room_id, levels=levels, speaker=speaker))

    async def close(self, reason: str) -> None:
        """Close all transports, then the recording."""
        for participant in self.participants.values():
            # All of them first, so that nobody is offered the others' departure.
            if participant.subscriber is not None:
                participant.subscriber.close(reason)
        for participant_id in list(self.participants):
            self.remove(participant_id, reason)
        await self.stop_recording(reason)
