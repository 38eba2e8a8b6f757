"""Sign-ins, for the security administrator: the log, what is locked, and lifting a lock before its time."""

from __future__ import annotations

from aiohttp import web

from cases.administration.sign_in_events import list_locked, list_sign_in_events
from cases.fields import clean
from cases.signin import unlock_account
from web.http.forms import Form
from web.http.paging import onward
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.signin import see_other
from web.rendering import page

LIST = "/administration/signins"
ACTS = {
    "sign_in.opened": ("登录成功", "tick", "good"),
    "sign_in.refused": ("登录失败", "warning", "notice"),
    "sign_in.revoked": ("退出全部登录", "leave", "plain"),
    "account.unlocked": ("提前解锁", "info", "plain"),
}
CAUSES = {"failed": "用户名或密码不对", "locked": "已锁定时又试", "demo_refused": "演示账号"}


async def show(request: web.Request) -> web.StreamResponse:
    form, actor = Form(request.query), request[ACTOR]
    form.values["username"] = clean(form.typed("username"))[:64]
    before = read_place(form.typed("before"))
    async with request.app[DATABASE].session() as db:
        events, older = await list_sign_in_events(db, actor, form.value("username"), before)
        locked = await list_locked(db, request.app[CLOCK], actor)
    asked = {"username": form.value("username")} if form.value("username") else {}
    context = {
        "nav": "administration",
        "form": form,
        "events": [(event, ACTS[event.act], CAUSES.get(event.cause, event.cause)) for event in events],
        "locked": locked,
        "beside": onward(LIST, asked, before is not None, "before", str(older) if older else None),
    }
    return page(request, "sign_ins.html", context, title="登录安全")


async def unlock(request: web.Request) -> web.StreamResponse:
    """POST {username}."""
    form = Form(await request.post())
    async with request.app[DATABASE].session() as db:
        await unlock_account(db, request.app[CLOCK], request[ACTOR], form.typed("username")[:64])
    return see_other(LIST)


def read_place(typed: str) -> int | None:
    """The sequence at which a page of the audit ended; anything else begins at the newest."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else None
