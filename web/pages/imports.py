"""Importing a spreadsheet: hand it in, read what would become of each row, start, and see what became."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from cases.errors import Conflict, Invalid
from cases.intake.import_check import COLUMNS, NEEDED, hand_in_import
from cases.intake.import_job import UNDER_WAY, Fate, Import, ImportRow, ImportState
from cases.intake.imports import (
    count_fates,
    get_import,
    list_imports,
    list_rows,
    numbers_of,
    start_import,
)
from cases.intake.spreadsheet import LARGEST, LARGEST_MB, MOST_ROWS, open_sheet, refuse_long_sheet
from scheduling.intake.query_codes import preview_telling, start_telling
from web.http.access import form_token
from web.http.errors import wants_json
from web.http.forms import Form
from web.http.paging import beside, read_offset
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say
from web.pages.register import custodians
from web.pages.signin import see_other
from web.rendering import page
from web.tending.importing import BELL, FOLDER, SHEET, sheets_of
from web.tending.messages import MESSENGER
from web.words import FATES

PAGE_SIZE = 100
REPORTED_AT_ONCE = 1000
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


async def show_list(request: web.Request) -> web.StreamResponse:
    actor, form = request[ACTOR], Form()
    async with request.app[DATABASE].session() as db:
        offices = await custodians(db, actor)
        jobs = await list_imports(db, actor)
    own = {post.organisation_id for post in actor.posts} & set(offices)
    form.values["custodian"] = next(iter(sorted(own)), "")
    context = {
        "nav": "cases",
        "form": form,
        "organisations": offices,
        "jobs": jobs,
        "needed": NEEDED,
        "columns": COLUMNS,
        "most": MOST_ROWS,
        "megabytes": LARGEST_MB,
        "boot": {"csrf_token": form_token(request), "largest": LARGEST},
    }
    return page(request, "imports.html", context, title="从表格导入")


async def hand_in(request: web.Request) -> web.StreamResponse:
    """The file as the body; its name and the office in headers. Answers {address} of the import's page."""
    content = await _body(request)
    sheet = await asyncio.to_thread(open_sheet, content)
    await asyncio.to_thread(refuse_long_sheet, content)
    name = unquote(request.headers.get("X-File-Name", "")[:600])
    office = request.headers.get("X-Office", "")[:64]

    async def keep(import_id: str, content: bytes) -> None:
        await asyncio.to_thread(sheets_of(request.app).write, FOLDER, import_id, {SHEET: content})

    async with request.app[DATABASE].session() as db:
        import_id = await hand_in_import(
            db, request.app[CLOCK], request[ACTOR], office, name, content, sheet.titles, keep
        )
    request.app[BELL].set()
    return web.json_response({"address": f"/imports/{import_id}"})


async def show(request: web.Request) -> web.StreamResponse:
    """The report; `?fate=refused` shows these rows alone. As JSON how far it is (js/intake/progress.js)."""
    offset, asked = read_offset(request), request.query.get("fate", "")
    fate = Fate(asked) if asked in set(Fate) else None
    import_id = request.match_info["import_id"]
    async with request.app[DATABASE].session() as db:
        job = await get_import(db, request[ACTOR], import_id)
        counts = await count_fates(db, job.id)
        progress = _progress(job, counts)
        if wants_json(request):
            return web.json_response(progress)
        rows = await list_rows(db, job.id, fate, PAGE_SIZE + 1, offset)
        numbers = await numbers_of(db, rows)
        done = job.state is ImportState.DONE and job.told_at is None
        audience = await preview_telling(db, request[ACTOR], job.id) if done else None
    context = {
        "nav": "cases",
        "job": job,
        "counts": {str(each): number for each, number in counts.items()},
        "total": sum(counts.values()),
        "rows": [_told(row) for row in rows[:PAGE_SIZE]],
        "numbers": numbers,
        "fate": asked if fate else "",
        "progress": progress,
        "audience": audience,
        "works": request.app[MESSENGER].works,
        "may_start": job.state is ImportState.CHECKED and counts[Fate.READY] > 0,
        "beside": beside(f"/imports/{job.id}", {"fate": asked}, offset, PAGE_SIZE, len(rows)),
        "boot": {"address": f"/imports/{job.id}", "state": str(job.state)},
    }
    return page(request, "import.html", context, title="导入报告")


