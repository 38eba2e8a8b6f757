"""Standing: how the recordings of an office stand as evidence, for the officials who may see its alarms.

Numbers only, nothing of any case: how many recordings are sealed, when each was last read and proven, what
the nightly check of the chain found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.errors import NotFound
from cases.fields import clean
from cases.organisations import Organisation
from cases.plans import follow_indexes
from cases.policy import Action, Actor, Scope, require
from cases.visibility import reachable_organisations
from recordings.evidence.proof import Verification
from recordings.lease import SEALED
from recordings.recording import Recording
from recordings.watch.chain_watch import OfficeCheck
from recordings.watch.patrol import PERIOD

PAGE_SIZE = 30
NAMED = 20  # recordings of an office that are overdue or damaged
MOST_DIGITS = 9  # of a count in an address


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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of the offices ended: what the list is ordered by, of its last office."""

    damaged: int
    overdue: int
    region_code: str
    organisation_id: str

    def spelled(self) -> str:
        """`damaged-overdue-region-id`, which `read_place` reads."""
        return f"{self.damaged}-{self.overdue}-{self.region_code}-{self.organisation_id}"


def read_place(typed: str) -> Place | None:
    """The place that an address names; anything else begins at the first office."""
    damaged, overdue, region, office = [*typed[:120].split("-", 3), "", "", "", ""][:4]
    counts = (damaged, overdue)
    if not office or not all(
        each.isascii() and each.isdigit() and len(each) <= MOST_DIGITS for each in counts
    ):
        return None
    return Place(int(damaged), int(overdue), clean(region), clean(office))


async def list_standing(
    db: AsyncSession, clock: Clock, actor: Actor, after: Place | None = None, period: timedelta = PERIOD
) -> tuple[list[Standing], Place | None]:
    """One page of the offices the actor sees that have sealed recordings, and where the next begins.

    Those with something wrong come first; None at the end. Raises Forbidden.
    """
    require(actor, Action.SEE_ALARMS)
    seen = Organisation.id.in_(reachable_organisations(actor, Action.SEE_ALARMS))
    query = _standing(clock.now() - period, after).where(seen).limit(PAGE_SIZE + 1)
    await follow_indexes(db, True)
    rows = (await db.execute(query)).all()
    await follow_indexes(db, False)
    checks = await _last_checks(db, [row.id for row in rows[:PAGE_SIZE]])
    last = rows[PAGE_SIZE - 1] if len(rows) > PAGE_SIZE else None
    place = None if last is None else Place(last.damaged, last.overdue, last.region_code, last.id)
    return [_made(row, checks.get(row.id)) for row in rows[:PAGE_SIZE]], place


async def office_standing(
    db: AsyncSession, clock: Clock, actor: Actor, organisation_id: str, period: timedelta = PERIOD
) -> tuple[Standing, Sequence[Reading]]:
    """One office, and by name what of it is damaged or overdue. Raises NotFound, also for the unseen."""
    office = await db.get(Organisation, organisation_id)
    if office is None:
        raise NotFound()
    require(actor, Action.SEE_ALARMS, office_scope(office))
    limit = clock.now() - period
    row = (await db.execute(_standing(limit, None, organisation_id))).first()
    if row is None:
        empty = Standing(office.id, office.name, 0, 0, 0, 0, 0, 0, None, None)
        return empty, ()
    checks = await _last_checks(db, [office.id])
    return _made(row, checks.get(office.id)), await _wanting(db, organisation_id, limit)


def office_scope(office: Organisation) -> Scope:
    """What the policy asks of things that belong to an office and to no case."""
    own = frozenset({office.id})
    return Scope(frozenset({office.region_code}), own, own)


# Said of each row and not as a condition on all: a reader who asked by state would leave the one index
# (ix_recordings_readings) that holds everything that is counted here.
_sealed = Recording.state.in_(SEALED)
_read_at = func.coalesce(Recording.verified_at, Recording.sealed_at)
_last = and_(Verification.recording_id == Recording.id, Verification.at == Recording.verified_at)
_damaged = Verification.intact.is_(False)  # As ix_verifications_damaged says it.


