"""A third party of the register is asked into one session: in force, without an interest, names masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import atomic
from cases.mediation.matter import Mediation
from cases.mediation.third_party import (
    THIRD_PARTY_KIND_NAMES,
    ThirdParty,
    ThirdPartyKind,
    list_third_parties,
    load_third_party,
    refuse_conflict,
)
from cases.organisations import Organisation
from cases.policy import Action, Actor, require
from cases.roles import InvitationRole
from scheduling.booking.engagements import ResourceKind, engage
from scheduling.invitation import Invitation
from scheduling.invitation import ThirdPartyInvitation as ThirdPartyInvitation
from scheduling.reach import load_session, scope_of_session
from scheduling.session import Session
from scheduling.sessions.invitations import Invitee, add_invitation, note_invited

# As what each sits there; the policy masks names for all of these.
ROLES: Mapping[ThirdPartyKind, InvitationRole] = {
    kind: InvitationRole.MEDIATOR if kind is ThirdPartyKind.MEDIATOR else InvitationRole.THIRD_PARTY
    for kind in ThirdPartyKind
}


@atomic
async def invite_third_party(
    db: AsyncSession, clock: Clock, actor: Actor, session_id: str, third_party_id: str
) -> Invitation:
    """Invite one of the register and commit.

    Raises NotFound, Forbidden, Invalid, Conflict `third_party_not_in_force`, `conflict_of_interest`,
    `engaged`.
    """
    session = await load_session(db, session_id, lock=True)
    require(actor, Action.MANAGE_SESSION, await scope_of_session(db, session))
    one = await load_third_party(db, third_party_id)
    await refuse_conflict(db, clock, one, await _concerned(db, session))
    invitation = await add_third_party_invitation(db, clock, session, one)
    await engage(db, clock, session, {one.id: ResourceKind.PERSON})
    await note_invited(db, clock, actor, invitation)
    await db.commit()
    return invitation


async def add_third_party_invitation(
    db: AsyncSession, clock: Clock, session: Session, one: ThirdParty
) -> Invitation:
    """The same inside the caller's transaction; the caller has refused who has an interest."""
    name = f"{one.name}（{THIRD_PARTY_KIND_NAMES[one.kind]}，{one.employer}）"
    invitation = await add_invitation(db, clock, session, Invitee(ROLES[one.kind], name, one.phone))
    db.add(ThirdPartyInvitation(invitation_id=invitation.id, third_party_id=one.id, at=clock.now()))
    await db.flush()
    return invitation


async def list_invitable(
    db: AsyncSession, clock: Clock, actor: Actor, session: Session
) -> Sequence[ThirdParty]:
    """Those in force of the host and of offices on its line, above and below."""
    code = session.host.region_code
    codes = [code[:length] for length in (2, 4, 6, 9) if length <= len(code)]
    line = or_(Organisation.region_code.in_(codes), Organisation.region_code.startswith(code))
    keepers = (await db.scalars(select(Organisation.id).where(line))).all()
    return await list_third_parties(db, clock, actor, keepers)


async def _concerned(db: AsyncSession, session: Session) -> list[str]:
    """Everybody whose interest it is: the petitioner, accused and handling units, parties of a mediation."""
    if session.mediation is not None:
        return [party.name for party in session.mediation.parties]
    petition = session.case
    units = [each.name for each in (petition.accused, petition.handler) if each is not None]
    found = (await db.scalars(select(Mediation).where(Mediation.petition_id == petition.id))).unique()
    parties = [party.name for mediation in found for party in mediation.parties]
    return [petition.petitioner.name, *units, *parties]
