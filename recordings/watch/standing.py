"""Standing: how the recordings of an office stand as evidence, for the officials who may see its alarms.

Numbers only, nothing of any case: how many recordings are sealed, when each was last read and proven, what
the nightly check of the chain found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.errors import NotFound
from cases.organisations import Organisation
from cases.policy import Action, Actor, Scope, require
from cases.visibility import reachable_organisations
from recordings.evidence.proof import Verification
from recordings.lease import SEALED
from recordings.recording import Recording
from recordings.watch.chain_watch import OfficeCheck
from recordings.watch.patrol import PERIOD

PAGE_SIZE = 30
NAMED = 20  # recordings of an office that are overdue or damaged


@dataclass(frozen=True)
class Standing:
    """One office. ``oldest`` is the reading (or sealing, where none was yet) that lies back farthest.

    ``unread`` were not read since they were sealed, ``overdue`` not within the period, ``damaged`` were not
    as sealed at their last reading. ``newest`` is the highest number of the chain, ``size`` bytes.
    """

    organisation_id: str
    name: str
    recordings: int
    size: int
    newest: int
    unread: int
    overdue: int
    damaged: int
    oldest: datetime | None
    check: OfficeCheck | None


@dataclass(frozen=True)
class Reading:
    """A recording that wants looking after: its number in the chain, and when it was last read."""

    recording_id: str
    number: int | None
    read_at: datetime | None
    damaged: bool


async def list_standing(
    db: AsyncSession, clock: Clock, actor: Actor, page: int, period: timedelta = PERIOD
) -> tuple[list[Standing], bool]:
    """Page ``page`` from 1 of the offices the actor sees that have sealed recordings; is there another?

    Those with something wrong come first. Raises Forbidden.
    """
    require(actor, Action.SEE_ALARMS)
    seen = Organisation.id.in_(reachable_organisations(actor, Action.SEE_ALARMS))
    query = _standing(clock.now() - period).where(seen)
    query = query.offset((page - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1)
    rows = (await db.execute(query)).all()
    checks = await _last_checks(db, [row.id for row in rows[:PAGE_SIZE]])
    return [_made(row, checks.get(row.id)) for row in rows[:PAGE_SIZE]], len(rows) > PAGE_SIZE


async def office_standing(
    db: AsyncSession, clock: Clock, actor: Actor, organisation_id: str, period: timedelta = PERIOD
) -> tuple[Standing, Sequence[Reading]]:
    """One office, and by name what of it is damaged or overdue. Raises NotFound, also for the unseen."""
    office = await db.get(Organisation, organisation_id)
    if office is None:
        raise NotFound()
    require(actor, Action.SEE_ALARMS, office_scope(office))
    limit = clock.now() - period
    row = (await db.execute(_standing(limit).where(Organisation.id == organisation_id))).first()
    if row is None:
        empty = Standing(office.id, office.name, 0, 0, 0, 0, 0, 0, None, None)
        return empty, ()
    checks = await _last_checks(db, [office.id])
    return _made(row, checks.get(office.id)), await _wanting(db, organisation_id, limit)


def office_scope(office: Organisation) -> Scope:
    """What the policy asks of things that belong to an office and to no case."""
    own = frozenset({office.id})
    return Scope(frozenset({office.region_code}), own, own)


_read_at = func.coalesce(Recording.verified_at, Recording.sealed_at)
_last = and_(Verification.recording_id == Recording.id, Verification.at == Recording.verified_at)
_damaged = select(Verification.id).where(_last, Verification.intact.is_(False)).exists()


def _standing(limit: datetime) -> Select[*tuple[Any, ...]]:
    overdue = func.sum(case((_read_at < limit, 1), else_=0)).label("overdue")
    damaged = func.sum(case((_damaged, 1), else_=0)).label("damaged")
    query = select(
        Organisation.id,
        Organisation.name,
        func.count(Recording.id).label("recordings"),
        func.sum(Recording.size).label("size"),
        func.max(Recording.chain_number).label("newest"),
        func.sum(case((Recording.verified_at.is_(None), 1), else_=0)).label("unread"),
        overdue,
        damaged,
        func.min(_read_at, type_=Recording.sealed_at.type).label("oldest"),
    ).join(Recording, Recording.organisation_id == Organisation.id)
    query = query.where(Recording.state.in_(SEALED)).group_by(
        Organisation.id, Organisation.name, Organisation.region_code
    )
    return query.order_by(damaged.desc(), overdue.desc(), Organisation.region_code, Organisation.id)


def _made(row: Row[*tuple[Any, ...]], check: OfficeCheck | None) -> Standing:
    return Standing(
        row.id, row.name, row.recordings, int(row.size or 0), row.newest or 0, int(row.unread),
        int(row.overdue), int(row.damaged), row.oldest, check,
    )  # fmt: skip


async def _last_checks(db: AsyncSession, offices: Sequence[str]) -> dict[str, OfficeCheck]:
    newest = (
        select(OfficeCheck.organisation_id, func.max(OfficeCheck.night).label("night"))
        .where(OfficeCheck.organisation_id.in_(offices))
        .group_by(OfficeCheck.organisation_id)
        .subquery()
    )
    same = and_(OfficeCheck.organisation_id == newest.c.organisation_id, OfficeCheck.night == newest.c.night)
    rows = (await db.scalars(select(OfficeCheck).join(newest, same))).all()
    return {row.organisation_id: row for row in rows}


async def _wanting(db: AsyncSession, organisation_id: str, limit: datetime) -> list[Reading]:
    query = select(
        Recording.id, Recording.chain_number, Recording.verified_at, Recording.sealed_at, _damaged
    ).where(
        Recording.organisation_id == organisation_id,
        Recording.state.in_(SEALED),
        _damaged | (_read_at < limit),
    )
    query = query.order_by(_read_at, Recording.id).limit(NAMED)
    return [Reading(row[0], row[1], row[2] or row[3], bool(row[4])) for row in await db.execute(query)]
