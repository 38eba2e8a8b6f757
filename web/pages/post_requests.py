"""Posts that wait: the security administrator confirms or refuses, the system administrator takes back."""

from __future__ import annotations

from aiohttp import web

from cases.administration.post_request import Decision
from cases.administration.posts import decide_request, list_requests
from cases.errors import Conflict, Invalid
from cases.policy import Action, allowed
from cases.roles import ROLE_NAMES
from web.http.errors import status_of
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.signin import see_other
from web.rendering import page

LIST = "/administration/requests"


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form())


async def decide(request: web.Request) -> web.StreamResponse:
    """POST {decision, reason}: `confirmed`, `refused` or `withdrawn`."""
    form, status = Form(await request.post()), 422
    request_id = request.match_info["request_id"]
    reason = f"reason-{request_id}"
    form.values[reason] = form.typed(reason)[:800]
    decision = form.choice("decision", dict.fromkeys(map(str, Decision), ""), "请选择怎样处理")
    if decision:
        async with request.app[DATABASE].session() as db:
            try:
                told = (request_id, Decision(decision), form.value(reason))
                await decide_request(db, request.app[CLOCK], request[ACTOR], *told)
                return see_other(LIST)
            except (Invalid, Conflict) as error:
                form.fail(reason, error.message)
                status = status_of(error)
    return await _page(request, form, status)


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
