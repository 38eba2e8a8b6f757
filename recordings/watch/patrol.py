"""Patrol: every sealed recording is read and proven again within a period, evenly over that time.

The oldest reading comes first, so that a round interrupted anywhere goes on where it was: what was read is
in the rows. After each recording the patrol rests in proportion to its size, so that the disk has the same
little to do every day. Only what has become late is read without a rest. An original that aged out is read
back from the archive, see archive_return.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from recordings.lease import SEALED, UNCOMPOSED
from recordings.recording import Recording

PERIOD = timedelta(days=90)
# A round takes this share of the period; the rest is for machines that stood still.
ROUND_SHARE = 0.8
LATE_SHARE = 0.9
# Opening a recording costs as much as reading so many bytes: small ones do not come in a burst.
OPENING = 1 << 20
LONGEST_WAIT = timedelta(minutes=10)  # Until the rows are looked at again; they change meanwhile.


@dataclass(frozen=True)
class Round:
    """What the decision needs. Sizes in bytes; ``read_at`` is the reading of ``recording_id``, the oldest."""

    recording_id: str
    read_at: datetime
    size: int
    count: int
    total: int
    ordered_at: datetime | None = None
    ordered_size: int = 0

    def due_at(self, period: timedelta) -> datetime:
        """When the oldest is to be read again."""
        late = self.read_at + period * LATE_SHARE
        weight = self.size if self.ordered_at is None else self.ordered_size
        rest = period * ROUND_SHARE * ((weight + OPENING) / (self.total + self.count * OPENING))
        return min(late, max(self.read_at, self.ordered_at or self.read_at) + rest)


async def order_patrol(db: AsyncSession, clock: Clock, period: timedelta = PERIOD) -> timedelta:
    """Ask for the next reading if it is due; commits. Returns how long nothing will be due."""
    found, now = await _round(db), clock.now()
    if found is None:
        return LONGEST_WAIT
    due = found.due_at(period)
    if due > now:
        return min(due - now, LONGEST_WAIT)
    order = update(Recording).where(
        Recording.id == found.recording_id, Recording.verification_wanted_at.is_(None)
    )
    order = order.values(verification_wanted_at=now, patrolled_at=now)
    await db.execute(order.execution_options(synchronize_session=False))
    await db.commit()
    return timedelta(0)


async def _round(db: AsyncSession) -> Round | None:
    """The state of the round; None when there is nothing to read."""
    read_at = func.coalesce(Recording.verified_at, Recording.sealed_at)
    kept = (Recording.state.in_(SEALED), Recording.sealed_at.is_not(None))
    free = (Recording.verification_wanted_at.is_(None), Recording.composition.not_in(UNCOMPOSED))
    query = select(Recording.id, Recording.verified_at, Recording.sealed_at, Recording.size)
    oldest = (await db.execute(query.where(*kept, *free).order_by(read_at, Recording.id).limit(1))).first()
    if oldest is None:
        return None
    count, total = (await db.execute(select(func.count(), func.sum(Recording.size)).where(*kept))).one()
    orders = select(Recording.patrolled_at, Recording.size).where(Recording.patrolled_at.is_not(None))
    last = (await db.execute(orders.order_by(Recording.patrolled_at.desc()).limit(1))).first()
    return Round(
        recording_id=oldest.id,
        read_at=oldest.verified_at or oldest.sealed_at,
        size=oldest.size,
        count=count,
        total=int(total or 0),
        ordered_at=last.patrolled_at if last else None,
        ordered_size=last.size if last else 0,
    )


async def oldest_reading(db: AsyncSession) -> datetime | None:
    """When the recording that was not read for longest was last read; None while there is none."""
    read_at = func.coalesce(Recording.verified_at, Recording.sealed_at)
    query = select(Recording.verified_at, Recording.sealed_at).where(Recording.state.in_(SEALED))
    row = (await db.execute(query.where(read_at.is_not(None)).order_by(read_at).limit(1))).first()
    return (row.verified_at or row.sealed_at) if row else None
