"""Joining the histories of two cases, and undoing it, from the page of one of them."""

from __future__ import annotations

from aiohttp import web

from cases.errors import Conflict, Invalid
from cases.intake.joins import join_histories, undo_join
from web.http.flash import keep_once
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say_error
from web.pages.signin import see_other


async def join(request: web.Request) -> web.StreamResponse:
    return await _change(request, joined=True)


async def separate(request: web.Request) -> web.StreamResponse:
    return await _change(request, joined=False)


async def _change(request: web.Request, *, joined: bool) -> web.StreamResponse:
    form, petition_id = Form(await request.post()), request.match_info["petition_id"]
    reason, other = form.take("reason", str), form.typed("other")[:64]
    change = join_histories if joined else undo_join
    async with request.app[DATABASE].session() as db:
        try:
            await change(db, request.app[CLOCK], request[ACTOR], petition_id, other, reason)
        except (Invalid, Conflict) as error:
            keep_once(request, f"join:{petition_id}", say_error(error.code, error.message))
    return see_other(f"/cases/{petition_id}#alike")
