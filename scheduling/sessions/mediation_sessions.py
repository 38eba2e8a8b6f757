"""Mediation by video: only where both sides consented, unrecorded unless it is said otherwise, sealed apart.

Concessions made in mediation prove nothing against anybody, so no recording is made by default; one that
is made all the same is for the mediator who sat there by name, not for the case's reviewers
(cases/policy.py). A mediation without a case is never recorded: scheduling/sessions/mediation_video.py.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.errors import Conflict
from cases.mediation.matter import SITTING, Mediation, MediationSitting
from cases.mediation.mediating import add_sitting, require_ready
from cases.policy import Actor
from scheduling.booking.engagement import ResourceKind
from scheduling.session import Session, SessionKind


async def find_ready_mediation(db: AsyncSession, petition_id: str) -> Mediation | None:
    """The newest mediation of a case to which both sides have consented. The caller has asked the policy."""
    query = select(Mediation).where(
        Mediation.petition_id == petition_id, Mediation.state.in_(sorted(SITTING))
    )
    return await db.scalar(query.order_by(Mediation.at.desc()).limit(1))


async def mediation_of(db: AsyncSession, session: Session) -> Mediation | None:
    """The mediation that a new session is to sit in; of sessions of other kinds none.

    Kept by the caller from engaging its mediator to `sit_in_mediation`, which refuses what changed meanwhile.
    """
    if session.kind is not SessionKind.MEDIATION or session.petition_id is None:
        return session.mediation
    return await find_ready_mediation(db, session.petition_id)


def mediator_of(mediation: Mediation | None) -> dict[str, ResourceKind]:
    """Whom a new session engages besides: the mediator, if it has one."""
    found = mediation.mediator_id if mediation is not None else None
    return {found: ResourceKind.PERSON} if found else {}


async def sit_in_mediation(
    db: AsyncSession, clock: Clock, actor: Actor, session: Session, mediation: Mediation | None
) -> None:
    """Note a new session of mediation inside the caller's transaction; sessions of other kinds are let be.

    Raises Conflict `no_consent`, `no_mediator`, `conflict_of_interest`, `mediation_moved`.
    """
    if session.kind is not SessionKind.MEDIATION:
        return
    if mediation is None:
        raise Conflict("no_consent", "各方都同意以后才能安排调解。", "kind")
    await require_ready(db, clock, mediation)
    times = session.starts_at, session.ends_at
    await add_sitting(db, clock, actor, mediation, *times, session_id=session.id)


async def require_consent(db: AsyncSession, session: Session) -> None:
    """Return if the sitting may begin: what the parties say last counts (People's Mediation Law, Art. 23).

    Raises Conflict `no_consent`; never of a session of another kind.
    """
    if session.kind is not SessionKind.MEDIATION:
        return
    query = select(Mediation.state).join(MediationSitting, MediationSitting.mediation_id == Mediation.id)
    if await db.scalar(query.where(MediationSitting.session_id == session.id)) not in SITTING:
        raise Conflict("no_consent", "有当事人不同意调解，或者调解已经结束，不能开始。")
