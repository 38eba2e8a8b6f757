"""Importing a spreadsheet: hand it in, read what would become of each row, start, and see what became."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from cases.errors import Conflict, Invalid
from cases.fields import mark_id_number
from cases.intake.import_job import Fate, ImportRow, ImportState
from cases.intake.imports import (
    COLUMNS,
    NEEDED,
    check_import,
    count_fates,
    get_import,
    list_imports,
    list_rows,
    start_import,
)
from cases.intake.spreadsheet import LARGEST, MOST_ROWS, read_sheet
from web.http.access import form_token
from web.http.forms import Form
from web.http.paging import beside, read_offset
from web.identity_marks import identity_key
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say
from web.pages.register import custodians
from web.pages.signin import see_other
from web.rendering import page
from web.words import FATES

PAGE_SIZE = 100
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
        "boot": {"csrf_token": form_token(request), "largest": LARGEST},
    }
    return page(request, "imports.html", context, title="从表格导入")


async def hand_in(request: web.Request) -> web.StreamResponse:
    """The file as the body; its name and the office in headers. Answers {address} of the import's page."""
    content = await _body(request)
    sheet = await asyncio.to_thread(read_sheet, content)
    key = identity_key(request.app)
    name = unquote(request.headers.get("X-File-Name", "")[:600])
    office = request.headers.get("X-Office", "")[:64]
    async with request.app[DATABASE].session() as db:
        import_id = await check_import(
            db, request.app[CLOCK], request[ACTOR], office, name, content, sheet,
            lambda number: mark_id_number(key, number),
        )  # fmt: skip
    return web.json_response({"address": f"/imports/{import_id}"})


async def show(request: web.Request) -> web.StreamResponse:
    """The report; `?fate=refused` shows these rows alone."""
    offset, asked = read_offset(request), request.query.get("fate", "")
    fate = Fate(asked) if asked in set(Fate) else None
    import_id = request.match_info["import_id"]
    async with request.app[DATABASE].session() as db:
        job = await get_import(db, request[ACTOR], import_id)
        counts = await count_fates(db, job.id)
        rows = await list_rows(db, job.id, fate, PAGE_SIZE + 1, offset)
    context = {
        "nav": "cases",
        "job": job,
        "counts": {str(each): number for each, number in counts.items()},
        "total": sum(counts.values()),
        "rows": [_told(row) for row in rows[:PAGE_SIZE]],
        "fate": asked if fate else "",
        "may_start": job.state is ImportState.CHECKED and counts[Fate.READY] > 0,
        "beside": beside(f"/imports/{job.id}", {"fate": asked}, offset, PAGE_SIZE, len(rows)),
    }
    return page(request, "import.html", context, title="导入报告")


async def start(request: web.Request) -> web.StreamResponse:
    await request.post()
    import_id = request.match_info["import_id"]
    async with request.app[DATABASE].session() as db:
        try:
            await start_import(db, request.app[CLOCK], request[ACTOR], import_id)
        except Conflict as error:
            if error.code != "import_started":
                raise
    return see_other(f"/imports/{import_id}")


async def report(request: web.Request) -> web.StreamResponse:
    """Every row's fate as CSV, for whoever corrects the sheet."""
    async with request.app[DATABASE].session() as db:
        job = await get_import(db, request[ACTOR], request.match_info["import_id"])
        rows = await list_rows(db, job.id, None, MOST_ROWS)
        text = _as_csv(rows)
    headers = {"Content-Disposition": 'attachment; filename="import-report.csv"'}
    return web.Response(body=b"\xef\xbb\xbf" + text.encode(), content_type="text/csv", headers=headers)


def _as_csv(rows: Any) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([say(each) for each in ("行", "结果", "列", "原因")])
    for row in rows:
        told = _told(row)
        writer.writerow(
            [row.number, *(_harmless(say(told[key])) for key in ("fate_words", "field", "reason"))]
        )
    return out.getvalue()


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
            raise Invalid("file_too_large", "这个文件超过 10 MB，请分成几个文件。", "file")
    return bytes(content)
