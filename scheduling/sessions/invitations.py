"""Invitations: one person, one session, one role. The links, consent and device checks hang on them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import Part, scope_of
from cases.clock import Clock
from cases.database import atomic, insert_if_absent, new_id
from cases.errors import Conflict, Forbidden, Invalid
from cases.fields import clean, clean_name
from cases.organisations import Organisation, OrganisationKind, get_organisation
from cases.people import Official, Person, PersonDetails, get_official, make_person
from cases.petitions import add_petition_organisation
from cases.policy import Action, Actor, Scope, allowed, is_accused, require
from cases.roles import InvitationRole, Role
from cases.signin import actor_for
from scheduling.booking.engagements import ResourceKind, engage, release
from scheduling.invitation import Invitation as Invitation
from scheduling.invitation import ThirdPartyInvitation
from scheduling.reach import get_invitation as get_invitation
from scheduling.reach import load_session, manageable, scope_of_session
from scheduling.session import OVER, Session, SessionOrganisation, SessionPart
from scheduling.session_events import add_event

CODE_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
CODE_LENGTH = 10
MAX_INVITATIONS = 32
MAX_REPRESENTATIVES = 5  # Art. 20: five at most speak for one matter.
PETITIONER_SIDE = frozenset({InvitationRole.PETITIONER, InvitationRole.PROXY, InvitationRole.COMPANION})
OFFICIAL_SIDE = frozenset(
    {
        InvitationRole.HOST,
        InvitationRole.JOINT_RECEPTIONIST,
        InvitationRole.DEPARTMENT,
        InvitationRole.RECORDER,
    }
)


@dataclass(frozen=True, slots=True)
class Invitee:
    """Who is to be invited. Officials by `official_id` or by name and organisation, citizens by name."""

    role: InvitationRole
    name: str = ""
    phone: str = ""
    official_id: str | None = None
    organisation_id: str | None = None


@atomic
async def invite(
    db: AsyncSession, clock: Clock, actor: Actor, session_id: str, invitee: Invitee
) -> Invitation:
    """Invite one more person and commit. Raises Invalid, Conflict `already_invited`, `engaged`."""
    session = await load_session(db, session_id, lock=True)
    require(actor, Action.MANAGE_SESSION, await scope_of_session(db, session))
    invitation = await add_invitation(db, clock, session, invitee)
    if invitation.official_id is not None:
        await engage(db, clock, session, {invitation.official_id: ResourceKind.PERSON})
    await note_invited(db, clock, actor, invitation)
    await db.commit()
    return invitation


async def add_invitation(db: AsyncSession, clock: Clock, session: Session, invitee: Invitee) -> Invitation:
    """Add an invitation inside the caller's transaction; the caller holds the session's row."""
    if session.state in OVER:
        raise Conflict("session_over", "这场接访已经结束，不能再邀请。")
    await _refuse_crowd(db, session.id, invitee.role)
    official = await get_official(db, invitee.official_id) if invitee.official_id else None
    if official is not None and await _find_for_official(db, session.id, official.id) is not None:
        raise Conflict("already_invited", f"{official.name}已经在邀请名单里。", "official_id")
    organisation = await _organisation_of(db, session, invitee, official)
    _refuse_accused(session, organisation, official)
    person = await _person_of(db, clock, session, invitee, official)
    name = clean_name(invitee.name or (official.name if official else "") or (person.name if person else ""))
    invitation = Invitation(
        id=new_id(), code=new_code(), session_id=session.id, role=invitee.role, display_name=name,
        organisation_id=organisation.id if organisation else None, organisation=organisation,
        official_id=official.id if official else None, person_id=person.id if person else None, person=person,
        tier=organisation.tier if organisation else None, created_at=clock.now(),
    )  # fmt: skip
    db.add(invitation)
    await db.flush()
    if organisation is not None and invitee.role in OFFICIAL_SIDE:
        await seat_organisation(db, session, organisation.id, SessionPart.JOINT)
    return invitation


async def seat_organisation(
    db: AsyncSession, session: Session, organisation_id: str, part: SessionPart
) -> None:
    """Note that an organisation sits in the session and is thereby concerned with its case, if it has one."""
    await insert_if_absent(
        db, SessionOrganisation, session_id=session.id, organisation_id=organisation_id, part=part
    )
    if session.petition is not None and organisation_id != session.petition.custodian_id:
        await add_petition_organisation(db, session.petition.id, organisation_id, Part.JOINT)


@atomic
async def invitation_for_official(
    db: AsyncSession, clock: Clock, actor: Actor, session_id: str
) -> Invitation:
    """Return the seat of a signed-in official who may join, creating it on first use, and commit.

    The host organisation's receptionists and leaders host. Raises NotFound, Forbidden (also when revoked).
    """
    session = await load_session(db, session_id)
    scope = await scope_of_session(db, session)
    require(actor, Action.JOIN, scope)
    if actor.official_id is None:
        raise Forbidden()
    found = await _find_for_official(db, session_id, actor.official_id)
    if found is None:
        # Two pages opened at once take turns on the session's row and then share one seat.
        session = await load_session(db, session_id, lock=True)
        found = await _find_for_official(db, session_id, actor.official_id)
    if found is None:
        found = await add_invitation(db, clock, session, _seat_for(actor, session, scope))
        await note_invited(db, clock, actor, found)
    await db.commit()
    if found.revoked_at is not None:
        raise Forbidden("invitation_revoked", "您的参加资格已被取消，请联系主持单位。")
    return found


async def revoke_invitation(db: AsyncSession, clock: Clock, actor: Actor, invitation_id: str) -> Invitation:
    """Take a person off the list and commit; the personal link stops working. Twice is the same as once."""
    invitation, _ = await manageable(db, actor, invitation_id, Action.MANAGE_SESSION)
    if invitation.revoked_at is None:
        await take_off(db, clock, actor, invitation)
        await db.commit()
    return invitation


async def take_off(db: AsyncSession, clock: Clock, actor: Actor, invitation: Invitation) -> None:
    """The same inside the caller's transaction, after the caller asked the policy."""
    invitation.revoked_at = clock.now()
    helper = await db.get(ThirdPartyInvitation, invitation.id)
    if (person := helper.third_party_id if helper else invitation.official_id) is not None:
        await release(db, clock, invitation.session_id, {person})
    data = {"invitation_id": invitation.id, "role": invitation.role}
    await add_event(db, clock, invitation.session_id, "invitation.revoked", actor.name, data=data)
    await add_audit(db, clock, actor, "invitation.revoked", "invitation", invitation.id)


