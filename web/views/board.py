"""Today's board: sessions in columns, what their rooms say just now, and what a human must look after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING
from cases.handling.clocks import today
from cases.organisations import Organisation
from cases.policy import Action, allowed
from cases.register.reviews import list_reviews_due
from scheduling.booking.booking import BookingState
from scheduling.booking.bookings import list_bookings
from scheduling.incidents.incident import CAUSE_NAMES, IncidentState, TrackedIncident
from scheduling.incidents.incidents import list_open_incidents
from scheduling.session import Session
from scheduling.sessions.sessions import list_sessions
from signaling.overview import Inside, Overview, overview_of
from web.keys import ACTOR, CLOCK, REGISTRY
from web.views.calling_order import lines_of
from web.views.cards import offices_in, session_cards
from web.views.supervision import due_words
from web.words import BOARD_COLUMNS, LINE_TONES, QUALITY_LEVELS, ROLES, TIERS, clock_time, masked_name, waited

FURTHEST = timedelta(days=3650)
A_MINUTE = timedelta(minutes=1)
MOST_REQUESTS = 12  # Bookings that wait for an answer; all of them are on their own page.


@dataclass(frozen=True)
class Wanted:
    """What of the board is shown; it stands in the address. Empty texts: everything."""

    day: date
    today: date
    tier: str
    office: str

    @property
    def query(self) -> str:
        """The address's part after `?`, empty for today and everything."""
        parts = {"day": self.day.isoformat() if self.day != self.today else ""}
        parts |= {"tier": self.tier, "office": self.office}
        return urlencode({key: value for key, value in parts.items() if value})

    def on(self, day: date) -> str:
        """The same board of another day."""
        return f"/board?{Wanted(day, self.today, self.tier, self.office).query}".rstrip("?")

    def shows(self, offices: Iterable[Organisation]) -> bool:
        """Does one of these take part that was asked for?"""
        found = list(offices)
        tier = not self.tier or any(str(office.tier) == self.tier for office in found)
        return tier and (not self.office or any(office.id == self.office for office in found))


def read_wanted(request: web.Request) -> Wanted:
    """From the address; what makes no sense there is left out."""
    today = request.app[CLOCK].now().astimezone(BEIJING).date()
    tier, office = request.query.get("tier", ""), request.query.get("office", "")
    return Wanted(
        day=_day(request.query.get("day", ""), today),
        today=today,
        tier=tier if tier in TIERS else "",
        office=office if len(office) == 32 and office.isalnum() and office.isascii() else "",
    )


async def build_board(request: web.Request, db: AsyncSession, wanted: Wanted) -> dict[str, Any]:
    """Values of board_live.html and of the filter: what the reader may see, and of that what is wanted."""
    actor, now = request[ACTOR], request.app[CLOCK].now()
    everything = await list_sessions(db, actor, wanted.day)
    tasks = await list_open_incidents(db, request.app[CLOCK], actor)
    offices = {session.id: offices_in(session) for session in (*everything, *(of for _, of in tasks))}
    sessions = [session for session in everything if wanted.shows(offices.get(session.id, ()))]
    cards = await session_cards(db, actor, sessions)
    for card in cards:
        card |= _now(request, card, now)
    columns = [
        (key, title, [card for card in cards if str(card["state"]) in states])
        for key, title, states in BOARD_COLUMNS
    ]
    placed = {card["id"] for _, _, column in columns for card in column}
    rooms = [
        (of, card["named"], request.app[REGISTRY].rooms.get(of.id))
        for of, card in zip(sessions, cards, strict=True)
    ]
    here = [(of, overview_of(live.room, now), named) for of, named, live in rooms if live is not None]
    shown = [(task, of) for task, of in tasks if wanted.shows(offices.get(of.id, ()))]
    return {
        "wanted": wanted,
        "columns": columns,
        "lines": lines_of(here, now),
        "others": [card for card in cards if card["id"] not in placed],
        "requests": await _requests(db, request),
        "reviews": await _reviews(db, request),
        "tasks": await _tasks(request, db, shown, now),
        "offices": _choices(offices, {session.id for session in everything}),
    }


async def _requests(db: AsyncSession, request: web.Request) -> list[dict[str, Any]]:
    """Bookings from the public page that nobody has confirmed yet, the next ones first."""
    if not allowed(request[ACTOR], Action.BOOK):
        return []
    now = request.app[CLOCK].now()
    found = await list_bookings(db, request[ACTOR], BookingState.SUBMITTED, after=now, limit=MOST_REQUESTS)
    return [{"petition": b.petition, "id": b.id, "starts_at": b.slot.starts_at} for b in found]


