"""The audit for its administrator: who did what to which object and when; searched, taken out as CSV."""

from __future__ import annotations

import csv
import io

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry
from cases.audit_search import (
    OUTCOME_NAMES,
    EntryQuery,
    export_entries,
    find_entries,
    list_actions,
    visible_detail,
)
from cases.audit_words import NOUNS, action_words
from cases.fields import clean, mask_name
from cases.organisations import list_organisations
from cases.policy import ActorKind
from recordings.review.case_trail import objects_of_case
from web.http.forms import Form
from web.http.paging import onward
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import CHINESE, current_language, say
from web.pages.sign_ins import read_place
from web.rendering import page

LIST = "/administration/audit"
FIELDS = ("since", "until", "who", "act", "outcome", "office", "case")
HEADINGS = ("序号", "时间", "操作人", "操作", "对象种类", "对象编号", "结果", "内容", "地址", "摘要")
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


async def show(request: web.Request) -> web.StreamResponse:
    form, actor = Form(request.query), request[ACTOR]
    before = read_place(form.typed("before"))
    async with request.app[DATABASE].session() as db:
        acts = {each: _words(each) for each in await list_actions(db, actor)}
        offices = {each.id: each.name for each in await list_organisations(db)}
        query = await _query(db, request, form, acts, offices)
        entries, older = ([], None) if form.errors else await find_entries(db, actor, query, before)
    asked = {name: form.value(name) for name in FIELDS if form.value(name)}
    context = {
        "nav": "administration",
        "form": form,
        "acts": acts,
        "offices": offices,
        "outcomes": OUTCOME_NAMES,
        "kinds": NOUNS,
        "asked": asked,
        "lines": [
            (each, _who(each) or say("没有登录的人"), _words(each.action), visible_detail(each))
            for each in entries
        ],
        "beside": onward(LIST, asked, before is not None, "before", str(older) if older else None),
        "export": onward(f"{LIST}.csv", asked, True, "before", None)["first"],
    }
    title = "错误：操作审计" if form.errors else "操作审计"
    return page(request, "audit_log.html", context, title=title, status=422 if form.errors else 200)


async def export(request: web.Request) -> web.StreamResponse:
    """What the same address finds on the page, as a CSV file; taking it out is itself a line."""
    form, actor, clock = Form(request.query), request[ACTOR], request.app[CLOCK]
    response = web.StreamResponse(headers={"Content-Type": "text/csv; charset=utf-8"})
    response.headers["Content-Disposition"] = f'attachment; filename="audit-{clock.now():%Y%m%d-%H%M}.csv"'
    async with request.app[DATABASE].session() as db:
        acts = {each: "" for each in await list_actions(db, actor)}
        offices = {each.id: each.name for each in await list_organisations(db)}
        query = await _query(db, request, form, acts, offices)
        batches = export_entries(db, clock, actor, query)
        await response.prepare(request)
        # The mark at the beginning is how spreadsheets know that the file is UTF-8.
        await response.write(b"\xef\xbb\xbf" + _csv([say(each) for each in HEADINGS]))
        async for entries in batches:
            await response.write(b"".join(_csv(_row(each)) for each in entries))
    await response.write_eof()
    return response


async def _query(
    db: AsyncSession, request: web.Request, form: Form, acts: dict[str, str], offices: dict[str, str]
) -> EntryQuery:
    for name in FIELDS:
        form.values[name] = clean(form.typed(name))[:100]
    since, until = form.day("since"), form.day("until")
    if since and until and since > until:
        form.fail("until", "结束日期早于开始日期，请改正")
    for name, known in (("act", acts), ("outcome", OUTCOME_NAMES), ("office", offices)):
        if form.value(name) not in known:
            form.values[name] = ""
    number = form.value("case")
    objects = await objects_of_case(db, request[ACTOR], number) if number else None
    if objects is not None and not objects:
        form.fail("case", "没有这个编号的信访件")
    who, act, outcome, office = (form.value(name) for name in ("who", "act", "outcome", "office"))
    return EntryQuery(since, until, who, act, outcome, office, objects)


def _words(action: str) -> str:
    """What officials call an act, in the page's language; its code where there are no words."""
    told = action_words(action)
    return (": " if current_language() != CHINESE else "：").join(map(say, told)) if told else action


def _who(entry: AuditEntry) -> str:
    """Citizens and guests are no concern of the audit but by what they did."""
    return mask_name(entry.actor_name) if entry.actor_kind == ActorKind.INVITEE else entry.actor_name


def _row(entry: AuditEntry) -> list[str]:
    return [
        str(entry.sequence), entry.at.isoformat(), _who(entry), entry.action, entry.object_kind,
        entry.object_id or "", entry.outcome, visible_detail(entry), entry.address or "", entry.digest,
    ]  # fmt: skip


def _csv(cells: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow([f"'{cell}" if cell.startswith(DANGEROUS) else cell for cell in cells])
    return out.getvalue().encode()
