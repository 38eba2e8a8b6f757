"""Proof: what verifications of a recording found, and when; the replay page shows the last one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, new_id
from cases.errors import Conflict
from cases.policy import Action, Actor, require
from recordings.alarms import AlarmKind, Trouble, raise_alarm
from recordings.evidence.verification import Finding, Verdict
from recordings.recording import Recording, load_recording
from scheduling.reach import load_session, scope_of_session

# A folder that is wrong all over is wrong enough with so many findings.
FINDINGS_KEPT = 100


@append_only
class Verification(Base):
    """One reading of all files of one recording. ``intact`` holds only when nothing at all was wrong.

    ``at`` is when the reading began, ``took_ms`` how long it took, ``size`` bytes of the journals.
    ``findings``: code, path, start, end (bytes) and text of what was wrong.
    """

    __tablename__ = "verifications"
    __table_args__ = (
        Index(
            "ix_verifications_damaged",
            "recording_id",
            "at",
            sqlite_where=text("intact IS 0"),
            postgresql_where=text("intact IS false"),
        ),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    recording_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("recordings.id"), index=True)
    at: Mapped[datetime]
    took_ms: Mapped[int]
    intact: Mapped[bool]
    exit_code: Mapped[int]
    manifest_sha256: Mapped[str | None] = mapped_column(String(64))
    fingerprint: Mapped[str | None] = mapped_column(String(128))
    segments: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)
    finding_count: Mapped[int]
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


async def ask_for_verification(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, address: str | None
) -> Recording:
    """Have the files read again; the recordings worker does it. Asking twice is asking once.

    Raises NotFound, Forbidden, and Conflict ``not_sealed`` when there is no manifest yet.
    """
    recording = await load_recording(db, recording_id)
    session = await load_session(db, recording.session_id)
    require(actor, Action.REPLAY, await scope_of_session(db, session))
    if not recording.sealed:
        raise Conflict("not_sealed", "录像还没有封存，不能校验。")
    if recording.verification_wanted_at is None:
        recording.verification_wanted_at = clock.now()
    await add_audit(
        db, clock, actor, "recording.verification_asked", "recording", recording_id, address=address
    )
    await db.commit()
    return recording


async def last_verification(db: AsyncSession, recording_id: str) -> Verification | None:
    """The newest verdict; None when the files were never read since sealing."""
    query = select(Verification).where(Verification.recording_id == recording_id)
    return await db.scalar(query.order_by(Verification.at.desc(), Verification.id).limit(1))


async def note_verdict(
    db: AsyncSession, clock: Clock, recording: Recording, began: datetime, took_ms: int, verdict: Verdict
) -> Verification:
    """Write down what was found and settle what was owed when the reading began; commits.

    What is not intact raises an alarm; the same damage read again raises none, unless it was whole meanwhile.
    """
    row = Verification(
        id=new_id(),
        recording_id=recording.id,
        at=began,
        took_ms=took_ms,
        intact=verdict.intact,
        exit_code=int(verdict.exit_code),
        manifest_sha256=verdict.manifest_sha256,
        fingerprint=verdict.fingerprint,
        segments=verdict.segments,
        size=verdict.size,
        finding_count=len(verdict.findings),
        findings=[_kept(finding) for finding in verdict.findings[:FINDINGS_KEPT]],
    )
    db.add(row)
    settled = update(Recording).where(
        Recording.id == recording.id, Recording.verification_wanted_at == recording.verification_wanted_at
    )
    settled = settled.values(verification_wanted_at=None).execution_options(synchronize_session=False)
    await db.execute(settled)
    read = update(Recording).where(Recording.id == recording.id).values(verified_at=began)
    await db.execute(read.execution_options(synchronize_session=False))
    if not verdict.intact:
        await _alarm(db, clock, recording, row)
    await db.commit()
    return row


async def _alarm(db: AsyncSession, clock: Clock, recording: Recording, row: Verification) -> None:
    whole = select(func.count(Verification.id)).where(
        Verification.recording_id == recording.id, Verification.intact.is_(True)
    )
    trouble = Trouble(
        AlarmKind.CHANGED,
        recording.directory,
        tuple(row.findings),
        row.finding_count,
        recording.session_id,
        recording.id,
        occasion=str(await db.scalar(whole)),
    )
    await raise_alarm(db, clock, trouble)


def _kept(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "path": finding.path,
        "start": finding.start,
        "end": finding.end,
        "text": finding.text_zh,
        "text_en": finding.text_en,
    }
