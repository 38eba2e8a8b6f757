"""Posting lists of the archive's index: which recordings hold a term, as one bit each.

A recording has a place in the block of the days in which it began. One row is one term in one block: the
bits of the places that hold it. Any terms meet where their bits do, so a word that everybody says, one that
nobody may see and two that never meet cost the same few kilobytes. Blocks lie in the order of time; inside
one of them the places say when.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, String, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from cases.cursor import EPOCH, Cursor
from cases.database import ID_LENGTH, Base
from cases.register.terms import TERM_LENGTH

T = TypeVar("T")

BLOCK = timedelta(days=28)
PLACES = 1 << 20  # of one block, far more than a province begins in 28 days
AT_ONCE = 400
# Above so many in one block it costs less to read the block in order of time than to look each of them up.
DENSE = 400
FIRST_BLOCKS, MORE_BLOCKS = 4, 4  # read at once, and how many times as many the next time


class ArchiveBlock(Base):
    """The recordings that began in BLOCK number `block` since 1970; `size` places are given away."""

    __tablename__ = "archive_blocks"

    block: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int]


class ArchivePlace(Base):
    """Where a recording stands: `place` is block × PLACES + its bit, and is given to nobody else ever."""

    __tablename__ = "archive_places"
    __table_args__ = (Index("ix_archive_places_block_at_recording_id", "block", "at", "recording_id"),)

    place: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    block: Mapped[int]
    at: Mapped[datetime]
    recording_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("recordings.id"), unique=True)


class ArchivePosting(Base):
    """One term in one block. Bit n of the block is bit n - 8 × `skipped` of `bits`, little end first."""

    __tablename__ = "archive_postings"
    __table_args__ = (Index("ix_archive_postings_block", "block"), {"sqlite_with_rowid": False})

    term: Mapped[str] = mapped_column(String(TERM_LENGTH), primary_key=True)
    block: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    skipped: Mapped[int]
    bits: Mapped[bytes]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is walked: places that hold all of `terms` and, unless `reach` is None, one of `reach`.

    `besides` are places that need none of the reach. `since` is included, `until` is not, and `before` is
    where an earlier page ended.
    """

    terms: Sequence[str] = ()
    reach: Sequence[str] | None = None
    besides: Sequence[int] = field(default=())
    since: datetime | None = None
    until: datetime | None = None
    before: Cursor | None = None


def block_of(at: datetime) -> int:
    """Return the number of the block in which a recording that began then stands."""
    return (at - EPOCH) // BLOCK


def packed(bits: int) -> tuple[int, bytes]:
    """Return `skipped` and `bits` as they are stored, without the empty bytes at both ends."""
    if not bits:
        return 0, b""
    skipped = ((bits & -bits).bit_length() - 1) // 8
    bits >>= 8 * skipped
    return skipped, bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def unpacked(skipped: int, stored: bytes) -> int:
    """Return what `packed` was given."""
    return int.from_bytes(stored, "little") << (8 * skipped)


async def add_postings(db: AsyncSession, recording_id: str, at: datetime, terms: Iterable[str]) -> None:
    """Say that a recording holds `terms`, besides those it holds; inside the caller's transaction.

    One transaction at a time writes to a block: the row of the block is locked until it ends.
    """
    block, bit = divmod(await _place_of(db, recording_id, at), PLACES)
    dialect = postgresql if db.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(ArchivePosting)
    changed = {"skipped": insert.excluded.skipped, "bits": insert.excluded.bits}
    insert = insert.on_conflict_do_update(index_elements=["term", "block"], set_=changed)
    for batch in _batches(sorted(set(terms))):
        held = await _held(db, block, batch)
        rows = []
        for term in batch:
            now = held.get(term, 0)
            if not now >> bit & 1:
                skipped, bits = packed(now | 1 << bit)
                rows.append({"term": term, "block": block, "skipped": skipped, "bits": bits})
        if rows:
            await db.execute(insert, rows)


