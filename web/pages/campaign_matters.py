"""One matter of a campaign: taken in charge, followed, struck off by evidence that another confirms."""

from __future__ import annotations

from datetime import date
from typing import Any

from aiohttp import web
from aiohttp.web_request import FileField
from sqlalchemy.ext.asyncio import AsyncSession

from cases.campaigns.board import list_campaigns, list_matters_of
from cases.campaigns.campaign import CampaignKind, CampaignStepKind, Rank
from cases.campaigns.conducting import TakeInCharge, list_leaders, take_in_charge
from cases.campaigns.following import (
    Evidence,
    get_matter,
    list_confirmers,
    list_evidence,
    list_papers,
    list_steps,
    note_step,
    read_evidence,
    steps_for,
)
from cases.casefile import PetitionCase, scope_of
from cases.documents.delivering import MOST_PROOF, Upload
from cases.errors import Conflict, Invalid, NotFound
from cases.handling.clocks import today
from cases.petitions import get_petition
from cases.policy import Action, allowed, require
from scheduling.sessions.campaign_sessions import link_session
from scheduling.sessions.sessions import list_sessions_of_petition
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say, say_error
from web.pages.signin import see_other
from web.pages.signing import document as file_of
from web.rendering import page
from web.views.campaigns import (
    DUTIES,
    FIELDS,
    RANKS,
    duty_rows,
    matter_row,
    step_form,
    step_row,
)
from web.views.handling import office_people
from web.words import date_time

ENTRY_FIELDS = ("campaign_id", "rank", "leader_id", "leader", "plan", "due_on")


async def show(request: web.Request) -> web.StreamResponse:
    actor, matter_id = request[ACTOR], request.match_info["matter_id"]
    async with request.app[DATABASE].session() as db:
        matter = await get_matter(db, actor, matter_id)
        steps, evidence = await list_steps(db, matter_id), await list_evidence(db, matter_id)
        sessions = {
            each.id: date_time(each.starts_at)
            for each in await list_sessions_of_petition(db, actor, matter.petition_id)
        }
        offered = await steps_for(db, actor, matter)
        papers = await _papers(db, request, matter.petition)
        confirmers = await list_confirmers(db, actor, matter)
    trouble = take_once(request, f"matter:{matter_id}") or {}
    context = {
        "nav": "campaigns",
        "matter": matter_row(matter, today(request.app[CLOCK])),
        "survey": matter.campaign.kind is CampaignKind.SURVEY,
        "trouble": "" if trouble.get("kind") in set(offered) else trouble.get("message", ""),
        "forms": [step_form(kind, trouble) for kind in offered if kind != "session" or sessions],
        "duties": duty_rows(steps),
        "history": [step_row(each, evidence, sessions) for each in reversed(steps)],
        "choices": {"duty": DUTIES, "session": sessions},
        "sessions": sessions,
        "papers": papers,
        "confirmers": [office_people(each.office, each.names) for each in confirmers],
    }
    return page(request, "campaign_matter.html", context, title=say(f"包案：{matter.petition.number}"))


async def take(request: web.Request) -> web.StreamResponse:
    """POST {words, about, document_id, file}: back to the matter; what was refused is told there once."""
    posted = await request.post()
    form, matter_id, code = Form(posted), request.match_info["matter_id"], request.match_info["kind"]
    if code not in set(CampaignStepKind) or code == CampaignStepKind.ENTERED:
        raise NotFound()
    kind, typed = CampaignStepKind(code), {name: form.typed(name) for name in FIELDS}
    evidence = Evidence(typed["document_id"][:32], _upload(posted.get("file")))
    actor, clock = request[ACTOR], request.app[CLOCK]
    async with request.app[DATABASE].session() as db:
        try:
            if kind is CampaignStepKind.SESSION:
                await link_session(db, clock, actor, matter_id, typed["about"][:32], typed["words"])
            else:
                about = typed["about"] if kind is CampaignStepKind.DUTY else ""
                await note_step(db, clock, actor, matter_id, kind, typed["words"], about, evidence)
        except (Invalid, Conflict) as error:
            told = {"kind": code, "typed": {name: text[:2100] for name, text in typed.items()}}
            told |= {"field": error.field or "", "message": say_error(error.code, error.message)}
            keep_once(request, f"matter:{matter_id}", told)
    return see_other(f"/campaigns/matters/{matter_id}")