def _progress(job: Import, counts: dict[Fate, int]) -> dict[str, Any]:
    """`done` of `whole` rows or messages; `whole` is 0 where nobody knows it yet."""
    seen = sum(counts.values())
    done, whole = seen, 0
    if job.state is ImportState.RUNNING:
        done, whole = seen - counts[Fate.READY], seen
    if job.state is ImportState.TELLING:
        done = job.told
    return {"state": str(job.state), "under_way": job.state in UNDER_WAY, "done": done, "whole": whole}


async def tell(request: web.Request) -> web.StreamResponse:
    """POST {agreed: yes}: write number and query code to whoever can be told by message."""
    form = Form(await request.post())
    import_id = request.match_info["import_id"]
    async with request.app[DATABASE].session() as db:
        await get_import(db, request[ACTOR], import_id)
        if not request.app[MESSENGER].works:
            raise Conflict("no_gateway", "没有接通短信网关，发不了短信。请在信访件里打印查询码。")
        if form.typed("agreed") != "yes":
            raise Invalid("required", "请先确认要发短信。", "agreed")
        await start_telling(db, request.app[CLOCK], request[ACTOR], import_id)
    request.app[BELL].set()
    return see_other(f"/imports/{import_id}")


async def start(request: web.Request) -> web.StreamResponse:
    await request.post()
    import_id = request.match_info["import_id"]
    async with request.app[DATABASE].session() as db:
        try:
            await start_import(db, request.app[CLOCK], request[ACTOR], import_id)
        except Conflict as error:
            if error.code != "import_started":
                raise
    request.app[BELL].set()
    return see_other(f"/imports/{import_id}")


async def report(request: web.Request) -> web.StreamResponse:
    """Every row's fate as CSV, for whoever corrects the sheet."""
    async with request.app[DATABASE].session() as db:
        job = await get_import(db, request[ACTOR], request.match_info["import_id"])
        answer = web.StreamResponse()
        answer.content_type = "text/csv"
        answer.headers["Content-Disposition"] = 'attachment; filename="import-report.csv"'
        await answer.prepare(request)
        await answer.write(b"\xef\xbb\xbf" + _as_csv([[say(each) for each in ("行", "结果", "列", "原因")]]))
        after = 0
        while rows := await list_rows(db, job.id, None, REPORTED_AT_ONCE, after=after):
            after = rows[-1].number
            await answer.write(_as_csv([_reported(row) for row in rows]))
            db.expunge_all()
        await answer.write_eof()
    return answer


def _reported(row: ImportRow) -> list[Any]:
    told = _told(row)
    return [row.number, *(_harmless(say(told[key])) for key in ("fate_words", "field", "reason"))]


def _as_csv(lines: list[list[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(lines)
    return out.getvalue().encode()


def _harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(DANGEROUS) else text


def _told(row: ImportRow) -> dict[str, Any]:
    return {
        "number": row.number,
        "fate": row.fate,
        "fate_words": FATES[row.fate][0],
        "field": row.field or "",
        "reason": row.reason or "",
        "petition_id": row.petition_id,
        "name": row.data.get("name", ""),
        "subject": row.data.get("subject", ""),
    }


async def _body(request: web.Request) -> bytes:
    """At most LARGEST bytes; more is refused before it is read whole."""
    content = bytearray()
    async for chunk in request.content.iter_chunked(64 * 1024):
        content += chunk
        if len(content) > LARGEST:
            raise Invalid("file_too_large", f"这个文件超过 {LARGEST_MB} MB，请分成几个文件。", "file")
    return bytes(content)
