"""The rows behind a figure: exactly those that were counted, so far as the asker may see their cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from sqlalchemy import func, not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.campaigns.campaign import CampaignMatter
from cases.casefile import PetitionCase
from cases.errors import NotFound
from cases.figures.measure import MEASURES, SUMS_ONLY, Source, rows_of
from cases.figures.period import Period
from cases.figures.scope import Filters, find_ground
from cases.figures.topics import about_topic
from cases.handling.clocks import PetitionClock
from cases.policy import Action, Actor, require
from cases.visibility import visible_petitions

MOST_ROWS = 200
# What one row of a source is.
_KEYS: Mapping[Source, Any] = MappingProxyType(
    {
        Source.REGISTERED: PetitionCase.id,
        Source.CONCLUDED: PetitionCase.id,
        Source.DUTIES: PetitionClock.id,
        Source.RUNNING: PetitionClock.id,
        Source.CAMPAIGN: CampaignMatter.id,
    }
)


@dataclass(frozen=True, slots=True)
class Counted:
    """One row that was counted: a case, and of duties the clock. A case with two duties is two rows."""

    petition: PetitionCase
    clock: PetitionClock | None = None


async def list_counted(
    db: AsyncSession,
    today: date,
    actor: Actor,
    name: str,
    period: Period,
    filters: Filters,
    *,
    other: str = "",
    topic: str = "",
    limit: int = 50,
    offset: int = 0,
) -> tuple[Sequence[Counted], int]:
    """The rows a measure counted, newest registration first, and how many there are: as many as the sum says.

    `other`: without those that this measure of the same rows counts (what was due and not kept). Raises
    NotFound for no such measure, or one that is shown as a sum alone.
    """
    require(actor, Action.SEE_FIGURES)
    require(actor, Action.SEE_PETITION)
    measure, without = MEASURES.get(name), MEASURES.get(other)
    if measure is None or name in SUMS_ONLY or other in SUMS_ONLY or bool(other) != bool(without):
        raise NotFound("figure_not_found", "没有这项统计。")
    if without is not None and without.source is not measure.source:
        raise NotFound("figure_not_found", "没有这项统计。")
    ground = await find_ground(db, actor, filters)
    columns = select(PetitionCase.id, _KEYS[measure.source].label("row_id"))
    counted = rows_of(columns, measure.source, period, today).where(ground.condition())
    if measure.condition is not None:
        counted = counted.where(measure.condition(today))
    if without is not None and without.condition is not None:
        counted = counted.where(not_(func.coalesce(without.condition(today), False)))
    if topic and measure.source is Source.REGISTERED:
        counted = counted.where(about_topic(topic))
    # Counted first, as the sum is, and then looked at: without statistics PostgreSQL counted for each case.
    first = counted.cte("counted").prefix_with("MATERIALIZED")
    # Who sees a case is asked once of each, and only the rows of this page are read whole.
    query = select(PetitionCase.id, first.c.row_id, func.count().over())
    query = query.join(first, first.c.id == PetitionCase.id).where(visible_petitions(actor))
    query = query.order_by(PetitionCase.registered_at.desc(), PetitionCase.number.desc(), first.c.row_id)
    page = query.limit(min(limit, MOST_ROWS)).offset(max(offset, 0))
    found = (await db.execute(page)).all()
    total = found[0][2] if found else 0
    if not found and offset > 0:  # Behind the last page there is no row to say how many there are.
        total = await db.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    chosen = select(PetitionCase).where(PetitionCase.id.in_([petition_id for petition_id, _, _ in found]))
    petitions = {each.id: each for each in (await db.scalars(chosen)).unique()} if found else {}
    clocks = await _clocks(db, measure.source, [row_id for _, row_id, _ in found])
    return [Counted(petitions[petition_id], clocks.get(row_id)) for petition_id, row_id, _ in found], total


async def _clocks(db: AsyncSession, source: Source, ids: Sequence[str]) -> dict[str, PetitionClock]:
    if source not in (Source.DUTIES, Source.RUNNING):
        return {}
    return {
        each.id: each for each in await db.scalars(select(PetitionClock).where(PetitionClock.id.in_(ids)))
    }
