"""Destruction: proposed by one official, approved by another, recorded for ever (销毁清册)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, new_id, violates
from cases.errors import Conflict, NotFound
from cases.policy import Action, Actor, require
from cases.second_person import refuse_own
from recordings.archive.copies import Archive, ArchiveState, archive_of
from recordings.archive.legal_hold import clean_reason, lock_recording, standing_holds
from recordings.recording import Recording, load_recording
from scheduling.reach import load_session, scope_of_session
from scheduling.transitions import require_transition

OPEN_INDEX = "uq_destruction_proposals_open"
OPEN_WHERE = "state IN ('proposed', 'approved')"


class ProposalState(StrEnum):
    """Where a proposal to delete stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"  # The archiver will delete, and tries again until the store has.
    REJECTED = "rejected"
    STOPPED = "stopped"  # A hold came between approval and deletion.
    DONE = "done"


_S = ProposalState
TRANSITIONS: Mapping[ProposalState, frozenset[ProposalState]] = {
    _S.PROPOSED: frozenset({_S.APPROVED, _S.REJECTED}),
    _S.APPROVED: frozenset({_S.DONE, _S.STOPPED}),
    _S.REJECTED: frozenset(),
    _S.STOPPED: frozenset(),
    _S.DONE: frozenset(),
}


class DestructionProposal(Base):
    """One proposal for one recording; at most one is open.

    ``versions``: what was found in the store, written down before it was deleted (see DestructionRecord).
    """

    __tablename__ = "destruction_proposals"
    __table_args__ = (
        Index(
            OPEN_INDEX,
            "recording_id",
            unique=True,
            sqlite_where=text(OPEN_WHERE),
            postgresql_where=text(OPEN_WHERE),
        ),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    recording_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("recordings.id"))
    state: Mapped[ProposalState]
    reason: Mapped[str] = mapped_column(String(1200))
    proposed_at: Mapped[datetime]
    proposed_by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    proposed_by: Mapped[str] = mapped_column(String(256))
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    decided_by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), default=None)
    decided_by: Mapped[str | None] = mapped_column(String(256), default=None)
    decision: Mapped[str | None] = mapped_column(String(1200), default=None)
    next_try_at: Mapped[datetime | None] = mapped_column(default=None)
    attempts: Mapped[int] = mapped_column(default=0)
    cause: Mapped[str | None] = mapped_column(String(32), default=None)
    versions: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True), default=None)

    def move_to(self, state: ProposalState) -> None:
        """Change the state; Conflict ``bad_transition`` where the table does not permit it."""
        require_transition(TRANSITIONS, self.state, state, "这个销毁申请已经处理过了，请刷新。")
        self.state = state


@append_only
class DestructionRecord(Base):
    """What was deleted, on whose word, and by what it could be recognised. Stays for ever.

    ``objects``: name and SHA-256 of each object that lay in the store. ``versions``: name, version and marker
    of everything that was found under its folder there and deleted, after which the store listed nothing
    more; None in lines from before it was written down. No personal data of citizens.
    """

    __tablename__ = "destruction_records"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    proposal_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("destruction_proposals.id"))
    recording_id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True)
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    petition_number: Mapped[str] = mapped_column(String(64))
    chain_number: Mapped[int | None]
    manifest_sha256: Mapped[str | None] = mapped_column(String(64))
    started_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    size: Mapped[int] = mapped_column(BigInteger)
    retention: Mapped[str] = mapped_column(String(32))
    keep_until: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(1200))
    proposed_by: Mapped[str] = mapped_column(String(256))
    proposed_at: Mapped[datetime]
    approved_by: Mapped[str] = mapped_column(String(256))
    approved_at: Mapped[datetime]
    destroyed_at: Mapped[datetime]
    objects: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    versions: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True), default=None)

    @property
    def whole(self) -> int:
        """How many of the versions were objects."""
        return len(self.versions or ()) - self.markers

    @property
    def markers(self) -> int:
        """How many of the versions were delete markers."""
        return sum(each["marker"] for each in self.versions or ())


