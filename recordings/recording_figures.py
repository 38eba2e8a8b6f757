"""Recordings as a figure: how many a period's receptions have, and how many of them are sealed."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.figures.period import Period
from cases.figures.scope import Filters, find_ground
from cases.policy import Action, Actor, require
from recordings.recording import LIVE, Recording, RecordingState
from scheduling.afterwards.session_measure import receptions_of

SEALED = (RecordingState.SEALED, RecordingState.ARCHIVED, RecordingState.DESTROYED)


async def count_recordings(
    db: AsyncSession, actor: Actor, period: Period, filters: Filters
) -> tuple[int, int]:
    """Recordings that have ended, and those of them that were sealed; what was destroyed had been."""
    require(actor, Action.SEE_FIGURES)
    ground = await find_ground(db, actor, filters)
    sealed = func.count().filter(Recording.state.in_(SEALED))
    query = receptions_of(
        ground, period, select(func.count(), sealed).select_from(Recording), Recording.session_id
    )
    ended, done = (await db.execute(query.where(Recording.state.not_in(LIVE)))).one()
    return ended, done