async def list_invitations(db: AsyncSession, session_id: str) -> Sequence[Invitation]:
    """Return the invitations of a session in the order they were made. The caller has asked the policy."""
    query = select(Invitation).where(Invitation.session_id == session_id)
    return (await db.scalars(query.order_by(Invitation.created_at, Invitation.id))).all()


async def rename_invitation(db: AsyncSession, invitation_id: str, name: str) -> None:
    """Show the person under another name from now on; the caller decided, appends the event and commits."""
    await db.execute(update(Invitation).where(Invitation.id == invitation_id).values(display_name=name))


def new_code() -> str:
    """Return a public code of ten characters; 50 bits, and never the secret."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


async def _find_for_official(db: AsyncSession, session_id: str, official_id: str) -> Invitation | None:
    query = select(Invitation).where(
        Invitation.session_id == session_id, Invitation.official_id == official_id
    )
    return await db.scalar(query)


async def note_invited(db: AsyncSession, clock: Clock, actor: Actor, invitation: Invitation) -> None:
    """Append the event and the audit entry inside the caller's transaction."""
    data = {"invitation_id": invitation.id, "role": invitation.role, "name": invitation.display_name}
    await add_event(db, clock, invitation.session_id, "invitation.created", actor.name, data=data)
    await add_audit(db, clock, actor, "invitation.created", "invitation", invitation.id)


async def _refuse_crowd(db: AsyncSession, session_id: str, role: InvitationRole) -> None:
    live = select(func.count()).select_from(Invitation)
    live = live.where(Invitation.session_id == session_id, Invitation.revoked_at.is_(None))
    if (await db.scalar(live) or 0) >= MAX_INVITATIONS:
        raise Invalid("too_many_invitees", f"一场接访最多邀请 {MAX_INVITATIONS} 人。", "invitees")
    if role in PETITIONER_SIDE:
        count = await db.scalar(live.where(Invitation.role.in_(sorted(PETITIONER_SIDE)))) or 0
        if count >= MAX_REPRESENTATIVES:
            message = f"信访人一方最多 {MAX_REPRESENTATIVES} 人参加，请推选代表。"
            raise Invalid("too_many_representatives", message, "invitees")


async def _organisation_of(
    db: AsyncSession, session: Session, invitee: Invitee, official: Official | None
) -> Organisation | None:
    wanted = invitee.organisation_id
    if wanted is None and official is not None:
        live = [post.organisation_id for post in official.posts if post.ended_at is None]
        seated = {each.organisation_id for each in session.organisations}
        wanted = next((each for each in live if each in seated), live[0] if live else None)
    if wanted is None and invitee.role in OFFICIAL_SIDE:
        raise Invalid("required", "请选择这位参加人的单位。", "organisation_id")
    if invitee.role is InvitationRole.HOST and wanted != session.host_organisation_id:
        raise Invalid("bad_host", "主持人应当来自主持单位。", "organisation_id")
    return await get_organisation(db, wanted) if wanted else None


def _refuse_accused(session: Session, organisation: Organisation | None, official: Official | None) -> None:
    if session.petition is None or session.petition.accused is None:
        return
    accused = session.petition.accused
    scope = scope_of(session.petition)
    named = organisation is not None and organisation.id == accused.id
    if named or (official is not None and is_accused(actor_for(official), scope)):
        raise Invalid("accused_organisation", "被检举控告的单位不能参加这场接访。", "organisation_id")


async def _person_of(
    db: AsyncSession, clock: Clock, session: Session, invitee: Invitee, official: Official | None
) -> Person | None:
    if official is not None or invitee.role in OFFICIAL_SIDE:
        return None
    if invitee.role is InvitationRole.PETITIONER:
        petitioner = session.case.petitioner
        if clean(invitee.name) in ("", petitioner.name):
            return petitioner
    person = make_person(clock, PersonDetails(invitee.name, invitee.phone), phone_required=False)
    db.add(person)
    await db.flush()
    return person


def _seat_for(actor: Actor, session: Session, scope: Scope) -> Invitee:
    posts = [p for p in actor.posts if p.organisation_id in scope.organisation_ids]
    if allowed(actor, Action.HOST, scope):
        host = session.host_organisation_id
        return Invitee(InvitationRole.HOST, actor.name, "", actor.official_id, host)
    role = InvitationRole.OBSERVER
    if any(post.role in (Role.RECEPTIONIST, Role.LEADER) for post in posts):
        role = InvitationRole.JOINT_RECEPTIONIST
    elif any(post.role is Role.RECORDER for post in posts):
        role = InvitationRole.RECORDER
    elif any(post.kind is OrganisationKind.DEPARTMENT for post in posts):
        role = InvitationRole.DEPARTMENT
    return Invitee(role, actor.name, "", actor.official_id, posts[0].organisation_id if posts else None)
