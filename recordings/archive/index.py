"""The archive's index: what was said, marked and noted in a recording, and who was there, ready to be found.

Chinese has no blanks between words, so every pair of neighbouring characters is a term. Where a term occurs
is kept by recordings/archive/postings.py, and so is who may see it: a case that is open to those it concerns
holds their organisations and regions as terms too, a confidential one does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ForeignKey, String, Table, Text, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.clock import Clock
from cases.database import ID_LENGTH, Base
from cases.fields import clean
from cases.organisations import CODE_LENGTHS
from cases.policy import Scope
from cases.register.terms import (
    TERM_LENGTH,
    fold,
    term_of_office,
    term_of_region,
    terms_of_name,
    terms_of_words,
)
from recordings.archive.postings import add_postings, forget_postings, terms_of
from recordings.evidence.clock_jumps import ClockJumps, read_jumps, wall_ns
from recordings.recording import Recording, RecordingState, load_recording
from scheduling.invitation import Invitation
from scheduling.reach import load_session, scope_of_session
from scheduling.session import Session
from scheduling.session_events import SessionEvent, list_events

# Texts of events that a reviewer may look for: marks, chat, minutes, reasons.
TEXT_KEYS = ("text", "note", "reason", "title", "label")
PASSAGE_LIMIT = 2000
MOST_PASSAGES = 5000
MOST_MS = 2**31 - 1
WRITTEN_AT_ONCE = 500
EVERY = "a:"  # The term of every recording.
# What begins so says whose a recording is and who may see it: it changes with the case.
OF_SCOPE = (term_of_office(""), term_of_region(""), "v:")


class ArchivePassage(Base):
    """One text of a recording. `place` counts from 0; `ms` from its beginning, None for its title.

    `folded` is the text as it is compared, None where that is the text itself.
    """

    __tablename__ = "archive_passages"

    recording_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("recordings.id"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ms: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(64))
    who: Mapped[str] = mapped_column(String(256))
    text: Mapped[str] = mapped_column(Text)
    folded: Mapped[str | None] = mapped_column(Text, default=None)


@dataclass(frozen=True, slots=True)
class Passage:
    """A text with its moment in the recording, in seconds; None when it belongs to no moment."""

    seconds: float | None
    kind: str
    who: str
    text: str


def term_of_reader(organisation_id: str) -> str:
    """Return the term of everything open that concerns an organisation itself."""
    return f"v:{organisation_id}"


def term_of_event(kind: str) -> str:
    """Return the term of something that happened, by its event kind."""
    return f"k:{kind}"[:TERM_LENGTH]


def terms_of_scope(scope: Scope) -> set[str]:
    """Return the organisations that took part and, unless it is confidential, by whose posts it is seen.

    A confidential case is seen by grant alone (Art. 30 of the 2022 Regulations), and grants come and go: the
    search looks them up when it is asked.
    """
    terms = {term_of_office(each) for each in scope.organisation_ids}
    if scope.confidential:
        return terms
    lengths = sorted(CODE_LENGTHS.values())
    regions = {code[:length] for code in scope.region_codes for length in lengths if length <= len(code)}
    terms |= {term_of_region(code) for code in regions}
    return terms | {term_of_reader(each) for each in scope.organisation_ids}


async def index_due(db: AsyncSession, limit: int = 20, root: Path | None = None) -> int:
    """Index recordings that are owed it; returns how many. Commits each. ``root`` holds their folders."""
    query = select(Recording.id).where(Recording.index_wanted_at.is_not(None))
    due = (await db.scalars(query.order_by(Recording.index_wanted_at).limit(limit))).all()
    for recording_id in due:
        await index_recording(db, recording_id, root)
    return len(due)


async def follow_custody(db: AsyncSession, clock: Clock, petition_id: str) -> None:
    """The case has another keeper: its recordings are indexed anew; inside the caller's transaction."""
    owed = update(Recording).where(
        Recording.petition_id == petition_id, Recording.state != RecordingState.DESTROYED
    )
    owed = owed.values(index_wanted_at=clock.now()).execution_options(synchronize_session=False)
    await db.execute(owed)


async def forget_recording(db: AsyncSession, recording: Recording) -> None:
    """A recording that is destroyed leaves no words behind; inside the caller's transaction."""
    await forget_postings(db, recording.id)
    await db.execute(delete(ArchivePassage).where(ArchivePassage.recording_id == recording.id))
    recording.index_wanted_at = None


