"""Archive: what is copied where, what does not work, holds, proposals to delete, and the register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from recordings.archive.alarm import CAUSES
from recordings.archive.class_change import classes_in_force
from recordings.archive.copies import Archive
from recordings.archive.destruction import decide_destruction, propose_destruction
from recordings.archive.legal_hold import lift_hold, place_hold
from recordings.archive.listing import ArchiveLine, list_archives, list_destructions, read_place
from recordings.archive.retention import RetentionClass, read_classes
from web.http.access import client_address
from web.http.forms import Form
from web.http.paging import onward
from web.keys import ACTOR, CLOCK, DATABASE, SETTINGS
from web.pages.signin import see_other
from web.rendering import page
from web.words import date_time


async def show(request: web.Request) -> web.StreamResponse:
    """GET {}: `after` a place of the list."""
    after = read_place(request.query.get("after", ""))
    settings = request.app[SETTINGS].archive
    async with request.app[DATABASE].session() as db:
        classes = await classes_in_force(db, read_classes(settings.classes))
        lines, more = await list_archives(db, request.app[CLOCK], request[ACTOR], after)
        register = await list_destructions(db, request[ACTOR])
    context = {
        "nav": "archive",
        "lines": [_line(line, classes) for line in lines],
        "alarms": [_alarm(line.archive, line.session.title) for line in lines if line.archive.cause],
        "register": register,
        "class_names": {code: each.name for code, each in classes.items()},
        "causes": CAUSES,
        "locking": settings.lock,
        "place": settings.store.partition("?")[0],
        "beside": onward("/archive", {}, after is not None, "after", more.spelled() if more else None),
    }
    return page(request, "archive.html", context, title="录像归档")


async def hold(request: web.Request) -> web.StreamResponse:
    form, recording_id = Form(await request.post()), request.match_info["recording_id"]
    async with request.app[DATABASE].session() as db:
        await place_hold(
            db, request.app[CLOCK], request[ACTOR], recording_id, form.typed("reason"),
            client_address(request),
        )  # fmt: skip
    return see_other("/archive")


async def lift(request: web.Request) -> web.StreamResponse:
    form, hold_id = Form(await request.post()), request.match_info["hold_id"]
    async with request.app[DATABASE].session() as db:
        await lift_hold(
            db, request.app[CLOCK], request[ACTOR], hold_id, form.typed("reason"), client_address(request)
        )
    return see_other("/archive")


async def propose(request: web.Request) -> web.StreamResponse:
    form, recording_id = Form(await request.post()), request.match_info["recording_id"]
    async with request.app[DATABASE].session() as db:
        await propose_destruction(
            db, request.app[CLOCK], request[ACTOR], recording_id, form.typed("reason"),
            client_address(request),
        )  # fmt: skip
    return see_other("/archive")


async def decide(request: web.Request) -> web.StreamResponse:
    form, proposal_id = Form(await request.post()), request.match_info["proposal_id"]
    approve = form.typed("decision") == "approve"
    async with request.app[DATABASE].session() as db:
        await decide_destruction(
            db, request.app[CLOCK], request[ACTOR], proposal_id, approve, form.typed("reason"),
            client_address(request),
        )  # fmt: skip
    return see_other("/archive")


def _line(line: ArchiveLine, classes: Mapping[str, RetentionClass]) -> dict[str, Any]:
    archive = line.archive
    known = classes.get(archive.retention)
    return {
        "line": line,
        "id": line.recording.id,
        "title": line.session.title,
        "retention": known.name if known else archive.retention,
        "lock_cause": CAUSES.get((line.store_lock.cause if line.store_lock else None) or "", ""),
        "until": date_time(archive.keep_until) if archive.keep_until else "",
    }


def _alarm(archive: Archive, title: str) -> str:
    """`城关区供暖：归档存储连不上。已试 3 次，…`."""
    cause = CAUSES.get(archive.cause or "", "归档没有成功")
    text = f"{title}：{cause}。{date_time(archive.failing_since)} 起已试 {archive.attempts} 次"
    if archive.next_try_at:
        text += f"，{date_time(archive.next_try_at)} 再试"
    return f"{text}。本机原件已保留。"
