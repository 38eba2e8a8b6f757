"""The text of the minutes as it is read back and signed: in canonical form, and its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scheduling.minutes.objection import MinutesObjection, ObjectionAnswer
from scheduling.minutes.record import Minutes, Sheet

FORMAT, VERSION = "lianxin-minutes", 1


@dataclass(frozen=True)
class Objected:
    """An objection with its answer, None while it has none."""

    objection: MinutesObjection
    answer: ObjectionAnswer | None


async def list_objections(db: AsyncSession, minutes_id: str) -> tuple[Objected, ...]:
    """All objections of the sheet in the order they were made. The caller has asked the policy."""
    query = (
        select(MinutesObjection, ObjectionAnswer)
        .outerjoin(ObjectionAnswer, ObjectionAnswer.objection_id == MinutesObjection.id)
        .where(MinutesObjection.minutes_id == minutes_id)
        .order_by(MinutesObjection.at, MinutesObjection.id)
    )
    rows = (await db.execute(query.execution_options(populate_existing=True))).all()
    return tuple(Objected(row[0], row[1]) for row in rows)


def text_of(sheet: Sheet, objected: Sequence[Objected]) -> dict[str, Any]:
    """What is read back and signed: paragraphs without the officials' notes, objections and their answers."""
    minutes: Minutes = sheet.minutes
    numbers = {each.id: number for number, each in enumerate(sheet.public, 1)}
    return {
        "format": FORMAT,
        "version": VERSION,
        "session_id": minutes.session_id,
        "template": f"{minutes.template}/{minutes.template_version}",
        "paragraphs": [
            {
                "number": numbers[each.id],
                "kind": str(each.kind),
                "speaker": each.speaker_name,
                "office": each.speaker_office,
                "text": each.text,
                "said_at": each.said_at.isoformat() if each.said_at else None,
            }
            for each in sheet.public
        ],
        "objections": [
            {
                "paragraph": numbers.get(each.objection.paragraph_id or ""),
                "name": each.objection.name,
                "words": each.objection.words,
                "outcome": str(each.answer.outcome) if each.answer else None,
                "answer": each.answer.words if each.answer else None,
            }
            for each in objected
        ],
    }


def canonical(statement: dict[str, Any]) -> bytes:
    """One spelling for one content: sorted keys, no blanks, UTF-8."""
    return json.dumps(statement, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest_of(sheet: Sheet, objected: Sequence[Objected]) -> str:
    """SHA-256 of the canonical text, hexadecimal."""
    return hashlib.sha256(canonical(text_of(sheet, objected))).hexdigest()
