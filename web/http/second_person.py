"""The form of a second person: `decision` and `reason-ID`; what a rule says about it stands at the reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, Forbidden, Invalid
from cases.second_person import Decision
from web.http.errors import status_of
from web.http.forms import Form
from web.keys import DATABASE
from web.language import say_error

Decide = Callable[[AsyncSession, Decision, str], Awaitable[object]]


async def take_decision(request: web.Request, proposal_id: str, decide: Decide) -> tuple[Form, int]:
    """Read the form and let `decide` do it; where that was refused the form has errors, with their status.

    Raises Forbidden other than `own_proposal`, and NotFound.
    """
    form = Form(await request.post())
    reason = f"reason-{proposal_id}"
    form.values[reason] = form.typed(reason)[:800]
    decision = form.choice("decision", dict.fromkeys(map(str, Decision), ""), "请选择怎样处理")
    if not decision:
        return form, 422
    async with request.app[DATABASE].session() as db:
        try:
            await decide(db, Decision(decision), form.value(reason))
        except (Invalid, Conflict, Forbidden) as error:
            if isinstance(error, Forbidden) and error.code != "own_proposal":
                raise
            form.fail(reason, say_error(error.code, error.message))
            return form, status_of(error)
    return form, 200
