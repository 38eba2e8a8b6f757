"""The review of one recording (程序评阅): the checklist answered, handed on, and seen again by somebody else.

Judged is the procedure, never the petitioner; there are no points. Answers and steps only ever grow: the
newest answer to an item counts, the last step is the state. Who answered or handed on never does the
second review (复核).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, new_id
from cases.errors import Conflict, Forbidden, Invalid
from cases.policy import Actor
from recordings.review.authorship import WORDS_LIMIT, Authored, authored, clean_words, open_for_review
from recordings.review.checklist import CHECKLISTS, CURRENT, ChecklistItem
from scheduling.transitions import require_transition

MOST_ANSWERS = 2000  # Of one recording, over all items.


class Outcome(StrEnum):
    """The answer to one item of the checklist."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_APPLICABLE = "not_applicable"


class ReviewState(StrEnum):
    """Where the review of a recording stands; without a step it is open."""

    OPEN = "open"
    SUBMITTED = "submitted"
    AGREED = "agreed"
    DISAGREED = "disagreed"  # Back to the first reviewer, with words.


_S = ReviewState
TRANSITIONS: Mapping[ReviewState, frozenset[ReviewState]] = {
    _S.OPEN: frozenset({_S.SUBMITTED}),
    _S.SUBMITTED: frozenset({_S.AGREED, _S.DISAGREED}),
    _S.DISAGREED: frozenset({_S.SUBMITTED}),
    _S.AGREED: frozenset(),
}
# While the second reviewer reads, and once both agree, answers stand still.
ANSWERABLE = frozenset({_S.OPEN, _S.DISAGREED})


@append_only
class ReviewAnswer(Authored, Base):
    """One answer to one item of one version of the checklist; ``from_ms`` where it is seen in the film."""

    __tablename__ = "review_answers"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    recording_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("recordings.id"), index=True)
    number: Mapped[int]  # In the order of the recording's answers, from 1.
    checklist: Mapped[int]
    item: Mapped[str] = mapped_column(String(32))
    outcome: Mapped[Outcome]
    from_ms: Mapped[int | None]
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))

    __table_args__ = (Index("uq_review_answers_number", "recording_id", "number", unique=True),)


@append_only
class ReviewStep(Authored, Base):
    """One move of the review to ``state``."""

    __tablename__ = "review_steps"
    __table_args__ = (Index("uq_review_steps_number", "recording_id", "number", unique=True),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    recording_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("recordings.id"))
    number: Mapped[int]
    state: Mapped[ReviewState]
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))


@dataclass(frozen=True)
class CheckedItem:
    """An item with its answers, oldest first; the last one counts."""

    item: ChecklistItem
    answers: tuple[ReviewAnswer, ...]

    @property
    def now(self) -> ReviewAnswer | None:
        """The answer that counts."""
        return self.answers[-1] if self.answers else None


@dataclass(frozen=True)
class Review:
    """The review as it stands. ``version``: of the checklist it was begun with."""

    version: int
    items: tuple[CheckedItem, ...]
    steps: tuple[ReviewStep, ...]

    @property
    def state(self) -> ReviewState:
        """The state of the last step."""
        return self.steps[-1].state if self.steps else ReviewState.OPEN

    @property
    def unanswered(self) -> tuple[ChecklistItem, ...]:
        """What is still to be answered."""
        return tuple(each.item for each in self.items if each.now is None)

    @property
    def first_reviewer_ids(self) -> frozenset[str | None]:
        """Everybody who answered an item or handed the review on."""
        answered = {answer.by_id for each in self.items for answer in each.answers}
        return frozenset(answered | {s.by_id for s in self.steps if s.state is ReviewState.SUBMITTED})


