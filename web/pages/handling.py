"""A step of a case, taken from its page."""

from __future__ import annotations

from aiohttp import web

from cases.errors import Conflict, Invalid
from cases.handling.procedure import Ask
from cases.handling.taking import take_step
from web.http.flash import keep_once
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say_error
from web.pages.signin import see_other


async def take(request: web.Request) -> web.StreamResponse:
    """POST {}: back to the case; what was refused is told there once, with everything that was typed."""
    form, petition_id = Form(await request.post()), request.match_info["petition_id"]
    step = request.match_info["step"]
    typed = {str(ask): form.typed(ask) for ask in Ask}
    async with request.app[DATABASE].session() as db:
        try:
            await take_step(db, request.app[CLOCK], request[ACTOR], petition_id, step, typed)
        except (Invalid, Conflict) as error:
            kept = {name: text[:2100] for name, text in typed.items() if text}
            told = {"step": step, "typed": kept, "field": error.field}
            keep_once(
                request, f"step:{petition_id}", told | {"message": say_error(error.code, error.message)}
            )
    return see_other(f"/cases/{petition_id}#handling")
