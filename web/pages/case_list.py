"""The register: cases looked for by number, name, first letters, words, and by what they are."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from cases.cursor import read_cursor
from cases.fields import clean
from cases.petitions import CLASS_NAMES, Channel, PetitionClass, PetitionState
from cases.policy import Action, allowed
from cases.register.search import RegisterLine, RegisterPage, RegisterQuery, search_register
from web.http.forms import Form
from web.keys import ACTOR, DATABASE
from web.pages.register import custodians
from web.rendering import page
from web.words import CHANNELS, PETITION_STATES

CHOICES = {
    "state": {str(state): badge[0] for state, badge in PETITION_STATES.items()},
    "channel": CHANNELS,
    "class": {str(each): name for each, name in CLASS_NAMES.items()},
}
FIELDS = ("search", *CHOICES, "office", "since", "until")


async def show_list(request: web.Request) -> web.StreamResponse:
    """The form and one page of what it finds; an empty form finds the newest."""
    actor, form, found = request[ACTOR], Form(request.query), RegisterPage()
    async with request.app[DATABASE].session() as db:
        offices = await custodians(db, actor)
        query = _query(form, offices)
        if not form.errors:
            found = await search_register(db, actor, query, read_cursor(request.query.get("before", "")))
    asked = {name: form.value(name) for name in FIELDS if form.value(name)}
    context = {
        "nav": "cases",
        "form": form,
        "choices": CHOICES,
        "offices": offices,
        "asked": bool(asked),
        "narrowed": bool(asked.keys() - {"search"}) or bool(form.errors),
        "rows": [_row(line) for line in found.found],
        "may_create": allowed(actor, Action.CREATE_PETITION),
        "looked_back_to": found.looked_back_to,
        "beside": {
            "previous": _address(asked) if "before" in request.query else None,
            "next": _address(asked | {"before": found.older.spelled()}) if found.older else None,
        },
    }
    title = "错误：信访件" if form.errors else "信访件"
    return page(request, "cases.html", context, title=title, status=422 if form.errors else 200)


def _address(asked: dict[str, str]) -> str:
    return f"/cases?{urlencode(asked)}" if asked else "/cases"


def _query(form: Form, offices: dict[str, str]) -> RegisterQuery:
    """What the form asks; a condition that does not exist is told at its field, not passed over."""
    for name in FIELDS:
        form.values[name] = clean(form.typed(name))[:100]
    since, until = form.day("since"), form.day("until")
    if since and until and since > until:
        form.fail("until", "结束日期早于开始日期，请改正")
    for name, known in (*CHOICES.items(), ("office", offices)):
        if form.value(name) and form.value(name) not in known:
            form.values[name] = ""
            form.fail(name, "没有这个条件，请重新选择")
    state, channel, class_ = (form.value(name) for name in CHOICES)
    return RegisterQuery(
        words=form.value("search"),
        state=PetitionState(state) if state else None,
        channel=Channel(channel) if channel else None,
        class_=PetitionClass(class_) if class_ else None,
        custodian_id=form.value("office"),
        since=since,
        until=until,
    )


def _row(line: RegisterLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "number": line.number,
        "subject": line.subject,
        "petitioner": line.petitioner,
        "custodian": line.custodian,
        "channel": CHANNELS[line.channel],
        "registered_at": line.registered_at,
        "state": line.state,
    }