async def answer_item(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, item: str, outcome: str,
    from_ms: int | None, words: str, address: str | None,
) -> ReviewAnswer:  # fmt: skip
    """Answer one item, anew if it was answered before; commits. What is not met needs words.

    Raises NotFound, Forbidden, Invalid, Conflict ``review_closed``.
    """
    await open_for_review(db, actor, recording_id)
    review = await load_review(db, recording_id)
    if review.state not in ANSWERABLE:
        raise Conflict("review_closed", "评阅已经提交，检查项不能再改。")
    if item not in {each.item.code for each in review.items}:
        raise Invalid("item_unknown", "没有这个检查项。", "item")
    if outcome not in {str(each) for each in Outcome}:
        raise Invalid("outcome_unknown", "请选择：做到、没有做到或者不适用。", "outcome")
    found = Outcome(outcome)
    words = clean_words(words, shortest=2 if found is Outcome.NOT_MET else 0)
    count = select(func.count()).select_from(ReviewAnswer).where(ReviewAnswer.recording_id == recording_id)
    number = (await db.scalar(count) or 0) + 1
    if number > MOST_ANSWERS:
        raise Conflict("too_many_answers", "这份录像的检查记录太多，不能再加。")
    row = ReviewAnswer(
        id=new_id(), recording_id=recording_id, number=number, checklist=review.version, item=item,
        outcome=found, from_ms=from_ms, words=words, **await authored(db, clock, actor),
    )  # fmt: skip
    db.add(row)
    await db.flush()
    detail = {"item": item, "outcome": outcome, "checklist": review.version}
    act = "review.answered"
    await add_audit(db, clock, actor, act, "recording", recording_id, detail=detail, address=address)
    await db.commit()
    return row


async def move_review(
    db: AsyncSession,
    clock: Clock,
    actor: Actor,
    recording_id: str,
    state: str,
    words: str,
    address: str | None,
) -> ReviewStep:
    """Hand the review on, or agree or disagree as somebody who had no part in it; commits.

    Raises NotFound, Forbidden ``own_review``, Invalid ``not_answered``, Conflict ``bad_transition``.
    """
    await open_for_review(db, actor, recording_id)
    review = await load_review(db, recording_id)
    if state not in {str(each) for each in ReviewState}:
        raise Invalid("state_unknown", "请选择提交、同意或者不同意。", "state")
    wanted = ReviewState(state)
    require_transition(TRANSITIONS, review.state, wanted, "评阅的状态已经变了，请刷新后再看。")
    if wanted is ReviewState.SUBMITTED:
        if review.unanswered:
            missing = "、".join(item.title for item in review.unanswered[:3])
            left = len(review.unanswered)
            raise Invalid("not_answered", f"还有 {left} 项没有检查：{missing}{'等' if left > 3 else ''}。")
    elif actor.official_id is None or actor.official_id in review.first_reviewer_ids:
        raise Forbidden("own_review", "复核要由没有参加过这次评阅的人进行。")
    row = ReviewStep(
        id=new_id(), recording_id=recording_id, number=len(review.steps) + 1, state=wanted,
        words=clean_words(words, "意见"), **await authored(db, clock, actor),
    )  # fmt: skip
    db.add(row)
    await db.flush()
    detail = {"state": state, "reason": row.words}
    act = f"review.{wanted}"
    await add_audit(db, clock, actor, act, "recording", recording_id, detail=detail, address=address)
    await db.commit()
    return row


async def load_review(db: AsyncSession, recording_id: str) -> Review:
    """The review as it stands, on the checklist it was begun with; without asking the policy."""
    query = select(ReviewAnswer).where(ReviewAnswer.recording_id == recording_id)
    answers: Sequence[ReviewAnswer] = (await db.scalars(query.order_by(ReviewAnswer.number))).all()
    version = answers[0].checklist if answers else CURRENT
    found = (
        CheckedItem(item, tuple(answer for answer in answers if answer.item == item.code))
        for item in CHECKLISTS[version]
    )
    steps = select(ReviewStep).where(ReviewStep.recording_id == recording_id)
    rows = (await db.scalars(steps.order_by(ReviewStep.number))).all()
    return Review(version, tuple(found), tuple(rows))
