"""Alarms about recordings: the list, one alarm, and the remark of whoever has looked after it."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Invalid
from cases.fields import clean
from recordings.alarms import (
    ALARM_KIND_NAMES,
    Alarm,
    AlarmKind,
    AlarmState,
    acknowledge_alarm,
    count_alarms,
    get_alarm,
    list_alarms,
    may_acknowledge,
)
from recordings.watch.completeness import last_check
from recordings.watch.patrol import oldest_reading
from web.http.access import client_address
from web.http.forms import Form
from web.http.paging import beside, read_offset
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.signin import see_other
from web.rendering import page
from web.words import finding_words

PAGE_SIZE = 30
# What an alarm is about that belongs to no session.
SESSIONLESS = {AlarmKind.NOT_ARCHIVED: "归档存储", AlarmKind.CHAIN: "录像链", AlarmKind.STAMP: "日根的时间戳"}
OF_OFFICES = (AlarmKind.CHAIN, AlarmKind.STAMP)


async def show_list(request: web.Request) -> web.StreamResponse:
    actor, offset = request[ACTOR], read_offset(request)
    done = request.query.get("state") == AlarmState.ACKNOWLEDGED
    state = AlarmState.ACKNOWLEDGED if done else AlarmState.OPEN
    async with request.app[DATABASE].session() as db:
        found = await list_alarms(db, actor, state, PAGE_SIZE + 1, offset)
        context = {
            "nav": "alarms",
            "state": state,
            "counts": {each: await count_alarms(db, actor, each) for each in AlarmState},
            "rows": [_row(alarm) for alarm in found[:PAGE_SIZE]],
            "beside": beside("/alarms", {"state": state}, offset, PAGE_SIZE, len(found)),
            "check": await last_check(db),
            "oldest": await oldest_reading(db),
        }
    return page(request, "alarms.html", context, title="录像告警")


async def show(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        return await _page(request, db, Form())


async def acknowledge(request: web.Request) -> web.StreamResponse:
    form, alarm_id = Form(await request.post()), request.match_info["alarm_id"]
    async with request.app[DATABASE].session() as db:
        try:
            await acknowledge_alarm(
                db,
                request.app[CLOCK],
                request[ACTOR],
                alarm_id,
                form.typed("remark"),
                client_address(request),
            )
        except Invalid as error:
            form.values["remark"] = clean(form.typed("remark"), lines=True)
            form.fail("remark", error.message)
            return await _page(request, db, form, 422)
    return see_other(f"/alarms/{alarm_id}")


async def _page(request: web.Request, db: AsyncSession, form: Form, status: int = 200) -> web.Response:
    alarm = await get_alarm(db, request[ACTOR], request.match_info["alarm_id"])
    context = {
        "nav": "alarms",
        "alarm": _row(alarm),
        "findings": [finding_words(each, _office(alarm)) for each in alarm.findings],
        "more": alarm.finding_count - len(alarm.findings),
        "remark": alarm.acknowledgement,
        "form": form,
        "may_acknowledge": await may_acknowledge(db, request[ACTOR], alarm),
    }
    title = ALARM_KIND_NAMES[alarm.kind]
    return page(request, "alarm.html", context, title=f"录像告警：{title}", status=status)


def _row(alarm: Alarm) -> dict[str, Any]:
    first = finding_words(alarm.findings[0], _office(alarm)) if alarm.findings else ""
    more = alarm.finding_count - 1
    return {
        "id": alarm.id,
        "at": alarm.at,
        "kind": ALARM_KIND_NAMES[alarm.kind],
        "state": alarm.state,
        "text": first,
        "more": alarm.finding_count if more > 0 else 0,
        "session_id": alarm.session_id,
        "title": alarm.session.title if alarm.session else SESSIONLESS.get(alarm.kind, "没有登记的文件"),
        "held_at": alarm.session.opened_at or alarm.session.starts_at if alarm.session else None,
        "recording_id": alarm.recording_id,
        "place": alarm.place,
        "of_office": alarm.kind in OF_OFFICES,
    }


def _office(alarm: Alarm) -> str:
    """The office that the texts of an alarm begin with."""
    return alarm.place if alarm.kind in OF_OFFICES else ""
