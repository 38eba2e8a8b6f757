"""A person in a room, as the media worker knows one: by an id, which says nothing of who it is."""

from dataclasses import dataclass, field

from media.outflow import Wishes
from media.publisher import Publisher
from media.subscriber import Subscriber


@dataclass(slots=True)
class Participant:
    """A person's two transports. Either may be missing."""

    participant_id: str
    may_publish: bool
    publisher: Publisher | None = None
    subscriber: Subscriber | None = None
    last_offer_id: int = 0
    wishes: Wishes = field(default_factory=dict)
