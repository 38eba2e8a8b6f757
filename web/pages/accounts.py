"""Accounts of officials: who there is, a new one, and on its page the posts, the password, the end."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from cases.administration.accounts import (
    AccountQuery,
    NewAccount,
    create_account,
    disable_account,
    enable_account,
    get_account,
    last_sign_in,
    list_accounts,
    reset_password,
    scope_of_account,
)
from cases.administration.posts import AskForPost, ask_for_post, requests_of
from cases.errors import Conflict, Forbidden, Invalid, RuleError
from cases.fields import clean
from cases.organisations import list_organisations
from cases.people import end_post, scope_of_places
from cases.policy import Action, allowed
from cases.roles import ADMINISTRATORS, ROLE_NAMES, Role
from cases.second_person import DECISION_NAMES
from web.http.errors import status_of
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.http.paging import onward
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.organisations import version_of
from web.pages.signin import see_other
from web.rendering import page

LIST = "/administration/accounts"
ROLES = {str(role): name for role, name in ROLE_NAMES.items()}
SHOWN = {"": "在用", "disabled": "已停用"}


async def show_list(request: web.Request) -> web.StreamResponse:
    return await _list(request, Form(request.query), Form())


async def create(request: web.Request) -> web.StreamResponse:
    """POST {username, name, organisation, role, title}: the one-time password is shown once."""
    form, status = Form(await request.post()), 422
    form.values = {name: form.typed(name)[:200] for name in ("username", "full_name", "title")}
    async with request.app[DATABASE].session() as db:
        places = await _places(request, db)
        organisation = form.choice("organisation", places, "请选择单位")
        role = form.choice("role", ROLES, "请选择岗位")
        if not form.errors:
            told = (form.value("username"), form.value("full_name"))
            command = NewAccount(*told, organisation, Role(role), form.value("title"))
            try:
                made, password = await create_account(db, request.app[CLOCK], request[ACTOR], command)
                keep_once(request, f"password-{made.id}", password)
                return see_other(f"{LIST}/{made.id}")
            except (Invalid, Conflict) as error:
                form.refuse(_at(error, {"name": "full_name"}), "username")
                status = status_of(error)
    return await _list(request, Form(), form, status)


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form())


async def ask(request: web.Request) -> web.StreamResponse:
    """POST {organisation, role, title, replaces}: a post, or a move from one, that waits to be confirmed."""
    form, status = Form(await request.post()), 422
    form.values = {"title": form.typed("title")[:200], "replaces": form.typed("replaces")[:64]}
    official_id = request.match_info["official_id"]
    async with request.app[DATABASE].session() as db:
        await get_account(db, request[ACTOR], official_id)
        organisation = form.choice("organisation", await _places(request, db), "请选择单位")
        role = form.choice("role", ROLES, "请选择岗位")
        if not form.errors:
            replaces = form.value("replaces") or None
            command = AskForPost(official_id, organisation, Role(role), form.value("title"), replaces)
            try:
                await ask_for_post(db, request.app[CLOCK], request[ACTOR], command)
                return see_other(f"{LIST}/{official_id}")
            except (Invalid, Conflict) as error:
                form.refuse(error, "role")
                status = status_of(error)
    return await _page(request, form, status)


async def reset(request: web.Request) -> web.StreamResponse:
    """POST {version}: a one-time password, shown once."""
    form, official_id = Form(await request.post()), request.match_info["official_id"]
    async with request.app[DATABASE].session() as db:
        try:
            password = await reset_password(
                db, request.app[CLOCK], request[ACTOR], official_id, version_of(form)
            )
            keep_once(request, f"password-{official_id}", password)
        except (Conflict, Forbidden) as error:
            return await _refused(request, form, error)
    return see_other(f"{LIST}/{official_id}")


async def disable(request: web.Request) -> web.StreamResponse:
    """POST {version}."""
    return await _change(request, disable_account)


async def enable(request: web.Request) -> web.StreamResponse:
    """POST {version}."""
    return await _change(request, enable_account)


async def withdraw(request: web.Request) -> web.StreamResponse:
    """POST: the security administrator ends a post at once."""
    form, official_id = Form(await request.post()), request.match_info["official_id"]
    async with request.app[DATABASE].session() as db:
        await get_account(db, request[ACTOR], official_id)
        try:
            await end_post(db, request.app[CLOCK], request[ACTOR], request.match_info["post_id"])
        except Conflict as error:
            return await _refused(request, form, error)
    return see_other(f"{LIST}/{official_id}")


async def _change(request: web.Request, use_case: Any) -> web.StreamResponse:
    form, official_id = Form(await request.post()), request.match_info["official_id"]
    async with request.app[DATABASE].session() as db:
        try:
            await use_case(db, request.app[CLOCK], request[ACTOR], official_id, version_of(form))
        except (Conflict, Forbidden) as error:
            return await _refused(request, form, error)
    return see_other(f"{LIST}/{official_id}")


async def _refused(request: web.Request, form: Form, error: RuleError) -> web.Response:
    """The account's page with what stood against it; who may not even see it is told so instead."""
    form.refuse(_at(error, {}), "account")
    return await _page(request, form, status_of(error))