async def _reviews(db: AsyncSession, request: web.Request) -> list[dict[str, Any]]:
    """Requests for a review or a recheck that the reader's own office has to decide, the next ones first."""
    if not allowed(request[ACTOR], Action.REVIEW_PETITION):
        return []
    now = today(request.app[CLOCK])
    return [
        {
            "petition_id": each.petition_id,
            "number": each.number,
            "subject": each.subject,
            "what": "复核" if each.duty == "recheck_decide" else "复查",
            "asked_on": each.asked_on,
            "due": due_words(each.due_on, now),
            "new": each.new,
        }
        for each in await list_reviews_due(db, request[ACTOR])
    ]


async def _tasks(
    request: web.Request, db: AsyncSession, shown: Sequence[tuple[TrackedIncident, Session]], now: datetime
) -> list[dict[str, Any]]:
    cards = await session_cards(db, request[ACTOR], list({of.id: of for _, of in shown}.values()))
    by_session = {card["id"]: card for card in cards}
    return [task_view(request, task, by_session[of.id], now) for task, of in shown]


def task_view(
    request: web.Request, task: TrackedIncident, card: dict[str, Any], now: datetime
) -> dict[str, Any]:
    """A task as the board and the session's page show it; `card` of its session says what the reader may."""
    own = task.last.by_id is not None and task.last.by_id == request[ACTOR].official_id
    name = task.incident.name
    return {
        "id": task.incident.id,
        "cause": CAUSE_NAMES[task.incident.cause],
        "name": name if card["named"] else masked_name(name),
        "words": task.words if card["named"] else "",
        "state": str(task.state),
        "by": task.last.by if task.state is IncidentState.TAKEN else "",
        "own": own and task.state is IncidentState.TAKEN,
        "since": task.since,
        "waited": waited(task.since, now),
        "times": task.times,
        "session_id": card["id"],
        "title": card["title"],
        "may_take": card["tends"] and task.state is IncidentState.RAISED,
        "joins": card["act"] is not None and card["act"][1].endswith("/room"),
    }


def _now(request: web.Request, card: dict[str, Any], now: datetime) -> dict[str, Any]:
    """What the session's room says just now; without a room nobody is there."""
    live = request.app[REGISTRY].rooms.get(card["id"])
    if live is None:
        return {"room": None}
    room, named = overview_of(live.room, now), card["named"]
    return {
        "room": {
            "waiting": [
                {
                    "number": each.number,
                    "name": each.name if named else masked_name(each.name),
                    "since": each.since,
                    "waited": waited(each.since, now) if now - each.since >= A_MINUTE else "",
                    "gone": each.presence != "connected",
                }
                for each in room.waiting
            ],
            "phase": _phase(room),
            "recording": room.recording,
            "elapsed": waited(card["opened_at"], now) if card["opened_at"] else "",
            "inside": [_line(each, named) for each in room.inside],
        }
    }


def _phase(room: Overview) -> str:
    return "内部合议" if room.deliberating else room.phase


def _line(each: Inside, named: bool) -> dict[str, Any]:
    """Who it is, and in words how well they hear and are heard."""
    name = each.name if each.official or named else masked_name(each.name)
    if each.presence == "connected":
        words, tone = f"网络{QUALITY_LEVELS[each.line]}", LINE_TONES[each.line]
    else:
        words = f"掉线，{clock_time(each.gone_since)} 起" if each.gone_since else "掉线"
        tone = "bad"
    return {"name": name, "of": each.organisation or ROLES.get(each.role, ""), "words": words, "tone": tone}


def _choices(offices: dict[str, list[Organisation]], of_the_day: set[str]) -> dict[str, str]:
    """Id and short name of every organisation that sits in a session of the day, from the top down."""
    found = {office.id: office for id_ in of_the_day for office in offices.get(id_, ())}
    ordered = sorted(
        found.values(), key=lambda office: (len(office.region_code), office.region_code, office.id)
    )
    return {office.id: office.short_name for office in ordered}


def _day(typed: str, today: date) -> date:
    try:
        found = date.fromisoformat(typed)
    except ValueError:
        return today
    return found if abs(found - today) < FURTHEST else today
