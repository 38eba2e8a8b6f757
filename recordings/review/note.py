"""Timed notes of reviewers (评阅批注): at a second, over a stretch, or about the whole recording.

Nothing is overwritten: a correction is the next revision of the same note, a withdrawal the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ForeignKey, Index, String, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, new_id, violates
from cases.errors import Conflict, Forbidden, NotFound
from cases.policy import Actor
from recordings.review.authorship import WORDS_LIMIT, Authored, authored, clean_words, open_for_review
from recordings.review.film_time import Stretch

REVISION_INDEX = "uq_review_notes_revision"
MOST_NOTES = 500  # Of one recording.
MOST_REVISIONS = 50  # Of one note.


@append_only
class ReviewNote(Authored, Base):
    """One revision of a note. ``note_id`` is the id of the first revision; only its author goes on."""

    __tablename__ = "review_notes"
    __table_args__ = (Index(REVISION_INDEX, "note_id", "revision", unique=True),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    recording_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("recordings.id"), index=True)
    note_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    revision: Mapped[int]
    from_ms: Mapped[int | None]
    to_ms: Mapped[int | None]
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))
    withdrawn: Mapped[bool]


@dataclass(frozen=True)
class Note:
    """A note as it stands now, and its earlier revisions, oldest first."""

    now: ReviewNote
    earlier: tuple[ReviewNote, ...]


async def write_note(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, stretch: Stretch, words: str,
    address: str | None,
) -> ReviewNote:  # fmt: skip
    """A new note; commits. Raises NotFound, Forbidden, Invalid at ``words``, Conflict ``too_many_notes``."""
    await open_for_review(db, actor, recording_id)
    words = clean_words(words, "批注")
    count = select(func.count()).where(ReviewNote.recording_id == recording_id, ReviewNote.revision == 1)
    if (await db.scalar(count) or 0) >= MOST_NOTES:
        raise Conflict("too_many_notes", f"一份录像最多 {MOST_NOTES} 条批注。")
    row_id = new_id()
    row = ReviewNote(
        id=row_id, recording_id=recording_id, note_id=row_id, revision=1, from_ms=stretch.from_ms,
        to_ms=stretch.to_ms, words=words, withdrawn=False, **await authored(db, clock, actor),
    )  # fmt: skip
    return await _keep(db, clock, actor, row, "note.written", address)


async def correct_note(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, note_id: str, stretch: Stretch,
    words: str, address: str | None,
) -> ReviewNote:  # fmt: skip
    """The next revision of an own note; commits.

    Raises NotFound, Forbidden ``note_of_another``, Invalid at ``words``, Conflict ``note_withdrawn``.
    """
    await open_for_review(db, actor, recording_id)
    last = await _own_note(db, actor, recording_id, note_id)
    row = ReviewNote(
        id=new_id(), recording_id=recording_id, note_id=note_id, revision=last.revision + 1,
        from_ms=stretch.from_ms, to_ms=stretch.to_ms, words=clean_words(words, "批注"), withdrawn=False,
        **await authored(db, clock, actor),
    )  # fmt: skip
    return await _keep(db, clock, actor, row, "note.corrected", address)


async def withdraw_note(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, note_id: str, address: str | None
) -> ReviewNote:
    """The last revision of an own note: it no longer stands, but stays to be read. Raises as correcting."""
    await open_for_review(db, actor, recording_id)
    last = await _own_note(db, actor, recording_id, note_id)
    row = ReviewNote(
        id=new_id(), recording_id=recording_id, note_id=note_id, revision=last.revision + 1,
        from_ms=last.from_ms, to_ms=last.to_ms, words=last.words, withdrawn=True,
        **await authored(db, clock, actor),
    )  # fmt: skip
    return await _keep(db, clock, actor, row, "note.withdrawn", address)


async def list_notes(db: AsyncSession, recording_id: str) -> list[Note]:
    """Every note in the order of the film, those about the whole first; without asking the policy."""
    query = select(ReviewNote).where(ReviewNote.recording_id == recording_id)
    rows = (await db.scalars(query.order_by(ReviewNote.revision))).all()
    notes: dict[str, list[ReviewNote]] = {}
    for row in rows:
        notes.setdefault(row.note_id, []).append(row)
    found = [Note(revisions[-1], tuple(revisions[:-1])) for revisions in notes.values()]
    return sorted(found, key=lambda note: (note.now.from_ms is not None, note.now.from_ms or 0, note.now.at))


async def _own_note(db: AsyncSession, actor: Actor, recording_id: str, note_id: str) -> ReviewNote:
    query = select(ReviewNote).where(ReviewNote.recording_id == recording_id, ReviewNote.note_id == note_id)
    rows: Sequence[ReviewNote] = (await db.scalars(query.order_by(ReviewNote.revision))).all()
    if not rows:
        raise NotFound("note_not_found", "没有找到这条批注。")
    if rows[0].by_id != actor.official_id:
        raise Forbidden("note_of_another", "别人的批注不能更正，可以另写一条。")
    if rows[-1].withdrawn:
        raise Conflict("note_withdrawn", "这条批注已经撤回。")
    if len(rows) >= MOST_REVISIONS:
        raise Conflict("too_many_revisions", "这条批注更正次数太多，请另写一条。")
    return rows[-1]


async def _keep(
    db: AsyncSession, clock: Clock, actor: Actor, row: ReviewNote, act: str, address: str | None
) -> ReviewNote:
    try:
        db.add(row)
        await db.flush()
    except IntegrityError as error:
        await db.rollback()
        if not violates(error, REVISION_INDEX, "review_notes.note_id"):
            raise
        raise Conflict() from error
    detail = {"note_id": row.note_id, "revision": row.revision, "from_ms": row.from_ms}
    await add_audit(db, clock, actor, act, "recording", row.recording_id, detail=detail, address=address)
    await db.commit()
    return row
