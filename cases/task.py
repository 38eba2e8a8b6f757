"""Tasks of a case (交办事项): what a reception decided, who does it, by when. History only grows.

A task is never changed; what happens to it are steps. The responsible organisation says that it is done, the
office that keeps the case withdraws what was a mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, ForeignKey, Index, String, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.append_only import append_only
from cases.audit import add_audit
from cases.casefile import PetitionCase, scope_of
from cases.clock import BEIJING, Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.fields import clean_name, clean_text, count_graphemes
from cases.organisations import Organisation
from cases.petitions import add_petition_event, load_petition
from cases.policy import Action, Actor, allowed, require
from cases.vocabulary import names

WORDS_LIMIT = 1000
MOST_TASKS = 200  # Of one case.
LONGEST_DAYS = 3 * 366


class TaskState(StrEnum):
    """Where a task stands."""

    OPEN = "open"
    DONE = "done"
    WITHDRAWN = "withdrawn"


TASK_STATE_NAMES: Mapping[TaskState, str] = names("task", TaskState)
TRANSITIONS: Mapping[TaskState, frozenset[TaskState]] = {
    TaskState.OPEN: frozenset({TaskState.DONE, TaskState.WITHDRAWN}),
    TaskState.DONE: frozenset(),
    TaskState.WITHDRAWN: frozenset(),
}


@append_only
class PetitionTask(Base):
    """What is to be done. `due_on` is a civil date in Beijing; `source_id` a paragraph or a mark, if any."""

    __tablename__ = "petition_tasks"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"), index=True)
    session_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), index=True)
    source_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    organisation: Mapped[Organisation] = relationship(lazy="joined")
    person: Mapped[str] = mapped_column(String(256))
    due_on: Mapped[date] = mapped_column(Date, index=True)
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))
    at: Mapped[datetime]
    by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    by: Mapped[str] = mapped_column(String(256))


@append_only
class TaskStep(Base):
    """One move of a task to `state`, with words."""

    __tablename__ = "petition_task_steps"
    __table_args__ = (Index("uq_petition_task_steps_number", "task_id", "number", unique=True),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    task_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petition_tasks.id"))
    number: Mapped[int]
    state: Mapped[TaskState]
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))
    at: Mapped[datetime]
    by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    by: Mapped[str] = mapped_column(String(256))


@dataclass(frozen=True)
class TrackedTask:
    """A task and its steps, oldest first."""

    task: PetitionTask
    steps: tuple[TaskStep, ...]

    @property
    def state(self) -> TaskState:
        """The state of the last step."""
        return self.steps[-1].state if self.steps else TaskState.OPEN

    def days_left(self, clock: Clock) -> int:
        """Days until it is due; negative when it is overdue."""
        return (self.task.due_on - clock.now().astimezone(BEIJING).date()).days


@dataclass(frozen=True, slots=True)
class NewTask:
    """What is filled in; `due_on` as `2026-07-29`."""

    organisation_id: str
    person: str
    due_on: str
    words: str
    session_id: str | None = None
    source_id: str | None = None


async def add_task(
    db: AsyncSession, clock: Clock, actor: Actor, petition: PetitionCase, command: NewTask,
    organisation_ids: frozenset[str],
) -> PetitionTask:  # fmt: skip
    """Add inside the caller's transaction, who has asked the policy and says which organisations take part.

    Raises Invalid at the field, Conflict `too_many_tasks`.
    """
    if command.organisation_id not in organisation_ids:
        raise Invalid("office_unknown", "请选择责任单位，从参加这件事的单位里选。", "organisation_id")
    words = _clean_words(command.words, "要办的事")
    person = clean_name(command.person, "person", "责任人")
    due_on = _read_due(command.due_on, clock)
    count = select(func.count()).select_from(PetitionTask).where(PetitionTask.petition_id == petition.id)
    if (await db.scalar(count) or 0) >= MOST_TASKS:
        raise Conflict("too_many_tasks", f"一个信访件最多 {MOST_TASKS} 个交办事项。")
    task = PetitionTask(
        id=new_id(), petition_id=petition.id, session_id=command.session_id, source_id=command.source_id,
        organisation_id=command.organisation_id, person=person, due_on=due_on, words=words,
        at=clock.now(), by_id=actor.official_id, by=actor.name,
    )  # fmt: skip
    db.add(task)
    await db.flush()
    data = {"task_id": task.id, "due_on": due_on.isoformat(), "words": words}
    await add_petition_event(db, clock, actor, petition.id, "task.added", data)
    return task


@atomic
async def end_task(
    db: AsyncSession, clock: Clock, actor: Actor, petition_id: str, task_id: str, state: str, words: str
) -> TaskStep:
    """Say that a task is done, or withdraw it; commits.

    Raises NotFound, Forbidden `task_of_another`, Invalid, Conflict `bad_transition`.
    """
    petition = await load_petition(db, petition_id)
    scope = scope_of(petition)
    require(actor, Action.FINISH_TASK, scope)
    if state not in (TaskState.DONE, TaskState.WITHDRAWN):
        raise Invalid("state_unknown", "请选择办结或者撤销。", "state")
    tracked = await _load(db, petition_id, task_id)
    keeper = allowed(actor, Action.HANDLE_PETITION, scope)
    own = tracked.task.organisation_id in actor.organisation_ids
    if not keeper and (state == TaskState.WITHDRAWN or not own):
        raise Forbidden("task_of_another", "办结由责任单位报告，撤销由登记单位决定。")
    if TaskState(state) not in TRANSITIONS[tracked.state]:
        name = TASK_STATE_NAMES[tracked.state]
        raise Conflict("bad_transition", f"这个事项{name}，不能再改。请刷新后再看。")
    step = TaskStep(
        id=new_id(), task_id=task_id, number=len(tracked.steps) + 1, state=TaskState(state),
        words=_clean_words(words, "办理情况"), at=clock.now(), by_id=actor.official_id, by=actor.name,
    )  # fmt: skip
    db.add(step)
    await db.flush()
    kind = f"task.{step.state}"
    await add_petition_event(db, clock, actor, petition_id, kind, {"task_id": task_id, "words": step.words})
    await add_audit(db, clock, actor, kind, "petition", petition_id, detail={"task_id": task_id})
    await db.commit()
    return step


async def list_tasks(db: AsyncSession, petition_id: str, session_id: str | None = None) -> list[TrackedTask]:
    """The tasks by their deadline, all or those of one session. The caller has asked the policy."""
    query = select(PetitionTask).where(PetitionTask.petition_id == petition_id)
    if session_id is not None:
        query = query.where(PetitionTask.session_id == session_id)
    rows = (await db.scalars(query.order_by(PetitionTask.due_on, PetitionTask.at, PetitionTask.id))).all()
    steps = select(TaskStep).join(PetitionTask).where(PetitionTask.petition_id == petition_id)
    found: dict[str, list[TaskStep]] = {}
    for step in await db.scalars(steps.order_by(TaskStep.number)):
        found.setdefault(step.task_id, []).append(step)
    return [TrackedTask(row, tuple(found.get(row.id, ()))) for row in rows]


async def _load(db: AsyncSession, petition_id: str, task_id: str) -> TrackedTask:
    for tracked in await list_tasks(db, petition_id):
        if tracked.task.id == task_id:
            return tracked
    raise NotFound("task_not_found", "没有找到这个交办事项。")


def _clean_words(typed: str, label: str) -> str:
    words = clean_text(typed, "words", label, WORDS_LIMIT)
    if count_graphemes(words) < 2:
        raise Invalid("words_required", f"请填写{label}，至少 2 个字。", "words")
    return words


def _read_due(typed: str, clock: Clock) -> date:
    today = clock.now().astimezone(BEIJING).date()
    try:
        due_on = date.fromisoformat(typed.strip()[:10])
    except ValueError:
        raise Invalid("bad_date", "请填写办理期限，例如 2026-08-01。", "due_on") from None
    if not 0 <= (due_on - today).days <= LONGEST_DAYS:
        raise Invalid("bad_date", "办理期限要在今天以后、三年以内。", "due_on")
    return due_on
