"""View audit (调阅审计): who looked at which recording, for auditors, who never see one themselves."""

from __future__ import annotations

from aiohttp import web

from cases.cursor import read_cursor, spelled
from cases.fields import clean
from recordings.review.view_audit import ACTS, AuditQuery, audited_offices, list_views
from web.http.forms import Form
from web.http.paging import onward
from web.keys import ACTOR, DATABASE
from web.rendering import page

FIELDS = ("since", "until", "office", "person", "act")


async def show(request: web.Request) -> web.StreamResponse:
    """The form and one page of what it finds; an empty form finds the newest."""
    form, actor = Form(request.query), request[ACTOR]
    async with request.app[DATABASE].session() as db:
        offices = await audited_offices(db, actor)
        query = _query(form, offices)
        before = read_cursor(request.query.get("before", ""))
        lines, older = ([], None) if form.errors else await list_views(db, actor, query, before)
    asked = {name: form.value(name) for name in FIELDS if form.value(name)}
    context = {
        "nav": "administration",
        "form": form,
        "offices": offices,
        "acts": ACTS,
        "asked": bool(asked),
        "lines": lines,
        "beside": onward("/audit/recordings", asked, before is not None, "before", spelled(older)),
    }
    title = "错误：调阅审计" if form.errors else "调阅审计"
    return page(request, "audit.html", context, title=title, status=422 if form.errors else 200)


def _query(form: Form, offices: dict[str, str]) -> AuditQuery:
    for name in FIELDS:
        form.values[name] = clean(form.typed(name))[:100]
    since, until = form.day("since"), form.day("until")
    if since and until and since > until:
        form.fail("until", "结束日期早于开始日期，请改正")
    for name, known in (("office", offices), ("act", ACTS)):
        if form.value(name) not in known:
            form.values[name] = ""
    return AuditQuery(since, until, form.value("office"), form.value("person"), form.value("act"))
