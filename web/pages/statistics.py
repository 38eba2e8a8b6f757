"""统计分析: figures of a period, the cases behind each, the reports, and the big screen."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import CHANNEL_NAMES, CLASS_NAMES
from cases.figures.indicator import INDICATORS, Form
from cases.figures.listing import list_counted
from cases.figures.measure import MEASURES
from cases.figures.reading import Reading, read_figures
from cases.figures.scope import Filters, find_ground
from cases.handling.clocks import today
from cases.organisations import Organisation, OrganisationKind, get_organisation
from cases.policy import Action, allowed
from scheduling.afterwards.session_figures import ReceptionFigures, read_receptions
from web.http.errors import trouble
from web.http.paging import beside, read_offset
from web.keys import ACTOR, CLOCK, DATABASE
from web.minutes.pdf import PrintError
from web.rendering import page
from web.statistics.asking import SPANS, Asked, read_asked, years
from web.statistics.charts import TILES, draw_columns, shade
from web.statistics.report import report_pdf, report_workbook
from web.statistics.telling import (
    COLUMNS,
    breakdown,
    channel_rows,
    class_rows,
    headlines,
    indicator_rows,
    period_words,
    reception_rows,
    summary,
    tile_figure,
    trend_rows,
    trend_sentence,
)

PAGE_SIZE = 50
# What the tiles can carry.
ON_TILES = ("registered", "timely_accept_rate", "on_time_rate", "avg_handle_days", "rated_satisfaction")
TILE_NAMES = {"6201": "市本级"}
SCREEN_SECONDS = 300
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def show(request: web.Request) -> web.StreamResponse:
    """GET {}: `period`, or `year` and `span`, or `first` and `last`; `region`, `channel`, `class`, `unit`."""
    now = today(request.app[CLOCK])
    asked = read_asked(request.query, now)
    async with request.app[DATABASE].session() as db:
        reading = await read_figures(db, request.app[CLOCK], request[ACTOR], asked.period, asked.filters)
        receptions = await read_receptions(db, now, request[ACTOR], asked.period, asked.filters)
        regions = await _regions(db, request)
        unit = await _unit(db, asked)
    tile = request.query.get("tile", "")
    tile = tile if tile in ON_TILES else "registered"
    context = _context(reading, receptions, asked) | {
        "nav": "figures",
        "years": years(now, asked),
        "spans": SPANS,
        "regions": regions,
        "channels": CHANNEL_NAMES,
        "classes": CLASS_NAMES,
        "unit": unit,
        "tile": tile,
        "tile_choices": {code: INDICATORS[code].title for code in ON_TILES},
        "tiles": _tiles(reading, asked, tile),
        "made": reading.counted_at,
        "may_list": allowed(request[ACTOR], Action.SEE_PETITION),
    }
    return page(request, "figures.html", context, title="统计分析", status=422 if asked.trouble else 200)


async def show_list(request: web.Request) -> web.StreamResponse:
    """GET {}: `count` a measure, `without` another; the rest as for the page."""
    now, offset = today(request.app[CLOCK]), read_offset(request)
    asked = read_asked(request.query, now)
    name, other = request.query.get("count", ""), request.query.get("without", "")
    topic = request.query.get("topic", "")[:40]
    async with request.app[DATABASE].session() as db:
        rows, total = await list_counted(
            db, now, request[ACTOR], name, asked.period, asked.filters,
            other=other, topic=topic, limit=PAGE_SIZE + 1, offset=offset,
        )  # fmt: skip
    told = {"period": asked.period.code, "count": name, "without": other, "topic": topic}
    query = {name: value for name, value in told.items() if value}
    context = {
        "nav": "figures",
        "what": _what(name, other),
        "missed": bool(other),
        "topic": topic,
        "period": period_words(asked.period),
        "timeless": MEASURES[name].source == "running",
        "back": f"/figures?{asked.query()}",
        "rows": rows[:PAGE_SIZE],
        "total": total,
        "beside": beside("/figures/cases", query | _rest(asked), offset, PAGE_SIZE, len(rows)),
    }
    return page(request, "figures_cases.html", context, title="统计明细")


async def screen(request: web.Request) -> web.StreamResponse:
    """GET {}: the big screen for a wall: no person, no case, nothing to press."""
    now = today(request.app[CLOCK])
    asked = read_asked(request.query, now)
    async with request.app[DATABASE].session() as db:
        reading = await read_figures(db, request.app[CLOCK], request[ACTOR], asked.period, asked.filters)
        receptions = await read_receptions(db, now, request[ACTOR], asked.period, asked.filters)
    context = _context(reading, receptions, asked) | {
        "tiles": _tiles(reading, asked, "registered"),
        "at": reading.counted_at,
        "minutes": SCREEN_SECONDS // 60,
    }
    response = page(request, "figures_screen.html", context, title="信访形势")
    response.headers["Refresh"] = f"{SCREEN_SECONDS}"
    return response


async def report_as_pdf(request: web.Request) -> web.StreamResponse:
    """GET {}: the report of the period as PDF."""
    reading, receptions, office = await _report(request)
    try:
        body = await asyncio.to_thread(report_pdf, reading, receptions, office, request.app[CLOCK].now())
    except PrintError as error:
        return trouble(request, 503, message=str(error))
    return _file(body, "application/pdf", reading, "pdf")


async def report_as_workbook(request: web.Request) -> web.StreamResponse:
    """GET {}: the same as a workbook."""
    reading, receptions, office = await _report(request)
    body = await asyncio.to_thread(report_workbook, reading, receptions, office, request.app[CLOCK].now())
    return _file(body, WORKBOOK, reading, "xlsx")


async def _report(request: web.Request) -> tuple[Reading, ReceptionFigures, str]:
    now, actor = today(request.app[CLOCK]), request[ACTOR]
    asked = read_asked(request.query, now)
    async with request.app[DATABASE].session() as db:
        reading = await read_figures(db, request.app[CLOCK], actor, asked.period, asked.filters)
        receptions = await read_receptions(db, now, actor, asked.period, asked.filters)
        office = await get_organisation(db, actor.posts[0].organisation_id)
    return reading, receptions, office.name


def _file(body: bytes, kind: str, reading: Reading, ending: str) -> web.Response:
    response = web.Response(body=body, content_type=kind)
    name = f"lianxin-figures-{reading.period.code.replace('..', '-')}.{ending}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _context(reading: Reading, receptions: ReceptionFigures, asked: Asked) -> dict[str, Any]:
    months = trend_rows(reading)
    return {
        "asked": asked,
        "period": period_words(asked.period),
        "summary": summary(reading),
        "headlines": headlines(reading.sums, reading.before),
        "indicators": indicator_rows(reading.sums, reading.before),
        "rated": next(r for r in indicator_rows(reading.sums, reading.before) if r["code"] == "rating_rate"),
        "columns": COLUMNS,
        "districts": breakdown(reading.districts, "region"),
        "offices": breakdown(reading.offices, "office"),
        "units": breakdown(reading.units, "unit"),
        "by_channel": channel_rows(reading),
        "by_class": class_rows(reading),
        "trend": months,
        "trend_drawing": draw_columns(
            [(code[2:], (sums["registered"], sums["concluded"])) for code, sums in months]
        ),
        "trend_sentence": trend_sentence(reading),
        "topics": reading.topics,
        "topics_most": max((topic.cases for topic in reading.topics), default=0),
        "receptions": reception_rows(receptions),
    }


def _tiles(reading: Reading, asked: Asked, tile: str) -> list[dict[str, Any]]:
    """The squares of the map; districts that have none are in the table alone."""
    found = {part.code: (part, tile_figure(tile, part.sums)) for part in reading.districts}
    most = max((float(each.value or 0) for _, each in found.values()), default=0)
    return [
        {
            "name": TILE_NAMES.get(code) or part.name.removesuffix("信访局"),
            "column": TILES[code][0],
            "row": TILES[code][1],
            "figure": figure,
            "shade": shade(figure, most),
            "query": asked.query(region=code, tile=tile),
            "whole": figure.indicator.form is not Form.COUNT,
        }
        for code, (part, figure) in found.items()
        if code in TILES
    ]


async def _regions(db: AsyncSession, request: web.Request) -> dict[str, str]:
    """The districts the reader can choose from."""
    ground = await find_ground(db, request[ACTOR], Filters())
    offices = [each for each in ground.offices if each.kind is OrganisationKind.PETITION_OFFICE]
    return {office.region_code: office.short_name for office in offices}


async def _unit(db: AsyncSession, asked: Asked) -> Organisation | None:
    """The unit asked for. Raises NotFound."""
    unit = asked.filters.unit_id or asked.filters.office_id
    return await get_organisation(db, unit) if unit else None


def _what(name: str, other: str) -> tuple[str, str]:
    """The rows of a list in the words of its indicator: title, and which part of it."""
    for each in INDICATORS.values():
        if name == each.denominator and (not other or other == each.numerator):
            return each.title, each.below
        if name == each.numerator and not other and each.form is not Form.MEAN:
            return each.title, each.above
    return "", ""


def _rest(asked: Asked) -> dict[str, str]:
    filters = asked.filters
    told = {
        "region": filters.region, "office": filters.office_id, "unit": filters.unit_id,
        "channel": filters.channel or "", "class": filters.class_ or "",
    }  # fmt: skip
    return {name: value for name, value in told.items() if value}
