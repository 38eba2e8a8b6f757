"""Ledger: the recordings worker writes each office's day roots and what was lawfully destroyed, as files.

The rows say what is owed, so a worker that was away makes up for it. What is written is never written again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING, Clock
from cases.organisations import Organisation, get_organisation
from recordings.archive.destruction import DestructionRecord
from recordings.capture.journal import SOFTWARE
from recordings.evidence.day_root import DayRoot, Leaf, LedgerError, days_of, ledger_of, read_day, write_day
from recordings.evidence.manifest import canonical, moment_text, write_durably
from recordings.evidence.signing import ManifestSigner
from recordings.recording import Recording
from recordings.watch.day_statement import note_days

logger = logging.getLogger(__name__)

# A sealing that began before midnight may be committed after it; one later still is of the next day.
SETTLED = timedelta(minutes=30)
DESTROYED = "destroyed"
DESTRUCTION_FORMAT = "lianxin-destruction"


async def keep_ledger(db: AsyncSession, clock: Clock, root: Path, signer: ManifestSigner) -> int:
    """Write every day root and destruction statement that is owed; returns how many.

    An office whose ledger cannot be read is left alone: the nightly check says so. Raises OSError.
    """
    chained = select(Recording.organisation_id).where(Recording.chain_number.is_not(None))
    query = select(Organisation.id).where(Organisation.id.in_(chained)).order_by(Organisation.id)
    written = 0
    for office_id in (await db.scalars(query)).all():
        office = await get_organisation(db, office_id)
        try:
            written += await _keep_days(db, clock, office, root, signer)
            written += await _keep_destroyed(db, clock, office, root, signer)
            await db.commit()
        except LedgerError as error:
            logger.error("The ledger of office %s is not continued: %s", office_id, error)
            await db.rollback()
    return written


def named(office: Organisation) -> dict[str, Any]:
    """The office as statements name it."""
    return {"id": office.id, "name": office.name, "region_code": office.region_code}


async def _keep_days(
    db: AsyncSession, clock: Clock, office: Organisation, root: Path, signer: ManifestSigner
) -> int:
    directory = ledger_of(root, office.id)
    await note_days(db, clock, office.id, directory)
    last = await asyncio.to_thread(_last_day, directory)
    query = select(
        Recording.chain_number, Recording.id, Recording.manifest_sha256, Recording.sealed_at
    ).where(Recording.organisation_id == office.id, Recording.manifest_sha256.is_not(None))
    query = query.where(Recording.chain_number > (last.content["last_number"] if last else 0))
    rows = (await db.execute(query.order_by(Recording.chain_number))).all()
    owed = [(Leaf(row[0] or 0, row[1], row[2] or ""), row[3] or clock.now()) for row in rows]
    written = 0
    for day, leaves in days_due(owed, last.day if last else None, clock.now()):
        facts = {"organisation": named(office), "made_at": moment_text(clock.now())}
        await asyncio.to_thread(write_day, directory, day, leaves, last, facts, signer)
        last = await asyncio.to_thread(_last_day, directory)
        written += 1
    if written:
        await note_days(db, clock, office.id, directory)
    return written


def days_due(
    owed: Sequence[tuple[Leaf, datetime]], last: date | None, now: datetime
) -> Iterator[tuple[date, list[Leaf]]]:
    """The days that are over, with their leaves in the order of the chain.

    ``owed``: what stands in no day yet, and when it was sealed. ``last`` is the newest day that is written.
    Days never go back, also where the clock did.
    """
    today = (now - SETTLED).astimezone(BEIJING).date()
    day, leaves = None if last is None else last + timedelta(days=1), list[Leaf]()
    for leaf, sealed_at in owed:
        own = sealed_at.astimezone(BEIJING).date()
        if day is None or own > day:
            if leaves and day is not None:
                yield day, leaves
            day, leaves = own, []
        if day >= today:
            return
        leaves.append(leaf)
    if leaves and day is not None:
        yield day, leaves


def _last_day(directory: Path) -> DayRoot | None:
    days = days_of(directory)
    return read_day(days[-1]) if days else None


async def _keep_destroyed(
    db: AsyncSession, clock: Clock, office: Organisation, root: Path, signer: ManifestSigner
) -> int:
    """A signed statement for each line of the register, so that a verifier without the database has it."""
    directory = ledger_of(root, office.id) / DESTROYED
    query = select(DestructionRecord).where(
        DestructionRecord.organisation_id == office.id, DestructionRecord.chain_number.is_not(None)
    )
    records = (await db.scalars(query.order_by(DestructionRecord.chain_number))).all()
    owed = [row for row in records if not (directory / f"{row.chain_number}.json").exists()]
    for row in owed:
        statement = canonical(
            {
                "format": DESTRUCTION_FORMAT,
                "version": 1,
                "software": SOFTWARE,
                "signing_key": signer.fingerprint,
                "organisation": named(office),
                "recording_id": row.recording_id,
                "number": row.chain_number,
                "manifest_sha256": row.manifest_sha256,
                "retention": row.retention,
                "proposed_by": row.proposed_by,
                "proposed_at": moment_text(row.proposed_at),
                "approved_by": row.approved_by,
                "approved_at": moment_text(row.approved_at),
                "destroyed_at": moment_text(row.destroyed_at),
                "made_at": moment_text(clock.now()),
            }
        )
        await asyncio.to_thread(_write_destroyed, directory, row.chain_number or 0, statement, signer)
    return len(owed)


def _write_destroyed(directory: Path, number: int, statement: bytes, signer: ManifestSigner) -> None:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_durably(directory / f"{number}.sig", canonical(signer.sign(statement)))
    write_durably(directory / f"{number}.json", statement)
