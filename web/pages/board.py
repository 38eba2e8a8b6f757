"""Today's board: the day's sessions in four columns."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING
from cases.policy import Action, allowed
from recordings.alarms import count_alarms
from scheduling.booking import BookingState
from scheduling.bookings import list_bookings
from scheduling.sessions import list_sessions
from web.cards import session_cards
from web.keys import ACTOR, CLOCK, DATABASE
from web.rendering import page
from web.words import BOARD_COLUMNS


async def show(request: web.Request) -> web.StreamResponse:
    today = request.app[CLOCK].now().astimezone(BEIJING).date()
    day = _day(request.query.get("day", ""), today)
    async with request.app[DATABASE].session() as db:
        sessions = await list_sessions(db, request[ACTOR], day)
        cards = await session_cards(db, request[ACTOR], sessions)
        requests = await _requests(db, request)
        sees_alarms = allowed(request[ACTOR], Action.SEE_ALARMS)
        alarms = await count_alarms(db, request[ACTOR]) if sees_alarms else 0
    columns = [
        (key, title, [card for card in cards if str(card["state"]) in states])
        for key, title, states in BOARD_COLUMNS
    ]
    placed = {card["id"] for _, _, column in columns for card in column}
    context = {
        "nav": "board",
        "day": datetime.combine(day, time(12), BEIJING),
        "is_today": day == today,
        "previous": day - timedelta(days=1),
        "next": day + timedelta(days=1),
        "columns": columns,
        "requests": requests,
        "alarms": alarms,
        "others": [card for card in cards if card["id"] not in placed],
    }
    return page(request, "board.html", context, title="今日接访")


async def _requests(db: AsyncSession, request: web.Request) -> list[dict[str, Any]]:
    """Bookings from the public page that nobody has confirmed yet, the next ones first."""
    if not allowed(request[ACTOR], Action.BOOK):
        return []
    now = request.app[CLOCK].now()
    found = await list_bookings(db, request[ACTOR], BookingState.REQUESTED)
    return [
        {"petition": b.petition, "slot_id": b.slot_id, "starts_at": b.slot.starts_at}
        for b in found
        if b.slot.starts_at > now
    ][:12]


def _day(typed: str, today: date) -> date:
    try:
        found = date.fromisoformat(typed)
    except ValueError:
        return today
    return found if abs(found - today) < timedelta(days=3650) else today
