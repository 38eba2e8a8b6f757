"""Raising, taking, giving back and closing human tasks (待处置), and which ones an official reads.

Everything that writes takes the session's row first, so that two officials, or an official and an event, come
one after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cases.audit import add_audit
from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.fields import clean, clean_text, count_graphemes
from cases.policy import SYSTEM, Action, Actor, require
from scheduling.incidents.incident import (
    ENDS_WITH_SESSION,
    MOST_STEPS,
    OPEN,
    TRANSITIONS,
    WORDS_LIMIT,
    Cause,
    Incident,
    IncidentOutcome,
    IncidentState,
    IncidentStep,
    TrackedIncident,
)
from scheduling.reach import load_session, scope_of_session, visible_sessions
from scheduling.session import OVER, Session
from scheduling.transitions import require_transition

# The board shows what is open of these days; who looked after nothing for longer has the session's page.
SHOWN_FOR = timedelta(days=7)
MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something a human must look after. `subject` tells two of one cause in one session apart.

    `name`: whom it hits, `words`: what officials should know, both for officials only.
    """

    session_id: str
    cause: Cause
    subject: str = ""
    name: str = ""
    words: str = ""


@atomic
async def raise_incident(db: AsyncSession, clock: Clock, occurrence: Occurrence) -> None:
    """Raise the task and commit. Nothing happens while it is open. Raises NotFound without the session."""
    await add_incident(db, clock, occurrence)
    await db.commit()


async def add_incident(db: AsyncSession, clock: Clock, occurrence: Occurrence) -> None:
    """Raise as `raise_incident` does, inside the caller's transaction."""
    session = await load_session(db, occurrence.session_id, lock=True)
    if session.state in OVER and occurrence.cause in ENDS_WITH_SESSION:
        return
    found = await _find(db, occurrence.session_id, occurrence.cause, occurrence.subject)
    if found is not None and (found.open or len(found.steps) >= MOST_STEPS):
        return
    if found is None:
        row = Incident(
            id=new_id(), session_id=occurrence.session_id, cause=occurrence.cause,
            subject=occurrence.subject[:96], name=clean(occurrence.name)[:256], at=clock.now(),
        )  # fmt: skip
        db.add(row)
        await db.flush()
        found = TrackedIncident(row, ())
    await _add_step(db, clock, SYSTEM, found, IncidentState.RAISED, clean(occurrence.words)[:WORDS_LIMIT])


@atomic
async def end_incident(
    db: AsyncSession, clock: Clock, session_id: str, cause: Cause, subject: str = "", words: str = ""
) -> None:
    """The cause went away: end the task with `words` and commit; nothing happens when none is open."""
    await drop_incident(db, clock, session_id, cause, subject, words)
    await db.commit()


async def drop_incident(
    db: AsyncSession, clock: Clock, session_id: str, cause: Cause, subject: str = "", words: str = ""
) -> None:
    """End as `end_incident` does, inside the caller's transaction."""
    await load_session(db, session_id, lock=True)
    found = await _find(db, session_id, cause, subject)
    # The last step is left to a human: what comes and goes without end needs one.
    if found is not None and found.open and len(found.steps) < MOST_STEPS - 1:
        await _add_step(db, clock, SYSTEM, found, IncidentState.ENDED, clean(words)[:WORDS_LIMIT])


async def end_with_session(db: AsyncSession, clock: Clock, session_id: str) -> None:
    """The session is over: what cannot outlive it ends, inside the caller's transaction, who has the row."""
    for each in await list_incidents(db, session_id):
        if each.open and each.incident.cause in ENDS_WITH_SESSION:
            await _add_step(db, clock, SYSTEM, each, IncidentState.ENDED, "接访已经结束")


@atomic
async def take_incident(db: AsyncSession, clock: Clock, actor: Actor, incident_id: str) -> None:
    """Look after it; commits. Raises NotFound, Forbidden, Conflict `incident_taken`, `bad_transition`."""
    found = await _manageable(db, actor, incident_id)
    if found.state is IncidentState.TAKEN:
        if found.last.by_id == actor.official_id:
            return
        raise Conflict("incident_taken", f"{found.last.by}已经在处置，不用再接手。")
    require_transition(TRANSITIONS, found.state, IncidentState.TAKEN, "这件事已经了结，不用再处置。")
    await _add_step(db, clock, actor, found, IncidentState.TAKEN, "")
    await db.commit()


@atomic
async def give_back_incident(
    db: AsyncSession, clock: Clock, actor: Actor, incident_id: str, words: str = ""
) -> None:
    """Let somebody else look after it; commits. Raises NotFound, Forbidden, Conflict."""
    found = await _manageable(db, actor, incident_id)
    _require_own(found, actor)
    text = clean_text(words, "words", "说明", WORDS_LIMIT)
    await _add_step(db, clock, actor, found, IncidentState.RAISED, text)
    await db.commit()


@atomic
async def close_incident(
    db: AsyncSession, clock: Clock, actor: Actor, incident_id: str, outcome: str, words: str
) -> None:
    """Close it with an outcome and a note; commits.

    Raises NotFound, Forbidden, Invalid at `outcome` or `words`, Conflict `incident_taken`, `bad_transition`.
    """
    found = await _manageable(db, actor, incident_id)
    _require_own(found, actor)
    if outcome not in set(IncidentOutcome):
        raise Invalid("outcome_unknown", "请选择处置结果。", "outcome")
    text = clean_text(words, "words", "处置情况", WORDS_LIMIT)
    if count_graphemes(text) < 2:
        raise Invalid("words_required", "请写明怎样处置的，至少 2 个字。", "words")
    await _add_step(db, clock, actor, found, IncidentState.CLOSED, text, IncidentOutcome(outcome))
    await db.commit()


