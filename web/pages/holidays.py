"""Holidays by year: which arrangement holds, a new one shown before it is kept, a region's own days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from aiohttp import web

from cases.administration.holidays import (
    Effect,
    TypedEdition,
    add_edition,
    list_editions,
    missing_years,
    preview_edition,
)
from cases.deadlines.in_force import calendar_of
from cases.deadlines.workdays import HolidayYear
from cases.errors import Conflict, Invalid
from cases.handling.clocks import today
from web.http.errors import status_of
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.organisations import version_of
from web.pages.signin import see_other
from web.rendering import page

HERE = "/administration/holidays"
FIELDS = ("year", "source", "rest", "work", "region")


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form(), None)


async def submit(request: web.Request) -> web.StreamResponse:
    """POST {year, source, rest, work, region, version, act}: `preview` shows what would become of it."""
    form, status, effect = Form(await request.post()), 200, None
    form.values = {name: form.typed(name) for name in FIELDS}
    typed = TypedEdition(*(form.value(name) for name in ("year", "source", "rest", "work", "region")))
    async with request.app[DATABASE].session() as db:
        clock, actor = request.app[CLOCK], request[ACTOR]
        try:
            if form.typed("act") == "save":
                done = await add_edition(db, clock, actor, typed, version_of(form))
                keep_once(request, "holidays", (done.edition.year, done.moved))
                return see_other(HERE)
            effect = await preview_edition(db, clock, actor, typed)
        except (Invalid, Conflict) as error:
            field = {"region_code": "region"}.get(error.field or "", error.field or "year")
            form.fail(field, error.message)
            status = status_of(error)
    return await _page(request, form, effect, status)


async def _page(request: web.Request, form: Form, effect: Effect | None, status: int = 200) -> web.Response:
    now = today(request.app[CLOCK])
    async with request.app[DATABASE].session() as db:
        editions = await list_editions(db, request[ACTOR])
    versions = {(row.year, row.region_code): row.version for row in reversed(editions)}
    regions = sorted({post.region_code for post in request[ACTOR].posts})
    year = int(form.value("year")) if effect else 0
    national = calendar_of().years
    context = {
        "nav": "administration",
        "form": form,
        "effect": effect,
        "spans": spans_of(effect.edition) if effect else [],
        "worked": sorted(effect.edition.work) if effect else [],
        "version": versions.get((year, form.value("region")), 0),
        "years": [
            {"year": each, "source": national[each].source, "spans": spans_of(national[each]),
             "work": sorted(national[each].work), "typed": versions.get((each, ""), 0)}
            for each in sorted(national, reverse=True) if each >= now.year - 1
        ],
        "local": [row for row in editions if row.region_code],
        "missing": missing_years(request.app[CLOCK]),
        "regions": {code: code for code in regions},
        "done": take_once(request, "holidays"),
    }  # fmt: skip
    title = "错误：节假日" if form.errors else "节假日"
    return page(request, "holidays.html", context, title=title, status=status)


def spans_of(edition: HolidayYear) -> list[dict[str, Any]]:
    """The days off of a year, those in a row with one name taken together."""
    found = []
    for name, days in groupby(sorted(edition.rest), key=lambda day: edition.rest[day]):
        for first, last in _rows_of(days):
            found.append({"name": name, "first": first, "last": last})
    return found


def _rows_of(days: Iterable[date]) -> list[tuple[date, date]]:
    spans: list[tuple[date, date]] = []
    for day in days:
        if spans and day - spans[-1][1] == timedelta(days=1):
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return spans
