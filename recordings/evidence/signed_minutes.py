"""Final minutes as evidence: one statement of text, signatures and session, signed with the key in use.

The statement holds what the canonical text was, so a character changed in the database afterwards is found
by comparing, and one changed in the statement by its signature.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.clock import Clock
from cases.database import ID_LENGTH, Base
from recordings.evidence.signing import ManifestSigner, check_signature
from scheduling.minutes.reading import Reading
from scheduling.minutes.record import MinutesState, Sheet
from scheduling.minutes.signature import MinutesSignature, list_signatures
from scheduling.minutes.statement import canonical, text_of


@append_only
class SignedMinutes(Base):
    """The statement (canonical JSON) about one sheet, and its signature (JSON as Signer makes it)."""

    __tablename__ = "signed_minutes"

    minutes_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("minutes.id"), primary_key=True)
    statement: Mapped[str] = mapped_column(Text)
    signature: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]


class MinutesVerdict(StrEnum):
    """What comparing found."""

    NOT_FINAL = "not_final"
    UNSIGNED = "unsigned"
    INTACT = "intact"
    TEXT_CHANGED = "text_changed"
    SIGNATURES_CHANGED = "signatures_changed"
    STATEMENT_FORGED = "statement_forged"


VERDICT_WORDS = {
    MinutesVerdict.NOT_FINAL: "笔录还没有定稿",
    MinutesVerdict.UNSIGNED: "已定稿，正在生成签名记录",
    MinutesVerdict.INTACT: "与定稿时一致",
    MinutesVerdict.TEXT_CHANGED: "正文与定稿时不一致",
    MinutesVerdict.SIGNATURES_CHANGED: "签字记录与定稿时不一致",
    MinutesVerdict.STATEMENT_FORGED: "定稿记录本身的签名不对",
}


@dataclass(frozen=True)
class Checked:
    """The verdict; with a statement also its digest's key."""

    verdict: MinutesVerdict
    fingerprint: str = ""

    @property
    def words(self) -> str:
        """For a page."""
        return VERDICT_WORDS[self.verdict]


async def sign_final(
    db: AsyncSession, clock: Clock, reading: Reading, signer: ManifestSigner
) -> SignedMinutes | None:
    """The signed statement, made now if the minutes are final and have none; commits. None before that."""
    minutes = reading.sheet.minutes
    found = await db.get(SignedMinutes, minutes.id)
    if found is not None or minutes.state is not MinutesState.LOCKED:
        return found
    statement = canonical(statement_of(reading, await list_signatures(db, minutes.id)))
    signature = json.dumps(signer.sign(statement), sort_keys=True)
    made = SignedMinutes(
        minutes_id=minutes.id, statement=statement.decode(), signature=signature, made_at=clock.now()
    )
    db.add(made)
    try:
        await db.commit()
    except IntegrityError:
        await db.rollback()  # Somebody else opened the page at the same moment.
        return await db.get(SignedMinutes, minutes.id)
    return made


async def check_final(db: AsyncSession, reading: Reading) -> Checked:
    """Hold the sheet as it stands against its signed statement."""
    minutes = reading.sheet.minutes
    if minutes.state is not MinutesState.LOCKED:
        return Checked(MinutesVerdict.NOT_FINAL)
    signed = await db.get(SignedMinutes, minutes.id, populate_existing=True)
    if signed is None:
        return Checked(MinutesVerdict.UNSIGNED)
    return compare(reading, await list_signatures(db, minutes.id), signed.statement, signed.signature)


def compare(
    reading: Reading, signatures: tuple[MinutesSignature, ...], statement: str, signature: str
) -> Checked:
    """The same without a database. Pure."""
    try:
        fingerprint = check_signature(statement.encode(), json.loads(signature))
        said = json.loads(statement)
    except ValueError:
        return Checked(MinutesVerdict.STATEMENT_FORGED)
    if fingerprint is None:
        return Checked(MinutesVerdict.STATEMENT_FORGED)
    now = statement_of(reading, signatures)
    if said.get("text") != now["text"] or said.get("text_sha256") != now["text_sha256"]:
        return Checked(MinutesVerdict.TEXT_CHANGED, fingerprint)
    if said != now:
        return Checked(MinutesVerdict.SIGNATURES_CHANGED, fingerprint)
    return Checked(MinutesVerdict.INTACT, fingerprint)


def statement_of(reading: Reading, signatures: tuple[MinutesSignature, ...]) -> dict[str, Any]:
    """What is signed: the text whole, its digest, and who did what with it and when."""
    sheet: Sheet = reading.sheet
    return {
        "format": "lianxin-signed-minutes",
        "version": 1,
        "session_id": sheet.minutes.session_id,
        "minutes_id": sheet.minutes.id,
        "text": text_of(sheet, reading.objected),
        "text_sha256": reading.digest,
        "signatures": [
            {
                "name": each.name,
                "role": each.role,
                "act": str(each.act),
                "reason": each.reason,
                "noted_by": each.noted_by,
                "text_sha256": each.text_digest,
                "strokes_sha256": each.strokes_digest,
                "at": each.at.isoformat(),
            }
            for each in signatures
        ],
    }
