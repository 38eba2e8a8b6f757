"""Who waits, in which order, since when. Pure functions over the participants of one room."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from signaling.participant import Participant
from signaling.pushes import LobbyView
from signaling.queue_views import QueueView
from signaling.times import wire_time

# "I have to go for a moment" and a dropped phone keep the place this long (experience.md C7, 5.2).
PLACE_KEPT = timedelta(minutes=10)
NUMBERS_PER_LETTER = 999


def ticket_number(count: int) -> str:
    """The day's n-th number, n from 1: A001 to A999, then B001; it starts again after Z999."""
    letter, number = divmod(count - 1, NUMBERS_PER_LETTER)
    return f"{chr(ord('A') + letter % 26)}{number + 1:03d}"


def in_order(people: Iterable[Participant]) -> list[Participant]:
    """Everybody in the waiting room, next one first."""
    waiting = [person for person in people if person.place == "lobby" and person.present]
    return sorted(waiting, key=lambda person: (person.queued_at or person.joined_at, person.id))


def lost_place(person: Participant, now: datetime) -> bool:
    """Was this person away too long to keep the place?"""
    return person.absent_since is not None and now - person.absent_since > PLACE_KEPT


def away_until(person: Participant) -> datetime | None:
    """Until when the place of somebody who stepped away is kept."""
    return person.away_since + PLACE_KEPT if person.away_since is not None else None


def queue_view(waiting: list[Participant], person: Participant, before: int = 0) -> QueueView:
    """What the waiting person reads; `before`: turns of other sittings that the office calls first."""
    ahead = before + waiting.index(person)
    words, until = state_text(person, ahead), wire_time(away_until(person))
    return QueueView(ahead + 1, ahead, person.number, words, person.note, until, person.wait)


def state_text(person: Participant, ahead: int) -> str:
    """One sentence for the waiting room."""
    if person.place_lost:
        return "您离开超过10分钟，已排到最后，号没有变"
    if person.stepped_away:
        return "您已暂时离开，位置为您保留10分钟"
    if not person.ready:
        return "请先检查摄像头和麦克风"
    return f"您前面还有 {ahead} 位" if ahead else "下一位就是您，请稍候"


def lobby_view(waiting: list[Participant], now: datetime, named: bool = True) -> list[LobbyView]:
    """What officials see; without `named` citizens are masked."""
    return [
        LobbyView(
            participant_id=person.id,
            name=person.name_for(named),
            role=person.role,
            number=person.number,
            position=index + 1,
            since=wire_time(person.queued_at or person.joined_at),
            ready=person.ready,
            device=person.device,
            presence=person.presence(now),
            hidden=person.hidden,
            away_until=wire_time(away_until(person)),
        )
        for index, person in enumerate(waiting)
    ]