async def propose_destruction(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, reason: str, address: str | None
) -> DestructionProposal:
    """Ask for deletion of a recording whose retention has ended and which no hold protects.

    Raises NotFound, Forbidden, Invalid, Conflict ``kept_for_ever``, ``still_kept``, ``held``,
    ``not_archived``, ``already_proposed``.
    """
    recording = await lock_recording(db, recording_id)
    session = await load_session(db, recording.session_id)
    require(actor, Action.PROPOSE_DESTRUCTION, await scope_of_session(db, session))
    reason = clean_reason(reason)
    await require_deletable(db, clock, recording_id)
    proposal = DestructionProposal(
        id=new_id(), recording_id=recording_id, state=ProposalState.PROPOSED, reason=reason,
        proposed_at=clock.now(), proposed_by_id=actor.official_id, proposed_by=actor.name, attempts=0,
    )  # fmt: skip
    try:
        db.add(proposal)
        await db.flush()
    except IntegrityError as error:
        await db.rollback()
        if not violates(error, OPEN_INDEX, "destruction_proposals.recording_id"):
            raise
        raise Conflict("already_proposed", "这份录像已经有一个销毁申请。") from error
    detail = {"reason": reason, "proposal_id": proposal.id}
    act = "destruction.proposed"
    await add_audit(db, clock, actor, act, "recording", recording_id, "ok", detail, address)
    await db.commit()
    return proposal


async def decide_destruction(
    db: AsyncSession, clock: Clock, actor: Actor, proposal_id: str, approve: bool, why: str,
    address: str | None,
) -> DestructionProposal:  # fmt: skip
    """Approve or reject, as another official than the one who proposed.

    Raises NotFound, Forbidden ``own_proposal``, Invalid, Conflict (as for proposing, or ``bad_transition``).
    """
    proposal = await db.get(DestructionProposal, proposal_id)
    if proposal is None:
        raise NotFound("proposal_not_found", "没有找到这个销毁申请。")
    recording = await lock_recording(db, proposal.recording_id)
    session = await load_session(db, recording.session_id)
    require(actor, Action.APPROVE_DESTRUCTION, await scope_of_session(db, session))
    refuse_own(actor, proposal.proposed_by_id, "自己提出的销毁申请要由另一个人审批。")
    why = clean_reason(why)
    await db.refresh(proposal)
    if approve:
        await require_deletable(db, clock, recording.id)
    proposal.move_to(ProposalState.APPROVED if approve else ProposalState.REJECTED)
    proposal.decided_at, proposal.decided_by_id = clock.now(), actor.official_id
    proposal.decided_by, proposal.decision = actor.name, why
    await db.flush()
    act = "destruction.approved" if approve else "destruction.rejected"
    detail = {"reason": why, "proposal_id": proposal_id}
    await add_audit(db, clock, actor, act, "recording", recording.id, "ok", detail, address)
    await db.commit()
    return proposal


async def require_deletable(db: AsyncSession, clock: Clock, recording_id: str) -> Archive:
    """The archive row of a recording that may be deleted now. Raises Conflict."""
    archive = await archive_of(db, recording_id)
    settled = (ArchiveState.ARCHIVED, ArchiveState.LOCAL_REMOVED, ArchiveState.WAITING)
    if archive is None or archive.state not in settled:
        raise Conflict("not_archived", "这份录像还没有归档完成，不能销毁。")
    if archive.keep_until is None:
        raise Conflict("kept_for_ever", "这份录像永久保存，不能销毁。")
    if archive.keep_until > clock.now():
        raise Conflict("still_kept", "保管期限还没有到，不能销毁。")
    if await standing_holds(db, recording_id):
        raise Conflict("held", "这份录像有依法保全，不能销毁。")
    return archive


async def add_destruction_record(
    db: AsyncSession, clock: Clock, proposal: DestructionProposal, archive: Archive,
    objects: list[dict[str, Any]],
) -> DestructionRecord:  # fmt: skip
    """The line of the register, inside the caller's transaction."""
    recording: Recording = await load_recording(db, proposal.recording_id)
    session = await load_session(db, recording.session_id)
    record = DestructionRecord(
        id=new_id(), proposal_id=proposal.id, recording_id=recording.id,
        organisation_id=recording.organisation_id, petition_number=session.case.number,
        chain_number=recording.chain_number, manifest_sha256=recording.manifest_sha256,
        started_at=recording.started_at, stopped_at=recording.stopped_at, size=recording.size,
        retention=archive.retention, keep_until=archive.keep_until, reason=proposal.reason,
        proposed_by=proposal.proposed_by, proposed_at=proposal.proposed_at,
        approved_by=proposal.decided_by or "", approved_at=proposal.decided_at or clock.now(),
        destroyed_at=clock.now(), objects=objects, versions=proposal.versions or [],
    )  # fmt: skip
    db.add(record)
    await db.flush()
    return record