async def get_incident(db: AsyncSession, actor: Actor, incident_id: str) -> tuple[TrackedIncident, Session]:
    """One task with its session. Raises NotFound, also for the unseen."""
    incident = await _load(db, incident_id)
    session = await load_session(db, incident.session_id)
    require(actor, Action.SEE_SESSION, await scope_of_session(db, session))
    return await _track(db, incident), session


async def list_incidents(db: AsyncSession, session_id: str) -> list[TrackedIncident]:
    """Every task of a session, oldest first. The caller has asked the policy."""
    query = select(Incident).where(Incident.session_id == session_id).order_by(Incident.at, Incident.id)
    return await _with_steps(db, (await db.scalars(query)).all())


async def list_open_incidents(
    db: AsyncSession, clock: Clock, actor: Actor
) -> list[tuple[TrackedIncident, Session]]:
    """Open tasks of recent sessions that the actor sees, what was raised last first. Raises Forbidden."""
    require(actor, Action.SEE_SESSION)
    step, later = aliased(IncidentStep), aliased(IncidentStep)
    overtaken = select(later.id).where(later.incident_id == step.incident_id, later.number > step.number)
    query = select(Incident, Session).join(Session, Session.id == Incident.session_id)
    query = query.outerjoin(PetitionCase, PetitionCase.id == Session.petition_id)
    query = query.join(step, step.incident_id == Incident.id)
    query = query.where(Session.starts_at >= clock.now() - SHOWN_FOR, visible_sessions(actor))
    query = query.where(step.state.in_(OPEN), ~overtaken.exists())
    rows = (await db.execute(query.order_by(step.at.desc(), Incident.id).limit(MOST_SHOWN))).all()
    sessions = {incident.id: session for incident, session in rows}
    tracked = await _with_steps(db, [incident for incident, _ in rows])
    return [(each, sessions[each.incident.id]) for each in tracked]


def _require_own(found: TrackedIncident, actor: Actor) -> None:
    """Only who took it gives it back or closes it."""
    if found.state is not IncidentState.TAKEN:
        closed = "这件事已经了结，不用再处置。"
        raise Conflict("bad_transition", closed if not found.open else "请先接手，再填写处置结果。")
    if found.last.by_id != actor.official_id:
        raise Conflict("incident_taken", f"{found.last.by}正在处置，由本人填写结果或者退回。")


async def _manageable(db: AsyncSession, actor: Actor, incident_id: str) -> TrackedIncident:
    """The task, with its session's row held. Raises NotFound, Forbidden."""
    if actor.official_id is None:
        raise Forbidden()
    incident = await _load(db, incident_id)
    session = await load_session(db, incident.session_id)
    require(actor, Action.HANDLE_INCIDENT, await scope_of_session(db, session))
    await load_session(db, incident.session_id, lock=True)
    return await _track(db, incident)


async def _load(db: AsyncSession, incident_id: str) -> Incident:
    incident = await db.get(Incident, incident_id)
    if incident is None:
        raise NotFound("incident_not_found", "没有找到这件待处置的事。")
    return incident


async def _find(db: AsyncSession, session_id: str, cause: Cause, subject: str) -> TrackedIncident | None:
    query = select(Incident).where(
        Incident.session_id == session_id, Incident.cause == cause, Incident.subject == subject[:96]
    )
    incident = await db.scalar(query)
    return await _track(db, incident) if incident is not None else None


async def _track(db: AsyncSession, incident: Incident) -> TrackedIncident:
    return (await _with_steps(db, [incident]))[0]


async def _with_steps(db: AsyncSession, incidents: Sequence[Incident]) -> list[TrackedIncident]:
    steps = await _steps_of(db, [incident.id for incident in incidents])
    return [TrackedIncident(incident, tuple(steps[incident.id])) for incident in incidents]


async def _steps_of(db: AsyncSession, incident_ids: Collection[str]) -> dict[str, list[IncidentStep]]:
    found: dict[str, list[IncidentStep]] = {incident_id: [] for incident_id in incident_ids}
    if found:
        query = select(IncidentStep).where(IncidentStep.incident_id.in_(found)).order_by(IncidentStep.number)
        for step in await db.scalars(query):
            found[step.incident_id].append(step)
    return found


async def _add_step(
    db: AsyncSession, clock: Clock, actor: Actor, found: TrackedIncident, state: IncidentState, words: str,
    outcome: IncidentOutcome | None = None,
) -> None:  # fmt: skip
    db.add(
        IncidentStep(
            id=new_id(),
            incident_id=found.incident.id,
            number=len(found.steps) + 1,
            state=state,
            outcome=outcome,
            words=words,
            at=clock.now(),
            by_id=actor.official_id,
            by=actor.name,
        )  # fmt: skip
    )
    await db.flush()
    back = state is IncidentState.RAISED and bool(found.steps) and found.state is IncidentState.TAKEN
    detail = {"session_id": found.incident.session_id, "cause": str(found.incident.cause)}
    detail |= {"outcome": str(outcome)} if outcome else {}
    kind = "incident.given_back" if back else f"incident.{state}"
    await add_audit(db, clock, actor, kind, "incident", found.incident.id, detail=detail)
