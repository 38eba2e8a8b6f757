"""The reports of the figures as files: PDF and workbook of a period."""

from __future__ import annotations

import asyncio

from aiohttp import web

from cases.figures.reading import read_figures
from cases.handling.clocks import today
from cases.organisations import get_organisation
from cases.policy import Action, allowed
from cases.supervision.report import supervision_figures
from recordings.recording_figures import count_recordings
from scheduling.afterwards.session_figures import read_receptions
from web.http.errors import trouble
from web.keys import ACTOR, CLOCK, DATABASE
from web.minutes.pdf import PrintError
from web.statistics.asking import read_asked
from web.statistics.report import Report, report_pdf, report_workbook

YEARLY = len("2026")  # A yearly report tells of supervision, too (Art. 41).
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def as_pdf(request: web.Request) -> web.StreamResponse:
    """GET {}: the report of the period as PDF."""
    report = await _report(request)
    try:
        body = await asyncio.to_thread(report_pdf, report)
    except PrintError as error:
        return trouble(request, 503, message=str(error))
    return _file(body, "application/pdf", report, "pdf")


async def as_workbook(request: web.Request) -> web.StreamResponse:
    """GET {}: the same as a workbook."""
    report = await _report(request)
    return _file(await asyncio.to_thread(report_workbook, report), WORKBOOK, report, "xlsx")


async def _report(request: web.Request) -> Report:
    now, actor, clock = today(request.app[CLOCK]), request[ACTOR], request.app[CLOCK]
    asked = read_asked(request.query, now)
    async with request.app[DATABASE].session() as db:
        reading = await read_figures(db, clock, actor, asked.period, asked.filters)
        receptions = await read_receptions(db, clock, actor, asked.period, asked.filters)
        sealed = await count_recordings(db, actor, asked.period, asked.filters)
        office = await get_organisation(db, actor.posts[0].organisation_id)
        supervision = None
        if len(asked.period.code) == YEARLY and allowed(actor, Action.SEE_PETITION):
            supervision = await supervision_figures(db, clock, actor, asked.period.code)
    return Report(reading, receptions, sealed, office.name, clock.now(), supervision)


def _file(body: bytes, kind: str, report: Report, ending: str) -> web.Response:
    response = web.Response(body=body, content_type=kind)
    name = f"lianxin-figures-{report.reading.period.code.replace('..', '-')}.{ending}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
