"""Another mediator takes over what is arranged: places and sittings by video, or is refused as engaged."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.errors import Conflict
from cases.mediation.matter import Mediation, MediationSitting
from cases.mediation.third_party import load_third_party
from cases.policy import Actor
from scheduling.booking.engagements import ResourceKind, engage, refuse_engaged_mediator, release
from scheduling.invitation import Invitation, ThirdPartyInvitation
from scheduling.reach import load_session
from scheduling.session import Session
from scheduling.sessions.invitations import note_invited, take_off
from scheduling.sessions.moving import MOVABLE
from scheduling.sessions.third_party_invitations import add_third_party_invitation


async def take_over(
    db: AsyncSession, clock: Clock, actor: Actor, mediation: Mediation, third_party_id: str
) -> None:
    """Put a mediator into each sitting to come, inside the caller's transaction.

    Where who mediated so far was invited, the successor is, and the old link is void. A sitting that has
    begun goes on as it is. Raises Conflict `engaged` at `mediator_id`.
    """
    sittings = await _sittings(db, mediation)
    try:
        for session_id in sorted(each.session_id for each in sittings if each.session_id):
            session = await load_session(db, session_id, lock=True)
            if session.state in MOVABLE and session.opened_at is None and session.ends_at > clock.now():
                await _replace(db, clock, actor, session, mediation.mediator_id, third_party_id)
        for each in sittings:
            if each.session_id is None and each.ends_at > clock.now():
                await refuse_engaged_mediator(db, third_party_id, each.starts_at, each.ends_at)
    except Conflict as error:
        if error.code != "engaged":
            raise
        raise Conflict(error.code, error.message, "mediator_id") from error


async def _sittings(db: AsyncSession, mediation: Mediation) -> Sequence[MediationSitting]:
    """All of them; when one by video is held stands in its session, which may have been moved."""
    query = select(MediationSitting).where(MediationSitting.mediation_id == mediation.id)
    return (await db.scalars(query)).all()


async def _replace(
    db: AsyncSession, clock: Clock, actor: Actor, session: Session, old_id: str | None, new_id: str
) -> None:
    await engage(db, clock, session, {new_id: ResourceKind.PERSON})
    if old_id is None:
        return
    await release(db, clock, session.id, {old_id})
    before = await _invited(db, session, old_id)
    if before is None:
        return
    await take_off(db, clock, actor, before)
    if await _invited(db, session, new_id) is None:
        one = await load_third_party(db, new_id)
        await note_invited(db, clock, actor, await add_third_party_invitation(db, clock, session, one))


async def _invited(db: AsyncSession, session: Session, third_party_id: str) -> Invitation | None:
    query = (
        select(Invitation)
        .join(ThirdPartyInvitation, ThirdPartyInvitation.invitation_id == Invitation.id)
        .where(Invitation.session_id == session.id, Invitation.revoked_at.is_(None))
        .where(ThirdPartyInvitation.third_party_id == third_party_id)
    )
    return await db.scalar(query.limit(1))
