"""Who receives in a slot, with post and duties: public, as the place and the time are (Art. 18)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scheduling.booking.slot import Slot
from scheduling.rota.reception_day import DayState, ReceptionDay


@dataclass(frozen=True, slots=True)
class Receiver:
    """A leader, or who stands in: then `instead_of` is the leader's name, and `duties` are empty."""

    name: str
    duties: str
    instead_of: str = ""


async def receivers_of(db: AsyncSession, slots: Iterable[Slot]) -> dict[str, Receiver]:
    """By the slot's id; slots of no reception day are left out. Hides nothing: rotas are public."""
    of_day = {slot.id: slot.reception_day_id for slot in slots if slot.reception_day_id is not None}
    query = select(ReceptionDay).where(
        ReceptionDay.id.in_(set(of_day.values())), ReceptionDay.state == DayState.PUBLISHED
    )
    days = {day.id: _receiver(day) for day in await db.scalars(query)}
    return {slot_id: days[day_id] for slot_id, day_id in of_day.items() if day_id in days}


def _receiver(day: ReceptionDay) -> Receiver:
    if day.receives.id != day.leader_id:
        return Receiver(day.receives.name, "", day.leader.name)
    return Receiver(day.leader.name, day.rule.duties)
