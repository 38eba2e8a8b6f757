"""Sign-in and sign-out of officials."""

from __future__ import annotations

from aiohttp import web

from cases.errors import RuleError
from cases.fields import clean_name
from cases.policy import Action, Actor, allowed
from cases.signin import find_sign_in, sign_in, sign_out
from web.figures import RATE_LIMITED
from web.http.access import (
    SIGN_IN_COOKIE,
    client_address,
    local_path,
    set_language_cookie,
    set_sign_in_cookie,
    sign_in_rules,
)
from web.http.errors import trouble
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, LIMITS
from web.language import COOKIE
from web.navigation import places_of
from web.rendering import page

BOARD = "/board"


async def show(request: web.Request) -> web.StreamResponse:
    if request[ACTOR].kind == "official":
        return see_other(_opening(request[ACTOR], local_path(request.query.get("next"))))
    return _page(request, Form(), local_path(request.query.get("next")))


async def submit(request: web.Request) -> web.StreamResponse:
    if not request.app[LIMITS].allow("signin", client_address(request)):
        RATE_LIMITED.labels("signin").inc()
        return trouble(request, 429)
    data = await request.post()
    form = Form(data)
    username = form.take("username", lambda typed: clean_name(typed, "username", "用户名"))
    password = str(data.get("password", ""))[:1000]
    if not password:
        form.fail("password", "请填写密码")
    target = local_path(str(data.get("next", "")))
    if form.errors:
        return _page(request, form, target, 422)
    old = request.cookies.get(SIGN_IN_COOKIE, "")
    old = old if len(old) <= 200 else ""  # A cookie set before signing in dies here (session fixation).
    address, rules = client_address(request), sign_in_rules(request)
    async with request.app[DATABASE].session() as db:
        try:
            grant = await sign_in(db, request.app[CLOCK], username, password, address, old, rules)
        except RuleError as error:
            form.fail(error.field or "username", error.message)
            return _page(request, form, target, 422)
        actor = await find_sign_in(db, request.app[CLOCK], grant.token, rules)
    response = see_other("/password" if grant.must_change else _opening(actor, target))
    set_sign_in_cookie(request, response, grant.token)
    if grant.language:
        set_language_cookie(request, response, grant.language)
    return response


def _opening(actor: Actor | None, target: str) -> str:
    """Where somebody begins: who may not see the board, at the first page that there is instead."""
    if actor is None or target != BOARD or allowed(actor, Action.SEE_BOARD):
        return target
    return next((address for _, address, _ in places_of(actor)), "/")


async def leave(request: web.Request) -> web.StreamResponse:
    token = request.cookies.get(SIGN_IN_COOKIE, "")
    if request[ACTOR].kind == "official":
        async with request.app[DATABASE].session() as db:
            await sign_out(db, request.app[CLOCK], token)
    response = see_other("/signin")
    response.del_cookie(SIGN_IN_COOKIE, path="/")
    response.del_cookie(COOKIE, path="/")  # The next person at this computer begins in Chinese.
    return response


def see_other(path: str) -> web.Response:
    """The answer to a posted form: go and look there."""
    return web.Response(status=303, headers={"Location": path})


def _page(request: web.Request, form: Form, target: str, status: int = 200) -> web.Response:
    title = "错误：工作人员登录" if form.errors else "工作人员登录"
    return page(request, "signin.html", {"form": form, "next": target}, title=title, status=status)
