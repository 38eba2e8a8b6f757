"""Findings of a review (发现问题): what was wrong with the procedure, who puts it right, and by when.

A finding is never changed; what happens to it are steps. The responsible office says that it is remedied,
a reviewer, never the one who said so, confirms it or sends it back. A mistaken finding is withdrawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import Date, ForeignKey, Index, String, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.append_only import append_only
from cases.audit import add_audit
from cases.clock import BEIJING, Clock
from cases.database import ID_LENGTH, Base, new_id
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.organisations import Organisation
from cases.policy import Action, Actor, require
from recordings.archive.legal_hold import lock_recording
from recordings.review.authorship import WORDS_LIMIT, Authored, authored, clean_words, open_for_review
from recordings.review.film_time import Stretch
from scheduling.reach import load_session, scope_of_session
from scheduling.transitions import require_transition

MOST_FINDINGS = 200  # Of one recording.
MOST_STEPS = 100  # Of one finding.
LONGEST_DAYS = 366

KINDS: Mapping[str, str] = {
    "identity": "身份核对",
    "notice": "告知和同意",
    "recusal": "回避",
    "hearing": "听取陈述和答复",
    "conduct": "言行规范",
    "minutes": "笔录和签字",
    "deadline": "期限和途径告知",
    "recording": "录音录像中断",
    "other": "其他程序问题",
}


class FindingState(StrEnum):
    """Where a finding stands."""

    OPEN = "open"
    REMEDIED = "remedied"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


_S = FindingState
TRANSITIONS: Mapping[FindingState, frozenset[FindingState]] = {
    _S.OPEN: frozenset({_S.REMEDIED, _S.WITHDRAWN}),
    _S.REMEDIED: frozenset({_S.CONFIRMED, _S.OPEN}),
    _S.CONFIRMED: frozenset(),
    _S.WITHDRAWN: frozenset(),
}
CHANGED = "这个问题的状态已经变了，请刷新后再看。"


@append_only
class ReviewFinding(Authored, Base):
    """What was found; ``kind`` is a key of KINDS, ``due_on`` a civil date in Beijing."""

    __tablename__ = "review_findings"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    recording_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("recordings.id"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    from_ms: Mapped[int | None]
    to_ms: Mapped[int | None]
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    organisation: Mapped[Organisation] = relationship(lazy="joined")
    due_on: Mapped[date] = mapped_column(Date)


@append_only
class FindingStep(Authored, Base):
    """One move of a finding to ``state``, with words."""

    __tablename__ = "review_finding_steps"
    __table_args__ = (Index("uq_review_finding_steps_number", "finding_id", "number", unique=True),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    finding_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("review_findings.id"))
    number: Mapped[int]
    state: Mapped[FindingState]
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))


@dataclass(frozen=True)
class TrackedFinding:
    """A finding and its steps, oldest first."""

    finding: ReviewFinding
    steps: tuple[FindingStep, ...]

    @property
    def state(self) -> FindingState:
        """The state of the last step."""
        return self.steps[-1].state if self.steps else FindingState.OPEN

    def overdue(self, today: date) -> bool:
        """Tell whether it should have been remedied before ``today``."""
        return self.state is FindingState.OPEN and self.finding.due_on < today


@dataclass(frozen=True)
class NewFinding:
    """What a reviewer fills in."""

    kind: str
    stretch: Stretch
    words: str
    organisation_id: str
    due_on: str


async def add_finding(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, command: NewFinding, address: str | None
) -> ReviewFinding:
    """Write down what is wrong; the office is one that takes part. Commits.

    Raises NotFound, Forbidden, Invalid, Conflict ``too_many_findings``.
    """
    recording = await open_for_review(db, actor, recording_id)
    scope = await scope_of_session(db, await load_session(db, recording.session_id))
    if command.kind not in KINDS:
        raise Invalid("kind_unknown", "请选择问题类别。", "kind")
    if command.organisation_id not in scope.organisation_ids:
        raise Invalid("office_unknown", "请选择责任单位。", "organisation_id")
    due_on, words = _read_due(command.due_on, clock), clean_words(command.words, "问题")
    count = select(func.count()).select_from(ReviewFinding).where(ReviewFinding.recording_id == recording_id)
    if (await db.scalar(count) or 0) >= MOST_FINDINGS:
        raise Conflict("too_many_findings", f"一份录像最多 {MOST_FINDINGS} 个问题。")
    row = ReviewFinding(
        id=new_id(), recording_id=recording_id, kind=command.kind, from_ms=command.stretch.from_ms,
        to_ms=command.stretch.to_ms, words=words, organisation_id=command.organisation_id, due_on=due_on,
        **await authored(db, clock, actor),
    )  # fmt: skip
    db.add(row)
    await db.flush()
    detail = {"finding_id": row.id, "kind": row.kind, "due_on": due_on.isoformat()}
    act = "finding.added"
    await add_audit(db, clock, actor, act, "recording", recording_id, detail=detail, address=address)
    await db.commit()
    return row


async def remedy_finding(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, finding_id: str, words: str,
    address: str | None,
) -> FindingStep:  # fmt: skip
    """The responsible office says what it has done; commits.

    Raises NotFound, Forbidden ``finding_of_another``, Invalid, Conflict ``bad_transition``.
    """
    recording = await lock_recording(db, recording_id)
    scope = await scope_of_session(db, await load_session(db, recording.session_id))
    require(actor, Action.ANSWER_FINDING, scope)
    tracked = await _load(db, recording_id, finding_id)
    if tracked.finding.organisation_id not in actor.organisation_ids:
        raise Forbidden("finding_of_another", "这个问题由其他单位整改。")
    return await _step(db, clock, actor, tracked, FindingState.REMEDIED, words, address)


async def decide_finding(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, finding_id: str, state: str, words: str,
    address: str | None,
) -> FindingStep:  # fmt: skip
    """A reviewer confirms the remedy, sends it back (``open``) or withdraws the finding; commits.

    Raises NotFound, Forbidden ``own_remedy``, Invalid, Conflict ``bad_transition``.
    """
    await open_for_review(db, actor, recording_id)
    tracked = await _load(db, recording_id, finding_id)
    if state not in (FindingState.CONFIRMED, FindingState.OPEN, FindingState.WITHDRAWN):
        raise Invalid("state_unknown", "请选择确认、退回或者撤销。", "state")
    if tracked.steps and tracked.steps[-1].by_id == actor.official_id and state == FindingState.CONFIRMED:
        raise Forbidden("own_remedy", "自己报告的整改要由另一个人确认。")
    return await _step(db, clock, actor, tracked, FindingState(state), words, address)


async def list_findings(db: AsyncSession, recording_id: str) -> list[TrackedFinding]:
    """Every finding, oldest first; without asking the policy."""
    query = select(ReviewFinding).where(ReviewFinding.recording_id == recording_id)
    rows = (await db.scalars(query.order_by(ReviewFinding.at, ReviewFinding.id))).all()
    steps = select(FindingStep).join(ReviewFinding).where(ReviewFinding.recording_id == recording_id)
    found: dict[str, list[FindingStep]] = {row.id: [] for row in rows}
    for step in await db.scalars(steps.order_by(FindingStep.number)):
        found[step.finding_id].append(step)
    return [TrackedFinding(row, tuple(found[row.id])) for row in rows]


async def _load(db: AsyncSession, recording_id: str, finding_id: str) -> TrackedFinding:
    for tracked in await list_findings(db, recording_id):
        if tracked.finding.id == finding_id:
            return tracked
    raise NotFound("finding_not_found", "没有找到这个问题。")


async def _step(
    db: AsyncSession, clock: Clock, actor: Actor, tracked: TrackedFinding, state: FindingState, words: str,
    address: str | None,
) -> FindingStep:  # fmt: skip
    require_transition(TRANSITIONS, tracked.state, state, CHANGED)
    if len(tracked.steps) >= MOST_STEPS:
        raise Conflict("too_many_steps", "这个问题来回次数太多，请撤销后另提。")
    finding = tracked.finding
    row = FindingStep(
        id=new_id(), finding_id=finding.id, number=len(tracked.steps) + 1, state=state,
        words=clean_words(words), **await authored(db, clock, actor),
    )  # fmt: skip
    db.add(row)
    await db.flush()
    detail = {"finding_id": finding.id, "state": str(state), "reason": row.words}
    act = f"finding.{'sent_back' if state is FindingState.OPEN else state}"
    await add_audit(db, clock, actor, act, "recording", finding.recording_id, detail=detail, address=address)
    await db.commit()
    return row


def _read_due(typed: str, clock: Clock) -> date:
    today = clock.now().astimezone(BEIJING).date()
    try:
        due_on = date.fromisoformat(typed.strip()[:10])
    except ValueError as error:
        raise Invalid("bad_date", "请填写整改期限，例如 2026-12-25。", "due_on") from error
    if not 0 <= (due_on - today).days <= LONGEST_DAYS:
        raise Invalid("bad_date", "整改期限要在今天以后的一年之内。", "due_on")
    return due_on
