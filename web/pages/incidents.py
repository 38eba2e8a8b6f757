"""One human task: its history, and taking it, giving it back, closing it."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Invalid
from cases.fields import clean
from scheduling.incidents.incident import CAUSE_NAMES, OUTCOME_NAMES, Cause, IncidentState, TrackedIncident
from scheduling.incidents.incidents import close_incident, get_incident, give_back_incident, take_incident
from web.http.access import local_path
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.signin import see_other
from web.rendering import page
from web.views.board import task_view
from web.views.board_memory import BOARDS
from web.views.cards import session_cards

RAISED_AGAIN, GIVEN_BACK = "又发生了", "退回"


async def show(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        return await _page(request, db, Form())


async def take(request: web.Request) -> web.StreamResponse:
    form, incident_id = Form(await request.post()), request.match_info["incident_id"]
    async with request.app[DATABASE].session() as db:
        await take_incident(db, request.app[CLOCK], request[ACTOR], incident_id)
    request.app[BOARDS].note_act()
    return see_other(local_path(form.typed("back"), f"/incidents/{incident_id}"))


async def give_back(request: web.Request) -> web.StreamResponse:
    form, incident_id = Form(await request.post()), request.match_info["incident_id"]
    async with request.app[DATABASE].session() as db:
        words = form.typed("words")
        await give_back_incident(db, request.app[CLOCK], request[ACTOR], incident_id, words)
    request.app[BOARDS].note_act()
    return see_other(f"/incidents/{incident_id}")


async def close(request: web.Request) -> web.StreamResponse:
    form, incident_id = Form(await request.post()), request.match_info["incident_id"]
    async with request.app[DATABASE].session() as db:
        try:
            await close_incident(
                db, request.app[CLOCK], request[ACTOR], incident_id,
                form.typed("outcome"), form.typed("words"),
            )  # fmt: skip
        except Invalid as error:
            form.values["outcome"] = form.typed("outcome")
            form.values["words"] = clean(form.typed("words"), lines=True)
            form.fail(error.field or "words", error.message)
            return await _page(request, db, form, 422)
    request.app[BOARDS].note_act()
    return see_other(f"/incidents/{incident_id}")


async def _page(request: web.Request, db: AsyncSession, form: Form, status: int = 200) -> web.Response:
    task, session = await get_incident(db, request[ACTOR], request.match_info["incident_id"])
    (card,) = await session_cards(db, request[ACTOR], [session])
    view = task_view(request, task, card, request.app[CLOCK].now())
    context = {
        "nav": "board",
        "task": view,
        "steps": history_of(task, card["named"]),
        "outcomes": {str(outcome): name for outcome, name in OUTCOME_NAMES.items()},
        "arrivals": task.incident.cause is Cause.HELP_ASKED,
        "form": form,
    }
    title = f"待处置：{view['cause']}"
    return page(
        request, "incident.html", context, title=f"错误：{title}" if form.errors else title, status=status
    )


def history_of(task: TrackedIncident, named: bool) -> list[dict[str, Any]]:
    """Each step in words, oldest first; who only looks on reads no words about a citizen."""
    found, before = [], None
    for step in task.steps:
        again = RAISED_AGAIN if before in (IncidentState.CLOSED, IncidentState.ENDED) else ""
        back = GIVEN_BACK if step.state is IncidentState.RAISED and before is IncidentState.TAKEN else ""
        found.append(
            {
                "at": step.at,
                "act": back or again or _ACTS[step.state],
                "by": step.by,
                "outcome": OUTCOME_NAMES[step.outcome] if step.outcome else "",
                "words": step.words if named else "",
            }
        )
        before = step.state
    return found


def tasks_of(tasks: list[TrackedIncident], named: bool) -> list[dict[str, Any]]:
    """The tasks of one session with their history, for its page."""
    return [
        {
            "id": task.incident.id,
            "cause": CAUSE_NAMES[task.incident.cause],
            "name": task.incident.name if named else "",
            "state": str(task.state),
            "times": task.times,
            "steps": history_of(task, named),
        }
        for task in tasks
    ]


_ACTS = {
    IncidentState.RAISED: "发生",
    IncidentState.TAKEN: "接手",
    IncidentState.CLOSED: "处置完毕",
    IncidentState.ENDED: "自行恢复",
}
