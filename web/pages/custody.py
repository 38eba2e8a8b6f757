"""Handing a case over to another petition office, from its page."""

from __future__ import annotations

from aiohttp import web

from cases.custody import hand_over
from cases.errors import Conflict, Invalid, NotFound
from cases.petitions import get_petition
from recordings.archive.index import follow_custody
from web.http.access import client_address
from web.http.flash import keep_once
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say_error
from web.pages.signin import see_other


async def hand_over_case(request: web.Request) -> web.StreamResponse:
    """POST: back to the case, or to the list for whom it has left."""
    form, petition_id = Form(await request.post()), request.match_info["petition_id"]
    office, seen = form.typed("office")[:64], form.typed("seen")[:64]
    async with request.app[DATABASE].session() as db:
        try:
            await hand_over(
                db, request.app[CLOCK], request[ACTOR], petition_id, office, form.take("reason", str), seen,
                (follow_custody,), client_address(request),
            )  # fmt: skip
        except (Invalid, Conflict) as error:
            keep_once(request, f"custody:{petition_id}", say_error(error.code, error.message))
            return see_other(f"/cases/{petition_id}#custody")
        try:
            await get_petition(db, request[ACTOR], petition_id)
        except NotFound:
            return see_other("/cases")
    return see_other(f"/cases/{petition_id}")
