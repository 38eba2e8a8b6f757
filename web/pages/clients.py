"""The administrator's page of systems that use the programming interface: let one in, end it."""

from __future__ import annotations

from aiohttp import web

from cases.errors import Invalid
from cases.fields import clean_name
from cases.intake.client import ApiScope, create_client, list_clients, revoke_client
from cases.intake.webhooks import list_webhooks
from cases.organisations import OrganisationKind, list_organisations
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say_error
from web.pages.signin import see_other
from web.rendering import page

SCOPES = {str(ApiScope.READ): "读取信访件", str(ApiScope.WRITE): "登记信访件"}


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form(), 200)


async def create(request: web.Request) -> web.StreamResponse:
    form = Form(await request.post())
    async with request.app[DATABASE].session() as db:
        offices = {
            each.id: each.name for each in await list_organisations(db, OrganisationKind.PETITION_OFFICE)
        }
        name = form.take("name", lambda typed: clean_name(typed, "name", "系统名称"))
        office = form.choice("organisation", offices, "请选择登记单位")
        scopes = [ApiScope(each) for each in form.choices("scopes", SCOPES)]
        if not form.errors:
            try:
                _, token = await create_client(db, request.app[CLOCK], request[ACTOR], name, office, scopes)
                keep_once(request, "client", token)
                return see_other("/clients")
            except Invalid as error:
                form.fail(error.field or "name", say_error(error.code, error.message))
    return await _page(request, form, 422)


async def revoke(request: web.Request) -> web.StreamResponse:
    await request.post()
    async with request.app[DATABASE].session() as db:
        await revoke_client(db, request.app[CLOCK], request[ACTOR], request.match_info["client_id"])
    return see_other("/clients")


async def _page(request: web.Request, form: Form, status: int) -> web.Response:
    async with request.app[DATABASE].session() as db:
        clients = await list_clients(db, request[ACTOR])
        offices = await list_organisations(db, OrganisationKind.PETITION_OFFICE)
        hooks = await list_webhooks(db, request[ACTOR])
    context = {
        "nav": "administration",
        "form": form,
        "clients": clients,
        "organisations": {each.id: each.name for each in offices},
        "scopes": SCOPES,
        "scopes_of": {each.id: _scopes(each.scopes) for each in clients},
        "failing": {each.webhook.client_id for each in hooks if each.failing},
        "token": take_once(request, "client"),
    }
    return page(request, "clients.html", context, title="接入的系统", status=status)


def _scopes(kept: str) -> list[str]:
    """What a client may do, as officials say it."""
    return [SCOPES[each] for each in kept.split(" ") if each in SCOPES]
