"""Proposing another time for a joint reception, and answering; accepted, the session moves with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.errors import Conflict, Forbidden, NotFound
from cases.policy import Action, Actor, allowed, require, visible_organisation_ids
from scheduling.booking.slots import check_period
from scheduling.matter_history import note_in_matter
from scheduling.notices.telling import Telling
from scheduling.proposals import (
    LIVE,
    SIDE_OF,
    TRANSITIONS,
    ProposalState,
    Side,
    clean_answer,
    clean_reason,
)
from scheduling.reach import load_session, scope_of_session, visible_sessions
from scheduling.session import SESSION_STATE_NAMES, Session, SessionPart
from scheduling.session_events import add_event
from scheduling.sessions.moving import MOVABLE, MoveSession, give_new_time
from scheduling.sessions.sessions import LONGEST
from scheduling.sessions.time_proposal import TimeProposal

MOST = 100


@dataclass(frozen=True, slots=True)
class ProposeTime:
    """Command of an office that sits beside the host: when it could come, and why not as it stands."""

    session_id: str
    organisation_id: str
    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class AnswerTime:
    """Command: `state` is where the proposal goes; `words` are needed to ask anew."""

    session_id: str
    proposal_id: str
    state: ProposalState
    words: str = ""


@atomic
async def propose_time(db: AsyncSession, clock: Clock, actor: Actor, command: ProposeTime) -> TimeProposal:
    """Propose it and commit; the time that stands goes on standing until the host accepts.

    Raises NotFound, Forbidden, Invalid at `reason`, `starts_at`, `ends_at`; Conflict `not_asked`,
    `not_movable`, `same_time`, `already_proposed`.
    """
    session = await load_session(db, command.session_id, lock=True)
    require(actor, Action.SEE_SESSION, await scope_of_session(db, session))
    require(actor, Action.BOOK)
    if command.organisation_id not in own_offices(actor, session):
        raise Conflict("not_asked", "这场接访没有请你单位参加。")
    _require_movable(session)
    reason = clean_reason(command.reason)
    check_period(clock, command.starts_at, command.ends_at, LONGEST)
    if (command.starts_at, command.ends_at) == (session.starts_at, session.ends_at):
        raise Conflict("same_time", "新的时间和原来的一样。", "starts_at")
    before = await _live_of(db, session, command.organisation_id)
    if before is not None:
        before.give_way(clock.now(), actor.name)
        await db.flush()
    row = TimeProposal(
        id=new_id(), session_id=session.id, organisation_id=command.organisation_id,
        revision=session.revision, starts_at=command.starts_at, ends_at=command.ends_at, reason=reason,
        state=ProposalState.OPEN, proposed_at=clock.now(), proposed_by=actor.name, answer="", answered_by="",
    )  # fmt: skip
    db.add(row)
    await db.flush()
    await db.refresh(row, ["organisation", "session"])
    await _note(db, clock, actor, row, "time.proposed", reason)
    await db.commit()
    return row


@atomic
async def answer_time(
    db: AsyncSession, clock: Clock, actor: Actor, command: AnswerTime, telling: Telling | None = None
) -> TimeProposal:
    """Take the next step of a proposal and commit. Accepting it moves the session, with its notices.

    Raises NotFound, Forbidden, Invalid at `words`, Conflict `bad_transition`, `session_moved`, and what
    `give_new_time` raises where somebody or something is engaged then.
    """
    found = await db.get(TimeProposal, command.proposal_id)
    if found is None or found.session_id != command.session_id:
        raise NotFound("proposal_not_found", "没有找到这个改时间的请求。")
    session = await load_session(db, found.session_id, lock=True)
    require(actor, Action.SEE_SESSION, await scope_of_session(db, session))
    row = await db.get_one(TimeProposal, found.id, populate_existing=True)
    await _require_side(db, actor, session, row, SIDE_OF.get(command.state))
    words = clean_answer(command.state, command.words)
    if row.revision != session.revision:
        raise Conflict("session_moved", "接访已经改到别的时间了，请刷新后再看。")
    row.move_to(command.state, clock.now(), actor.name, words)
    await _note(db, clock, actor, row, f"time.{command.state}", words)
    if command.state is ProposalState.ACCEPTED:
        why = f"{row.organisation.name}参加接访，换到大家都能来的时间"
        move = MoveSession(session.id, why, None, row.starts_at, row.ends_at)
        await give_new_time(db, clock, actor, move, telling)
    await db.commit()
    return row


async def list_proposals(db: AsyncSession, session: Session) -> Sequence[TimeProposal]:
    """All proposals for a session, oldest first. The caller has asked the policy."""
    query = select(TimeProposal).where(TimeProposal.session_id == session.id)
    return (await db.scalars(query.order_by(TimeProposal.proposed_at, TimeProposal.id))).all()


async def list_open_proposals(db: AsyncSession, clock: Clock, actor: Actor) -> Sequence[TimeProposal]:
    """What waits for the actor's own offices: a host's answer, or another time of who was asked anew."""
    require(actor, Action.BOOK)
    own = visible_organisation_ids(actor, Action.BOOK)
    hosts = (TimeProposal.state == ProposalState.OPEN) & Session.host_organisation_id.in_(own)
    asked = (TimeProposal.state == ProposalState.ASKED_ANEW) & TimeProposal.organisation_id.in_(own)
    query = (
        select(TimeProposal)
        .join(Session, Session.id == TimeProposal.session_id)
        .outerjoin(PetitionCase, PetitionCase.id == Session.petition_id)
        .where(hosts | asked, visible_sessions(actor), TimeProposal.revision == Session.revision)
        .where(Session.state.in_(sorted(MOVABLE)), Session.starts_at > clock.now())
    )
    return (await db.scalars(query.order_by(Session.starts_at, TimeProposal.id).limit(MOST))).all()


def own_offices(actor: Actor, session: Session) -> set[str]:
    """Offices that sit beside the host for which this official may speak."""
    if not allowed(actor, Action.BOOK):
        return set()
    joint = {each.organisation_id for each in session.organisations if each.part is SessionPart.JOINT}
    return joint & set(visible_organisation_ids(actor, Action.BOOK))


def is_live(session: Session, row: TimeProposal) -> bool:
    """Whether somebody can still answer it."""
    return row.state in LIVE and row.revision == session.revision and session.state in MOVABLE


def next_states(actor: Actor, session: Session, row: TimeProposal, hosts: bool) -> list[ProposalState]:
    """What this official may answer now, in the order of the states; `hosts`: may manage the session."""
    if not is_live(session, row):
        return []
    mine = row.organisation_id in own_offices(actor, session)
    sides = {Side.DECIDER} if hosts else set()
    sides |= {Side.PROPOSER} if mine else set()
    return [each for each in ProposalState if each in TRANSITIONS[row.state] and SIDE_OF[each] in sides]


def _require_movable(session: Session) -> None:
    if session.state not in MOVABLE or session.opened_at is not None:
        message = f"接访现在是「{SESSION_STATE_NAMES[session.state]}」，不能改期。"
        raise Conflict("not_movable", message, "reason")


async def _require_side(
    db: AsyncSession, actor: Actor, session: Session, row: TimeProposal, side: Side | None
) -> None:
    """Raises Forbidden. REPLACED comes with a new proposal alone, and nobody goes back to OPEN."""
    if side is Side.DECIDER:
        require(actor, Action.MANAGE_SESSION, await scope_of_session(db, session))
    elif side is None or row.organisation_id not in own_offices(actor, session):
        raise Forbidden()


async def _live_of(db: AsyncSession, session: Session, organisation_id: str) -> TimeProposal | None:
    query = select(TimeProposal).where(
        TimeProposal.session_id == session.id,
        TimeProposal.organisation_id == organisation_id,
        TimeProposal.revision == session.revision,
        TimeProposal.state.in_(sorted(LIVE)),
    )
    return await db.scalar(query)


async def _note(
    db: AsyncSession, clock: Clock, actor: Actor, row: TimeProposal, kind: str, words: str
) -> None:
    """In the history of session and case, and in the audit."""
    await db.flush()
    data = {
        "organisation": row.organisation.name, "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(), "session_id": row.session_id, "reason": words or None,
    }  # fmt: skip
    await add_event(db, clock, row.session_id, kind, actor.name or None, data=data)
    await note_in_matter(db, clock, actor, row.session, kind, data)
    await add_audit(db, clock, actor, kind, "session", row.session_id)
