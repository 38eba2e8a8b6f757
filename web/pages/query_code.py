"""A new query code for who has none or lost it, on a sheet that is handed over the counter; shown once."""

from __future__ import annotations

from aiohttp import web

from cases.petitions import get_petition, issue_query_code, scope_of
from cases.policy import Action, require
from web.http.access import own_origin
from web.http.flash import keep_once, take_once
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.signin import see_other
from web.rendering import page


async def issue(request: web.Request) -> web.StreamResponse:
    """POST: an earlier code stops working."""
    await request.post()
    petition_id = request.match_info["petition_id"]
    async with request.app[DATABASE].session() as db:
        _, code = await issue_query_code(db, request.app[CLOCK], request[ACTOR], petition_id)
    keep_once(request, f"sheet:{petition_id}", code)
    return see_other(f"/cases/{petition_id}/query-code")


async def show(request: web.Request) -> web.StreamResponse:
    """The sheet, once; afterwards how to make another."""
    petition_id = request.match_info["petition_id"]
    async with request.app[DATABASE].session() as db:
        petition = await get_petition(db, request[ACTOR], petition_id)
        require(request[ACTOR], Action.ISSUE_QUERY_CODE, scope_of(petition))
    context = {
        "nav": "cases",
        "petition": petition,
        "query_code": take_once(request, f"sheet:{petition_id}"),
        "url": f"{own_origin(request)}/progress",
    }
    return page(request, "query_code.html", context, title="查询码")
