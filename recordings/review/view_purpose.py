"""The reason stated before a film is played (查阅事由): once for each recording and sign-in, kept for ever.

Court recordings may be looked up under rules and with safeguards (法释〔2017〕5号, articles 10, 11 and 15,
followed for receptions by article 18).
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, new_id, violates
from cases.errors import Conflict, Forbidden, Invalid
from cases.fields import clean_text, count_graphemes
from cases.policy import Action, Actor, require
from recordings.recording import load_recording
from recordings.review.authorship import Authored, authored
from scheduling.reach import load_session, scope_of_session

# 查阅事由. "other" needs words, the rest may have them.
PURPOSES: Mapping[str, str] = {
    "procedure": "程序评阅",
    "handling": "办理本信访件",
    "minutes": "核对笔录",
    "recheck": "复查复核",
    "inspection": "督查督办",
    "request": "答复信访人的查阅申请",
    "archive": "归档检查",
    "other": "其他",
}
WORDS_LIMIT = 200
SHORTEST_WORDS = 4
PURPOSE_INDEX = "uq_view_purposes_sign_in"


@append_only
class ViewPurpose(Authored, Base):
    """Why somebody plays a recording during one sign-in. ``kind`` is a key of PURPOSES."""

    __tablename__ = "view_purposes"
    __table_args__ = (
        Index(PURPOSE_INDEX, "recording_id", "sign_in_id", unique=True),
        Index("ix_view_purposes_at", "at"),
        Index("ix_view_purposes_organisation_id_at", "organisation_id", "at", "id"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    recording_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("recordings.id"))
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH))  # the recording's
    sign_in_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    kind: Mapped[str] = mapped_column(String(32))
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))
    address: Mapped[str | None] = mapped_column(String(64))

    @property
    def text(self) -> str:
        """`核对笔录：第三段有异议`."""
        name = PURPOSES.get(self.kind, self.kind)
        return f"{name}：{self.words}" if self.words else name


async def purpose_of(db: AsyncSession, actor: Actor, recording_id: str) -> ViewPurpose | None:
    """What the actor stated for this recording since signing in; without asking the policy."""
    if actor.sign_in_id is None:
        return None
    query = select(ViewPurpose).where(
        ViewPurpose.recording_id == recording_id, ViewPurpose.sign_in_id == actor.sign_in_id
    )
    return await db.scalar(query)


async def require_purpose(db: AsyncSession, actor: Actor, recording_id: str) -> None:
    """Return if a signed-in actor stated why, or if nobody is signed in here at all (the command line).

    Raises Forbidden ``purpose_required``. Not a question of the policy: ask that first.
    """
    if actor.sign_in_id is not None and await purpose_of(db, actor, recording_id) is None:
        raise Forbidden("purpose_required", "请先在回放页写明查阅事由，再播放录像。")


async def state_purpose(
    db: AsyncSession,
    clock: Clock,
    actor: Actor,
    recording_id: str,
    kind: str,
    words: str,
    address: str | None,
) -> ViewPurpose:
    """Keep why the actor plays this recording; stating it twice keeps the first. Commits.

    Raises NotFound, Forbidden, Invalid at ``kind`` or ``words``.
    """
    recording = await load_recording(db, recording_id)
    scope = await scope_of_session(db, await load_session(db, recording.session_id))
    require(actor, Action.REPLAY, scope)
    if kind not in PURPOSES:
        raise Invalid("purpose_unknown", "请选择查阅事由。", "kind")
    words = clean_text(words.replace("\n", " "), "words", "说明", WORDS_LIMIT)
    if kind == "other" and count_graphemes(words) < SHORTEST_WORDS:
        raise Invalid("words_required", "选择「其他」时请写明事由，至少四个字。", "words")
    if actor.sign_in_id is None:
        raise Forbidden("no_sign_in", "请登录后再写明查阅事由。")
    if found := await purpose_of(db, actor, recording_id):
        return found
    purpose = ViewPurpose(
        id=new_id(), recording_id=recording_id, organisation_id=recording.organisation_id,
        sign_in_id=actor.sign_in_id, kind=kind, words=words, address=address[:64] if address else None,
        **await authored(db, clock, actor),
    )  # fmt: skip
    try:
        db.add(purpose)
        await db.flush()
    except IntegrityError as error:
        await db.rollback()
        if not violates(error, PURPOSE_INDEX, "view_purposes.recording_id"):
            raise
        raise Conflict("purpose_stated", "查阅事由刚刚已经写明，请刷新。") from error
    detail = {"reason": purpose.text, "petition_id": recording.petition_id}
    act = "recording.purpose_stated"
    await add_audit(db, clock, actor, act, "recording", recording_id, detail=detail, address=address)
    await db.commit()
    return purpose
