"""What a media worker tells, taken into the room: one function per kind of event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from media.control import (
    Event,
    LayersWanted,
    OfferMade,
    PublicationChanged,
    PublishAgain,
    QualityMeasured,
    RecordingChanged,
    SpeakersChanged,
    TransportChanged,
)
from signaling.commands import Source
from signaling.media_room import Audience
from signaling.pushes import BadgeState, Layers, MediaRestored, MediaState, Offer, OfferedTrack, Speakers

SILENCE = 127


def hear(audience: Audience, event: Event, now: datetime) -> None:
    """Take one event; kinds we do not know are none of our business."""
    take = _TAKERS.get(type(event))
    if take is not None:
        take(audience, event, now)


def _offer(audience: Audience, event: OfferMade, now: datetime) -> None:
    person = audience.room.people.get(event.participant_id)
    if person is None or person.place != "room":
        return
    tracks = [
        OfferedTrack(
            mid=track["mid"],
            participant_id=track["participant_id"],
            source=cast(Source, track["source"]),
            kind="audio" if track["kind"] == "audio" else "video",
        )
        for track in event.tracks
    ]
    person.pending_offer = Offer(event.offer_id, event.offer_sdp, tracks)
    audience.tell(person.id, person.pending_offer)


def _transport(audience: Audience, event: TransportChanged, now: datetime) -> None:
    person = audience.room.people.get(event.participant_id)
    if person is None:
        return
    state = cast(MediaState, "none" if event.state == "closed" else event.state)
    if event.state == "connected" and person.vanished:
        person.vanished = False
        audience.changed()
    if event.direction == "subscribe":
        person.subscribe_state = state
        return
    if person.publish_state != state:
        person.publish_state = state
        audience.changed()


def _publication(audience: Audience, event: PublicationChanged, now: datetime) -> None:
    person = audience.room.people.get(event.participant_id)
    if person is not None:
        started = event.state == "started"
        person.switch(event.source).published = started
        if event.source == "screen":
            audience.note_showing(person, audience.room.stage.picture(person.id, started, now))
        audience.changed()


def _publish_again(audience: Audience, event: PublishAgain, now: datetime) -> None:
    person = audience.room.people.get(event.participant_id)
    if person is not None and person.place == "room":
        audience.tell(person.id, MediaRestored(publish_needed=True, subscribe_needed=False))


def _recording(audience: Audience, event: RecordingChanged, now: datetime) -> None:
    badge = audience.room.badge
    if event.recording_id != badge.recording_id:
        return
    # Nobody but us stops a recorder on purpose, and then the badge says so already.
    state = "faulty" if event.state == "stopped" else event.state
    first = badge.since is None
    if badge.hear(cast(BadgeState, state), event.cause, event.bytes_on_disk, now, event.stalled):
        _note_recording(audience, first)
    audience.changed()


def _note_recording(audience: Audience, first: bool) -> None:
    badge = audience.room.badge
    data: dict[str, Any] = {"recording_id": badge.recording_id, "bytes": badge.bytes}
    if badge.state == "active" and badge.recording_id is not None:
        audience.confirm_recording(badge.recording_id)
        audience.note("recording.started" if first else "recording.resumed", data)
    elif badge.state == "faulty":
        audience.note("recording.faulty", data | {"cause": badge.cause, "stalled": badge.stalled})


def _speakers(audience: Audience, event: SpeakersChanged, now: datetime) -> None:
    levels: dict[str, int] = {}
    for person in audience.room.in_room():
        person.level = event.levels.get(person.id, -SILENCE)
        if person.id in event.levels:
            levels[person.id] = min(SILENCE, abs(person.level))
    speaker = event.speaker if event.speaker in audience.room.people else None
    audience.room.give_floor(speaker, now)
    audience.tell_listeners(Speakers(levels, speaker))


def _quality(audience: Audience, event: QualityMeasured, now: datetime) -> None:
    before = [person.media for person in audience.room.in_room()]
    changed = False
    for person in audience.room.in_room():
        changed = person.quality.hear_worker(event.people.get(person.id, {}), now) or changed
    if changed or before != [person.media for person in audience.room.in_room()]:
        audience.changed()


def _layers(audience: Audience, event: LayersWanted, now: datetime) -> None:
    person = audience.room.people.get(event.participant_id)
    if person is not None and person.place == "room":
        audience.tell(person.id, Layers(event.source, event.rids))


_TAKERS: dict[type[Event], Callable[[Audience, Any, datetime], None]] = {
    OfferMade: _offer,
    TransportChanged: _transport,
    PublicationChanged: _publication,
    PublishAgain: _publish_again,
    RecordingChanged: _recording,
    LayersWanted: _layers,
    SpeakersChanged: _speakers,
    QualityMeasured: _quality,
}
