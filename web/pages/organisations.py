"""The tree of organisations: add one, give it another name with the old one kept, close it."""

from __future__ import annotations

from aiohttp import web

from cases.administration.organisation_tree import (
    ACT_NAMES,
    KIND_NAMES,
    NewOrganisation,
    add_organisation,
    close_organisation,
    get_managed,
    hanging_at,
    history_of,
    list_tree,
    rename_organisation,
)
from cases.errors import Conflict, Invalid
from cases.fields import clean
from cases.organisations import TIER_NAMES, Organisation, OrganisationKind
from cases.policy import Action, require
from scheduling.hanging import calendar_at
from web.http.errors import status_of
from web.http.forms import Form
from web.http.paging import beside, read_offset
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.signin import see_other
from web.rendering import page

LIST = "/administration/organisations"
KINDS = {str(kind): name for kind, name in KIND_NAMES.items()}
ELSEWHERE = (calendar_at,)
PAGE_SIZE = 100


async def show_list(request: web.Request) -> web.StreamResponse:
    return await _list(request, Form())


async def add(request: web.Request) -> web.StreamResponse:
    """POST {parent, kind, region_code, name, short_name}."""
    form, status = Form(await request.post()), 422
    form.values = {name: form.typed(name)[:200] for name in ("region_code", "name", "short_name")}
    async with request.app[DATABASE].session() as db:
        offices = _offices(await list_tree(db, request[ACTOR]))
        parent = form.choice("parent", offices, "请选择上级单位")
        kind = form.choice("kind", KINDS, "请选择种类")
        if not form.errors:
            code, name, short = (form.value(each) for each in ("region_code", "name", "short_name"))
            command = NewOrganisation(parent, code, name, short, OrganisationKind(kind))
            try:
                row = await add_organisation(db, request.app[CLOCK], request[ACTOR], command)
                return see_other(f"{LIST}/{row.id}")
            except (Invalid, Conflict) as error:
                form.refuse(error, "name")
                status = status_of(error)
    return await _list(request, form, status)


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form())


async def rename(request: web.Request) -> web.StreamResponse:
    """POST {version, name, short_name, reason}."""
    form, status = Form(await request.post()), 422
    form.values = {name: form.typed(name)[:800] for name in ("name", "short_name", "reason")}
    async with request.app[DATABASE].session() as db:
        try:
            await rename_organisation(
                db, request.app[CLOCK], request[ACTOR], request.match_info["organisation_id"],
                version_of(form), form.value("name"), form.value("short_name"), form.value("reason"),
            )  # fmt: skip
            return see_other(f"{LIST}/{request.match_info['organisation_id']}")
        except (Invalid, Conflict) as error:
            form.refuse(error, "name")
            status = status_of(error)
    return await _page(request, form, status)


async def close(request: web.Request) -> web.StreamResponse:
    """POST {version, why}."""
    form, status = Form(await request.post()), 422
    form.values = {"why": form.typed("why")[:800]}
    async with request.app[DATABASE].session() as db:
        try:
            await close_organisation(
                db, request.app[CLOCK], request[ACTOR], request.match_info["organisation_id"],
                version_of(form), form.value("why"), ELSEWHERE,
            )  # fmt: skip
            return see_other(LIST)
        except (Invalid, Conflict) as error:
            form.fail("why", error.message)
            status = status_of(error)
    return await _page(request, form, status)


def version_of(form: Form) -> int:
    """Which state of a row the page showed; 0, which is none, for anything that is no number."""
    typed = form.typed("version")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0


def _offices(rows: list[Organisation]) -> dict[str, str]:
    return {
        row.id: f"{row.name}（{row.region_code}）"
        for row in rows
        if row.closed_at is None and row.kind is not OrganisationKind.DEPARTMENT
    }


async def _list(request: web.Request, form: Form, status: int = 200) -> web.Response:
    require(request[ACTOR], Action.MANAGE_ORGANISATIONS)
    async with request.app[DATABASE].session() as db:
        rows = await list_tree(db, request[ACTOR])
    top = min((len(row.region_code) for row in rows), default=2)
    depth = {2: 0, 4: 1, 6: 2, 9: 3}
    asked, offset = Form(), read_offset(request)
    asked.values["words"] = words = clean(request.query.get("words", ""))[:100]
    found = [row for row in rows if words in f"{row.name}\n{row.short_name}\n{row.region_code}"]
    listed = found[offset : offset + PAGE_SIZE + 1]
    context = {
        "nav": "administration",
        "form": form,
        "asked": asked,
        "count": len(found),
        "beside": beside(LIST, {"words": words}, offset, PAGE_SIZE, len(listed)),
        "rows": [
            {
                "row": row,
                "kind": KINDS[str(row.kind)],
                "tier": TIER_NAMES[row.tier],
                "depth": depth[len(row.region_code)] - depth[top] + (row.kind is OrganisationKind.DEPARTMENT),
            }
            for row in listed[:PAGE_SIZE]
        ],
        "offices": _offices(rows),
        "kinds": KINDS,
    }
    title = "错误：单位" if form.errors else "单位"
    return page(request, "organisations.html", context, title=title, status=status)


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    async with request.app[DATABASE].session() as db:
        row = await get_managed(db, request[ACTOR], request.match_info["organisation_id"])
        now = request.app[CLOCK].now()
        hanging = await hanging_at(db, row.id, now, ELSEWHERE) if row.closed_at is None else {}
        changes = await history_of(db, row.id)
    if not form.errors:
        form.values = {"name": row.name, "short_name": row.short_name}
    context = {
        "nav": "administration",
        "form": form,
        "row": row,
        "kind": KINDS[str(row.kind)],
        "tier": TIER_NAMES[row.tier],
        "hanging": hanging,
        "changes": [(each, ACT_NAMES[each.act]) for each in changes],
    }
    title = "错误：单位" if form.errors else "单位"
    return page(request, "organisation.html", context, title=title, status=status)