async def index_recording(db: AsyncSession, recording_id: str, root: Path | None = None) -> None:
    """Add what is not in the index yet and commit. Of what is in it nothing is taken out before the recording
    is destroyed, but for the offices and regions that the case no longer concerns.

    Where the wall clock was set meanwhile, as the manifest below ``root`` tells, moments are put right.
    """
    recording = await load_recording(db, recording_id)
    folder = None if root is None else recording.folder(root)
    await db.commit()  # No transaction stays open while the disk is read: SQLite has one writer at a time.
    jumps = ClockJumps(()) if folder is None else await asyncio.to_thread(read_jumps, folder)
    recording = await load_recording(db, recording_id)
    if recording.state is RecordingState.DESTROYED:
        await forget_recording(db, recording)
        await db.commit()
        return
    wanted = recording.index_wanted_at
    session = await load_session(db, recording.session_id)
    events = await list_events(db, session.id)
    found = list(passages_of(recording, session, events, jumps))[:MOST_PASSAGES]
    names = await _names(db, session)
    terms = {term for passage in found for term in terms_of_words(passage.text)}
    terms |= {term for name in names for term in terms_of_name(name)}
    terms |= {term_of_event(each.kind) for each in events}
    terms |= {EVERY} | terms_of_scope(await scope_of_session(db, session))
    held = await terms_of(db, recording_id)
    await add_postings(db, recording_id, recording.started_at, terms)
    if gone := {term for term in held if term.startswith(OF_SCOPE)} - terms:
        await forget_postings(db, recording_id, gone)
    await _add(db, ArchivePassage, passage_rows(recording_id, found), "ms" if jumps else "")
    settled = update(Recording).where(Recording.id == recording_id, Recording.index_wanted_at == wanted)
    await db.execute(settled.values(index_wanted_at=None).execution_options(synchronize_session=False))
    await db.commit()


def passages_of(
    recording: Recording, session: Session, events: Iterable[SessionEvent], jumps: ClockJumps
) -> Iterator[Passage]:
    """The title, then every text of every event up to the end of the recording, and of all marks."""
    began_ns = near = wall_ns(recording.started_at)
    yield Passage(None, "title", "", session.title)
    if session.case.subject != session.title:
        yield Passage(None, "title", "", session.case.subject)
    for event in events:
        at = wall_ns(event.at)
        if jumps:
            at = near = jumps.event_ns(at, event.monotonic_ms, near)
        seconds = (at - began_ns) / 1e9
        for text in texts_of(event.data):
            yield Passage(max(0.0, seconds), event.kind, event.actor_name or "", text)


def passage_rows(recording_id: str, passages: Iterable[Passage]) -> list[dict[str, Any]]:
    """Return rows of `archive_passages`; places count in the order given."""
    return [
        {
            "recording_id": recording_id, "place": place, "ms": _ms(each.seconds), "kind": each.kind,
            "who": each.who, "text": each.text, "folded": _folded(each.text),
        }
        for place, each in enumerate(passages)
    ]  # fmt: skip


def _folded(text: str) -> str | None:
    folded = fold(text)
    return None if folded == text else folded


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else min(round(seconds * 1000), MOST_MS)


def texts_of(data: dict[str, Any]) -> Iterator[str]:
    """Yield what an event's data says in words, cut at PASSAGE_LIMIT."""
    for key in TEXT_KEYS:
        found = data.get(key)
        if isinstance(found, str) and found.strip():
            yield clean(found, lines=True)[:PASSAGE_LIMIT]


async def _names(db: AsyncSession, session: Session) -> set[str]:
    """Everybody who was invited, and the petitioner of the case."""
    invited = select(Invitation.display_name).where(Invitation.session_id == session.id)
    return {name for name in await db.scalars(invited) if name} | {session.case.petitioner.name}


async def _add(db: AsyncSession, model: type[Base], rows: list[dict[str, Any]], column: str = "") -> None:
    """Insert the rows that are not there yet, so many at a time; of those that are set ``column`` anew."""
    table = model.__table__
    assert isinstance(table, Table)
    dialect = postgresql if db.get_bind().dialect.name == "postgresql" else sqlite
    for begin in range(0, len(rows), WRITTEN_AT_ONCE):
        batch = rows[begin : begin + WRITTEN_AT_ONCE]
        insert = dialect.insert(table)
        if column:
            same = list(table.primary_key.columns)
            insert = insert.on_conflict_do_update(index_elements=same, set_={column: insert.excluded[column]})
        else:
            insert = insert.on_conflict_do_nothing()
        await db.execute(insert, batch)
