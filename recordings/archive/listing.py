"""Archive list: what an official sees of archived recordings, their holds, proposals, and the register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, raiseload

from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.cursor import Cursor, read_cursor
from cases.policy import Action, Actor, allowed, require
from cases.visibility import reachable_organisations
from recordings.archive.copies import Archive, ArchiveState
from recordings.archive.destruction import DestructionProposal, DestructionRecord, ProposalState
from recordings.archive.legal_hold import LegalHold, holds_of
from recordings.archive.store_hold import StoreHold, store_holds_of
from recordings.archive.store_lock import StoreLock, store_locks_of
from recordings.recording import Recording
from scheduling.reach import scopes_of_sessions, visible_sessions
from scheduling.session import Session
from scheduling.sessions.sessions import UNLISTED

PAGE_SIZE = 30
FAILING = "failing-"
UNDECIDED = (ProposalState.PROPOSED, ProposalState.APPROVED)
_Row = tuple[Archive, Recording, Session]


@dataclass(frozen=True)
class ArchiveLine:
    """One recording of the list, and what the asking official may do with it now."""

    archive: Archive
    recording: Recording
    session: Session
    holds: Sequence[LegalHold]
    store_hold: StoreHold | None
    store_lock: StoreLock | None
    proposal: DestructionProposal | None
    may_hold: bool
    may_propose: bool
    may_decide: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: among those whose copy failed, which come first, or among the others."""

    failing: bool
    at: Cursor

    def spelled(self) -> str:
        """`failing-` or nothing, and the cursor; `read_place` reads it."""
        return f"{FAILING if self.failing else ''}{self.at.spelled()}"


def read_place(typed: str) -> Place | None:
    """The place that an address names; anything else begins with the first page."""
    place = read_cursor(typed.removeprefix(FAILING))
    return Place(typed.startswith(FAILING), place) if place else None


async def list_archives(
    db: AsyncSession, clock: Clock, actor: Actor, after: Place | None = None
) -> tuple[list[ArchiveLine], Place | None]:
    """A page of what the actor may see, failures first, then newest; and where the next one begins."""
    require(actor, Action.SEE_ARCHIVE)
    rows: list[_Row] = []
    if after is None or after.failing:
        rows = await _rows(db, actor, True, after.at if after else None, PAGE_SIZE + 1)
    if len(rows) <= PAGE_SIZE:
        begun = after.at if after and not after.failing else None
        rows += await _rows(db, actor, False, begun, PAGE_SIZE + 1 - len(rows))
    lines = await _lines(db, clock, actor, rows[:PAGE_SIZE])
    if len(rows) <= PAGE_SIZE:
        return lines, None
    archive, recording, _ = rows[PAGE_SIZE - 1]
    failing = archive.state is ArchiveState.FAILED
    return lines, Place(failing, Cursor(recording.started_at, recording.id))


async def _rows(
    db: AsyncSession, actor: Actor, failing: bool, after: Cursor | None, limit: int
) -> list[_Row]:
    """Newest first, of those whose copy failed or of the others."""
    query = select(Archive, Recording, Session).join(Recording, Recording.id == Archive.recording_id)
    query = query.join(Session, Session.id == Recording.session_id)
    query = query.join(PetitionCase, PetitionCase.id == Session.petition_id)
    query = query.options(joinedload(Session.petition).options(*(raiseload(each) for each in UNLISTED)))
    failed = Archive.state == ArchiveState.FAILED
    query = query.where(visible_sessions(actor, Action.SEE_ARCHIVE), failed if failing else ~failed)
    if after is not None:
        query = query.where(after.beyond(Recording.started_at, Recording.id))
    query = query.order_by(Recording.started_at.desc(), Recording.id.desc()).limit(limit)
    return [(archive, recording, session) for archive, recording, session in await db.execute(query)]


async def _lines(
    db: AsyncSession, clock: Clock, actor: Actor, rows: Sequence[_Row]
) -> list[ArchiveLine]:
    scopes = await scopes_of_sessions(db, [session for _, _, session in rows])
    ids = [recording.id for _, recording, _ in rows]
    holds, proposals = await holds_of(db, ids), await _open_proposals(db, ids)
    at_store, locks = await store_holds_of(db, ids), await store_locks_of(db, ids)
    lines = []
    for archive, recording, session in rows:
        scope, proposal = scopes[session.id], proposals.get(recording.id)
        if allowed(actor, Action.SEE_ARCHIVE, scope):
            gone = archive.state in (ArchiveState.DESTROYING, ArchiveState.DESTROYED)
            over = archive.keep_until is not None and archive.keep_until <= clock.now()
            waiting = proposal is not None and proposal.state is ProposalState.PROPOSED
            lines.append(
                ArchiveLine(
                    archive, recording, session, holds.get(recording.id, ()),
                    at_store.get(recording.id), locks.get(recording.id), proposal,
                    may_hold=not gone and allowed(actor, Action.HOLD_RECORDING, scope),
                    may_propose=over and not gone and proposal is None
                    and allowed(actor, Action.PROPOSE_DESTRUCTION, scope),
                    may_decide=waiting and allowed(actor, Action.APPROVE_DESTRUCTION, scope),
                )
            )  # fmt: skip
    return lines


async def _open_proposals(
    db: AsyncSession, recording_ids: Sequence[str]
) -> dict[str, DestructionProposal]:
    """By recording, the proposal that waits for a decision or for the archiver."""
    query = select(DestructionProposal).where(
        DestructionProposal.recording_id.in_(recording_ids), DestructionProposal.state.in_(UNDECIDED)
    )
    return {each.recording_id: each for each in await db.scalars(query)}


async def list_destructions(db: AsyncSession, actor: Actor, limit: int = 100) -> Sequence[DestructionRecord]:
    """The register of the offices that the actor sees, newest first."""
    require(actor, Action.SEE_ARCHIVE)
    seen = DestructionRecord.organisation_id.in_(reachable_organisations(actor, Action.SEE_ARCHIVE))
    query = select(DestructionRecord).where(seen).order_by(DestructionRecord.destroyed_at.desc())
    return (await db.scalars(query.limit(limit))).all()
