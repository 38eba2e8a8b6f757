"""What was changed since the minutes were first read back: for those who are about to sign them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scheduling.minutes.history import Piece, differences
from scheduling.minutes.paragraph import (
    KIND_NAMES,
    MinutesParagraph,
    MinutesRevision,
    ParagraphKind,
    RevisionAct,
)
from scheduling.minutes.record import Minutes, Sheet, list_paragraphs
from scheduling.session_events import events_of_kinds

READ_BACK = "minutes.read_back"


@dataclass(frozen=True, slots=True)
class Change:
    """A paragraph that is not as it was read back.

    `number` is its place now, None when it was taken out; `was_new`: it was not there when it was read back.
    `speaker` holds (then, now) where that or the kind was changed.
    """

    number: int | None
    was_new: bool
    pieces: tuple[Piece, ...]
    speaker: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Draft:
    """`version` of the sheet that was read back first, and every paragraph that differs now, in order."""

    version: int
    changes: tuple[Change, ...]


async def changes_since_read_back(db: AsyncSession, sheet: Sheet) -> Draft | None:
    """None while nothing was read back. The caller has asked the policy; notes are left out.

    The first reading counts: what was changed after it and read back again is still shown.
    """
    events = await events_of_kinds(db, sheet.minutes.session_id, (READ_BACK,))
    if not events:
        return None
    version = int(events[0].data["version"])
    then = await _wordings_at(db, sheet.minutes, version)
    numbers = {each.id: number for number, each in enumerate(sheet.public, 1)}
    changes = []
    for each in await list_paragraphs(db, sheet.minutes.id, removed=True):
        old, place = then.get(each.id), numbers.get(each.id)
        if old is None and place is None:
            continue  # Written and taken out again in between, or a note.
        before, now = old.text if old else "", each.text if place else ""
        named = (_label(old), _label(each)) if old and place and _label(old) != _label(each) else None
        if before != now or named or old is None or place is None:
            changes.append(Change(place, old is None, differences(before, now), named))
    return Draft(version, tuple(changes))


async def _wordings_at(db: AsyncSession, minutes: Minutes, version: int) -> dict[str, MinutesRevision]:
    """By paragraph, what was read back: without notes and without what had been taken out."""
    query = select(MinutesRevision).where(
        MinutesRevision.minutes_id == minutes.id, MinutesRevision.version <= version
    )
    last = {row.paragraph_id: row for row in await db.scalars(query.order_by(MinutesRevision.version))}
    return {
        key: row
        for key, row in last.items()
        if row.act is not RevisionAct.REMOVED and row.kind is not ParagraphKind.NOTE
    }


def _label(row: MinutesRevision | MinutesParagraph) -> str:
    """Who speaks, as the page says it."""
    kind = KIND_NAMES[row.kind]
    return f"{kind}（{row.speaker_name}）" if row.speaker_name else kind
