"""The signed heads: who writes the whole audit anew, digests and all, is found by what was signed before."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select, text

from cases.audit import GENESIS, AuditEntry, record_audit
from cases.audit_check import check_audit
from cases.database import Database
from cases.policy import SYSTEM
from recordings.evidence.signing import load_signer
from recordings.watch.audit_anchor import anchor_audit, check_anchors
from tests.cases.test_audit_check import unguard
from tests.clock import FixedClock


async def test_a_chain_that_was_written_anew_is_not_the_one_that_was_signed(
    database: Database, clock: FixedClock, database_system: str, tmp_path: Path
) -> None:
    signer, anchors = load_signer(tmp_path / "keys"), tmp_path / "audit"
    async with database.session() as db:
        assert not await anchor_audit(db, clock, anchors, signer)
        for _ in range(2):
            for _ in range(3):
                await record_audit(db, clock, SYSTEM, "thing.done", "thing", None)
            assert await anchor_audit(db, clock, anchors, signer)
            assert not await anchor_audit(db, clock, anchors, signer), "once a day"
            clock.advance(days=1)
        assert await check_anchors(db, anchors) == (2, [])
        await unguard(db, database_system)
        await db.execute(text("UPDATE audit_entries SET outcome = 'refused' WHERE sequence = 5"))
        previous = GENESIS
        for number in range(1, 7):
            query = select(AuditEntry).where(AuditEntry.sequence == number)
            row = (await db.scalars(query.execution_options(populate_existing=True))).one()
            values = {"p": previous, "n": number}
            await db.execute(
                text("UPDATE audit_entries SET previous_digest = :p WHERE sequence = :n"), values
            )
            row = (await db.scalars(query.execution_options(populate_existing=True))).one()
            previous = row.compute_digest()
            told = text("UPDATE audit_entries SET digest = :d WHERE sequence = :n")
            await db.execute(told, {"d": previous, "n": number})
        await db.execute(text("UPDATE audit_heads SET digest = :d"), {"d": previous})
        await db.commit()
        assert (await check_audit(db)).intact, "the chain itself cannot know"
        _, (fault,) = await check_anchors(db, anchors)
        assert (fault.code, fault.sequence) == ("rewritten", 6), "the first three rows are those signed"
        first, second = sorted(anchors.glob("*.json"))
        first.unlink()
        assert "anchor_missing" in {each.code for each in (await check_anchors(db, anchors))[1]}
        second.write_bytes(second.read_bytes().replace(b'"sequence":6', b'"sequence":5'))
        assert {each.code for each in (await check_anchors(db, anchors))[1]} & {"anchor_signature"}
