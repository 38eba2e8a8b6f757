"""督办: orders, notices, listed cases and the figures; an order with its steps."""

from __future__ import annotations

import csv
import io
from typing import Any

from aiohttp import web

from cases.documents.form import FORMS
from cases.documents.kind import DocumentKind
from cases.errors import Conflict, Invalid
from cases.fields import clean
from cases.handling.clocks import today
from cases.supervision.board import (
    OrderFilter,
    Which,
    count_orders,
    list_listed,
    list_orders,
    list_units_of_orders,
)
from cases.supervision.measures import KIND_NAMES, end_measure
from cases.supervision.notices import count_unread, list_notices, read_notice
from cases.supervision.order import ADOPTION_NAMES, REASON_NAMES, STATE_NAMES, STEP_NAMES, OrderStep, Reason
from cases.supervision.ordering import LABELS, Taken, get_order, list_order_steps, steps_for, take_order_step
from cases.supervision.paper import list_order_papers, papers_due, papers_of_orders
from cases.supervision.report import FIRST_YEAR, SupervisionFigures, supervision_figures
from cases.vocabulary import VOCABULARY
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.http.paging import beside, read_offset
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say, say_error
from web.pages.order_papers import issue_with
from web.pages.signin import see_other
from web.rendering import page
from web.views.supervision import due_reason, measure_row, notice_row, order_row, papers_view

PAGE_SIZE = 50
TABS = (
    (Which.OPEN, "没有办结的"),
    (Which.WAITING, "等单位反馈"),
    (Which.OVERDUE, "逾期未反馈"),
    (Which.REPORTED, "等审核"),
    (Which.OVER, "已办结"),
)
FIELDS = ("words", "adoption", "due_on")


async def show(request: web.Request) -> web.StreamResponse:
    """GET {}: `which`, `reason`, `unit`; `offset`."""
    actor, clock, asked = request[ACTOR], request.app[CLOCK], request.query
    offset, now = read_offset(request), today(clock)
    which = Which(asked["which"]) if asked.get("which", "") in set(Which) else Which.OPEN
    reason = Reason(asked["reason"]) if asked.get("reason", "") in set(Reason) else None
    async with request.app[DATABASE].session() as db:
        units = await list_units_of_orders(db, actor)
        unit_id = asked.get("unit", "") if asked.get("unit", "") in units else ""
        wanted = OrderFilter(which, reason, unit_id)
        found = await list_orders(db, clock, actor, wanted, PAGE_SIZE + 1, offset)
        counts = await count_orders(db, clock, actor)
        unread = await count_unread(db, actor)
        papers = await papers_of_orders(db, actor, found)
    kept = {"reason": str(reason or ""), "unit": unit_id}
    context = {
        "nav": "supervision",
        "place": "orders",
        "unread": unread,
        "which": which,
        "tabs": [(code, name, counts.get(code, "")) for code, name in TABS],
        "form": Form(initial=kept),
        "reasons": {str(code): name for code, name in REASON_NAMES.items()},
        "units": units,
        "rows": [
            order_row(each, now) | {"paper": papers.get(each.id, "")} for each in found[:PAGE_SIZE]
        ],
        "beside": beside("/supervision", {"which": which} | kept, offset, PAGE_SIZE, len(found)),
    }
    return page(request, "supervision.html", context, title="督办")


async def show_notices(request: web.Request) -> web.StreamResponse:
    """GET {}: `whose` mine or all; `offset`."""
    actor, offset = request[ACTOR], read_offset(request)
    everybody = request.query.get("whose", "") == "all"
    async with request.app[DATABASE].session() as db:
        found = await list_notices(db, actor, everybody, PAGE_SIZE + 1, offset)
    now, whose = today(request.app[CLOCK]), "all" if everybody else "mine"
    context = {
        "nav": "supervision",
        "place": "notices",
        "whose": whose,
        "rows": [notice_row(each, now) for each in found[:PAGE_SIZE]],
        "beside": beside("/supervision/notices", {"whose": whose}, offset, PAGE_SIZE, len(found)),
    }
    return page(request, "supervision_notices.html", context, title="到期提醒")


