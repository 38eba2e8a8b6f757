"""Tasks as pages show them: the deadline in words, who does it, and what the reader may do with it."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, scope_of
from cases.clock import BEIJING, Clock
from cases.organisations import Organisation
from cases.policy import Action, allowed
from cases.task import TaskState, TrackedTask, list_tasks
from cases.vocabulary import badges
from scheduling.afterwards.outcome import list_outcomes, list_sources
from scheduling.minutes.record import scope_of_minutes
from scheduling.session import Session
from web.http.flash import take_once
from web.keys import ACTOR, CLOCK
from web.language import say
from web.words import until_date

TASK_STATES = badges("task")


async def task_desk(request: web.Request, db: AsyncSession, session: Session) -> dict[str, Any]:
    """For the page of the minutes: what came of the session, and the form for one more."""
    actor, clock = request[ACTOR], request.app[CLOCK]
    scope = await scope_of_minutes(db, session)
    may_add = session.petition is not None and allowed(actor, Action.WRITE_MINUTES, scope)
    offices = {each: await db.get_one(Organisation, each) for each in scope.organisation_ids}
    ordered = sorted(offices.values(), key=lambda office: (office.region_code, office.name))
    return {
        "items": [task_card(each, clock) for each in await list_outcomes(db, session)],
        "may_add": may_add,
        "may_book": session.petition is not None and allowed(actor, Action.BOOK, scope_of(session.petition)),
        "offices": {office.id: office.name for office in ordered},
        "sources": await list_sources(db, session) if may_add else [],
        "trouble": take_once(request, f"outcome:{session.id}") or {},
        "today": clock.now().astimezone(BEIJING).date().isoformat(),
    }


async def task_list(request: web.Request, db: AsyncSession, petition: PetitionCase) -> list[dict[str, Any]]:
    """For the page of the case: every task, with what the reader may do."""
    actor, clock, scope = request[ACTOR], request.app[CLOCK], scope_of(petition)
    keeper = allowed(actor, Action.HANDLE_PETITION, scope)
    cards = []
    for each in await list_tasks(db, petition.id):
        own = each.task.organisation_id in actor.organisation_ids
        open_ = each.state is TaskState.OPEN and allowed(actor, Action.FINISH_TASK, scope)
        may = {"done": open_ and (own or keeper), "withdrawn": open_ and keeper}
        cards.append(task_card(each, clock) | {"may": may})
    return cards


def task_card(tracked: TrackedTask, clock: Clock) -> dict[str, Any]:
    task, last = tracked.task, tracked.steps[-1] if tracked.steps else None
    left = tracked.days_left(clock)
    late = tracked.state is TaskState.OPEN and left < 0
    return {
        "id": task.id,
        "words": task.words,
        "office": task.organisation.name,
        "person": task.person,
        "state": TASK_STATES["overdue" if late else str(tracked.state)],
        "due": due_words(tracked, left),
        "ended": last and {"words": last.words, "by": last.by, "at": last.at},
    }


def due_words(tracked: TrackedTask, left: int) -> str:
    """`7月29日（星期三）前，还有 7 天`; of what is over only the date."""
    day = tracked.task.due_on
    told = until_date(day)
    if tracked.state is not TaskState.OPEN:
        return told
    if left < 0:
        return say(f"{told}，已超期 {-left} 天")
    return say(f"{told}，今天到期" if left == 0 else f"{told}，还有 {left} 天")
