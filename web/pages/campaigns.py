"""领导包案: campaigns with their targets, the board of one, and what a leader has taken in charge himself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.campaigns.board import (
    MOST_IN_SHEET,
    NO_RANK,
    Narrowed,
    Which,
    count_matters,
    get_campaign,
    list_all_standings,
    list_campaigns,
    list_matters,
    list_office_standings,
    list_own_matters,
    list_standings,
)
from cases.campaigns.campaign import CampaignKind, Rank
from cases.campaigns.conducting import OpenCampaign, open_campaign
from cases.campaigns.following import count_to_confirm, list_to_confirm
from cases.errors import Conflict, Invalid
from cases.handling.clocks import today
from cases.organisations import OrganisationKind, list_organisations
from cases.policy import Action, Actor, Scope, allowed
from web.http.forms import Form
from web.http.paging import beside, read_offset
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say
from web.pages.figure_reports import WORKBOOK
from web.pages.signin import see_other
from web.rendering import page
from web.statistics.spreadsheet import Cell, Sheet, write_workbook
from web.views.campaigns import KINDS, RANKS, campaign_row, matter_row, office_row, rank_name, standing_row

PAGE_SIZE = 50
TABS = (
    (Which.OPEN, "没有销号的"),
    (Which.OVERDUE, "已超期"),
    (Which.PROPOSED, "待确认销号"),
    (Which.STRUCK_OFF, "已销号"),
    (Which.ALL, "全部"),
)


async def show_list(request: web.Request) -> web.StreamResponse:
    return await _list_page(request, Form())


async def open_one(request: web.Request) -> web.StreamResponse:
    """POST {organisation, kind, name, begins_on, ends_on, target_city, target_county, target_section}."""
    form = Form(await request.post())
    async with request.app[DATABASE].session() as db:
        offices = await _own_offices(db, request[ACTOR])
        command = _command(form, offices)
        if command is not None:
            try:
                campaign = await open_campaign(db, request.app[CLOCK], request[ACTOR], command)
            except (Invalid, Conflict) as error:
                field = "target_city" if error.field == "targets" else error.field
                form.refuse(Invalid(error.code, error.message, field), "name")
    if form.errors or command is None:
        return await _list_page(request, form, 422)
    return see_other(f"/campaigns/{campaign.id}")


async def show(request: web.Request) -> web.StreamResponse:
    """GET {}: `which`, `rank`, `office`, `offset`."""
    actor, clock, asked = request[ACTOR], request.app[CLOCK], request.query
    offset, now, campaign_id = read_offset(request), today(clock), request.match_info["campaign_id"]
    which = Which(asked["which"]) if asked.get("which", "") in set(Which) else Which.OPEN
    rank = asked["rank"] if asked.get("rank", "") in {*Rank, NO_RANK} else ""
    async with request.app[DATABASE].session() as db:
        campaign = await get_campaign(db, actor, campaign_id)
        standings = await list_standings(db, actor, campaign_id)
        offices = await list_office_standings(db, clock, actor, campaign_id)
        known = {each.office_id: each.office for each in offices}
        office = asked["office"] if asked.get("office", "") in known else ""
        narrowed = Narrowed(rank, office)
        counts = await count_matters(db, clock, actor, campaign_id, narrowed)
        found = await list_matters(db, clock, actor, campaign_id, which, PAGE_SIZE + 1, offset, narrowed)
    told = {name: value for name, value in (("rank", rank), ("office", office)) if value}
    names = [known[office]] if office else []
    names += [rank_name(Rank(rank) if rank != NO_RANK else None)] if rank else []
    asked_for = {"which": str(which), **told}
    context = {
        "nav": "campaigns",
        "campaign": campaign_row(campaign, standings),
        "survey": campaign.kind is CampaignKind.SURVEY,
        "offices": [office_row(each) for each in offices],
        "which": which,
        "narrowed": names,
        "query": "".join(f"&{name}={value}" for name, value in told.items()),
        "tabs": [(code, name, counts[code]) for code, name in TABS],
        "rows": [matter_row(each, now) for each in found[:PAGE_SIZE]],
        "beside": beside(f"/campaigns/{campaign_id}", asked_for, offset, PAGE_SIZE, len(found)),
    }
    return page(request, "campaign.html", context, title=campaign.name)


async def show_mine(request: web.Request) -> web.StreamResponse:
    """GET {}: `done` yes for those struck off."""
    done, now = request.query.get("done", "") == "yes", today(request.app[CLOCK])
    async with request.app[DATABASE].session() as db:
        found = await list_own_matters(db, request[ACTOR], done)
        waiting = await list_to_confirm(db, request[ACTOR])
    rows = [matter_row(each, now) for each in found]
    context = {
        "nav": "campaigns",
        "done": done,
        "rows": rows,
        "late": sum(row["late"] for row in rows),
        "confirm": [matter_row(each, now) for each in waiting],
    }
    return page(request, "campaigns_mine.html", context, title="我包的案")


async def as_workbook(request: web.Request) -> web.StreamResponse:
    """The board as a workbook: targets, offices, matters."""
    actor, clock, campaign_id = request[ACTOR], request.app[CLOCK], request.match_info["campaign_id"]
    async with request.app[DATABASE].session() as db:
        campaign = await get_campaign(db, actor, campaign_id)
        standings = [standing_row(each) for each in await list_standings(db, actor, campaign_id)]
        offices = [office_row(each) for each in await list_office_standings(db, clock, actor, campaign_id)]
        found = await list_matters(db, clock, actor, campaign_id, None, MOST_IN_SHEET)
    rows = [matter_row(each, today(clock)) for each in found]
    sheets = _sheets(standings, offices, rows)
    body = await asyncio.to_thread(write_workbook, sheets, clock.now())
    headers = {
        "Content-Disposition": f'attachment; filename="campaign-{campaign.begins_on.isoformat()}.xlsx"',
        "Cache-Control": "no-store",
    }
    return web.Response(body=body, content_type=WORKBOOK, headers=headers)


def _sheets(
    standings: Sequence[dict[str, Any]], offices: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]
) -> list[Sheet]:
    ranks: list[Sequence[Cell]] = [_head("级别", "目标件数", "已包案", "已销号", "化解率")]
    ranks += [
        (say(each["rank"]), each["target"], each["entered"], each["resolved"], each["rate"])
        for each in standings
    ]
    units: list[Sequence[Cell]] = [
        _head("单位", "级别", "已包案", "已超期", "待确认销号", "已销号", "化解率")
    ]
    sums = ("entered", "overdue", "proposed", "resolved", "rate")
    units += [(each["office"], say(each["rank"]), *(each[name] for name in sums)) for each in offices]
    matters: list[Sequence[Cell]] = [
        _head("信访件", "标题", "包案领导", "级别", "单位", "化解期限", "状态", "销号日期")
    ]
    for row in rows:
        resolved = row["resolved"].isoformat() if row["resolved"] else ""
        told = row["petition"].number, row["petition"].subject, row["leader"], say(row["rank"]), row["office"]
        matters.append((*told, row["due"], say(row["state"][0]), resolved))
    return [Sheet(say("目标"), ranks), Sheet(say("单位"), units), Sheet(say("信访件"), matters)]


def _head(*words: str) -> tuple[str, ...]:
    return tuple(say(word) for word in words)


def _command(form: Form, offices: dict[str, str]) -> OpenCampaign | None:
    organisation = form.choice("organisation", offices, "请选择单位")
    kind = form.choice("kind", KINDS, "请选择一项。")
    form.values["name"] = form.typed("name")[:200]
    begins = form.typed_day("begins_on", "请填写日期，例如 2026-11-25")
    ends = form.typed_day("ends_on", "请填写日期，例如 2026-11-25")
    targets = {}
    for rank in Rank:
        if kind == CampaignKind.LEADERS and form.typed(f"target_{rank}").strip():
            number = form.number(f"target_{rank}", "请填写件数，最多四位数字")
            targets[rank] = number or 0
    if form.errors or begins is None or ends is None:
        return None
    return OpenCampaign(organisation, CampaignKind(kind), form.typed("name"), begins, ends, targets)


async def _own_offices(db: AsyncSession, actor: Actor) -> dict[str, str]:
    """The actor's own petition offices that may open a campaign."""
    return {
        each.id: each.name
        for each in await list_organisations(db, OrganisationKind.PETITION_OFFICE)
        if allowed(actor, Action.HANDLE_PETITION, Scope(owner_organisation_ids=frozenset({each.id})))
    }


async def _list_page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    actor = request[ACTOR]
    async with request.app[DATABASE].session() as db:
        found = await list_campaigns(db, actor)
        standings = await list_all_standings(db, actor, [each.id for each in found])
        offices = await _own_offices(db, actor)
        mine = await list_own_matters(db, actor)
        confirm = await count_to_confirm(db, actor)
    now = today(request.app[CLOCK])
    form.values.setdefault("organisation", next(iter(offices), ""))
    form.values.setdefault("begins_on", now.isoformat())
    context = {
        "nav": "campaigns",
        "form": form,
        "rows": [campaign_row(each, standings[each.id]) for each in found],
        "offices": offices,
        "kinds": KINDS,
        "ranks": RANKS,
        "mine": len(mine),
        "confirm": confirm,
        "late": sum(each.is_late(now) for each in mine),
    }
    title = say("错误：领导包案") if form.errors else "领导包案"
    return page(request, "campaigns.html", context, title=title, status=status)
