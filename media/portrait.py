"""What a Room looks like from outside: the results of Snapshot and Statistics."""

from typing import Any

from media.participant import Participant
from media.publication import Publication
from media.room import Room
from media.subscription import Subscription


def snapshot(room: Room) -> dict[str, Any]:
    """Shape: {room_id, recording: {...}|None, groups: [[participant_id]], participants: [{participant_id,
    may_publish, publish, subscribe, publish_path, subscribe_path, publications: [{source, kind, codec,
    started, muted}]}]}; publish and subscribe are the transport's state or None, the paths udp, tcp or None.
    """
    return {
        "room_id": room.room_id,
        "recording": room.recording.snapshot() if room.recording is not None else None,
        "groups": [sorted(group) for group in room.partition.groups],
        "participants": [_participant(p) for p in room.participants.values()],
    }


def _participant(participant: Participant) -> dict[str, Any]:
    publisher, subscriber = participant.publisher, participant.subscriber
    return {
        "participant_id": participant.participant_id,
        "may_publish": participant.may_publish,
        "publish": publisher.transport.state.value if publisher is not None else None,
        "subscribe": subscriber.transport.state.value if subscriber is not None else None,
        "publish_path": publisher.transport.path if publisher is not None else None,
        "subscribe_path": subscriber.transport.path if subscriber is not None else None,
        "publications": [_publication(p) for p in publisher.publications] if publisher is not None else [],
    }


def _publication(publication: Publication) -> dict[str, Any]:
    track = publication.track
    return {
        "source": track.source,
        "kind": track.kind,
        "codec": track.codec,
        "started": publication.started,
        "muted": publication.muted,
    }


def statistics(room: Room) -> dict[str, Any]:
    """Shape: {publications: [{participant_id, source, packets, bytes, lost, missing, given_up, recovered,
    jitter_ms, key_frames}], subscriptions: [{participant_id, of, source, packets, octets, resent,
    fraction_lost}]}.
    """
    subscribers = [p.subscriber for p in room.participants.values() if p.subscriber is not None]
    return {
        "publications": [_incoming(p) for p in room.publications],
        "subscriptions": [_outgoing(s.participant_id, x) for s in subscribers for x in s.subscriptions],
    }


def _incoming(publication: Publication) -> dict[str, Any]:
    stats = publication.stats
    return {
        "participant_id": publication.track.participant_id,
        "source": publication.track.source,
        "packets": stats.received,
        "bytes": stats.bytes,
        "lost": stats.lost,
        "missing": publication.loss.missing,
        "given_up": publication.loss.given_up,
        "recovered": publication.loss.recovered,
        "jitter_ms": round(stats.jitter / stats.clock_rate * 1000, 2),
        "key_frames": publication.key_frames,
    }


def _outgoing(participant_id: str, subscription: Subscription) -> dict[str, Any]:
    block = subscription.last_block
    return {
        "participant_id": participant_id,
        "of": subscription.publication.track.participant_id,
        "source": subscription.publication.track.source,
        "packets": subscription.packets,
        "octets": subscription.octets,
        "resent": subscription.resends.count,
        "fraction_lost": round(block.fraction_lost / 256, 4) if block is not None else None,
    }