async def proof(request: web.Request) -> web.StreamResponse:
    """The file by which a matter was struck off; its name is never taken from who uploaded it."""
    where = request.match_info
    async with request.app[DATABASE].session() as db:
        found = await read_evidence(db, request[ACTOR], where["matter_id"], where["step_id"])
    ending = found.file_type.partition("/")[2]
    return file_of(found.content or b"", found.file_type, f"evidence.{ending}")


async def show_entry(request: web.Request) -> web.StreamResponse:
    return await _entry_page(request, Form())


async def enter(request: web.Request) -> web.StreamResponse:
    """POST {campaign_id, rank, leader_id, leader, plan, due_on}: the case comes under a leader."""
    form, petition_id = Form(await request.post()), request.match_info["petition_id"]
    form.values = {name: form.typed(name)[:4000] for name in ENTRY_FIELDS}
    due = form.typed_day("due_on", "请填写日期，例如 2026-11-25")
    if not form.errors and due is not None:
        async with request.app[DATABASE].session() as db:
            try:
                command = _command(form, petition_id, due)
                matter = await take_in_charge(db, request.app[CLOCK], request[ACTOR], command)
                return see_other(f"/campaigns/matters/{matter.id}")
            except (Invalid, Conflict) as error:
                form.refuse(error, "campaign_id")
    return await _entry_page(request, form)


def _command(form: Form, petition_id: str, due: date) -> TakeInCharge:
    if not form.value("campaign_id"):
        raise Invalid("choose", "请选择一项。", "campaign_id")
    rank = Rank(form.value("rank")) if form.value("rank") in set(Rank) else None
    return TakeInCharge(
        form.value("campaign_id")[:32], petition_id, rank, form.typed("leader"), form.typed("plan"), due,
        form.value("leader_id")[:32],
    )  # fmt: skip


def _upload(field: Any) -> Upload | None:
    if not isinstance(field, FileField) or not field.filename:
        return None
    return Upload(field.filename, field.file.read(MOST_PROOF + 1))


async def _papers(db: AsyncSession, request: web.Request, petition: PetitionCase) -> dict[str, str]:
    """Papers that may prove it, for those who may read what offices write to one another."""
    if not allowed(request[ACTOR], Action.SEE_INTERNAL_DOCUMENTS, scope_of(petition)):
        return {}
    return {each.id: f"{each.title} {each.number}" for each in await list_papers(db, petition.id)}


async def _entry_page(request: web.Request, form: Form) -> web.StreamResponse:
    actor, petition_id, now = request[ACTOR], request.match_info["petition_id"], today(request.app[CLOCK])
    async with request.app[DATABASE].session() as db:
        petition = await get_petition(db, actor, petition_id)
        require(actor, Action.HANDLE_PETITION, scope_of(petition))
        entered = {each.campaign_id for each in await list_matters_of(db, petition_id)}
        running = [
            each
            for each in await list_campaigns(db, actor)
            if each.ends_on >= now
            and each.id not in entered
            and each.organisation.covers(petition.custodian.region_code)
        ]
        leaders = {
            each.official_id: f"{each.name}（{each.office}{each.title}）"
            for each in await list_leaders(db, petition)
        }
    if len(running) == 1:
        form.values.setdefault("campaign_id", running[0].id)
    context = {
        "nav": "campaigns",
        "petition": petition,
        "form": form,
        "campaigns": {each.id: f"{each.name}（{each.organisation.short_name}）" for each in running},
        "latest": max((each.ends_on for each in running), default=None),
        "ranks": RANKS,
        "leaders": leaders,
    }
    wrong = bool(form.errors)
    title = say("错误：列入包案") if wrong else say("列入包案")
    return page(request, "campaign_entry.html", context, title=title, status=422 if wrong else 200)
