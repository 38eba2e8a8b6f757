"""Changing one's own password; who signed in with a one-time password gets no further before."""

from __future__ import annotations

from aiohttp import web

from cases.administration.accounts import choose_password
from cases.errors import Conflict, Invalid
from web.http.access import client_address
from web.http.errors import status_of, trouble
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, LIMITS
from web.navigation import places_of
from web.pages.signin import see_other
from web.rendering import page


async def show(request: web.Request) -> web.StreamResponse:
    return _page(request, Form())


async def submit(request: web.Request) -> web.StreamResponse:
    """POST {current, password, again}."""
    if not request.app[LIMITS].allow("signin", client_address(request)):
        return trouble(request, 429)
    form, status = Form(await request.post()), 422
    current, new = (form.typed(name)[:1000] for name in ("current", "password"))
    if not current:
        form.fail("current", "请填写现在的密码")
    if new != form.typed("again")[:1000]:
        form.fail("again", "两次填写的新密码不一样")
    if not form.errors:
        async with request.app[DATABASE].session() as db:
            try:
                await choose_password(db, request.app[CLOCK], request[ACTOR], current, new)
            except (Invalid, Conflict) as error:
                form.refuse(error, "password")
                status = status_of(error)
    if form.errors:
        return _page(request, form, status)
    places = places_of(request[ACTOR])
    return see_other(places[0][1] if places else "/board")


def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    title = "错误：修改密码" if form.errors else "修改密码"
    context = {"form": form, "must": request[ACTOR].must_change}
    return page(request, "password.html", context, title=title, status=status)
