"""The cases behind a figure: exactly those that were counted, so far as the asker may see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.errors import NotFound
from cases.figures.measure import MEASURES, SUMS_ONLY, Source, rows_of
from cases.figures.period import Period
from cases.figures.scope import Filters, find_ground
from cases.figures.topics import about_topic
from cases.policy import Action, Actor, require
from cases.visibility import visible_petitions

MOST_ROWS = 200


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
) -> tuple[Sequence[PetitionCase], int]:
    """The rows a measure counted, newest registration first, and how many there are.

    `other`: without those that this measure of the same rows counts (what was due and not kept). A case
    with two such duties stands twice in the count and once in the list. Raises NotFound for no such
    measure, or one that is shown as a sum alone.
    """
    require(actor, Action.SEE_FIGURES)
    require(actor, Action.SEE_PETITION)
    measure, without = MEASURES.get(name), MEASURES.get(other)
    if measure is None or name in SUMS_ONLY or other in SUMS_ONLY or bool(other) != bool(without):
        raise NotFound("figure_not_found", "没有这项统计。")
    if without is not None and without.source is not measure.source:
        raise NotFound("figure_not_found", "没有这项统计。")
    ground = await find_ground(db, actor, filters)
    counted = rows_of(select(PetitionCase.id), measure.source, period, today).where(ground.condition())
    if measure.condition is not None:
        counted = counted.where(measure.condition(today))
    if without is not None and without.condition is not None:
        counted = counted.where(not_(func.coalesce(without.condition(today), False)))
    if topic and measure.source is Source.REGISTERED:
        counted = counted.where(about_topic(topic))
    # Counted first, as the sum is, and then looked at: without statistics PostgreSQL counted for each case.
    first = counted.cte("counted").prefix_with("MATERIALIZED")
    query = select(PetitionCase).where(PetitionCase.id.in_(select(first.c.id)), visible_petitions(actor))
    total = await db.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    query = query.order_by(PetitionCase.registered_at.desc(), PetitionCase.number.desc())
    rows = await db.scalars(query.limit(min(limit, MOST_ROWS)).offset(max(offset, 0)))
    return rows.unique().all(), total
