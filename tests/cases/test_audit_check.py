"""The audit, changed behind the program's back in SQL: the first wrong row is named, and what was done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry, record_audit
from cases.audit_check import AuditFault, AuditFaultKind, check_audit
from cases.database import Database
from cases.policy import SYSTEM
from tests.clock import FixedClock

ROWS = 6
K = AuditFaultKind


async def sql(db: AsyncSession, statement: str, **values: object) -> None:
    await db.execute(text(statement), values)


async def unguard(db: AsyncSession, system: str) -> None:
    """Who owns the database drops its triggers first."""
    names = ["append_only ON audit_entries"] if system == "postgresql" else ["no_update", "no_delete"]
    for name in names:
        await sql(db, f"DROP TRIGGER audit_entries_{name}")
    await db.commit()


async def row_at(db: AsyncSession, sequence: int) -> AuditEntry:
    found = select(AuditEntry).where(AuditEntry.sequence == sequence)
    return (await db.scalars(found.execution_options(populate_existing=True))).one()


async def change(db: AsyncSession) -> None:
    await sql(db, "UPDATE audit_entries SET outcome = 'refused' WHERE sequence = 3")


async def change_with_digest(db: AsyncSession) -> None:
    await change(db)
    await seal_again(db, 3)


async def change_the_last_with_digest(db: AsyncSession) -> None:
    await sql(db, f"UPDATE audit_entries SET outcome = 'refused' WHERE sequence = {ROWS}")
    await seal_again(db, ROWS)


async def seal_again(db: AsyncSession, sequence: int) -> str:
    row = await row_at(db, sequence)
    digest = row.compute_digest()
    db.expunge(row)
    await sql(db, "UPDATE audit_entries SET digest = :d WHERE sequence = :n", d=digest, n=sequence)
    return digest


async def change_who(db: AsyncSession) -> None:
    await sql(db, "UPDATE audit_entries SET actor_name = '别人' WHERE sequence = 1")


async def change_when(db: AsyncSession) -> None:
    await sql(db, "UPDATE audit_entries SET at = '2026-07-01 00:00:00.000000+00:00' WHERE sequence = 5")


async def take_out(db: AsyncSession) -> None:
    await sql(db, "DELETE FROM audit_entries WHERE sequence = 3")


async def take_out_the_last(db: AsyncSession) -> None:
    await sql(db, f"DELETE FROM audit_entries WHERE sequence = {ROWS}")


async def take_out_and_count_anew(db: AsyncSession) -> None:
    await take_out(db)
    for number in range(4, ROWS + 1):
        await sql(db, f"UPDATE audit_entries SET sequence = {number - 1} WHERE sequence = {number}")
    await sql(db, "UPDATE audit_heads SET sequence = sequence - 1")


async def swap(db: AsyncSession) -> None:
    for old, new in ((2, -1), (4, 2), (-1, 4)):
        await sql(db, f"UPDATE audit_entries SET sequence = {new} WHERE sequence = {old}")


async def append(db: AsyncSession) -> None:
    await copy(db, ROWS, ROWS + 1)


async def put_before_all(db: AsyncSession) -> None:
    await copy(db, 1, 0)


async def put_in(db: AsyncSession) -> None:
    """A copy with a right digest at 3; those after it move up by one."""
    for number in range(ROWS, 2, -1):
        await sql(db, f"UPDATE audit_entries SET sequence = {number + 1} WHERE sequence = {number}")
    await copy(db, 2, 3)
    before = (await row_at(db, 2)).digest
    await sql(db, "UPDATE audit_entries SET previous_digest = :d WHERE sequence = 3", d=before)
    await seal_again(db, 3)
    await sql(db, "UPDATE audit_heads SET sequence = sequence + 1")


async def copy(db: AsyncSession, old: int, new: int) -> None:
    kept = "at, actor_kind, actor_id, actor_name, action, object_kind, object_id, outcome, detail, address"
    kept += ", previous_digest, digest"
    await sql(
        db,
        f"INSERT INTO audit_entries (id, sequence, {kept}) SELECT 'forged{new}', {new}, {kept} "  # noqa: S608
        f"FROM audit_entries WHERE sequence = {old}",
    )


async def drop_the_head(db: AsyncSession) -> None:
    await sql(db, "DELETE FROM audit_heads")


Tamper = Callable[[AsyncSession], Awaitable[None]]
TAMPERED: tuple[tuple[Tamper, AuditFault], ...] = (
    (change, AuditFault(K.CHANGED, 3)),
    (change_with_digest, AuditFault(K.CHANGED, 3)),
    (change_the_last_with_digest, AuditFault(K.CHANGED, ROWS)),
    (change_who, AuditFault(K.CHANGED, 1)),
    (change_when, AuditFault(K.CHANGED, 5)),
    (take_out, AuditFault(K.MISSING, 3)),
    (take_out_the_last, AuditFault(K.MISSING, ROWS)),
    (take_out_and_count_anew, AuditFault(K.MISSING, 3)),
    (swap, AuditFault(K.SWAPPED, 2, 4)),
    (append, AuditFault(K.ADDED, ROWS + 1)),
    (put_before_all, AuditFault(K.ADDED, 0)),
    (put_in, AuditFault(K.ADDED, 3)),
    (drop_the_head, AuditFault(K.HEAD, ROWS)),
)


async def test_each_way_of_changing_rows_is_found(
    database: Database, clock: FixedClock, database_system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cases.audit_check.BATCH", 4)  # Faults within a batch and across two.
    async with database.session() as db:
        for number in range(ROWS):
            detail = {"number": number, "text": "a\r\nb", "after": {"name": "c\nd"}}
            entry = await record_audit(db, clock, SYSTEM, "thing.done", "thing", None, detail=detail)
            clock.advance(seconds=1)
        assert entry.detail == {"number": ROWS - 1, "text": "a b", "after": {"name": "c d"}}
        await unguard(db, database_system)
        verdict = await check_audit(db)
        assert verdict.intact and (verdict.rows, verdict.digest) == (ROWS, entry.digest)
    for tamper, fault in TAMPERED:
        async with database.session() as db:
            await tamper(db)
            assert (await check_audit(db)).fault == fault, tamper.__name__
            await db.rollback()
    if database_system == "sqlite":  # PostgreSQL lets nothing in that is no JSON and no time.
        async with database.session() as db:
            await sql(db, "UPDATE audit_entries SET detail = '{' WHERE sequence = 2")
            assert (await check_audit(db)).fault == AuditFault(K.CHANGED, 2)
