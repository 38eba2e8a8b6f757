"""Which objects belong to a case, so that the audit of a case is found by its number: no content of it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit_search import find_petition_id
from cases.policy import Actor
from recordings.recording import Recording
from scheduling.booking.booking import Booking
from scheduling.invitation import Invitation
from scheduling.session import Session


async def objects_of_case(db: AsyncSession, actor: Actor, number: str) -> set[str]:
    """Ids of the case with this number, its bookings, sittings, invitations and recordings; none for no case.

    Only for auditors.
    """
    petition_id = await find_petition_id(db, actor, number)
    if petition_id is None:
        return set()
    sessions = list(await db.scalars(select(Session.id).where(Session.petition_id == petition_id)))
    found = {petition_id, *sessions}
    for query in (
        select(Booking.id).where(Booking.petition_id == petition_id),
        select(Invitation.id).where(Invitation.session_id.in_(sessions)),
        select(Recording.id).where(Recording.session_id.in_(sessions)),
    ):
        found |= set(await db.scalars(query))
    return found
