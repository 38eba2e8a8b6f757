"""Recordings as a figure: how many a period's receptions have, how many are sealed, and the list of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import NotFound
from cases.figures.period import Period
from cases.figures.scope import Filters, find_ground
from cases.policy import Action, Actor, require
from recordings.recording import LIVE, Recording, RecordingState
from scheduling.afterwards.session_listing import MOST_ROWS, count_rows, seen_receptions
from scheduling.afterwards.session_measure import receptions_of
from scheduling.session import Session

SEALED = (RecordingState.SEALED, RecordingState.ARCHIVED, RecordingState.DESTROYED)
# Of the recordings of a period's receptions.
RECORDED = {"recordings": (Recording.state.not_in(LIVE),), "sealed": (Recording.state.in_(SEALED),)}


@dataclass(frozen=True, slots=True)
class CountedRecording:
    """A recording and the reception it is of."""

    recording: Recording
    session: Session


async def count_recordings(
    db: AsyncSession, actor: Actor, period: Period, filters: Filters
) -> tuple[int, int]:
    """Recordings that have ended, and those of them that were sealed; what was destroyed had been."""
    require(actor, Action.SEE_FIGURES)
    ground = await find_ground(db, actor, filters)
    sealed = func.count().filter(*RECORDED["sealed"])
    query = receptions_of(
        ground, period, select(func.count(), sealed).select_from(Recording), Recording.session_id
    )
    ended, done = (await db.execute(query.where(*RECORDED["recordings"]))).one()
    return ended, done


async def list_counted_recordings(
    db: AsyncSession, actor: Actor, name: str, period: Period, filters: Filters,
    *, other: str = "", limit: int = 50, offset: int = 0,
) -> tuple[Sequence[CountedRecording], int]:  # fmt: skip
    """The recordings behind the figure, of receptions that the actor sees, the newest first.

    `other`: without those that are counted there. Raises NotFound for no such figure.
    """
    require(actor, Action.SEE_FIGURES)
    require(actor, Action.SEE_SESSION)
    if name not in RECORDED or (other and other not in RECORDED):
        raise NotFound("figure_not_found", "没有这项统计。")
    ground = await find_ground(db, actor, filters)
    both = select(Recording, Session).select_from(Recording)
    query = receptions_of(ground, period, both, Recording.session_id).where(*RECORDED[name])
    query = seen_receptions(query, actor)
    if other:
        query = query.where(not_(and_(*RECORDED[other])))
    total = await count_rows(db, query.with_only_columns(Recording.id))
    query = query.order_by(Recording.started_at.desc(), Recording.id)
    rows = await db.execute(query.limit(min(limit, MOST_ROWS)).offset(max(offset, 0)))
    return [CountedRecording(*row) for row in rows.unique()], total
