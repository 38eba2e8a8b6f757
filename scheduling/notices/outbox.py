"""The outbox: what was told to whom on which way, each attempt, and what a human must do next."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Boolean, ColumnElement, Exists, exists, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cases.casefile import PetitionCase
from cases.cursor import Cursor
from cases.policy import Action, Actor, require, visible_organisation_ids
from scheduling.notices.gateway import Envelope
from scheduling.notices.notice import (
    BY_HAND,
    EXPIRED,
    OF_RECEPTION_DAYS,
    Notice,
    NoticeAddress,
    NoticeChannel,
    NoticeDraft,
    NoticeEvent,
    NoticeState,
)


class NextStep(StrEnum):
    """What happens with a message next; `call`, `hand_over` and `reach` are for a human."""

    DONE = "done"
    SENDING = "sending"
    CALL = "call"
    HAND_OVER = "hand_over"
    FOLLOWED = "followed"
    REACH = "reach"
    LAPSED = "lapsed"


FOR_A_HUMAN = frozenset({NextStep.CALL, NextStep.HAND_OVER, NextStep.REACH})
# Codes of ten minutes: who needs one asks for another, nobody is called for it.
LAPSES = frozenset({"identity_code", "phone_code"})
# As its index says it, word by word.
NOT_DELIVERED = literal_column("notice_events.state = 'failed'", Boolean)
MOST_DIGITS = 6  # of a case's number behind its year


@dataclass(frozen=True, slots=True)
class OutboxLine:
    """A message as the outbox page shows it; `whole` is the full text where it may still be read.

    `recipient` is empty once the number was forgotten, and where there is none. `steps`: oldest first.
    `number`: of the case it is about, empty without one.
    """

    notice: Notice
    recipient: str = field(repr=False)
    steps: tuple[NoticeEvent, ...]
    next_step: NextStep
    number: str
    whole: str | None = field(repr=False)

    @property
    def state(self) -> NoticeState:
        """Where it stands."""
        return self.steps[-1].state

    @property
    def at(self) -> datetime:
        """Since when."""
        return self.steps[-1].at

    @property
    def reason(self) -> str:
        """Why, where it was not delivered or is tried again."""
        return self.steps[-1].reason


@dataclass(frozen=True, slots=True)
class OutboxQuery:
    """What is looked for: a way, where it stands, a case; None and empty for any.

    `number` is a whole case number or its last digits.
    """

    channel: NoticeChannel | None = None
    state: NoticeState | None = None
    number: str = ""


async def list_outbox(
    db: AsyncSession, actor: Actor, envelope: Envelope | None = None, limit: int = 50,
    *, for_a_human: bool = False, query: OutboxQuery | None = None, before: Cursor | None = None,
) -> Sequence[OutboxLine]:  # fmt: skip
    """Messages of the actor's own organisations, newest first; full texts only with `envelope`.

    `for_a_human`: only those that somebody must do something about, the longest waiting first. `before`: the
    last message of the page before this one.
    """
    require(actor, Action.SEE_OUTBOX)
    wanted = (
        select(Notice, NoticeAddress.recipient, NoticeDraft.sealed, PetitionCase.number)
        .outerjoin(NoticeAddress, NoticeAddress.notice_id == Notice.id)
        .outerjoin(NoticeDraft, NoticeDraft.notice_id == Notice.id)
        .outerjoin(PetitionCase, PetitionCase.id == Notice.petition_id)
        .where(Notice.organisation_id.in_(visible_organisation_ids(actor, Action.SEE_OUTBOX)))
    )
    if query is not None:
        wanted = wanted.where(*_conditions(query))
    if before is not None:
        wanted = wanted.where(before.beyond(Notice.queued_at, Notice.id))
    if for_a_human:
        wanted = wanted.where(_waits_for_a_human()).order_by(Notice.queued_at, Notice.id)
    else:
        wanted = wanted.order_by(Notice.queued_at.desc(), Notice.id.desc())
    rows = (await db.execute(wanted.limit(min(limit, 200)))).all()
    ids = [notice.id for notice, _, _, _ in rows]
    steps, followed = await _steps(db, ids), await _followed(db, ids)
    return [
        OutboxLine(
            notice, recipient or "", steps[notice.id],
            _next(notice, steps[notice.id][-1], notice.id in followed), number or "",
            envelope.open(sealed) if envelope is not None and sealed is not None else None,
        )
        for notice, recipient, sealed, number in rows
    ]  # fmt: skip


async def notices_about(db: AsyncSession, document_id: str) -> Sequence[tuple[Notice, NoticeEvent]]:
    """Messages about a paper with their last step, oldest first. The caller has asked the policy."""
    query = select(Notice).where(Notice.document_id == document_id).order_by(Notice.queued_at, Notice.id)
    found = (await db.scalars(query)).all()
    steps = await _steps(db, [notice.id for notice in found])
    return [(notice, steps[notice.id][-1]) for notice in found]


def _next(notice: Notice, last: NoticeEvent, followed: bool) -> NextStep:
    state = last.state
    if state is NoticeState.SENT:
        return NextStep.DONE
    if state is NoticeState.QUEUED:
        if notice.channel not in BY_HAND:
            return NextStep.SENDING
        return NextStep.CALL if notice.channel is NoticeChannel.TELEPHONE else NextStep.HAND_OVER
    if followed:
        return NextStep.FOLLOWED
    return NextStep.LAPSED if _lapses(notice, last.reason) else NextStep.REACH


def _lapses(notice: Notice, reason: str) -> bool:
    """What is over need not be told; a code lapses, and an answer to somebody of whom no case is known."""
    known = notice.petition_id or notice.session_id or notice.template in OF_RECEPTION_DAYS
    return reason == EXPIRED or notice.template in LAPSES or not known


def _conditions(query: OutboxQuery) -> Sequence[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if query.channel is not None:
        found.append(Notice.channel == query.channel)
    if query.state is not None:
        found.append(_last_step().where(NoticeEvent.state == query.state).correlate(Notice))
    number = query.number.upper().replace(" ", "")
    if number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS:
        found.append(PetitionCase.number.endswith(f"-{int(number):0{MOST_DIGITS}}", autoescape=True))
    elif number:
        found.append(PetitionCase.number == number[:32])
    return found


def _last_step() -> Exists:
    """That a message has a step after which there is none; `where` says which."""
    later = aliased(NoticeEvent)
    newer = exists().where(later.notice_id == NoticeEvent.notice_id, later.sequence > NoticeEvent.sequence)
    return exists().where(NoticeEvent.notice_id == Notice.id, ~newer)


def _waits_for_a_human() -> ColumnElement[bool]:
    """The same as `_next` in FOR_A_HUMAN, in SQL.

    What still waits has its draft and what was lost a failure: looked for there, not among all that went out.
    """
    failures = select(NoticeEvent.notice_id).where(NOT_DELIVERED)
    perhaps = Notice.id.in_(select(NoticeDraft.notice_id).union(failures))
    after, last = aliased(Notice), _last_step()
    by_hand = last.where(NoticeEvent.state == NoticeState.QUEUED).correlate(Notice)
    failed = last.where(NoticeEvent.state == NoticeState.FAILED, NoticeEvent.reason != EXPIRED)
    failed = failed.correlate(Notice)
    goes_on = exists().where(after.instead_of_id == Notice.id).correlate(Notice)
    known = Notice.petition_id.is_not(None) | Notice.session_id.is_not(None)
    known = known | Notice.template.in_(sorted(OF_RECEPTION_DAYS))
    lost = failed & ~goes_on & Notice.template.not_in(sorted(LAPSES)) & known
    return perhaps & ((Notice.channel.in_(sorted(BY_HAND)) & by_hand) | lost)


async def _steps(db: AsyncSession, notice_ids: Collection[str]) -> dict[str, tuple[NoticeEvent, ...]]:
    query = select(NoticeEvent).where(NoticeEvent.notice_id.in_(notice_ids)).order_by(NoticeEvent.sequence)
    found: dict[str, list[NoticeEvent]] = {}
    for step in await db.scalars(query):
        found.setdefault(step.notice_id, []).append(step)
    return {notice_id: tuple(steps) for notice_id, steps in found.items()}


async def _followed(db: AsyncSession, notice_ids: Collection[str]) -> set[str]:
    query = select(Notice.instead_of_id).where(Notice.instead_of_id.in_(notice_ids))
    return {str(found) for found in await db.scalars(query)}