def _standing(
    limit: datetime, after: Place | None = None, organisation_id: str | None = None
) -> Select[*tuple[Any, ...]]:
    """Offices with sealed recordings, those with something wrong first; of one office, or after a place."""
    read, harm = _readings(limit, organisation_id).subquery(), _damages(organisation_id).subquery()
    damaged = func.coalesce(harm.c.damaged, 0).label("damaged")
    query = select(Organisation.id, Organisation.name, Organisation.region_code, read, damaged)
    query = query.join(read, read.c.organisation_id == Organisation.id).where(read.c.recordings > 0)
    query = query.outerjoin(harm, harm.c.organisation_id == Organisation.id)
    if after is not None:
        query = query.where(_beyond(after, damaged, read.c.overdue))
    return query.order_by(damaged.desc(), read.c.overdue.desc(), Organisation.region_code, Organisation.id)


def _beyond(place: Place, damaged: ColumnElement[int], overdue: ColumnElement[int]) -> ColumnElement[bool]:
    """That offices come after a place."""
    code, office = Organisation.region_code, Organisation.id
    among = and_(code == place.region_code, office > place.organisation_id)
    same = and_(overdue == place.overdue, or_(code > place.region_code, among))
    return or_(damaged < place.damaged, and_(damaged == place.damaged, or_(overdue < place.overdue, same)))


def _readings(limit: datetime, organisation_id: str | None) -> Select[*tuple[Any, ...]]:
    """Of each office: how many are sealed, how large, how many were not read, or not since ``limit``."""
    query = select(
        Recording.organisation_id,
        func.count().filter(_sealed).label("recordings"),
        func.sum(Recording.size).filter(_sealed).label("size"),
        func.max(Recording.chain_number).filter(_sealed).label("newest"),
        func.count().filter(_sealed, Recording.verified_at.is_(None)).label("unread"),
        func.count().filter(_sealed, _read_at < limit).label("overdue"),
        func.min(_read_at, type_=Recording.sealed_at.type).filter(_sealed).label("oldest"),
    )
    if organisation_id is not None:
        query = query.where(Recording.organisation_id == organisation_id)
    return query.group_by(Recording.organisation_id)


def _damages(organisation_id: str | None) -> Select[*tuple[Any, ...]]:
    """Of each office: how many were not as sealed at their last reading.

    The join is an outer one so that every database begins with the few readings that found something.
    """
    query = select(Recording.organisation_id, func.count().filter(_sealed).label("damaged"))
    same = _last if organisation_id is None else and_(_last, Recording.organisation_id == organisation_id)
    query = query.select_from(Verification).outerjoin(Recording, same).where(_damaged)
    return query.group_by(Recording.organisation_id)


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
    """The first by their reading of what is damaged or overdue. Each of three questions has its index."""
    own = (Recording.organisation_id == organisation_id, _sealed)
    query = select(Recording.id, Recording.chain_number, _read_at).where(*own)
    damaged = query.join(Verification, _last).where(_damaged)
    overdue = query.where(Recording.verified_at < limit).order_by(Recording.verified_at, Recording.id)
    unread = query.where(Recording.verified_at.is_(None), Recording.sealed_at < limit)
    unread = unread.order_by(Recording.sealed_at, Recording.id)
    found = dict[str, Reading]()
    for each, wrong in ((damaged.order_by(_read_at, Recording.id), True), (overdue, False), (unread, False)):
        for row in await db.execute(each.limit(NAMED)):
            found.setdefault(row[0], Reading(row[0], row[1], row[2], wrong))
    return sorted(
        found.values(), key=lambda one: (one.read_at.timestamp() if one.read_at else 0, one.recording_id)
    )[:NAMED]