def _at(error: RuleError, fields: dict[str, str]) -> RuleError:
    return type(error)(error.code, error.message, fields.get(error.field or "", error.field))


async def _places(request: web.Request, db: Any) -> dict[str, str]:
    return {
        each.id: f"{each.name}（{each.region_code}）"
        for each in await list_organisations(db)
        if allowed(request[ACTOR], Action.SEE_ACCOUNTS, scope_of_places([each]))
    }


async def _list(request: web.Request, asked: Form, form: Form, status: int = 200) -> web.Response:
    typed = {name: clean(asked.typed(name))[:100] for name in ("words", "office", "shown")}
    async with request.app[DATABASE].session() as db:
        places = await _places(request, db)
        typed["office"] = typed["office"] if typed["office"] in places else ""
        asked.values = typed
        query = AccountQuery(typed["words"], typed["office"], typed["shown"] == "disabled")
        after = clean(asked.typed("after"))[:64]
        accounts, following = await list_accounts(db, request[ACTOR], query, after)
    kept = {name: value for name, value in typed.items() if value}
    context = {
        "nav": "administration",
        "asked": asked,
        "form": form,
        "accounts": accounts,
        "units": places,
        "roles": ROLES,
        "shown": SHOWN,
        "may_manage": allowed(request[ACTOR], Action.MANAGE_ACCOUNTS),
        "beside": onward(LIST, kept, bool(after), "after", following),
    }
    title = "错误：账号和岗位" if form.errors else "账号和岗位"
    return page(request, "accounts.html", context, title=title, status=status)


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    actor, official_id = request[ACTOR], request.match_info["official_id"]
    async with request.app[DATABASE].session() as db:
        official = await get_account(db, actor, official_id)
        scope = await scope_of_account(db, official)
        places = await _places(request, db)
        requests = await requests_of(db, official_id)
        seen = await last_sign_in(db, official_id)
    live = [post for post in official.posts if post.ended_at is None]
    context = {
        "nav": "administration",
        "form": form,
        "official": official,
        "live": live,
        "former": [post for post in official.posts if post.ended_at is not None],
        "requests": requests,
        "decisions": DECISION_NAMES,
        "seen": seen,
        "units": places,
        "roles": ROLES,
        "moves": {post.id: f"{post.organisation.name} · {ROLE_NAMES[post.role]}" for post in live},
        "administers": any(post.role in ADMINISTRATORS for post in live),
        "may_manage": allowed(actor, Action.MANAGE_ACCOUNTS, scope),
        "may_withdraw": allowed(actor, Action.CONFIRM_POST, scope),
        "password": take_once(request, f"password-{official_id}"),
    }
    title = "错误：账号" if form.errors else "账号"
    return page(request, "account.html", context, title=title, status=status)
