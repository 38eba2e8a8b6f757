"""Who wrote a row of the reviewer's desk, for which office and when; and who may write one at all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.clock import Clock
from cases.database import ID_LENGTH
from cases.errors import Forbidden, Invalid
from cases.fields import clean, clean_text, count_graphemes
from cases.organisations import short_names
from cases.policy import Action, Actor, require
from cases.roles import ROLE_NAMES
from recordings.archive.legal_hold import lock_recording
from recordings.recording import Recording
from scheduling.reach import load_session, scope_of_session

WORDS_LIMIT = 1000
OFFICE_LIMIT = 200


class Authored:
    """Columns of every row of the desk: the moment, the official, and the posts as they were then."""

    at: Mapped[datetime]
    by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    by: Mapped[str] = mapped_column(String(256))
    office: Mapped[str] = mapped_column(String(OFFICE_LIMIT * 4))


async def office_of(db: AsyncSession, actor: Actor) -> str:
    """`城关区信访局 复查复核员` for each post, at most 200 characters; empty for the program itself."""
    names = await short_names(db, actor.organisation_ids)
    told = [f"{names[post.organisation_id]} {ROLE_NAMES[post.role]}" for post in actor.posts]
    return clean("、".join(dict.fromkeys(told)))[:OFFICE_LIMIT]


async def authored(db: AsyncSession, clock: Clock, actor: Actor) -> dict[str, Any]:
    """The values of the columns of Authored."""
    return {
        "at": clock.now(),
        "by_id": actor.official_id,
        "by": clean(actor.name)[:256],
        "office": await office_of(db, actor),
    }


async def open_for_review(db: AsyncSession, actor: Actor, recording_id: str) -> Recording:
    """The recording, held until the transaction ends, if ``actor`` may review it.

    Raises NotFound, Forbidden (``own_reception``: who sat in the reception does not judge it; Art. 28).
    """
    recording = await lock_recording(db, recording_id)
    scope = await scope_of_session(db, await load_session(db, recording.session_id))
    require(actor, Action.REVIEW_RECORDING, scope)
    if actor.official_id in scope.invited_official_ids:
        raise Forbidden("own_reception", "您参加了这次接访，请由没有参加的人评阅。")
    return recording


def clean_words(typed: str, label: str = "说明", *, shortest: int = 2) -> str:
    """What was written, at least ``shortest`` characters. Raises Invalid at ``words``."""
    words = clean_text(typed, "words", label, WORDS_LIMIT)
    if count_graphemes(words) < shortest:
        raise Invalid("words_required", f"请填写{label}，至少 {shortest} 个字。", "words")
    return words
