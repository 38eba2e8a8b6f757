"""Reading the minutes back: the petitioner's side objects to a paragraph, the officials answer.

An objection is answered by a correction or logged with the reason why not; nothing is signed before.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import atomic, new_id
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.fields import clean_text
from cases.policy import Action, Actor, require
from scheduling.minutes.objection import MinutesObjection, ObjectionAnswer, ObjectionOutcome
from scheduling.minutes.paragraph import MinutesParagraph, ParagraphKind
from scheduling.minutes.record import (
    MinutesState,
    Sheet,
    list_paragraphs,
    load_minutes,
    lock_for,
    scope_of_minutes,
)
from scheduling.minutes.statement import Objected, digest_of, list_objections
from scheduling.reach import load_session
from scheduling.session_events import add_event

READABLE = frozenset({MinutesState.READ_BACK, MinutesState.SIGNING, MinutesState.LOCKED})
WORDS_LIMIT = 1000
MOST_OBJECTIONS = 50  # Of one person; whoever has more to say says it in the sitting.


@dataclass(frozen=True)
class Reading:
    """The sheet with its objections, and the digest of what stands there now."""

    sheet: Sheet
    objected: tuple[Objected, ...]
    digest: str

    @property
    def open_objections(self) -> int:
        """How many have no answer yet."""
        return sum(each.answer is None for each in self.objected)


async def read_back(db: AsyncSession, actor: Actor, session_id: str) -> Reading:
    """What the petitioner's side reads and signs: take `.sheet.public`.

    Raises NotFound, Forbidden `minutes_not_shown` while it is still being written.
    """
    session = await load_session(db, session_id)
    require(actor, Action.SIGN_MINUTES, await scope_of_minutes(db, session))
    minutes = await load_minutes(db, session_id)
    if minutes.state not in READABLE:
        raise Forbidden("minutes_not_shown", "笔录还在记录，整理好后请您核对。")
    return await reading_of(db, Sheet(minutes, await list_paragraphs(db, minutes.id)))


async def reading_of(db: AsyncSession, sheet: Sheet) -> Reading:
    """The same for whoever has the sheet already; the caller has asked the policy."""
    objected = await list_objections(db, sheet.minutes.id)
    return Reading(sheet, objected, digest_of(sheet, objected))


@atomic
async def object_to(
    db: AsyncSession, clock: Clock, actor: Actor, session_id: str, paragraph_id: str | None, words: str
) -> MinutesObjection:
    """Say that a paragraph is wrong or, without one, that something is missing; commits.

    Raises NotFound, Forbidden, Invalid `required`/`too_long`, Conflict `minutes_not_read_back`, `too_many`.
    """
    minutes = await lock_for(db, actor, session_id, Action.SIGN_MINUTES)
    if actor.invitation_id is None:
        raise Forbidden("not_invited", "工作人员请直接修改笔录。")
    if minutes.state is not MinutesState.READ_BACK:
        raise Conflict("minutes_not_read_back", "现在不是核对笔录的时候，请告诉工作人员。")
    words = clean_text(words, "words", "意见", WORDS_LIMIT)
    if not words:
        raise Invalid("required", "请写明哪里不对，应当怎么写。", "words")
    paragraph = await db.get(MinutesParagraph, paragraph_id) if paragraph_id else None
    if paragraph_id and (
        paragraph is None or paragraph.minutes_id != minutes.id or not _is_public(paragraph)
    ):
        raise NotFound("paragraph_not_found", "没有找到这一段，请刷新后再试。")
    made = select(func.count()).where(
        MinutesObjection.minutes_id == minutes.id, MinutesObjection.invitation_id == actor.invitation_id
    )
    if (await db.scalar(made) or 0) >= MOST_OBJECTIONS:
        raise Conflict("too_many", "您已经提出很多处意见，请直接向工作人员说明。")
    objection = MinutesObjection(
        id=new_id(), minutes_id=minutes.id, paragraph_id=paragraph_id or None,
        revision=paragraph.revision if paragraph else None, invitation_id=actor.invitation_id,
        name=actor.name, at=clock.now(), words=words,
    )  # fmt: skip
    db.add(objection)
    await db.flush()
    data = {"objection_id": objection.id, "paragraph_id": paragraph_id}
    await add_event(db, clock, session_id, "minutes.objected", actor.name or None, data=data)
    await db.commit()
    return objection


@atomic
async def answer_objection(
    db: AsyncSession, clock: Clock, actor: Actor, session_id: str, objection_id: str,
    outcome: ObjectionOutcome, words: str,
) -> ObjectionAnswer:  # fmt: skip
    """Answer once: corrected (the paragraph has a newer wording), explained or logged with words; commits.

    Raises NotFound, Forbidden, Invalid at `words` or `outcome`, Conflict `already_answered` or
    `minutes_locked`.
    """
    minutes = await lock_for(db, actor, session_id, Action.WRITE_MINUTES)
    objection = await db.get(MinutesObjection, objection_id)
    if objection is None or objection.minutes_id != minutes.id:
        raise NotFound("objection_not_found", "没有找到这条意见。")
    if await db.get(ObjectionAnswer, objection_id) is not None:
        raise Conflict("already_answered", "这条意见已经答复过。")
    if minutes.state is MinutesState.LOCKED:
        raise Conflict("minutes_locked", "笔录已经定稿。")
    words = clean_text(words, "words", "答复", WORDS_LIMIT)
    paragraph = await db.get(MinutesParagraph, objection.paragraph_id) if objection.paragraph_id else None
    if outcome is ObjectionOutcome.CORRECTED:
        if paragraph is not None and paragraph.revision == objection.revision and not paragraph.removed:
            raise Invalid("not_corrected", "这一段还没有改动，请先修改笔录再答复「已更正」。", "outcome")
    elif not words:
        raise Invalid("required", "请写明理由，信访人会看到。", "words")
    answer = ObjectionAnswer(
        objection_id=objection_id, outcome=outcome, revision=paragraph.revision if paragraph else None,
        words=words, at=clock.now(), by_id=actor.official_id, by=actor.name,
    )  # fmt: skip
    db.add(answer)
    await db.flush()
    data = {"objection_id": objection_id, "outcome": str(outcome)}
    await add_event(db, clock, session_id, "minutes.objection_answered", actor.name or None, data=data)
    await db.commit()
    return answer


def _is_public(paragraph: MinutesParagraph) -> bool:
    return not paragraph.removed and paragraph.kind is not ParagraphKind.NOTE
