"""改时间: an office that is asked to a joint reception proposes another time, the host answers."""

from __future__ import annotations

from aiohttp import web

from cases.errors import Conflict, Invalid
from scheduling.proposals import ProposalState
from scheduling.sessions.proposing import AnswerTime, ProposeTime, answer_time, propose_time
from scheduling.sessions.sessions import get_session
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, REGISTRY
from web.language import say_error
from web.pages.sessions import session_page
from web.pages.signin import see_other
from web.tending.messages import MESSENGER
from web.tending.session_notices import telling_of
from web.views.time_proposals import ACTS

FIELDS = {"starts_at": "other_day", "ends_at": "other_time", "reason": "other_reason"}


async def propose(request: web.Request) -> web.StreamResponse:
    """POST {office, other_day, other_time, other_reason}: as long as the session is now, at another time."""
    form, session_id = Form(await request.post()), request.match_info["session_id"]
    form.values["other_reason"] = form.typed("other_reason")[:1000]
    starts_at = form.moment("other_day", "other_time", request.app[CLOCK].now())
    if starts_at is not None and not form.errors:
        async with request.app[DATABASE].session() as db:
            session = await get_session(db, request[ACTOR], session_id)
            ends_at = starts_at + (session.ends_at - session.starts_at)
            office, reason = form.typed("office")[:64], form.value("other_reason")
            command = ProposeTime(session_id, office, starts_at, ends_at, reason)
            try:
                await propose_time(db, request.app[CLOCK], request[ACTOR], command)
            except Invalid as error:
                form.fail(FIELDS.get(error.field or "", "other_day"), say_error(error.code, error.message))
            except Conflict as error:
                if error.code != "same_time":
                    raise
                form.fail("other_day", say_error(error.code, error.message))
    if form.errors:
        return await session_page(request, form, 422)
    return see_other(f"/sessions/{session_id}#proposals")


async def answer(request: web.Request) -> web.StreamResponse:
    """POST {act, words-<id>}: accepted, the session is moved and its citizens are told in one commit."""
    form, where = Form(await request.post()), request.match_info
    name = f"words-{where['time_proposal_id']}"
    form.values[name] = form.typed(name)[:1000]
    act = form.choice("act", {str(state): name for state, name in ACTS.items()}, "请选择怎样答复")
    if not form.errors:
        async with request.app[DATABASE].session() as db:
            command = AnswerTime(
                where["session_id"], where["time_proposal_id"], ProposalState(act), form.value(name)
            )
            try:
                await answer_time(db, request.app[CLOCK], request[ACTOR], command, telling_of(request))
            except (Invalid, Conflict) as error:
                if error.code not in ("required", "too_long", "engaged", "in_the_past"):
                    raise
                form.fail(name, say_error(error.code, error.message))
    if form.errors:
        return await session_page(request, form, 422)
    request.app[MESSENGER].ring()
    if act == ProposalState.ACCEPTED:
        await request.app[REGISTRY].session_moved(where["session_id"])
    return see_other(f"/sessions/{where['session_id']}#proposals")
