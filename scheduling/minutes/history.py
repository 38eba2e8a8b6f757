"""The versions of the minutes: who wrote what and when, and what it changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.policy import Action, Actor, require
from scheduling.minutes.merge import compare, split_words
from scheduling.minutes.paragraph import ACT_NAMES, MinutesRevision, ParagraphKind, RevisionAct
from scheduling.minutes.record import load_minutes, scope_of_minutes
from scheduling.reach import load_session

# Saved while somebody types: what one person does to one paragraph without a pause is one entry.
ONE_SITTING = timedelta(minutes=2)
MOST_ENTRIES = 300
_TYPING = frozenset({RevisionAct.INSERTED, RevisionAct.EDITED, RevisionAct.MERGED})


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text: `kept`, `added` or `taken`."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One person's work on one paragraph; versions `since` to `until` of the sheet."""

    since: int
    until: int
    at: datetime
    by: str
    act: str
    kind: ParagraphKind
    speaker: str
    paragraph_id: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class History:
    """Newest first; `older` is the version to go on from."""

    entries: tuple[Entry, ...]
    older: int | None


async def read_history(db: AsyncSession, actor: Actor, session_id: str, before: int | None = None) -> History:
    """What was done to the minutes before version `before`, or lately. Raises NotFound, Forbidden."""
    session = await load_session(db, session_id)
    require(actor, Action.SEE_MINUTES, await scope_of_minutes(db, session))
    minutes = await load_minutes(db, session_id)
    query = select(MinutesRevision).where(MinutesRevision.minutes_id == minutes.id)
    if before is not None:
        query = query.where(MinutesRevision.version < before)
    newest = (await db.scalars(query.order_by(MinutesRevision.version.desc()).limit(MOST_ENTRIES * 10))).all()
    groups = _grouped(list(reversed(newest)))[-MOST_ENTRIES:]
    if not groups:
        return History((), None)
    earlier = await _wordings_before(db, groups)
    entries = tuple(_entry(group, earlier.get(group[0].id, "")) for group in reversed(groups))
    first = min(group[0].version for group in groups)
    return History(entries, first if first > 1 else None)


def differences(old: str, new: str) -> tuple[Piece, ...]:
    """The new text with what was added, and what was taken out, told apart."""
    words, fresh = split_words(old), split_words(new)
    pieces = []
    at = 0
    for hunk in compare(words, fresh):
        pieces.append(Piece("kept", "".join(words[at : hunk.since])))
        pieces.append(Piece("taken", "".join(words[hunk.since : hunk.until])))
        pieces.append(Piece("added", "".join(hunk.words)))
        at = hunk.until
    pieces.append(Piece("kept", "".join(words[at:])))
    return tuple(piece for piece in pieces if piece.text)


def _grouped(rows: list[MinutesRevision]) -> list[list[MinutesRevision]]:
    groups: list[list[MinutesRevision]] = []
    latest: dict[str, list[MinutesRevision]] = {}
    for row in rows:
        group = latest.get(row.paragraph_id)
        if group is not None and _goes_on(group[-1], row):
            group.append(row)
        else:
            latest[row.paragraph_id] = [row]
            groups.append(latest[row.paragraph_id])
    return groups


def _goes_on(last: MinutesRevision, row: MinutesRevision) -> bool:
    same = last.by_id == row.by_id and last.by == row.by
    return same and {last.act, row.act} <= _TYPING and row.at - last.at <= ONE_SITTING


async def _wordings_before(db: AsyncSession, groups: list[list[MinutesRevision]]) -> dict[str, str]:
    """By the id of each group's first revision: the text before it."""
    ids = {group[0].paragraph_id for group in groups}
    query = select(MinutesRevision.paragraph_id, MinutesRevision.number, MinutesRevision.text)
    numbers = {group[0].number - 1 for group in groups}
    found = await db.execute(
        query.where(MinutesRevision.paragraph_id.in_(ids), MinutesRevision.number.in_(numbers))
    )
    texts = {(paragraph_id, number): text for paragraph_id, number, text in found}
    return {group[0].id: texts.get((group[0].paragraph_id, group[0].number - 1), "") for group in groups}


def _entry(group: list[MinutesRevision], before: str) -> Entry:
    first, last = group[0], group[-1]
    act = first.act if first.act is RevisionAct.INSERTED else last.act
    removed = last.act is RevisionAct.REMOVED
    pieces = (Piece("taken", last.text),) if removed and last.text else differences(before, last.text)
    return Entry(
        since=first.version, until=last.version, at=last.at, by=last.by, act=ACT_NAMES[act], kind=last.kind,
        speaker="，".join(each for each in (last.speaker_name, last.speaker_office) if each),
        paragraph_id=last.paragraph_id, pieces=pieces,
    )  # fmt: skip
