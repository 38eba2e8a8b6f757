"""Rules that wait: the security administrator confirms or refuses, the system administrator takes back."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.administration.deadline_proposals import decide_rules, effect_of
from cases.administration.post_request import Decision
from cases.administration.rule_proposal import RuleKind, RuleProposal, get_proposal, list_proposals
from cases.errors import Conflict, Forbidden, Invalid
from cases.policy import Action, Actor, allowed
from recordings.archive.class_change import decide_change, preview_change
from recordings.archive.retention import RetentionClass, read_classes
from web.http.errors import status_of
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, SETTINGS
from web.pages.deadline_rules import changes_of
from web.pages.signin import see_other
from web.rendering import page

HERE = "/administration/rules"


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form())


async def decide(request: web.Request) -> web.StreamResponse:
    """POST {decision, reason}: `confirmed`, `refused` or `withdrawn`."""
    form, status = Form(await request.post()), 422
    proposal_id = request.match_info["proposal_id"]
    reason = f"reason-{proposal_id}"
    form.values[reason] = form.typed(reason)[:800]
    decision = form.choice("decision", dict.fromkeys(map(str, Decision), ""), "请选择怎样处理")
    if decision:
        async with request.app[DATABASE].session() as db:
            try:
                await _decide(request, db, proposal_id, Decision(decision), form.value(reason))
                keep_once(request, "rules", decision)
                return see_other(HERE)
            except (Invalid, Conflict) as error:
                form.fail(reason, error.message)
                status = status_of(error)
            except Forbidden as error:
                if error.code != "own_proposal":
                    raise
                form.refuse(error, reason)
                status = status_of(error)
    return await _page(request, form, status)


async def _decide(
    request: web.Request, db: AsyncSession, proposal_id: str, decision: Decision, reason: str
) -> None:
    clock, actor = request.app[CLOCK], request[ACTOR]
    row = await get_proposal(db, actor, proposal_id)
    if row.kind is RuleKind.DEADLINES:
        await decide_rules(db, clock, actor, proposal_id, decision, reason)
    else:
        classes = read_classes(request.app[SETTINGS].archive.classes)
        await decide_change(db, clock, actor, classes, proposal_id, decision, reason)


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    actor = request[ACTOR]
    async with request.app[DATABASE].session() as db:
        waiting = [await _told(request, db, actor, row) for row in await list_proposals(db, actor)]
        rows = await list_proposals(db, actor, open_only=False)
    context = {
        "nav": "administration",
        "form": form,
        "waiting": waiting,
        "over": [row for row in rows if row.decided_at is not None],
        "may_confirm": allowed(actor, Action.CONFIRM_RULE),
        "done": take_once(request, "rules"),
    }
    title = "错误：待确认的规定" if form.errors else "待确认的规定"
    return page(request, "rule_proposals.html", context, title=title, status=status)


async def _told(request: web.Request, db: AsyncSession, actor: Actor, row: RuleProposal) -> dict[str, Any]:
    """A proposal with what it would do; one that can no longer be carried out says so."""
    told: dict[str, Any] = {"row": row, "effect": None, "held": None, "changes": [], "trouble": ""}
    try:
        if row.kind is RuleKind.DEADLINES:
            effect = await effect_of(db, actor, row)
            changes = changes_of(effect.draft.before, effect.draft.profile)
            return told | {"effect": effect, "changes": changes}
        code, years = row.subject, str(row.content["years"])
        settings = read_classes(request.app[SETTINGS].archive.classes)
        # It takes back what it tried, and everything that its session had read.
        async with request.app[DATABASE].session() as trial:
            held = await preview_change(trial, actor, settings, code, years)
        return told | {"held": held, "years": RetentionClass(code, int(years)).name}
    except (Invalid, Conflict) as error:
        return told | {"trouble": error.message}
