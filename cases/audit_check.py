"""Checking the audit: the first row that was changed, taken out, put in or moved, by walking the chain.

A row is told from another by what its digest covers: its own place in the order and the digest before it. So
a row that stands elsewhere than it was written still fits there, and one that somebody put in fits nowhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import CHAIN, GENESIS, AuditEntry, AuditHead

BATCH = 500
# What a row raises that no longer holds what its columns must.
UNREADABLE = (SQLAlchemyError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError)


class AuditFaultKind(StrEnum):
    """What was done to the first row that is wrong."""

    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"
    SWAPPED = "swapped"
    HEAD = "head"  # The rows are whole, but nothing says any more where they end.


@dataclass(frozen=True, slots=True)
class AuditFault:
    """The first wrong row by its `sequence`; `other`: the one it was exchanged with."""

    kind: AuditFaultKind
    sequence: int
    other: int | None = None


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """`rows` that were found whole, from the first on; `digest` is the last one's."""

    rows: int
    digest: str
    fault: AuditFault | None = None

    @property
    def intact(self) -> bool:
        return self.fault is None


@dataclass(frozen=True, slots=True)
class _Row:
    """What a row says of itself. `digest` None: it can no longer be read."""

    sequence: int
    previous: str = ""
    digest: str | None = None
    entry: AuditEntry | None = None

    def fits(self, sequence: int, previous: str) -> bool:
        """Was it written at this place, after that digest?"""
        if self.entry is None or self.previous != previous:
            return False
        return self.entry.compute_digest(sequence) == self.digest


async def check_audit(db: AsyncSession) -> AuditVerdict:
    """Walk the chain from its first row to its head; rows that are appended meanwhile are walked too."""
    number, digest, before = 0, GENESIS, GENESIS
    async for row in _rows(db):
        if not (row.sequence == number + 1 and row.fits(row.sequence, digest)):
            return AuditVerdict(number, digest, await _judge(db, row, number + 1, digest, before))
        number, digest, before = row.sequence, str(row.digest), digest
    # Read after the last row: row and head are written in one commit, so it cannot be behind.
    head = await db.get(AuditHead, CHAIN, populate_existing=True)
    return AuditVerdict(number, digest, _judge_end(number, digest, head))


def _judge_end(number: int, digest: str, head: AuditHead | None) -> AuditFault | None:
    if head is None:
        return AuditFault(AuditFaultKind.HEAD, number) if number else None
    if head.sequence > number:
        return AuditFault(AuditFaultKind.MISSING, number + 1)
    if head.sequence < number:
        return AuditFault(AuditFaultKind.ADDED, head.sequence + 1)
    return None if head.digest == digest else AuditFault(AuditFaultKind.CHANGED, number)


async def _judge(db: AsyncSession, row: _Row, place: int, digest: str, before: str) -> AuditFault:
    """What happened where `row` stands instead of the one of `place`, which follows `digest`."""
    kind = AuditFaultKind
    head = await db.get(AuditHead, CHAIN, populate_existing=True)
    if row.sequence < place or (head is not None and head.sequence < place):
        return AuditFault(kind.ADDED, row.sequence)
    if row.fits(place - 1, before):  # It moved down by one: what stands before it was put in.
        return AuditFault(kind.ADDED, place - 1)
    true = await _successor(db, place, digest)
    if row.sequence > place:
        moved = None if true is None else true.sequence
        return AuditFault(kind.MISSING if moved is None else kind.SWAPPED, place, moved)
    if true is not None and true.sequence == place:
        return AuditFault(kind.CHANGED, place)
    if true is not None:
        swapped = row.entry is not None and row.entry.compute_digest(true.sequence) == row.digest
        return AuditFault(kind.SWAPPED if swapped else kind.ADDED, place, true.sequence if swapped else None)
    if row.entry is not None and row.entry.compute_digest(place + 1) == row.digest:
        return AuditFault(kind.MISSING, place)  # The rows after it were counted anew.
    sound = row.entry is not None and row.entry.compute_digest(place) == row.digest
    if sound and place > 1 and await _leads_on(db, row):
        return AuditFault(kind.CHANGED, place - 1)  # The one before was changed and given a new digest.
    return AuditFault(kind.CHANGED, place)


async def _successor(db: AsyncSession, place: int, digest: str) -> _Row | None:
    """The row that was written at `place` after `digest`, wherever it stands now."""
    query = select(AuditEntry.sequence).where(AuditEntry.previous_digest == digest)
    for sequence in (await db.scalars(query.order_by(AuditEntry.sequence))).all():
        row = await _row(db, sequence)
        if row.fits(place, digest):
            return row
    return None


async def _leads_on(db: AsyncSession, row: _Row) -> bool:
    """Does the row after this one know it as it is?"""
    query = select(AuditEntry.previous_digest).where(AuditEntry.sequence == row.sequence + 1)
    following = await db.scalar(query)
    if following is None:
        head = await db.get(AuditHead, CHAIN, populate_existing=True)
        following = None if head is None else head.digest
    return following == row.digest


async def _rows(db: AsyncSession) -> AsyncIterator[_Row]:
    """All rows in their order, in batches, so that no long reading holds up those who write."""
    last: int | None = None
    while True:
        query = select(AuditEntry.sequence).order_by(AuditEntry.sequence).limit(BATCH)
        if last is not None:
            query = query.where(AuditEntry.sequence > last)
        sequences = (await db.scalars(query)).all()
        if not sequences:
            return
        for row in await _batch(db, sequences[0], sequences[-1]):
            yield row
        last = sequences[-1]


async def _batch(db: AsyncSession, first: int, last: int) -> list[_Row]:
    query = select(AuditEntry).where(AuditEntry.sequence.between(first, last)).order_by(AuditEntry.sequence)
    try:
        entries = (await db.scalars(query.execution_options(populate_existing=True))).all()
        return [_told(entry) for entry in entries]
    except UNREADABLE:
        known = select(AuditEntry.sequence).where(AuditEntry.sequence.between(first, last))
        numbers = (await db.scalars(known.order_by(AuditEntry.sequence))).all()
        return [await _row(db, sequence) for sequence in numbers]


async def _row(db: AsyncSession, sequence: int) -> _Row:
    query = select(AuditEntry).where(AuditEntry.sequence == sequence)
    try:
        return _told((await db.scalars(query.execution_options(populate_existing=True))).one())
    except UNREADABLE:
        return _Row(sequence)


def _told(entry: AuditEntry) -> _Row:
    entry.compute_digest(entry.sequence)  # Raises here for what cannot be read as a row.
    return _Row(entry.sequence, entry.previous_digest, entry.digest, entry)
