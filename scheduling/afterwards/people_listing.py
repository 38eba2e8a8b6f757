"""The persons received and the waits behind a figure of receptions: exactly those that were counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.figures.period import Period
from cases.figures.scope import Filters, find_ground
from cases.policy import Action, Actor, allowed, require
from cases.roles import InvitationRole
from scheduling.afterwards.session_figures import RECEIVED, let_in, waits_of
from scheduling.afterwards.session_listing import MOST_ROWS, count_rows, seen_receptions
from scheduling.afterwards.session_measure import receptions_of
from scheduling.invitation import Invitation
from scheduling.reach import scopes_of_sessions
from scheduling.session import Session

# Whose the places in the waiting room were that the log names: a place to its invitation. Places are kept a
# floor above this one; where there is none, the log named the invitation itself.
Seated = Callable[[AsyncSession, Collection[str]], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Attendance:
    """Somebody in a reception; of a wait `came_at` and `went_at` are set. `name` empty where the reader may
    not know it, as in the room; `role` None of a place that was nobody's.
    """

    session: Session
    name: str
    role: InvitationRole | None
    came_at: datetime | None = None
    went_at: datetime | None = None

    @property
    def minutes(self) -> float | None:
        """From the waiting room's door to the room's."""
        if self.came_at is None or self.went_at is None:
            return None
        return (self.went_at - self.came_at).total_seconds() / 60


async def list_persons(
    db: AsyncSession, actor: Actor, period: Period, filters: Filters, *, limit: int = 50, offset: int = 0
) -> tuple[Sequence[Attendance], int]:
    """Petitioners and their proxies in the receptions held, the newest first, and how many there are."""
    require(actor, Action.SEE_FIGURES)
    require(actor, Action.SEE_SESSION)
    ground = await find_ground(db, actor, filters)
    query = receptions_of(ground, period, select(Session, Invitation))
    query = query.join(Invitation, Invitation.session_id == Session.id)
    query = seen_receptions(query.where(Session.opened_at.is_not(None), *RECEIVED), actor)
    total = await count_rows(db, query.with_only_columns(Invitation.id))
    query = query.order_by(Session.starts_at.desc(), Session.id, Invitation.id)
    rows = await db.execute(query.limit(min(limit, MOST_ROWS)).offset(max(offset, 0)))
    return await _told(db, actor, [tuple(row) for row in rows.unique()]), total


async def list_waits(
    db: AsyncSession, actor: Actor, period: Period, filters: Filters, *, seated: Seated,
    limit: int = 50, offset: int = 0,
) -> tuple[Sequence[Attendance], int]:  # fmt: skip
    """Everybody who was let in from the waiting room, by reception, the newest first."""
    require(actor, Action.SEE_FIGURES)
    require(actor, Action.SEE_SESSION)
    ground = await find_ground(db, actor, filters)
    sitting = seen_receptions(receptions_of(ground, period, select(Session.id)), actor).cte("sitting")
    each = waits_of(sitting)
    total = await count_rows(db, select(each.c.session_id).where(let_in(each)))
    query = select(Session, each.c.participant_id, each.c.came_at, each.c.went_at).select_from(each)
    query = query.join(Session, Session.id == each.c.session_id).where(let_in(each))
    query = query.order_by(Session.starts_at.desc(), Session.id, each.c.came_at, each.c.participant_id)
    rows = (await db.execute(query.limit(min(limit, MOST_ROWS)).offset(max(offset, 0)))).unique().all()
    places = await seated(db, [row[1] for row in rows])
    found = select(Invitation).where(Invitation.id.in_({places.get(row[1], row[1]) for row in rows}))
    people = {each.id: each for each in (await db.scalars(found)).unique()}
    told = [(row[0], people.get(places.get(row[1], row[1])), *row[2:]) for row in rows]
    return await _told(db, actor, told), total


async def _told(db: AsyncSession, actor: Actor, rows: Sequence[tuple[Any, ...]]) -> list[Attendance]:
    """Rows of a session, an invitation or None, and times."""
    scopes = await scopes_of_sessions(db, [row[0] for row in rows])
    knows = {key: allowed(actor, Action.KNOW_NAMES, scope) for key, scope in scopes.items()}
    return [
        Attendance(
            session,
            invitation.display_name if invitation and (invitation.official_id or knows[session.id]) else "",
            invitation.role if invitation else None,
            *times,
        )
        for session, invitation, *times in rows
    ]
