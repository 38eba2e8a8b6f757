"""接访排期: the week of an official and of the offices, the feed for calendar programs, single entries."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING
from cases.deadlines.in_force import calendar_of
from cases.handling.clocks import today
from cases.policy import Action, allowed
from scheduling.calendars.entries import calendar_of as entries_of
from scheduling.calendars.entries import entry_of
from scheduling.calendars.feed import issue_feed, live_feed, official_of_feed, revoke_feed
from scheduling.calendars.icalendar import write_calendar
from scheduling.rota.planning import list_days
from scheduling.rota.reception_day import MODE_NAMES, DayState, ReceptionDay
from scheduling.session import Session
from scheduling.sessions.sessions import get_session, list_sessions
from web.http.access import client_address, own_origin
from web.http.errors import trouble
from web.http.flash import keep_once, take_once
from web.keys import ACTOR, CLOCK, DATABASE, LIMITS
from web.pages.signin import see_other
from web.rendering import page
from web.words import SESSION_STATES, short_date

TYPE = "text/calendar"
WEEK = timedelta(days=7)
FIRST_YEAR, LAST_YEAR = 2000, 2199


async def show(request: web.Request) -> web.StreamResponse:
    """GET {} `week`: any day of it. Sessions the official sees and every reception day of the own offices,
    and those that these must attend."""
    actor, now = request[ACTOR], today(request.app[CLOCK])
    monday = _monday(request.query.get("week", ""), now)
    async with request.app[DATABASE].session() as db:
        columns = await _columns(db, request, monday, now)
        feed = await live_feed(db, actor)
    context = {
        "nav": "calendar", "columns": columns, "monday": monday, "now": now,
        "sunday": monday + WEEK - timedelta(days=1),
        "previous": f"/calendar?week={monday - WEEK}", "next": f"/calendar?week={monday + WEEK}",
        "here": monday <= now < monday + WEEK, "feed": feed, "issued": take_once(request, "feed"),
        "may_manage": allowed(actor, Action.MANAGE_SLOTS),
        "missing_year": monday.year if monday.year > calendar_of().newest_year else 0,
    }  # fmt: skip
    return page(request, "calendar.html", context, title="接访排期")


async def issue(request: web.Request) -> web.StreamResponse:
    """POST {}: a new secret address; the one before stops working."""
    async with request.app[DATABASE].session() as db:
        secret = await issue_feed(db, request.app[CLOCK], request[ACTOR])
    keep_once(request, "feed", {"url": f"{own_origin(request)}/calendars/{secret}.ics"})
    return see_other("/calendar#feed")


async def revoke(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        await revoke_feed(db, request.app[CLOCK], request[ACTOR])
    return see_other("/calendar#feed")


async def feed(request: web.Request) -> web.StreamResponse:
    """GET {secret}: the official's calendar for a calendar program, without a cookie."""
    if not request.app[LIMITS].allow("feed", client_address(request)):
        return trouble(request, 429)
    async with request.app[DATABASE].session() as db:
        actor = await official_of_feed(db, request.match_info["secret"])
        events = await entries_of(db, request.app[CLOCK], actor, own_origin(request))
    return _calendar(write_calendar(events, name=f"连心桥 {actor.name}"), "lianxin.ics")


async def entry(request: web.Request) -> web.StreamResponse:
    """GET {session_id}: one session as an invitation, or its cancellation."""
    async with request.app[DATABASE].session() as db:
        session = await get_session(db, request[ACTOR], request.match_info["session_id"])
        event = await entry_of(db, session, own_origin(request))
    method = "CANCEL" if event.cancelled else "PUBLISH"
    return _calendar(write_calendar([event], method), "reception.ics")


def _calendar(body: bytes, name: str) -> web.Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return web.Response(body=body, content_type=TYPE, charset="utf-8", headers=headers)


def _monday(asked: str, now: date) -> date:
    try:
        day = date.fromisoformat(asked[:10])
    except ValueError:
        day = now
    day = day if FIRST_YEAR <= day.year <= LAST_YEAR else now
    return day - timedelta(days=day.weekday())


async def _columns(
    db: AsyncSession, request: web.Request, monday: date, now: date
) -> list[dict[str, Any]]:
    """The seven days of a week, asked for at once."""
    actor, begin = request[ACTOR], datetime.combine(monday, time.min, BEIJING)
    sessions: defaultdict[date, list[dict[str, Any]]] = defaultdict(list)
    for session in await list_sessions(db, actor, monday, WEEK.days):
        sessions[session.starts_at.astimezone(BEIJING).date()].append(_session(session))
    days: defaultdict[date, list[dict[str, Any]]] = defaultdict(list)
    own = tuple(actor.organisation_ids)
    for each in await list_days(db, actor, begin, begin + WEEK, own) if own else ():
        if each.state is not DayState.CANCELLED:
            days[each.starts_at.astimezone(BEIJING).date()].append(_day(each, own))
    return [
        {
            "title": short_date(datetime.combine(day, time.min, BEIJING)), "is_today": day == now,
            "rest": calendar_of().rest_name(day), "days": days[day], "sessions": sessions[day],
        }
        for day in (monday + timedelta(days=number) for number in range(WEEK.days))
    ]  # fmt: skip


def _day(day: ReceptionDay, own: tuple[str, ...]) -> dict[str, Any]:
    return {"day": day, "mode": MODE_NAMES[day.rule.mode], "asked": day.organisation_id not in own}


def _session(session: Session) -> dict[str, Any]:
    return {"session": session, "state": SESSION_STATES[session.state]}
