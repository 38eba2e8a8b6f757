"""统计分析: figures of a period in parts, the cases behind each, and the big screen."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import CHANNEL_NAMES, CLASS_NAMES
from cases.figures.indicator import INDICATORS
from cases.figures.reading import Portion, Reading, read_figures
from cases.figures.scope import Filters, find_ground
from cases.handling.clocks import today
from cases.organisations import Organisation, OrganisationKind, get_organisation
from cases.policy import Action, allowed
from recordings.recording_figures import count_recordings
from scheduling.afterwards.session_figures import read_receptions
from web.keys import ACTOR, CLOCK, DATABASE, TREND
from web.rendering import page
from web.statistics.asking import SPANS, Asked, read_asked, years
from web.statistics.charts import draw_columns, draw_tiles
from web.statistics.parts import (
    APART,
    DISTRICTS,
    HANDLING,
    OVERVIEW,
    PARTS,
    RECEPTIONS,
    SATISFACTION,
    TOPICS,
    FigurePart,
)
from web.statistics.receptions import RECEPTION_COLUMNS, reception_parts, reception_rows, reception_sentence
from web.statistics.telling import (
    BARE,
    COLUMNS,
    RATINGS,
    breakdown,
    channel_rows,
    class_rows,
    district_sentence,
    headlines,
    indicator_rows,
    period_words,
    rating_sentence,
    summary,
    topic_sentence,
    trend_rows,
    trend_sentence,
)
from web.words import month_label

# What the tiles can carry.
ON_TILES = ("registered", "timely_accept_rate", "on_time_rate", "avg_handle_days", "rated_satisfaction")
SCREEN_SECONDS = 300


async def show(request: web.Request) -> web.StreamResponse:
    """GET {}: `period`, or `year` and `span`, or `first` and `last`; `region`, `channel`, `class`, `unit`."""
    reading, context = await _read(request, OVERVIEW)
    return _page(request, OVERVIEW, context | _trend(reading) | _told(reading))


async def handling(request: web.Request) -> web.StreamResponse:
    """GET {}: every indicator, and `by` what they are told apart."""
    by = request.query.get("by", "")
    by = by if by in APART else "channel"
    heading, portion = APART[by]
    reading, context = await _read(request, replace(HANDLING, portions=(portion,)))
    rows = {
        "channel": lambda: channel_rows(reading),
        "class": lambda: class_rows(reading),
        "office": lambda: breakdown(reading.offices, "office"),
        "unit": lambda: breakdown(reading.units, "unit"),
    }[by]()
    indicators = [row for row in indicator_rows(reading) if not row["figure"].indicator.rating]
    apart = {
        "by": by, "heading": heading, "choices": {code: title for code, (title, _) in APART.items()},
        "rows": rows, "columns": BARE if by in ("channel", "class") else COLUMNS, "indicators": indicators,
    }  # fmt: skip
    return _page(request, HANDLING, context | apart)


async def receptions(request: web.Request) -> web.StreamResponse:
    """GET {}: video receptions in all, by tier and office, and by month."""
    now, actor = today(request.app[CLOCK]), request[ACTOR]
    asked = read_asked(request.query, now)
    async with request.app[DATABASE].session() as db:
        found = await read_receptions(
            db, request.app[CLOCK], actor, asked.period, asked.filters, request.app[TREND]
        )
        sealed = await count_recordings(db, actor, asked.period, asked.filters)
        context = await _form(request, db, asked)
    drawn = [(month_label(code), months) for code, months in found.trend.items()]
    context |= {
        "made": request.app[CLOCK].now(), "rows": reception_rows(found, sealed),
        "columns": RECEPTION_COLUMNS, "apart": reception_parts(found), "months": found.trend,
        "may_list": allowed(actor, Action.SEE_SESSION),
        "sentence": reception_sentence(found), "drawing": draw_columns(drawn),
    }  # fmt: skip
    return _page(request, RECEPTIONS, context)


async def satisfaction(request: web.Request) -> web.StreamResponse:
    """GET {}: what petitioners think of offices and units, in sums alone."""
    reading, context = await _read(request, SATISFACTION)
    indicators = [row for row in indicator_rows(reading) if row["figure"].indicator.rating]
    context |= {
        "indicators": indicators, "columns": RATINGS, "sentence": rating_sentence(reading),
        "districts": breakdown(reading.districts, "region", RATINGS),
        "units": breakdown(reading.units, "unit", RATINGS),
    }  # fmt: skip
    return _page(request, SATISFACTION, context)


async def districts(request: web.Request) -> web.StreamResponse:
    """GET {}: the map of squares with `tile` on it, and the table of districts."""
    tile = request.query.get("tile", "")
    tile = tile if tile in ON_TILES else "registered"
    reading, context = await _read(request, DISTRICTS)
    context |= {
        "columns": COLUMNS, "tile": tile,
        "tile_choices": {code: INDICATORS[code].title for code in ON_TILES},
        "tiles": draw_tiles(reading, context["asked"], tile),
        "sentence": district_sentence(reading.districts, tile),
        "districts": breakdown(reading.districts, "region"),
    }  # fmt: skip
    return _page(request, DISTRICTS, context)


async def topics(request: web.Request) -> web.StreamResponse:
    """GET {}: which words of the list stand in the subjects."""
    reading, context = await _read(request, TOPICS)
    return _page(request, TOPICS, context | _topics(reading))


async def screen(request: web.Request) -> web.StreamResponse:
    """GET {}: the big screen for a wall: no person, no case, nothing to press."""
    now, actor = today(request.app[CLOCK]), request[ACTOR]
    asked = read_asked(request.query, now)
    portions = Portion.OFFICES, Portion.TREND, Portion.TOPICS
    async with request.app[DATABASE].session() as db:
        reading = await read_figures(db, request.app[CLOCK], actor, asked.period, asked.filters, portions)
        found = await read_receptions(
            db, request.app[CLOCK], actor, asked.period, asked.filters, request.app[TREND]
        )
        sealed = await count_recordings(db, actor, asked.period, asked.filters)
    context = _told(reading) | _trend(reading) | _topics(reading)
    context |= {
        "period": period_words(asked.period),
        "tiles": draw_tiles(reading, asked, "registered"),
        "receptions": reception_rows(found, sealed),
        "at": reading.counted_at,
        "minutes": SCREEN_SECONDS // 60,
    }
    response = page(request, "figures_screen.html", context, title="信访形势")
    response.headers["Refresh"] = f"{SCREEN_SECONDS}"
    return response


async def _read(request: web.Request, part: FigurePart) -> tuple[Reading, dict[str, Any]]:
    asked, clock = read_asked(request.query, today(request.app[CLOCK])), request.app[CLOCK]
    async with request.app[DATABASE].session() as db:
        reading = await read_figures(
            db, clock, request[ACTOR], asked.period, asked.filters, part.portions
        )
        context = await _form(request, db, asked)
    return reading, context | {"made": reading.counted_at}


async def _form(request: web.Request, db: AsyncSession, asked: Asked) -> dict[str, Any]:
    """What every part shows above its own."""
    return {
        "nav": "figures",
        "parts": PARTS,
        "asked": asked,
        "period": period_words(asked.period),
        "years": years(today(request.app[CLOCK]), asked),
        "spans": SPANS,
        "regions": await _regions(db, request),
        "channels": CHANNEL_NAMES,
        "classes": CLASS_NAMES,
        "unit": await _unit(db, asked),
        "may_list": allowed(request[ACTOR], Action.SEE_PETITION),
    }


def _page(request: web.Request, part: FigurePart, context: dict[str, Any]) -> web.StreamResponse:
    status = 422 if context["asked"].trouble else 200
    title = f"{part.title} · 统计分析" if part is not OVERVIEW else "统计分析"
    told = context | {"part": part}
    return page(request, f"figures_{part.code}.html", told, title=title, status=status)


def _told(reading: Reading) -> dict[str, Any]:
    rows = indicator_rows(reading)
    return {
        "summary": summary(reading),
        "headlines": headlines(reading),
        "rated": next(row for row in rows if row["code"] == "rating_rate"),
        "others": [row for row in rows if row["code"] in OTHERS],
    }


# Beside the four that stand first.
OTHERS: Collection[str] = ("registered", "concluded", "repeat_share", "overdue_now")


def _trend(reading: Reading) -> dict[str, Any]:
    months = trend_rows(reading)
    drawn = [(month_label(code), (sums["registered"], sums["concluded"])) for code, sums in months]
    return {
        "trend": months,
        "trend_drawing": draw_columns(drawn),
        "trend_sentence": trend_sentence(reading),
    }


def _topics(reading: Reading) -> dict[str, Any]:
    return {
        "topics": reading.topics,
        "topics_most": max((topic.cases for topic in reading.topics), default=0),
        "sentence": topic_sentence(reading),
    }


async def _regions(db: AsyncSession, request: web.Request) -> dict[str, str]:
    """The districts the reader can choose from."""
    ground = await find_ground(db, request[ACTOR], Filters())
    offices = [each for each in ground.offices if each.kind is OrganisationKind.PETITION_OFFICE]
    return {office.region_code: office.short_name for office in offices}


async def _unit(db: AsyncSession, asked: Asked) -> Organisation | None:
    """The unit asked for. Raises NotFound."""
    unit = asked.filters.unit_id or asked.filters.office_id
    return await get_organisation(db, unit) if unit else None
