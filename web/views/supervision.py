"""Supervision as pages show it: an order with its last day in words, a measure, a notice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import BEIJING
from cases.documents.form import FORMS
from cases.documents.reading import Filed
from cases.handling.procedure import SERVICE_NAMES
from cases.policy import Action, Actor
from cases.supervision.measures import KIND_NAMES, SupervisionMeasure, list_measures_of
from cases.supervision.notices import AUDIENCE_NAMES, Told
from cases.supervision.order import (
    ADOPTION_NAMES,
    REASON_NAMES,
    WAITING,
    SupervisionOrder,
    SupervisionStep,
)
from cases.supervision.ordering import acts_for, issuer_of, list_orders_of
from cases.supervision.paper import is_of_unit
from cases.vocabulary import badges
from web.http.forms import Form
from web.keys import ACTOR
from web.language import say
from web.views.documents import row_of
from web.words import plain_date, until_date

ORDER_STATES = badges("supervision")
MEASURE_STATES = {True: ("进行中", "clock", "notice"), False: ("已结束", "tick", "good")}


def order_row(order: SupervisionOrder, now: date) -> dict[str, Any]:
    """One order in words; of what waits for the unit also how many days are left."""
    late = order.is_late(now)
    return {
        "id": order.id,
        "number": order.number,
        "petition": order.petition,
        "unit": order.unit.name,
        "issuer": order.issuer.name,
        "reason": REASON_NAMES[order.reason],
        "words": order.words,
        "at": order.at,
        "by": order.by,
        "due": due_words(order.due_on, now) if order.state in WAITING else until_date(order.due_on),
        "state": ORDER_STATES["overdue" if late else str(order.state)],
        "adoption": ADOPTION_NAMES[order.adoption] if order.adoption else "",
    }


def papers_view(
    actor: Actor, order: SupervisionOrder, papers: Sequence[Filed], trouble: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The papers of an order; one form of delivery at a time, for the newest that waits for it."""
    rows = [_paper(actor, order, each, trouble) for each in papers]
    for row in [each for each in rows if each["may_deliver"]][:-1]:
        row["may_deliver"] = False
    return rows


def _paper(
    actor: Actor, order: SupervisionOrder, filed: Filed, trouble: Mapping[str, Any]
) -> dict[str, Any]:
    document, of_unit = filed.document, is_of_unit(filed.document.kind)
    wrong = trouble if trouble.get("paper") == document.id else {}
    other = order.issuer if of_unit else order.unit
    form = Form(initial=wrong.get("typed") or {"recipient": other.name})
    if wrong:
        form.fail(wrong["field"], wrong["message"])
    return row_of(filed) | {
        "may_deliver": not filed.deliveries and acts_for(actor, order, of_unit),
        "may_sign": not filed.deliveries and acts_for(actor, order, not of_unit),
        "ways": {str(way): SERVICE_NAMES[way] for way in FORMS[document.kind].ways},
        "form": form,
    }


def due_reason(order: SupervisionOrder, steps: Sequence[SupervisionStep]) -> str:
    """Where the day comes from until which the unit reports: the order, or the last time it was sent back."""
    moved = next((step for step in reversed(steps) if step.due_on), None)
    since = (moved or order).at.astimezone(BEIJING).date()
    days, day = (order.due_on - since).days, plain_date(since)
    if moved:
        return say(f"{day}退回重报，督办单位定为 {days} 日内反馈。")
    return say(f"{day}发出，督办单位定为 {days} 日内反馈。")


def measure_row(row: SupervisionMeasure, now: date) -> dict[str, Any]:
    """A measure in words; `late`: its day has passed and it still runs."""
    due = "" if row.due_on is None else due_words(row.due_on, now) if row.runs else until_date(row.due_on)
    return {
        "id": row.id,
        "kind": KIND_NAMES[row.kind],
        "petition": row.petition,
        "unit": row.unit.name,
        "issuer": row.issuer.name,
        "due": due,
        "words": row.words,
        "at": row.at,
        "by": row.by,
        "state": MEASURE_STATES[row.runs],
        "runs": row.runs,
        "ended_at": row.ended_at,
        "ended_by": row.ended_by,
        "ended_words": row.ended_words,
    }


def notice_row(told: Told, now: date) -> dict[str, Any]:
    """A notice in words: which duty, until when, to whom it went."""
    notice = told.notice
    return {
        "id": notice.id,
        "petition": notice.petition,
        "duty": notice.clock.counted().duty.title if notice.clock else "",
        "order": notice.order,
        "due": due_words(notice.due_on, now),
        "late": now > notice.due_on,
        "office": notice.organisation.short_name,
        "audience": AUDIENCE_NAMES[notice.audience],
        "at": notice.at,
        "read": told.read,
    }


def due_words(day: date, now: date) -> str:
    """`7月29日（星期三）前，还有 7 天`."""
    told, left = until_date(day), (day - now).days
    if left < 0:
        return say(f"{told}，已超期 {-left} 天")
    return say(f"{told}，今天到期" if left == 0 else f"{told}，还有 {left} 天")


async def supervision_card(
    request: web.Request, db: AsyncSession, petition: PetitionCase, now: date
) -> dict[str, Any]:
    """For the page of the case: its orders and measures, and whether the reader may supervise."""
    actor = request[ACTOR]
    actions = Action.SUPERVISE_PETITION, Action.LIST_PETITION
    return {
        "orders": [order_row(each, now) for each in await list_orders_of(db, petition.id)],
        "measures": [measure_row(each, now) for each in await list_measures_of(db, petition.id)],
        "may": any(issuer_of(actor, petition, action) for action in actions),
    }
