"""Retention classes: how many years each is, and a change that is shown before it is proposed."""

from __future__ import annotations

from aiohttp import web

from cases.errors import Conflict, Invalid
from cases.policy import Action, allowed
from recordings.archive.class_change import (
    Held,
    classes_in_force,
    count_held,
    list_changes,
    preview_change,
    propose_change,
)
from recordings.archive.retention import read_classes
from web.http.errors import status_of
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, SETTINGS
from web.pages.signin import see_other
from web.rendering import page

HERE = "/administration/retention"


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form(), None)


async def submit(request: web.Request) -> web.StreamResponse:
    """POST {code, years, reason, act}: `preview` shows what would become of what is archived."""
    form, status, held = Form(await request.post()), 200, None
    form.values = {name: form.typed(name)[:400] for name in ("years", "reason")}
    settings = read_classes(request.app[SETTINGS].archive.classes)
    code = form.choice("code", settings, "请选择保管期限")
    if form.errors:
        return await _page(request, form, None, 422)
    async with request.app[DATABASE].session() as db:
        clock, actor = request.app[CLOCK], request[ACTOR]
        try:
            if form.typed("act") == "propose":
                told = (code, form.value("years"), form.value("reason"))
                await propose_change(db, clock, actor, settings, *told)
                keep_once(request, "retention", code)
                return see_other(HERE)
            held = await preview_change(db, actor, settings, code, form.value("years"))
        except (Invalid, Conflict) as error:
            form.refuse(error, "years")
            status = status_of(error)
    return await _page(request, form, held, status)


async def _page(request: web.Request, form: Form, held: Held | None, status: int = 200) -> web.Response:
    settings = request.app[SETTINGS].archive
    async with request.app[DATABASE].session() as db:
        changes = await list_changes(db, request[ACTOR])
        classes = await classes_in_force(db, read_classes(settings.classes))
        counts = await count_held(db, request[ACTOR])
    context = {
        "nav": "administration",
        "form": form,
        "held": held,
        "classes": [(each, counts.get(code, 0)) for code, each in classes.items()],
        "names": {code: f"{code}（{each.name}）" for code, each in classes.items()},
        "used": settings.retention,
        "changes": changes,
        "may_edit": allowed(request[ACTOR], Action.CONFIGURE),
        "done": take_once(request, "retention"),
    }
    title = "错误：保管期限" if form.errors else "保管期限"
    return page(request, "retention.html", context, title=title, status=status)
