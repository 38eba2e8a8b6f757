"""Posts that wait: the security administrator confirms or refuses, the system administrator takes back."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.administration.posts import decide_request, list_requests
from cases.policy import Action, allowed
from cases.roles import ROLE_NAMES
from cases.second_person import Decision
from web.http.forms import Form
from web.http.second_person import take_decision
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.signin import see_other
from web.rendering import page

LIST = "/administration/requests"


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form())


async def decide(request: web.Request) -> web.StreamResponse:
    """POST {decision, reason}: `confirmed`, `refused` or `withdrawn`."""
    request_id = request.match_info["request_id"]

    async def carry_out(db: AsyncSession, decision: Decision, reason: str) -> None:
        await decide_request(db, request.app[CLOCK], request[ACTOR], request_id, decision, reason)

    form, status = await take_decision(request, request_id, carry_out)
    return await _page(request, form, status) if form.errors else see_other(LIST)


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    actor = request[ACTOR]
    async with request.app[DATABASE].session() as db:
        rows = await list_requests(db, actor)
    context = {
        "nav": "administration",
        "form": form,
        "rows": rows,
        "roles": {str(role): name for role, name in ROLE_NAMES.items()},
        "may_confirm": allowed(actor, Action.CONFIRM_POST),
    }
    title = "错误：待确认的岗位" if form.errors else "待确认的岗位"
    return page(request, "post_requests.html", context, title=title, status=status)
