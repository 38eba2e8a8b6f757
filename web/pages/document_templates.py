"""Templates of papers, for the system administrator of an office: what holds, a new version, a preview."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.documents.choosing import add_template, choose_template, list_versions, read_since
from cases.documents.form import FORMS
from cases.documents.form import Form as Kind
from cases.documents.kind import DocumentKind
from cases.documents.letter import Letter
from cases.documents.template import FACTS, FIELDS, Template, label_of, read_body
from cases.errors import Conflict, Invalid, NotFound
from cases.handling.clocks import today
from cases.organisations import Organisation, get_organisation
from cases.policy import Action, require, visible_organisation_ids
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say_error
from web.pages.documents import NO_NUMBER
from web.pages.signin import see_other
from web.rendering import page


async def show_list(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        office = await _office(request, db)
        rows = []
        for kind, form in FORMS.items():
            found = await choose_template(db, office, kind, today(request.app[CLOCK]))
            rows.append(
                {"kind": str(kind), "title": found.title, "internal": form.internal, **_origin(found, office)}
            )
    context = {"nav": "administration", "office_name": office.name, "rows": rows}
    return page(request, "document_templates.html", context, title="文书模板")


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, None, None)


async def submit(request: web.Request) -> web.StreamResponse:
    """POST {title, body, since, act}: `preview` shows a sample, `save` makes a version."""
    form, clock = Form(await request.post()), request.app[CLOCK]
    kind = _kind(request)
    form.values = {name: form.typed(name) for name in ("title", "body", "since")}
    sample = None
    async with request.app[DATABASE].session() as db:
        office = await _office(request, db)
        try:
            if form.typed("act") == "save":
                await add_template(
                    db, clock, request[ACTOR], office.id, kind.kind, form.value("title"),
                    form.value("body"), form.value("since"),
                )  # fmt: skip
                return see_other(f"/templates/{kind.kind}")
            body = read_body(form.value("body"), kind.must)
            sample = _sample(
                Template(form.value("title"), body, 0, read_since(form.value("since"), clock)), office
            )
        except (Invalid, Conflict) as error:
            form.fail(error.field or "body", say_error(error.code, error.message))
    return await _page(request, form, sample)


async def _page(request: web.Request, form: Form | None, sample: Letter | None) -> web.Response:
    kind = _kind(request)
    async with request.app[DATABASE].session() as db:
        office = await _office(request, db)
        holds = await choose_template(db, office, kind.kind, today(request.app[CLOCK]))
        versions = await list_versions(db, request[ACTOR], office.id, kind.kind)
    form = form or Form(initial={"title": holds.title, "body": "\n".join(holds.body), "since": ""})
    context = {
        "nav": "administration",
        "kind": str(kind.kind),
        "title": kind.title,
        "office_name": office.name,
        "form": form,
        "sample": sample or (None if form.errors else _sample(holds, office)),
        "versions": versions,
        "must": [label_of(name) for name in kind.must],
        "fillable": {**FACTS, **{name: field.label for name, field in FIELDS.items()}},
        **_origin(holds, office),
    }
    status, title = (422, "错误：文书模板") if form.errors else (200, "文书模板")
    return page(request, "document_template.html", context, title=title, status=status)


def _origin(template: Template, office: Organisation) -> dict[str, Any]:
    origin = "national" if not template.source else "own" if template.source == office.id else "above"
    return {"origin": origin, "version": template.version, "since": template.since}


def _sample(template: Template, office: Organisation) -> Letter:
    """Each place by what it is called."""
    values = {name: f"［{label}］" for name, label in FACTS.items()}
    values |= {name: f"［{field.label}］" for name, field in FIELDS.items()}
    return Letter(office.name, template.title, NO_NUMBER, "［收件人］", template.fill(values), "［日期］")


def _kind(request: web.Request) -> Kind:
    named = request.match_info["kind"]
    if named not in set(DocumentKind):
        raise NotFound("document_not_found", "没有找到这份文书。")
    return FORMS[DocumentKind(named)]


async def _office(request: web.Request, db: AsyncSession) -> Organisation:
    require(request[ACTOR], Action.MANAGE_TEMPLATES)
    return await get_organisation(db, visible_organisation_ids(request[ACTOR], Action.MANAGE_TEMPLATES)[0])
