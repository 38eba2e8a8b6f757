"""What is wrong in a room just now that a human should look after. Pure; the clock is handed in.

A trouble becomes a task once it lasted too long for its kind, and the task ends when the trouble is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduling.incidents.incident import Cause
from signaling.calls import MISSED
from signaling.room import Room
from signaling.succession import RESTART, RUNNING, missing_host, next_host

# A reloaded page is back by then; whoever is not needs somebody. The host's part waits as long.
GONE_AFTER = timedelta(seconds=3)
# A recorder that is asked to begin has bytes on disk in two seconds; a worker that takes over, in three.
UNCONFIRMED_AFTER = timedelta(seconds=10)
FAULTY_AFTER = timedelta(seconds=3)
AT_ONCE = timedelta(0)
# Who sits in the room is needed there until the minutes are signed.
SITTING = (*RUNNING, "minutes_confirming")
# The causes that are seen here; others are told by whoever learns of them.
SEEN_HERE = frozenset(
    {
        Cause.DISCONNECTED,
        Cause.CALL_UNANSWERED,
        Cause.HOST_GONE,
        Cause.RECORDING_FAULTY,
        Cause.RECORDING_UNCONFIRMED,
    }
)
Key = tuple[Cause, str]


@dataclass(frozen=True)
class Trouble:
    """What stands now. `after`: how long it may; `since` is None where only the first look tells."""

    cause: Cause
    subject: str
    name: str
    words: str
    after: timedelta
    since: datetime | None = None

    @property
    def key(self) -> Key:
        """One task for each."""
        return (self.cause, self.subject)


class Troubles:
    """Of one room. Owned: since when each trouble is seen, and which were told.

    `told` is None until the open tasks that an earlier process raised were read.
    """

    def __init__(self) -> None:
        self.told: set[Key] | None = None
        self._seen: dict[Key, datetime] = {}
        self._due: datetime | None = None

    @property
    def due(self) -> datetime | None:
        """When the next trouble has lasted too long, if one is seen that is not told."""
        return self._due

    def remember(self, keys: Iterable[Key]) -> None:
        """Tasks that stand open already."""
        self.told = {key for key in keys if key[0] in SEEN_HERE}

    def look(self, room: Room, now: datetime, known: set[str]) -> tuple[list[Trouble], list[tuple[Key, str]]]:
        """What is to be raised, and what is over with words. `known`: who came since this process began."""
        told = self.told or set()
        standing = {trouble.key: trouble for trouble in find_troubles(room, now, known, told)}
        over = [(key, _over(room, key)) for key in sorted(told - standing.keys())]
        self._seen = {key: trouble.since or self._seen.get(key, now) for key, trouble in standing.items()}
        ripe = {key: self._seen[key] + standing[key].after for key in standing.keys() - told}
        fresh = [standing[key] for key, at in sorted(ripe.items()) if at <= now]
        self._due = min((at for at in ripe.values() if at > now), default=None)
        self.told = (told & standing.keys()) | {trouble.key for trouble in fresh}
        return fresh, over


def find_troubles(room: Room, now: datetime, known: set[str], told: set[Key]) -> Iterator[Trouble]:
    """Every trouble of the room, however young. `told` keeps alive what is seen only when it begins."""
    yield from _disconnected(room, now, known)
    yield from _unanswered(room, told)
    yield from _hostless(room, now, known)
    yield from _recording(room, (Cause.RECORDING_FAULTY, "") in told)


def _disconnected(room: Room, now: datetime, known: set[str]) -> Iterator[Trouble]:
    """Citizens and who is with them; officials help themselves, and the host has a rule of its own."""
    if room.sitting.state not in SITTING:
        return
    for person in room.in_room():
        if person.official or person.stepped_away or person.presence(now) == "connected":
            continue
        after = GONE_AFTER if person.id in known else RESTART
        words = f"{person.name}断开了，没有自己回来。座位保留着。"
        yield Trouble(Cause.DISCONNECTED, person.id, person.name, words, after, person.absent_since)


def _unanswered(room: Room, told: set[Key]) -> Iterator[Trouble]:
    """From the missed call until the person answers one, or goes."""
    for person in room.people.values():
        if not person.present or person.place not in ("lobby", "room"):
            continue
        if person.place == "room" and person.answered:
            continue
        if person.note == MISSED or (Cause.CALL_UNANSWERED, person.id) in told:
            words = f"叫到{person.number or person.name}，一分钟没有接通，已顺延一位。"
            yield Trouble(Cause.CALL_UNANSWERED, person.id, person.name, words, AT_ONCE)


def _hostless(room: Room, now: datetime, known: set[str]) -> Iterator[Trouble]:
    gone = missing_host(room, now, known)
    if gone is not None and next_host(room) is None:
        words = f"主持人{gone.name}断开了，接访室里没有人可以接替。"
        yield Trouble(Cause.HOST_GONE, "", gone.name, room.sitting.says(words), GONE_AFTER)


def _recording(room: Room, failed: bool) -> Iterator[Trouble]:
    """A pause is no cure: what `failed` stands until the recorder confirms that it writes."""
    badge, runs = room.badge, room.sitting.state == "live" and room.deliberation is None
    if (badge.state == "faulty" and runs) or (failed and badge.state != "active"):
        words = "录音录像没有写到磁盘上，接访还在进行。"
        yield Trouble(Cause.RECORDING_FAULTY, "", "", room.sitting.says(words), FAULTY_AFTER)
    elif room.sitting.record and runs and badge.state in ("off", "preparing"):
        words = "接访已经开始，还没有确认录到画面和声音。"
        yield Trouble(Cause.RECORDING_UNCONFIRMED, "", "", room.sitting.says(words), UNCONFIRMED_AFTER)


def _over(room: Room, key: Key) -> str:
    """What is said when a trouble is gone."""
    cause, subject = key
    person = room.people.get(subject)
    if cause in (Cause.RECORDING_FAULTY, Cause.RECORDING_UNCONFIRMED):
        return "录音录像已确认" if room.badge.state == "active" else "不再录制"
    if cause is Cause.HOST_GONE:
        return "已经有人主持" if room.sitting.state in RUNNING else room.sitting.says("接访没有在进行")
    if person is None or not person.present:
        return "本人已经离开"
    return f"{person.name}已经接通" if cause is Cause.CALL_UNANSWERED else f"{person.name}已经回来"
