"""The tree of organisations: add one, give it another name with the old one kept, close it."""

from __future__ import annotations

from dataclasses import dataclass, field

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
from cases.organisations import TIER_NAMES, Organisation, OrganisationKind, covers
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
PAGE_SIZE = 50


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


@dataclass
class Places:
    """Regions of the organisations in reach: one is read at a time, a city has hundreds of organisations."""

    rows: list[Organisation]
    above: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        codes = {row.region_code for row in self.rows}
        for code in codes:
            shorter = (code[:length] for length in (6, 4, 2) if length < len(code))
            self.above[code] = next((each for each in shorter if each in codes), "")

    def chosen(self, typed: str) -> str:
        """The region that was asked for, else the highest; none where there are several of these."""
        highest = [code for code, above in self.above.items() if not above]
        return typed if typed in self.above else highest[0] if len(highest) == 1 else ""

    def listed(self, under: str) -> list[Organisation]:
        """Those of the region itself, then the office of each next one below."""
        own = [row for row in self.rows if row.region_code == under]
        return own + [row for row in self.rows if self.above[row.region_code] == under and self._leads(row)]

    def below(self, row: Organisation) -> int:
        """How many more are read by opening this one."""
        if not self._leads(row):
            return 0
        return sum(covers(row.region_code, each.region_code) for each in self.rows) - 1

    def office(self, code: str) -> Organisation | None:
        return next((row for row in self.rows if row.region_code == code and self._leads(row)), None)

    def _leads(self, row: Organisation) -> bool:
        """Whether it stands for its region: one that was closed may have a successor there."""
        same = [each for each in self.rows if each.region_code == row.region_code]
        offices = [each for each in same if each.kind is not OrganisationKind.DEPARTMENT] or same
        return row is min(offices, key=lambda each: each.closed_at is not None)


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
    asked, offset = Form(), read_offset(request)
    asked.values["words"] = words = clean(request.query.get("words", ""))[:100]
    places = Places(rows)
    under = places.chosen(request.query.get("under", ""))
    if words:
        found = [row for row in rows if words in f"{row.name}\n{row.short_name}\n{row.region_code}"]
    else:
        found = places.listed(under)
    listed = found[offset : offset + PAGE_SIZE + 1]
    context = {
        "nav": "administration",
        "form": form,
        "asked": asked,
        "count": len(found),
        "beside": beside(LIST, {"words": words, "under": under}, offset, PAGE_SIZE, len(listed)),
        "here": places.office(under),
        "above": places.office(places.above.get(under, "")),
        "rows": [
            {
                "row": row,
                "kind": KINDS[str(row.kind)],
                "below": 0 if row.region_code == under and not words else places.below(row),
            }
            for row in listed[:PAGE_SIZE]
        ],
        "offices": _offices(rows),
        "kinds": KINDS,
    }
    if not form.errors and (here := places.office(under)):
        form.values["parent"] = here.id
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
