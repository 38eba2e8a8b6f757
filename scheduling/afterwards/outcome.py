"""Outcomes of a session: what was decided or promised becomes a task of the case, in the minutes' words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import atomic
from cases.errors import NotFound
from cases.policy import Action, Actor, require
from cases.task import NewTask, PetitionTask, TrackedTask, add_task, list_tasks
from scheduling.minutes.record import find_minutes, list_paragraphs, scope_of_minutes
from scheduling.reach import load_session
from scheduling.session import Session
from scheduling.session_events import add_event, list_events

# The mark 承诺, as it stands in the data of its event.
PROMISE = "promise"
MOST_SOURCES = 100
SHOWN = 200  # Characters of a source.


@dataclass(frozen=True, slots=True)
class Source:
    """What an outcome can come from: a promise marked in the session, or a paragraph of the minutes."""

    id: str
    words: str


@atomic
async def add_outcome(
    db: AsyncSession, clock: Clock, actor: Actor, session_id: str, command: NewTask
) -> PetitionTask:
    """Make a task of what the session decided; commits. Raises NotFound, Forbidden, Invalid, Conflict."""
    session = await load_session(db, session_id, lock=True)
    scope = await scope_of_minutes(db, session)
    require(actor, Action.WRITE_MINUTES, scope)
    if command.source_id and command.source_id not in {each.id for each in await list_sources(db, session)}:
        raise NotFound("source_not_found", "没有找到这一段笔录或者标记，请刷新页面。", "source_id")
    command = replace(command, session_id=session_id, source_id=command.source_id or None)
    task = await add_task(db, clock, actor, session.case, command, scope.organisation_ids)
    data = {"task_id": task.id, "source_id": task.source_id, "words": task.words}
    await add_event(db, clock, session_id, "outcome.added", actor.name or None, data=data)
    await add_audit(db, clock, actor, "outcome.added", "session", session_id, detail={"task_id": task.id})
    await db.commit()
    return task


async def list_outcomes(db: AsyncSession, session: Session) -> list[TrackedTask]:
    """The tasks that came of this session. The caller has asked the policy."""
    if session.petition_id is None:  # What a mediation comes to stands in its agreement.
        return []
    return await list_tasks(db, session.petition_id, session.id)


async def list_sources(db: AsyncSession, session: Session) -> list[Source]:
    """Promises first, then paragraphs from the newest back. The caller has asked the policy."""
    events = await list_events(db, session.id)
    back = {event.data.get("mark_id") for event in events if event.kind == "mark.withdrawn"}
    found = [
        Source(event.id, str(event.data.get("text", ""))[:SHOWN])
        for event in events
        if event.kind == "mark.set" and event.data.get("mark") == PROMISE and event.id not in back
    ]
    minutes = await find_minutes(db, session.id)
    if minutes is not None:
        for each in reversed(await list_paragraphs(db, minutes.id)):
            if each.text.strip() and each.kind not in ("heading", "note"):
                found.append(Source(each.id, each.text[:SHOWN]))
    return found[:MOST_SOURCES]