async def terms_of(db: AsyncSession, recording_id: str) -> dict[str, int]:
    """The terms that a recording holds, each with the bits of its whole block."""
    place = await db.scalar(select(ArchivePlace.place).where(ArchivePlace.recording_id == recording_id))
    if place is None:
        return {}
    block, bit = divmod(place, PLACES)
    byte = bit // 8 - ArchivePosting.skipped
    query = select(ArchivePosting.term, ArchivePosting.skipped, ArchivePosting.bits).where(
        ArchivePosting.block == block,
        ArchivePosting.skipped <= bit // 8,
        func.substr(ArchivePosting.bits, byte + 1, 1) > b"\0",
    )
    held = {row.term: unpacked(row.skipped, row.bits) for row in await db.execute(query)}
    return {term: bits for term, bits in held.items() if bits >> bit & 1}


async def forget_postings(db: AsyncSession, recording_id: str, terms: Set[str] | None = None) -> None:
    """A recording holds none of `terms`, or of all, any more; a term that nobody else held is gone with it.

    Its place stays its own: a bit is not given to another recording.
    """
    place = await db.scalar(select(ArchivePlace.place).where(ArchivePlace.recording_id == recording_id))
    if place is None:
        return
    block, bit = divmod(place, PLACES)
    await _lock(db, block)
    for term, bits in (await terms_of(db, recording_id)).items():
        if terms is not None and term not in terms:
            continue
        row = (ArchivePosting.term == term, ArchivePosting.block == block)
        left = bits & ~(1 << bit)
        if left:
            skipped, stored = packed(left)
            await db.execute(update(ArchivePosting).where(*row).values(skipped=skipped, bits=stored))
        else:
            await db.execute(delete(ArchivePosting).where(*row))


async def walk(db: AsyncSession, wanted: Wanted, size: int) -> AsyncGenerator[list[Cursor], None]:
    """Yield the recordings wanted, newest first, in lists of about `size` and later of more."""
    blocks = await _blocks(db, wanted)
    met: dict[int, int] = {}
    at_once = FIRST_BLOCKS
    while blocks:
        postings = await _postings(db, wanted, blocks[:at_once])
        for block in blocks[:at_once]:
            bits = _meeting(wanted, block, postings)
            if bits.bit_count() > DENSE:
                if met:
                    yield await _places(db, wanted, met)
                    met = {}
                async for places in _in_order_of_time(db, wanted, block, bits, size):
                    yield places
            elif bits:
                met[block] = bits
                if sum(each.bit_count() for each in met.values()) >= size:
                    yield await _places(db, wanted, met)
                    met = {}
        blocks, at_once = blocks[at_once:], at_once * MORE_BLOCKS
    if met:
        yield await _places(db, wanted, met)


