"""Free slots as pages offer them: by day, and on a reception day with who receives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING
from scheduling.booking.slot import Slot
from scheduling.booking.slots import list_offered_slots
from scheduling.rota.receiver import Receiver
from web.keys import CLOCK
from web.words import clock_time, day_part, half_clock, half_day, short_date

SHOWN = 120  # Folded by day: who can come only next week finds next week. Of reception days as many again.


@dataclass
class SlotGroup:
    """The slots of one day and one leader: 上午 or 下午 to ids with their times.

    `receiver` is None where no leader is named.
    """

    day: str
    receiver: Receiver | None
    halves: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """Every slot of the group."""
        return [slot_id for times in self.halves.values() for slot_id in times]


async def free_slots(
    db: AsyncSession, request: web.Request, organisation_id: str, *, public_only: bool = False
) -> list[Slot]:
    """What can be chosen now; the public is offered each time once, whichever room it is."""
    found = await list_offered_slots(db, request.app[CLOCK], organisation_id, public_only)
    return shown_slots(one_of_each_time(found) if public_only else found)


def shown_slots(slots: Sequence[Slot]) -> list[Slot]:
    """Short slots of two weeks leave room for a leader's that come later."""
    led = [slot for slot in slots if slot.reception_day_id is not None][:SHOWN]
    rest = [slot for slot in slots if slot.reception_day_id is None][:SHOWN]
    return sorted(led + rest, key=lambda slot: slot.starts_at)


def one_of_each_time(slots: Sequence[Slot]) -> list[Slot]:
    """Two rooms at nine look alike to who books; a leader's time is another one."""
    return list({(slot.starts_at, slot.reception_day_id): slot for slot in reversed(slots)}.values())[::-1]


def slot_words(slots: Sequence[Slot]) -> dict[str, str]:
    """Id to time of day."""
    return {slot.id: clock_time(slot.starts_at) for slot in slots}


def group_slots(slots: Sequence[Slot], receivers: Mapping[str, Receiver]) -> list[SlotGroup]:
    """In order of time, with the times as citizens say them."""
    found: dict[tuple[str, Receiver | None], SlotGroup] = {}
    for slot in sorted(slots, key=lambda each: each.starts_at):
        day, receiver = short_date(slot.starts_at.astimezone(BEIJING)), receivers.get(slot.id)
        group = found.setdefault((day, receiver), SlotGroup(day, receiver))
        group.halves.setdefault(day_part(slot.starts_at), {})[slot.id] = half_clock(slot.starts_at)
    return list(found.values())


def slots_by_day(slots: Sequence[Slot], receivers: Mapping[str, Receiver]) -> dict[str, dict[str, str]]:
    """For the macro `slots`: half a day, who receives, and which room of several, to ids with their times."""
    found: dict[str, dict[str, str]] = {}
    rooms = {slot.room_id for slot in slots}
    for slot in sorted(slots, key=lambda each: each.starts_at):
        receiver = receivers.get(slot.id)
        heading = [half_day(slot.starts_at), receiver.name if receiver else "", slot.room.name]
        told = " ".join(each for each in heading[: 3 if len(rooms) > 1 else 2] if each)
        found.setdefault(told, {})[slot.id] = clock_time(slot.starts_at)
    return found
