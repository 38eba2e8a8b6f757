"""The partition of a Room: who hears whom while some confer, and that nothing of it is recorded.

It holds where Subscriptions and the recorder are attached to Publications, so packets that are forwarded
by the compiled path are parted too. Whoever is named in no group, comes in later or comes back is alone.
"""

from collections.abc import Iterable, Sequence

from media.control import ControlError
from media.publication import Publication
from media.subscriber import Subscriber

MOST_GROUPS = 8
# Between the order to open and the opening, in seconds: what was said before it is still on its way, and a
# packet of sound repeats what was in those before it (RED: up to 160 ms, Opus: 20 ms).
AFTERMATH = 0.3
CAUSE = "deliberation"

Groups = tuple[frozenset[str], ...]


def read_groups(groups: Sequence[Sequence[str]]) -> Groups:
    """Of a SetPartition request; empty to open. Raises ControlError bad_message."""
    if len(groups) > MOST_GROUPS or not all(isinstance(who, str) for group in groups for who in group):
        raise ControlError("bad_message", "not a list of groups")
    found = tuple(frozenset(group) for group in groups)
    if not all(found) or sum(map(len, found)) != len(frozenset[str]().union(*found)):
        raise ControlError("bad_message", "a group is empty, or somebody is in two")
    return found


class Partition:
    """The groups of one Room; none while it is whole."""

    def __init__(self) -> None:
        self.groups: Groups = ()
        self._opens_at: float | None = None

    @property
    def stands(self) -> bool:
        """Whether the room is parted; then nothing is recorded."""
        return bool(self.groups)

    def close(self, groups: Groups) -> None:
        """Part the room from now on."""
        self.groups, self._opens_at = groups, None

    def order_open(self, now: float) -> None:
        """Open it after the AFTERMATH; asking twice does not put it off."""
        if self.stands and self._opens_at is None:
            self._opens_at = now + AFTERMATH

    def open_if_due(self, now: float) -> bool:
        """Whether the room has become whole with this call."""
        if self._opens_at is None or now < self._opens_at:
            return False
        self.groups, self._opens_at = (), None
        return True

    def joins(self, one: str, other: str) -> bool:
        """Whether these two hear and see each other."""
        return not self.groups or any(one in group and other in group for group in self.groups)

    def lets_hear(self, participant_id: str, publication: Publication) -> bool:
        """Whether this person gets it; nobody gets their own."""
        owner = publication.track.participant_id
        return owner != participant_id and self.joins(owner, participant_id)

    def confers(self, participant_id: str) -> bool:
        """Whether anybody may hear this person, or the room is whole."""
        return not self.groups or any(participant_id in group for group in self.groups)


def rearrange(
    subscriber: Subscriber, publications: Iterable[Publication], partition: Partition, now: float
) -> None:
    """Attach and detach, so that this person has what the partition lets them have, and no more."""
    for publication in publications:
        track = publication.track
        if not partition.lets_hear(subscriber.participant_id, publication):
            subscriber.withdraw(track.participant_id, track.source)
        elif not subscriber.hears(publication):
            subscriber.attach(publication)
    subscriber.offer(now)