async def holding(db: AsyncSession, terms: Sequence[str], places: Sequence[int]) -> set[int]:
    """Return those of some places that hold all of `terms`."""
    held = set(places)
    for block in {place // PLACES for place in places}:
        postings = await _held(db, block, terms)
        meeting = -1
        for term in terms:
            meeting &= postings.get(term, 0)
        held -= {each for each in held if each // PLACES == block and not meeting >> each % PLACES & 1}
    return held


async def _lock(db: AsyncSession, block: int) -> None:
    dialect = postgresql if db.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(ArchiveBlock).values(block=block, size=0)
    # Nothing is changed, but others wait until this transaction ends.
    same = insert.on_conflict_do_update(index_elements=["block"], set_={"size": ArchiveBlock.size})
    await db.execute(same)


async def _place_of(db: AsyncSession, recording_id: str, at: datetime) -> int:
    """The place of a recording, a new one if it has none; its block is locked."""
    block = block_of(at)
    await _lock(db, block)
    place = await db.scalar(select(ArchivePlace.place).where(ArchivePlace.recording_id == recording_id))
    if place is not None:
        return place
    size = await db.scalar(select(ArchiveBlock.size).where(ArchiveBlock.block == block)) or 0
    if size >= PLACES:
        raise OverflowError(f"block {block} of the archive's index is full")
    await db.execute(update(ArchiveBlock).where(ArchiveBlock.block == block).values(size=size + 1))
    place = block * PLACES + size
    db.add(ArchivePlace(place=place, block=block, at=at, recording_id=recording_id))
    await db.flush()
    return place


async def _held(db: AsyncSession, block: int, terms: Sequence[str]) -> dict[str, int]:
    query = select(ArchivePosting.term, ArchivePosting.skipped, ArchivePosting.bits)
    query = query.where(ArchivePosting.block == block, ArchivePosting.term.in_(terms))
    return {row.term: unpacked(row.skipped, row.bits) for row in await db.execute(query)}


async def _blocks(db: AsyncSession, wanted: Wanted) -> Sequence[int]:
    """Numbers of the blocks in which something wanted may be, newest first."""
    query = select(ArchiveBlock.block).order_by(ArchiveBlock.block.desc())
    if wanted.since:
        query = query.where(ArchiveBlock.block >= block_of(wanted.since))
    for end in (wanted.until, wanted.before and wanted.before.at):
        if end:
            query = query.where(ArchiveBlock.block <= block_of(end))
    return (await db.scalars(query)).all()


async def _postings(db: AsyncSession, wanted: Wanted, blocks: Sequence[int]) -> dict[tuple[str, int], int]:
    """Bits by term and block; `blocks` are in a row, newest first."""
    query = select(ArchivePosting).where(
        ArchivePosting.term.in_({*wanted.terms, *(wanted.reach or ())}),
        ArchivePosting.block.between(blocks[-1], blocks[0]),
    )
    columns = ArchivePosting.__table__.c
    rows = await db.execute(query.with_only_columns(*columns))
    return {(row.term, row.block): unpacked(row.skipped, row.bits) for row in rows}


def _meeting(wanted: Wanted, block: int, postings: Mapping[tuple[str, int], int]) -> int:
    """The bits of a block that are wanted as far as its terms tell."""
    meeting = -1
    for term in wanted.terms:
        meeting &= postings.get((term, block), 0)
    if wanted.reach is None:
        return meeting
    reached = 0
    for term in wanted.reach:
        reached |= postings.get((term, block), 0)
    for place in wanted.besides:
        if place // PLACES == block:
            reached |= 1 << place % PLACES
    return meeting & reached


def _batches(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[begin : begin + AT_ONCE] for begin in range(0, len(rows), AT_ONCE))


def _bits(bits: int) -> Iterator[int]:
    for byte, value in enumerate(bits.to_bytes((bits.bit_length() + 7) // 8, "little")):
        for bit in range(8) if value else ():
            if value >> bit & 1:
                yield 8 * byte + bit


async def _places(db: AsyncSession, wanted: Wanted, met: Mapping[int, int]) -> list[Cursor]:
    """Everything wanted in some blocks with few of it, newest first."""
    places = [block * PLACES + bit for block, bits in met.items() for bit in _bits(bits)]
    found: list[Cursor] = []
    for batch in _batches(places):
        query = select(ArchivePlace.at, ArchivePlace.recording_id).where(ArchivePlace.place.in_(batch))
        query = query.where(*between(wanted, ArchivePlace.at, ArchivePlace.recording_id))
        found += [Cursor(row.at, row.recording_id) for row in await db.execute(query)]
    return sorted(found, key=lambda place: (place.at, place.row_id), reverse=True)


async def _in_order_of_time(
    db: AsyncSession, wanted: Wanted, block: int, bits: int, size: int
) -> AsyncGenerator[list[Cursor], None]:
    """The same of one block with many of it, as many at a time as are asked for."""
    columns = (ArchivePlace.at, ArchivePlace.recording_id, ArchivePlace.place)
    query = select(*columns).where(ArchivePlace.block == block)
    query = query.where(*between(wanted, ArchivePlace.at, ArchivePlace.recording_id))
    query = query.order_by(ArchivePlace.at.desc(), ArchivePlace.recording_id.desc())
    before: Cursor | None = None
    while True:
        later = () if before is None else (before.beyond(ArchivePlace.at, ArchivePlace.recording_id),)
        rows = (await db.execute(query.where(*later).limit(4 * size))).all()
        places = [Cursor(row.at, row.recording_id) for row in rows if bits >> row.place % PLACES & 1]
        for first in range(0, len(places), size):
            yield places[first : first + size]
        if len(rows) < 4 * size:
            return
        before = Cursor(rows[-1].at, rows[-1].recording_id)


def between(
    wanted: Wanted, at: InstrumentedAttribute[datetime], row_id: InstrumentedAttribute[str]
) -> list[ColumnElement[bool]]:
    """Return the conditions of time, on the columns of a recording's beginning and id."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.since:
        conditions.append(at >= wanted.since)
    if wanted.until:
        conditions.append(at < wanted.until)
    if wanted.before:
        conditions.append(wanted.before.beyond(at, row_id))
    return conditions
