"""A mediation that belongs to no case, met by video: arranging it, and calling it off.

The parties, the mediator and further third parties each come by a personal link. Who helps and is no party
reads names masked (cases/policy.py). Each party says once more on the own telephone whether it consents
(scheduling/arrival/mediation_consent.py). Nothing of it is recorded; the database itself refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.errors import Conflict, Invalid
from cases.fields import clean_subject
from cases.mediation.matter import SITTING, Mediation, MediationState, scope_of_mediation
from cases.mediation.mediating import LONGEST, load_mediation, require_ready
from cases.mediation.third_party import load_third_party, refuse_conflict
from cases.policy import SYSTEM, Action, Actor, require
from cases.roles import InvitationRole
from scheduling.booking.engagements import ResourceKind, engage
from scheduling.booking.slots import check_period
from scheduling.invitation import MediationInvitation
from scheduling.notices.telling import Telling
from scheduling.reach import load_session
from scheduling.session import OVER, Session, SessionKind, SessionPart, SessionState
from scheduling.session_events import add_event
from scheduling.sessions.invitations import Invitee, add_invitation, seat_organisation
from scheduling.sessions.mediation_sessions import sit_in_mediation
from scheduling.sessions.sessions import move_session
from scheduling.sessions.telling import tell_citizens
from scheduling.sessions.third_party_invitations import add_third_party_invitation

MOST_HELPERS = 8
CALLED_OFF = "有当事人不同意调解，或者调解已经结束。"
_S = SessionState
_BEGUN = frozenset({_S.LIVE, _S.PAUSED, _S.MINUTES_CONFIRMING})


@dataclass(frozen=True, slots=True)
class ArrangeVideo:
    """Command: aware times; `third_party_ids` of the register, beside the mediator, who always comes."""

    mediation_id: str
    starts_at: datetime
    ends_at: datetime
    third_party_ids: tuple[str, ...] = ()


@atomic
async def arrange_video(
    db: AsyncSession, clock: Clock, actor: Actor, command: ArrangeVideo, telling: Telling | None = None
) -> Session:
    """Arrange a sitting by video and commit; with `telling` its parties hear of it in the same commit.

    Raises NotFound, Forbidden, Invalid at the field, Conflict `booked_on_case`, `no_consent`, `no_mediator`,
    `conflict_of_interest`, `third_party_not_in_force`, `sitting_exists`, `engaged`.
    """
    mediation = await load_mediation(db, command.mediation_id)
    require(actor, Action.CONDUCT_MEDIATION, scope_of_mediation(mediation))
    if mediation.petition_id is not None:
        raise Conflict("booked_on_case", "这件事属于信访件，请在信访件上预约视频调解。")
    await require_ready(db, clock, mediation)
    check_period(clock, command.starts_at, command.ends_at, LONGEST)
    await _refuse_overlap(db, command)
    session = Session(
        id=new_id(), mediation_id=mediation.id, mediation=mediation, booking_id=None,
        title=clean_subject(mediation.subject, "title", "标题"),
        host_organisation_id=mediation.organisation_id, state=SessionState.SCHEDULED,
        kind=SessionKind.MEDIATION, record=False, event_count=0, revision=0, starts_at=command.starts_at,
        ends_at=command.ends_at, created_at=clock.now(), organisations=[],
    )  # fmt: skip
    db.add(session)
    await db.flush()
    await seat_organisation(db, session, mediation.organisation_id, SessionPart.HOST)
    await db.refresh(session, ["organisations", "host", "petition"])
    await _invite_all(db, clock, session, mediation, command)
    await sit_in_mediation(db, clock, actor, session, mediation)
    data = {"starts_at": session.starts_at.isoformat(), "ends_at": session.ends_at.isoformat()}
    await add_event(db, clock, session.id, "session.created", actor.name or None, data=data)
    await add_audit(db, clock, actor, "session.created", "session", session.id)
    if telling is not None:
        await tell_citizens(db, clock, telling, session, "session_arranged")
    await db.commit()
    return await load_session(db, session.id)


async def call_off_sittings(
    db: AsyncSession, clock: Clock, mediation_id: str, telling: Telling | None = None
) -> list[str]:
    """End every open sitting by video of a mediation that is not to go on; commits each.

    Returns the ids of the sessions, for the rooms to hear of it; none while all consent and it is not over.
    """
    mediation = await load_mediation(db, mediation_id)
    if mediation.state in SITTING or mediation.state is MediationState.AGREED:
        return []
    query = select(Session.id, Session.state).where(Session.mediation_id == mediation_id)
    ended = []
    for session_id, state in (await db.execute(query.where(Session.state.not_in(sorted(OVER))))).all():
        if state is not _S.SIGNED:
            end = _S.CLOSED if state in _BEGUN else _S.CANCELLED
            await move_session(db, clock, SYSTEM, session_id, end, CALLED_OFF, telling)
            ended.append(session_id)
    return ended


async def _refuse_overlap(db: AsyncSession, command: ArrangeVideo) -> None:
    overlap = select(Session.id).where(
        Session.mediation_id == command.mediation_id,
        Session.state.not_in(sorted(OVER)),
        Session.starts_at < command.ends_at,
        Session.ends_at > command.starts_at,
    )
    if await db.scalar(overlap.limit(1)) is not None:
        raise Conflict("sitting_exists", "这件事那个时间已经安排了视频调解。", "time")


async def _invite_all(
    db: AsyncSession, clock: Clock, session: Session, mediation: Mediation, command: ArrangeVideo
) -> None:
    for party in mediation.parties:
        invitee = Invitee(InvitationRole.PARTY, party.name, party.phone or "")
        invitation = await add_invitation(db, clock, session, invitee)
        db.add(MediationInvitation(invitation_id=invitation.id, party_id=party.id))
    chosen = dict.fromkeys((mediation.mediator_id or "", *command.third_party_ids))
    if len(chosen) > MOST_HELPERS:
        raise Invalid("too_many", f"最多选择 {MOST_HELPERS} 人。", "third_party_ids")
    await engage(db, clock, session, {each: ResourceKind.PERSON for each in chosen if each})
    for third_party_id in chosen:
        one = await load_third_party(db, third_party_id)
        if one.organisation_id != mediation.organisation_id:
            raise Invalid("choose", "请选择一项。", "third_party_ids")
        await refuse_conflict(db, clock, one, [each.name for each in mediation.parties])
        await add_third_party_invitation(db, clock, session, one)