async def read(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        await read_notice(db, request.app[CLOCK], request[ACTOR], request.match_info["notice_id"])
    return see_other("/supervision/notices")


async def show_listed(request: web.Request) -> web.StreamResponse:
    """GET {}: `over` yes for those that ended; `offset`."""
    actor, offset, now = request[ACTOR], read_offset(request), today(request.app[CLOCK])
    over = request.query.get("over", "") == "yes"
    async with request.app[DATABASE].session() as db:
        found = await list_listed(db, actor, over, PAGE_SIZE + 1, offset)
    context = {
        "nav": "supervision",
        "place": "listed",
        "over": over,
        "rows": [measure_row(each, now) for each in found[:PAGE_SIZE]],
        "beside": beside(
            "/supervision/listed", {"over": "yes" if over else ""}, offset, PAGE_SIZE, len(found)
        ),
    }
    return page(request, "supervision_listed.html", context, title="挂牌督办")


async def show_report(request: web.Request) -> web.StreamResponse:
    """GET {}: `year`; `form` csv for a spreadsheet."""
    year = clean(request.query.get("year", ""))[:5]
    async with request.app[DATABASE].session() as db:
        figures = await supervision_figures(db, request.app[CLOCK], request[ACTOR], year)
    if request.query.get("form") == "csv":
        return _spreadsheet(figures)
    now = today(request.app[CLOCK])
    context = {
        "nav": "supervision",
        "place": "report",
        "figures": figures,
        "years": [str(each) for each in range(now.year, max(FIRST_YEAR, now.year - 4) - 1, -1)],
        "reasons": [(name, figures.reasons[code]) for code, name in REASON_NAMES.items()],
        "adoptions": [(name, figures.adoptions[code]) for code, name in ADOPTION_NAMES.items()],
        "measures": [(name, figures.measures[code]) for code, name in KIND_NAMES.items()],
    }
    return page(request, "supervision_report.html", context, title="督办统计")


async def show_order(request: web.Request) -> web.StreamResponse:
    actor, order_id = request[ACTOR], request.match_info["order_id"]
    async with request.app[DATABASE].session() as db:
        order = await get_order(db, actor, order_id)
        steps = await list_order_steps(db, order_id)
        papers = await list_order_papers(db, actor, order)
        due = await papers_due(db, actor, order)
    trouble = take_once(request, f"order:{order_id}") or {}
    offered = steps_for(actor, order)
    told = trouble.get("step") in set(offered) or "paper" in trouble
    context = {
        "nav": "supervision",
        "order": order_row(order, today(request.app[CLOCK])) | {"due_reason": due_reason(order, steps)},
        "trouble": "" if told else trouble.get("message", ""),
        "steps": [_form(step, trouble) for step in offered],
        "papers": papers_view(actor, order, papers, trouble),
        "papers_due": [{"kind": str(kind), "title": FORMS[kind].title} for kind in due],
        "history": [
            {
                "at": each.at,
                "by": each.by,
                "state": STATE_NAMES[each.state],
                "words": each.words,
                "adoption": ADOPTION_NAMES[each.adoption] if each.adoption else "",
                "due": each.due_on,
            }
            for each in reversed(steps)
        ],
        "adoptions": {str(code): name for code, name in ADOPTION_NAMES.items()},
    }
    return page(request, "supervision_order.html", context, title=say(f"督办单 {order.number}"))


async def take(request: web.Request) -> web.StreamResponse:
    """POST {}: back to the order; what was refused is told there once, with everything that was typed."""
    form, order_id = Form(await request.post()), request.match_info["order_id"]
    step, typed = request.match_info["move"], {name: form.typed(name) for name in FIELDS}
    async with request.app[DATABASE].session() as db:
        try:
            await take_order_step(db, request.app[CLOCK], request[ACTOR], order_id, step, Taken(**typed))
        except (Invalid, Conflict) as error:
            told = {"step": step, "typed": {name: text[:2100] for name, text in typed.items()}}
            told |= {"field": error.field or "", "message": say_error(error.code, error.message)}
            keep_once(request, f"order:{order_id}", told)
        else:
            if step == OrderStep.REPORT:
                await issue_with(request, db, order_id, DocumentKind.SUPERVISION_FEEDBACK)
    return see_other(f"/supervision/{order_id}")


async def end(request: web.Request) -> web.StreamResponse:
    """POST {}: a listed case or one before the joint conference is over; back to the list."""
    form, measure_id = Form(await request.post()), request.match_info["measure_id"]
    async with request.app[DATABASE].session() as db:
        await end_measure(db, request.app[CLOCK], request[ACTOR], measure_id, form.typed("words"))
    return see_other("/supervision/listed")


def _form(step: OrderStep, trouble: dict[str, Any]) -> dict[str, Any]:
    wrong = trouble if trouble.get("step") == step else {}
    return {
        "code": str(step),
        "label": STEP_NAMES[step],
        "effect": VOCABULARY["supervision_step"][step].effect,
        "words_label": LABELS[step],
        "asks_adoption": step is OrderStep.REPORT,
        "asks_due": step is OrderStep.SEND_BACK,
        "typed": wrong.get("typed", dict.fromkeys(FIELDS, "")),
        "field": wrong.get("field", ""),
        "trouble": wrong.get("message", ""),
    }


def _spreadsheet(figures: SupervisionFigures) -> web.Response:
    """For the yearly report; the mark at its head tells spreadsheets that it is UTF-8."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow([say("被督办单位"), say("督办单"), say("按期反馈"), say("逾期反馈"), say("逾期未反馈")])
    for unit in figures.units:
        rows.writerow([unit.unit, unit.orders, unit.in_time, unit.late, unit.missing])
    name = f"supervision-{figures.year}.csv"
    return web.Response(
        body=("\ufeff" + text.getvalue()).encode(),
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        content_type="text/csv",
        charset="utf-8",
    )
