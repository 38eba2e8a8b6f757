"""Who reaches a session: loading it, its scope for the policy, and the same rule as a condition in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, and_, exists, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import OWNING_PARTS, PetitionCase, PetitionOrganisation, scope_of
from cases.errors import NotFound
from cases.policy import Action, Actor, ActorKind, Scope, mediating_organisation_ids, require
from cases.roles import InvitationRole
from cases.visibility import not_accused, open_to, reachable_organisations
from scheduling.invitation import Invitation
from scheduling.session import Session, SessionKind, SessionOrganisation


async def load_session(db: AsyncSession, session_id: str, lock: bool = False) -> Session:
    """Return the session without asking the policy; with `lock` others wait until this transaction ends."""
    if lock:
        # A no-op update locks the row on PostgreSQL and takes the write lock on SQLite.
        same = update(Session).where(Session.id == session_id).values(event_count=Session.event_count)
        await db.execute(same, execution_options={"synchronize_session": False})
    query = select(Session).where(Session.id == session_id)
    session = await db.scalar(query.execution_options(populate_existing=True))
    if session is None:
        raise NotFound("session_not_found", NotFound.default_message)
    return session


async def scope_of_session(db: AsyncSession, session: Session) -> Scope:
    """Return what the policy needs to know of a session; its recordings have the same scope.

    Concerned are the host, the joint organisations, and the custodian and registrar of the case. Only the
    host acts. Officials invited by name join even from elsewhere. A sitting of a mediation without a case
    names no region: nobody looks down on it.
    """
    return (await scopes_of_sessions(db, [session]))[session.id]


async def scopes_of_sessions(db: AsyncSession, sessions: Sequence[Session]) -> dict[str, Scope]:
    """The scopes of many sessions by id, with one question to the database."""
    query = select(Invitation.session_id, Invitation.official_id, Invitation.role).where(
        Invitation.session_id.in_([session.id for session in sessions]),
        Invitation.official_id.is_not(None),
        Invitation.revoked_at.is_(None),
    )
    invited: dict[str, set[str]] = {session.id: set() for session in sessions}
    mediators: dict[str, set[str]] = {session.id: set() for session in sessions}
    for session_id, official_id, role in (await db.execute(query)).all() if sessions else ():
        invited[session_id].add(str(official_id))
        if role is InvitationRole.MEDIATOR:
            mediators[session_id].add(str(official_id))
    return {
        session.id: _scope(session, frozenset(invited[session.id]), frozenset(mediators[session.id]))
        for session in sessions
    }


def _scope(session: Session, invited: frozenset[str], mediators: frozenset[str]) -> Scope:
    seated = {each.organisation_id: each.organisation.region_code for each in session.organisations}
    if session.petition is None:
        return Scope(
            organisation_ids=frozenset(seated),
            owner_organisation_ids=frozenset({session.host_organisation_id}), session_id=session.id,
            invited_official_ids=invited, sealed_apart=True, mediator_official_ids=mediators, mediation=True,
        )  # fmt: skip
    for part in session.petition.organisations:
        if part.part in OWNING_PARTS:
            seated[part.organisation_id] = part.organisation.region_code
    return replace(
        scope_of(session.petition),
        region_codes=frozenset(seated.values()),
        organisation_ids=frozenset(seated),
        owner_organisation_ids=frozenset({session.host_organisation_id}),
        session_id=session.id,
        invited_official_ids=invited,
        sealed_apart=session.kind is SessionKind.MEDIATION,
        mediator_official_ids=mediators,
    )


def visible_sessions(actor: Actor, action: Action = Action.SEE_SESSION) -> ColumnElement[bool]:
    """Return the condition on Session, joined with PetitionCase, that agrees with the policy.

    With an outer join it also holds sittings of mediations without a case; an inner one leaves them out.
    """
    if actor.kind is ActorKind.SYSTEM:
        return true()
    reachable = reachable_organisations(actor, action)
    # EXISTS, not IN: SQLite would first write down every session that the actor may see.
    seated = exists().where(
        SessionOrganisation.session_id == Session.id, SessionOrganisation.organisation_id.in_(reachable)
    )
    owned = exists().where(
        PetitionOrganisation.petition_id == Session.petition_id,
        PetitionOrganisation.organisation_id.in_(reachable),
        PetitionOrganisation.part.in_(sorted(OWNING_PARTS)),
    )
    taking_part = or_(seated.correlate(Session), owned.correlate(Session))
    mediates = exists().where(
        SessionOrganisation.session_id == Session.id,
        SessionOrganisation.organisation_id.in_(mediating_organisation_ids(actor, action)),
    )
    apart = and_(Session.mediation_id.is_not(None), mediates.correlate(Session))
    if action is not Action.SEE_SESSION:  # A grant or an invitation by name shows the session, no more.
        return or_(and_(open_to(actor), taking_part), apart)
    granted = PetitionCase.grants.any(official_id=actor.official_id)
    invited = exists().where(
        Invitation.session_id == Session.id,
        Invitation.official_id == actor.official_id,
        Invitation.revoked_at.is_(None),
    )
    concerned = and_(open_to(actor), or_(taking_part, granted))
    return or_(concerned, apart, and_(not_accused(actor), invited.correlate(Session)))


def not_sealed_apart(actor: Actor) -> ColumnElement[bool]:
    """The condition on Session that agrees with `sealed_apart`: a mediation's recording is its mediator's."""
    mediator = exists().where(
        Invitation.session_id == Session.id,
        Invitation.official_id == actor.official_id,
        Invitation.role == InvitationRole.MEDIATOR,
        Invitation.revoked_at.is_(None),
    )
    return or_(Session.kind != SessionKind.MEDIATION, mediator.correlate(Session))


async def manageable(
    db: AsyncSession, actor: Actor, invitation_id: str, action: Action
) -> tuple[Invitation, Session]:
    """Return the invitation and its session if `actor` may do `action` there. Raises NotFound, Forbidden."""
    invitation = await get_invitation(db, invitation_id)
    session = await load_session(db, invitation.session_id)
    require(actor, action, await scope_of_session(db, session))
    return invitation, session


async def get_invitation(db: AsyncSession, invitation_id: str) -> Invitation:
    """Return the invitation without asking the policy. Raises NotFound."""
    query = select(Invitation).where(Invitation.id == invitation_id)
    invitation = await db.scalar(query.execution_options(populate_existing=True))
    if invitation is None:
        raise NotFound("invitation_not_found", "没有找到这个邀请。")
    return invitation
