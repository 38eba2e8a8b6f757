"""Archive list: what an official sees of archived recordings, their holds, proposals, and the register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.policy import Action, Actor, allowed, require
from cases.visibility import reachable_organisations
from recordings.archive.copies import Archive, ArchiveState
from recordings.archive.destruction import DestructionProposal, DestructionRecord, ProposalState
from recordings.archive.legal_hold import LegalHold, standing_holds
from recordings.recording import Recording
from scheduling.reach import scope_of_session, visible_sessions
from scheduling.session import Session

PAGE_SIZE = 30


@dataclass(frozen=True)
class ArchiveLine:
    """One recording of the list, and what the asking official may do with it now."""

    archive: Archive
    recording: Recording
    session: Session
    holds: Sequence[LegalHold]
    proposal: DestructionProposal | None
    may_hold: bool
    may_propose: bool
    may_decide: bool


async def list_archives(
    db: AsyncSession, clock: Clock, actor: Actor, page: int
) -> tuple[list[ArchiveLine], bool]:
    """Page ``page`` from 1 of what the actor may see, failures first, then newest; is there another page?"""
    require(actor, Action.SEE_ARCHIVE)
    failing = case((Archive.state == ArchiveState.FAILED, 0), else_=1)
    query = select(Archive, Recording, Session).join(Recording, Recording.id == Archive.recording_id)
    query = query.join(Session, Session.id == Recording.session_id)
    query = query.join(PetitionCase, PetitionCase.id == Session.petition_id)
    query = query.where(visible_sessions(actor, Action.SEE_ARCHIVE))
    query = query.order_by(failing, Recording.started_at.desc(), Recording.id)
    rows = (await db.execute(query.offset((page - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1))).all()
    lines = []
    for archive, recording, session in rows[:PAGE_SIZE]:
        scope = await scope_of_session(db, session)
        if allowed(actor, Action.SEE_ARCHIVE, scope):
            proposal = await open_proposal(db, recording.id)
            gone = archive.state in (ArchiveState.DESTROYING, ArchiveState.DESTROYED)
            over = archive.keep_until is not None and archive.keep_until <= clock.now()
            waiting = proposal is not None and proposal.state is ProposalState.PROPOSED
            lines.append(
                ArchiveLine(
                    archive, recording, session, await standing_holds(db, recording.id), proposal,
                    may_hold=not gone and allowed(actor, Action.HOLD_RECORDING, scope),
                    may_propose=over and not gone and proposal is None
                    and allowed(actor, Action.PROPOSE_DESTRUCTION, scope),
                    may_decide=waiting and allowed(actor, Action.APPROVE_DESTRUCTION, scope),
                )
            )  # fmt: skip
    return lines, len(rows) > PAGE_SIZE


async def open_proposal(db: AsyncSession, recording_id: str) -> DestructionProposal | None:
    """The proposal that waits for a decision or for the archiver."""
    states = (ProposalState.PROPOSED, ProposalState.APPROVED)
    query = select(DestructionProposal).where(
        DestructionProposal.recording_id == recording_id, DestructionProposal.state.in_(states)
    )
    return await db.scalar(query)


async def list_destructions(db: AsyncSession, actor: Actor, limit: int = 100) -> Sequence[DestructionRecord]:
    """The register of the offices that the actor sees, newest first."""
    require(actor, Action.SEE_ARCHIVE)
    seen = DestructionRecord.organisation_id.in_(reachable_organisations(actor, Action.SEE_ARCHIVE))
    query = select(DestructionRecord).where(seen).order_by(DestructionRecord.destroyed_at.desc())
    return (await db.scalars(query.limit(limit))).all()
