"""Rules that wait: the security administrator confirms or refuses, the system administrator takes back."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.administration.deadline_proposals import decide_rules, effect_of, list_regions
from cases.administration.rule_proposal import RuleKind, RuleProposal, get_proposal, list_proposals
from cases.errors import Conflict, Invalid
from cases.policy import Action, Actor, allowed
from cases.second_person import Decision
from recordings.archive.class_change import decide_change, preview_change
from recordings.archive.retention import RetentionClass, read_classes
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.http.second_person import take_decision
from web.keys import ACTOR, CLOCK, DATABASE, SETTINGS
from web.pages.deadline_rules import changes_of
from web.pages.signin import see_other
from web.rendering import page

HERE = "/administration/rules"


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form())


async def decide(request: web.Request) -> web.StreamResponse:
    """POST {decision, reason}: `confirmed`, `refused` or `withdrawn`."""
    clock, actor, proposal_id = request.app[CLOCK], request[ACTOR], request.match_info["proposal_id"]

    async def carry_out(db: AsyncSession, decision: Decision, reason: str) -> None:
        row = await get_proposal(db, actor, proposal_id)
        if row.kind is RuleKind.DEADLINES:
            await decide_rules(db, clock, actor, proposal_id, decision, reason)
        else:
            classes = read_classes(request.app[SETTINGS].archive.classes)
            await decide_change(db, clock, actor, classes, proposal_id, decision, reason)

    form, status = await take_decision(request, proposal_id, carry_out)
    if form.errors:
        return await _page(request, form, status)
    keep_once(request, "rules", form.value("decision"))
    return see_other(HERE)


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    actor = request[ACTOR]
    async with request.app[DATABASE].session() as db:
        waiting = [await _told(request, db, actor, row) for row in await list_proposals(db, actor)]
        rows = await list_proposals(db, actor, open_only=False)
        regions = {each.region_code: each.name for each in await list_regions(db, actor)}
    context = {
        "nav": "administration",
        "form": form,
        "waiting": waiting,
        "regions": regions,
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
