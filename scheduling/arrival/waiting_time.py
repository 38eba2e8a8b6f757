"""How long somebody in the waiting room probably waits: from the office's own finished sessions of that kind.

No promise: a band of minutes, and nothing at all where nothing is known or where a session before this one
takes longer than usual.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scheduling.booking.booking import Booking
from scheduling.booking.slot import Slot
from scheduling.reach import load_session
from scheduling.session import Session, SessionKind, SessionState

_S = SessionState
LEAST_MEASURED = 5  # Fewer finished sessions of a kind say nothing about the next one.
MEASURED_OF_A_KIND = 50
MEASURED_SINCE = timedelta(days=180)
NEWEST = 400
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(minutes=90)
# Opened by mistake and closed again is no session.
A_MISTAKE = timedelta(minutes=2)
# Who has not come so long after the appointment keeps nobody waiting.
STILL_COMING = timedelta(minutes=15)
SAME_DAY = timedelta(hours=12)
# Edges of the bands in minutes; the last band is open.
EDGES = (0, 5, 10, 20, 30, 45, 60, 90, 120)
# A band is kept until the forecast is a minute outside of it, so that the page does not flicker.
SLACK = 1.0

RUNNING = frozenset({_S.LIVE, _S.PAUSED, _S.MINUTES_CONFIRMING, _S.SIGNED})
HERE = frozenset({_S.CHECKED_IN, _S.WAITING, _S.CALLED})
PLANNED = frozenset({_S.SCHEDULED, _S.NOTIFIED})
FINISHED = (_S.CLOSED, _S.ARCHIVED)


@dataclass(frozen=True)
class Band:
    """Minutes from `least` to `most`; `most` is None in the open last band."""

    least: int
    most: int | None


@dataclass(frozen=True)
class Before:
    """A session that comes before; `opened_at` once it went live."""

    kind: SessionKind
    state: SessionState
    starts_at: datetime
    opened_at: datetime | None


@dataclass(frozen=True)
class Forecast:
    """When this session probably begins, and how long one of its kind takes; both None while unknown.

    `late`: a session before this one, or this one, takes longer than usual, so nobody can say.
    """

    begins_at: datetime | None = None
    length: timedelta | None = None
    late: bool = False


async def forecast_session(db: AsyncSession, now: datetime, session_id: str) -> Forecast:
    """What can be said now. Raises NotFound. The caller has asked the policy.

    Before this session come those of the same host and reception room that were planned to end before it.
    """
    session = await load_session(db, session_id)
    measured = await _measure(db, now, session.host_organisation_id)
    return forecast(now, session.kind, session.starts_at, await _before(db, now, session), measured)


def forecast(
    now: datetime, kind: SessionKind, starts_at: datetime, before: Sequence[Before],
    measured: Mapping[SessionKind, timedelta],
) -> Forecast:  # fmt: skip
    """Add up what is before, each as long as usual, none before its appointment."""
    free_at = now
    for one in sorted(before, key=lambda each: (each.opened_at is None, each.starts_at)):
        length = measured.get(one.kind)
        if length is None:
            return Forecast()
        if one.opened_at is not None:
            if now - one.opened_at > length:
                return Forecast(length=measured.get(kind), late=True)
            free_at = max(free_at, one.opened_at + length)
        elif one.state in HERE or one.starts_at + STILL_COMING > now:
            free_at = max(free_at, one.starts_at) + length
    own = measured.get(kind)
    return Forecast(max(free_at, starts_at), own) if own is not None else Forecast()


def typical_lengths(lengths: Sequence[tuple[SessionKind, timedelta]]) -> dict[SessionKind, timedelta]:
    """The median of each kind of which enough is known, newest first given, kept within sane bounds."""
    found: dict[SessionKind, timedelta] = {}
    for kind in SessionKind:
        ours = [each.total_seconds() for of, each in lengths if of is kind and each >= A_MISTAKE]
        if len(ours) >= LEAST_MEASURED:
            usual = timedelta(seconds=median(ours[:MEASURED_OF_A_KIND]))
            found[kind] = min(max(usual, SHORTEST), LONGEST)
    return found


def band_of(wait: timedelta, before: Band | None = None) -> Band:
    """The band of this wait; the one told before as long as it is nearly true."""
    minutes = max(wait.total_seconds() / 60, 0.0)
    if before is not None and before.least - SLACK <= minutes <= (before.most or minutes) + SLACK:
        return before
    for least, most in zip(EDGES, EDGES[1:], strict=False):
        if minutes <= most:
            return Band(least, most)
    return Band(EDGES[-1], None)


async def _measure(db: AsyncSession, now: datetime, host_id: str) -> dict[SessionKind, timedelta]:
    query = select(Session.kind, Session.opened_at, Session.closed_at).where(
        Session.host_organisation_id == host_id,
        Session.state.in_(FINISHED),
        Session.opened_at.is_not(None),
        Session.closed_at > now - MEASURED_SINCE,
    )
    rows = await db.execute(query.order_by(Session.closed_at.desc()).limit(NEWEST))
    return typical_lengths([(kind, closed - opened) for kind, opened, closed in rows if opened and closed])


async def _before(db: AsyncSession, now: datetime, session: Session) -> list[Before]:
    room = await db.scalar(select(Slot.room_id).join(Booking).where(Booking.id == session.booking_id))
    query = select(Session.kind, Session.state, Session.starts_at, Session.opened_at, Slot.room_id)
    query = query.outerjoin(Booking, Booking.id == Session.booking_id).outerjoin(Slot)
    query = query.where(
        Session.host_organisation_id == session.host_organisation_id,
        Session.id != session.id,
        Session.state.in_(sorted(RUNNING | HERE | PLANNED)),
        Session.starts_at > now - SAME_DAY,
        Session.ends_at <= session.starts_at,
    )
    rows = await db.execute(query)
    return [Before(kind, state, at, opened) for kind, state, at, opened, where in rows if where == room]
