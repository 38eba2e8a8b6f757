"""Tasks: one added from the minutes, one ended on the case."""

from __future__ import annotations

from aiohttp import web

from cases.errors import Conflict, Invalid
from cases.task import NewTask, end_task
from scheduling.afterwards.outcome import add_outcome
from web.http.flash import keep_once
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.signin import see_other

FIELDS = ("organisation_id", "person", "due_on", "words", "source_id")


async def add(request: web.Request) -> web.StreamResponse:
    """Back to the minutes; what was filled in wrongly is told there once, with everything typed."""
    form, session_id = Form(await request.post()), request.match_info["session_id"]
    typed = {name: form.typed(name) for name in FIELDS}
    async with request.app[DATABASE].session() as db:
        try:
            await add_outcome(db, request.app[CLOCK], request[ACTOR], session_id, NewTask(**typed))
        except (Invalid, Conflict) as error:
            kept = {name: text[:1000] for name, text in typed.items()}
            keep_once(request, f"outcome:{session_id}", kept | {"message": error.message})
    return see_other(f"/sessions/{session_id}/minutes#outcomes")


async def end(request: web.Request) -> web.StreamResponse:
    form, petition_id = Form(await request.post()), request.match_info["petition_id"]
    task_id, state, words = request.match_info["task_id"], form.typed("state"), form.typed("words")
    async with request.app[DATABASE].session() as db:
        await end_task(db, request.app[CLOCK], request[ACTOR], petition_id, task_id, state, words)
    return see_other(f"/cases/{petition_id}#tasks")
