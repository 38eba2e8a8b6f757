"""The minutes outside the room: to prepare them, to finish them, and every version there was."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from cases.errors import Invalid, NotFound
from cases.policy import Action, allowed
from scheduling.minutes.editing import change_minutes
from scheduling.minutes.history import read_history
from scheduling.minutes.paragraph import KIND_NAMES
from scheduling.minutes.record import (
    MINUTES_STATE_NAMES,
    TRANSITIONS,
    MinutesState,
    begin_minutes,
    find_minutes,
    move_minutes,
    read_minutes,
    scope_of_minutes,
)
from scheduling.minutes.template import TEMPLATES, usual_template
from scheduling.session import Session
from scheduling.sessions.sessions import get_session
from signaling.handlers.minutes import change_of, official_view, refresh, spread
from signaling.minutes_commands import ChangeMinutes
from signaling.minutes_pushes import changed_push
from signaling.protocol import ProtocolError, dump, parse, plain
from web.http.access import form_token
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, REGISTRY
from web.pages.signin import see_other
from web.rendering import page
from web.views.tasks import task_desk

# Moves of this page; signing and locking have pages of their own.
STEPS = {
    MinutesState.READ_BACK: "记录完毕，交信访人核对",
    MinutesState.DRAFTING: "退回继续记录",
}


async def show(request: web.Request) -> web.StreamResponse:
    actor, session_id = request[ACTOR], request.match_info["session_id"]
    async with request.app[DATABASE].session() as db:
        session = await get_session(db, actor, session_id)
        scope = await scope_of_minutes(db, session)
        minutes = await find_minutes(db, session_id)
        if minutes is not None:
            await read_minutes(db, actor, session_id)
        may_write = allowed(actor, Action.WRITE_MINUTES, scope)
        context = {
            "nav": "board",
            "session": session,
            "minutes": minutes,
            "state": MINUTES_STATE_NAMES[minutes.state] if minutes else "",
            "templates": {key: versions[-1].name for key, versions in TEMPLATES.items()},
            "usual": usual_template(session),
            "may_write": may_write,
            "steps": _steps(minutes.state, minutes.signature_count) if minutes and may_write else {},
            "boot": _boot(request, session) if minutes else None,
            "tasks": await task_desk(request, db, session),
        }
    return page(request, "minutes.html", context, title=f"笔录：{session.title}")


async def sheet(request: web.Request) -> web.StreamResponse:
    """The sheet as JSON, or `{}` while it is still at the version the page has."""
    actor, session_id = request[ACTOR], request.match_info["session_id"]
    async with request.app[DATABASE].session() as db:
        try:
            read = await read_minutes(db, actor, session_id)
        except NotFound as error:
            if error.code != "minutes_not_begun":
                raise
            return web.json_response(None)
        known = f"{read.minutes.version}.{read.minutes.state}"
        if request.query.get("after") == known:
            return web.json_response({})
        view = await official_view(db, actor, session_id, read)
    return web.json_response(plain(view) | {"known": known}, dumps=_dumps)


async def change(request: web.Request) -> web.StreamResponse:
    """One change as JSON, with the fields of `minutes.change` (docs/protocol.md); answers with the push."""
    session_id, actor = request.match_info["session_id"], request[ACTOR]
    async with request.app[DATABASE].session() as db:
        await read_minutes(db, actor, session_id)  # Before anything is said about what was sent.
        command = await _command(request)
        changed = await change_minutes(db, request.app[CLOCK], actor, session_id, change_of(command))
    push = changed_push(changed, command.edit_id, actor.name)
    live = request.app[REGISTRY].rooms.get(session_id)
    if live is not None:
        await spread(live, changed, command.edit_id, actor.name)
    return web.Response(text=dump(push), content_type="application/json")


async def begin(request: web.Request) -> web.StreamResponse:
    form, session_id = Form(await request.post()), request.match_info["session_id"]
    async with request.app[DATABASE].session() as db:
        template = form.typed("template")[:32] or None
        await begin_minutes(db, request.app[CLOCK], request[ACTOR], session_id, template)
    await _tell_room(request, session_id)
    return see_other(f"/sessions/{session_id}/minutes")


async def move(request: web.Request) -> web.StreamResponse:
    form, session_id = Form(await request.post()), request.match_info["session_id"]
    wanted = form.typed("state")
    async with request.app[DATABASE].session() as db:
        await read_minutes(db, request[ACTOR], session_id)
        if wanted not in STEPS:
            raise Invalid("state_unknown", "请选择下一步。", "state")
        await move_minutes(db, request.app[CLOCK], request[ACTOR], session_id, MinutesState(wanted))
    await _tell_room(request, session_id)
    return see_other(f"/sessions/{session_id}/minutes")


async def versions(request: web.Request) -> web.StreamResponse:
    actor, session_id = request[ACTOR], request.match_info["session_id"]
    typed = request.query.get("before", "")
    before = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else None
    async with request.app[DATABASE].session() as db:
        session = await get_session(db, actor, session_id)
        history = await read_history(db, actor, session_id, before)
    context = {"nav": "board", "session": session, "history": history, "kinds": KIND_NAMES}
    return page(request, "minutes_versions.html", context, title=f"笔录的版本：{session.title}")


async def _command(request: web.Request) -> ChangeMinutes:
    """The body, read as strictly as a frame of the socket. Raises Invalid."""
    try:
        fields = json.loads(await request.text())
        if not isinstance(fields, dict):
            raise ValueError("not an object")
        command = parse(json.dumps(fields | {"type": "minutes.change", "id": 0}))
    except ProtocolError as error:
        raise Invalid(error.code, error.message) from error
    except (ValueError, RecursionError) as error:
        raise Invalid("bad_message", "笔录的修改不完整，请刷新页面。") from error
    assert isinstance(command, ChangeMinutes)
    return command


async def _tell_room(request: web.Request, session_id: str) -> None:
    live = request.app[REGISTRY].rooms.get(session_id)
    if live is not None:
        await refresh(live)


def _steps(state: MinutesState, signatures: int) -> dict[str, str]:
    if signatures:
        return {}
    return {str(step): words for step, words in STEPS.items() if step in TRANSITIONS[state]}


def _boot(request: web.Request, session: Session) -> dict[str, Any]:
    return {
        "address": f"/sessions/{session.id}/minutes",
        "csrf_token": form_token(request),
        "session_id": session.id,
        "who": request[ACTOR].official_id,
    }


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
