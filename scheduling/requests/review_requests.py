"""A petitioner who has number and query code asks for the review of an opinion, or for its recheck.

Regulations on Petition Work (《信访工作条例》, 2022), Art. 35 and 36: in writing, within thirty days after
the opinion came; the organ above decides. It is the step that the window takes for who stands there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, PetitionState
from cases.clock import Clock, chinese_date
from cases.database import atomic
from cases.documents.document import IssuedDocument
from cases.documents.kind import DocumentKind
from cases.documents.reading import list_for_petitioner
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean_text
from cases.handling.clocks import find_running, list_clocks, today
from cases.handling.procedure import RULES, Step
from cases.handling.taking import apply_step
from cases.handling.told import Told, list_reviewers
from cases.organisations import Organisation
from cases.petitions import find_by_query_code, load_petition
from cases.policy import ANONYMOUS, Action, Actor, ActorKind, require
from scheduling.notices.queueing import About
from scheduling.notices.telling import Telling, tell

MAX_WORDS = 2000
WORTH_TELLING = timedelta(days=15)


class Stage(StrEnum):
    """Which of the two is asked for."""

    REVIEW = "review"
    RECHECK = "recheck"


@dataclass(frozen=True, slots=True)
class Row:
    """One stage: where it may be asked for, the step that is taken, and the opinion that it is about.

    `right`: the clock of the petitioner; `duty`: that of who decides. `asked`: it was asked for already.
    """

    at: PetitionState
    asked: frozenset[PetitionState]
    step: Step
    opinion: DocumentKind
    right: str
    duty: str
    name: str
    about: str


_S = PetitionState
STAGES: Mapping[Stage, Row] = {
    Stage.REVIEW: Row(
        _S.CONCLUDED, frozenset({_S.REVIEW_REQUESTED, _S.REVIEWED}), Step.REQUEST_REVIEW,
        DocumentKind.HANDLING_OPINION, "review_apply", "review_decide", "复查", "处理意见",
    ),
    Stage.RECHECK: Row(
        _S.REVIEWED, frozenset({_S.RECHECK_REQUESTED, _S.RECHECKED}), Step.REQUEST_RECHECK,
        DocumentKind.REVIEW_OPINION, "recheck_apply", "recheck_decide", "复核", "复查意见",
    ),
}  # fmt: skip


class Standing(StrEnum):
    """Whether it can be asked for now."""

    OPEN = "open"
    NOT_DELIVERED = "not_delivered"
    LATE = "late"
    NO_REVIEWER = "no_reviewer"


@dataclass(frozen=True, slots=True)
class Appeal:
    """What a petitioner can ask for as his case stands. `until`: the last day, once the opinion came."""

    stage: Stage
    standing: Standing
    opinion: IssuedDocument | None
    office: Organisation | None
    until: date | None

    @property
    def row(self) -> Row:
        return STAGES[self.stage]


@dataclass(frozen=True, slots=True)
class AskReview:
    """Command of whoever has number and query code; `opinion_id` is the paper that the page showed."""

    number: str
    query_code: str
    stage: str
    opinion_id: str
    words: str


async def appeal_of(db: AsyncSession, clock: Clock, petition: PetitionCase) -> Appeal | None:
    """What a petitioner can ask for now; None where there is nothing. The caller made sure who asks."""
    stage = next((each for each, row in STAGES.items() if row.at is petition.state), None)
    if stage is None:
        return None
    row = STAGES[stage]
    filed = await list_for_petitioner(db, petition)
    papers = [each.document for each in filed if each.replaced_by is None]
    opinion = max((each for each in papers if each.kind is row.opinion), key=_issued, default=None)
    office = next(iter(await list_reviewers(db, petition, stage is Stage.RECHECK)), None)
    right = await find_running(db, petition.id, row.right)
    until = right.rolled_on if right is not None else None
    if office is None:
        standing = Standing.NO_REVIEWER
    elif right is None or opinion is None:
        standing = Standing.NOT_DELIVERED
    else:
        standing = Standing.LATE if until is not None and today(clock) > until else Standing.OPEN
    return Appeal(stage, standing, opinion, office, until)


@atomic
async def request_review(
    db: AsyncSession, clock: Clock, telling: Telling, command: AskReview
) -> PetitionCase:
    """Hand it to the office that decides, with clock, history and a notice, and commit.

    Raises NotFound for a wrong number or code, Invalid at `words`, Conflict `review_asked`, `wrong_stage`,
    `appeal_not_delivered`, `appeal_late`, `no_reviewer`, `other_opinion`, `petition_moved`.
    """
    require(ANONYMOUS, Action.SUBMIT_PETITION)
    petition = await find_by_query_code(db, command.number, command.query_code)
    if petition is None or command.stage not in set(Stage):
        raise NotFound("petition_not_found", NotFound.default_message)
    row = STAGES[Stage(command.stage)]
    _refuse_stage(petition, row)
    appeal = await appeal_of(db, clock, petition)
    office = _require_open(appeal, command)
    words = clean_text(command.words, "words", "理由", MAX_WORDS)
    if not words:
        raise Invalid("required", f"请写明您为什么请求{row.name}。", "words")
    actor = Actor(ActorKind.ANONYMOUS, name=petition.petitioner.name)
    told = Told(words=words, reviewer=office, on=today(clock))
    await apply_step(db, clock, actor, petition, RULES[row.step], told)
    await _tell(db, clock, telling, petition, row, office)
    await db.commit()
    return await load_petition(db, petition.id)


def _refuse_stage(petition: PetitionCase, row: Row) -> None:
    if petition.state is row.at:
        return
    if petition.state in row.asked:
        raise Conflict("review_asked", f"您已经请求过{row.name}，不用再提。办到哪一步，看上面的进度。")
    raise Conflict("wrong_stage", f"这件事现在还不能请求{row.name}，或者已经不能请求了。")


def _require_open(appeal: Appeal | None, command: AskReview) -> Organisation:
    """The office that decides; the clear word to whoever cannot ask for it."""
    assert appeal is not None  # The state was looked at.
    row = appeal.row
    match appeal.standing:
        case Standing.NOT_DELIVERED:
            message = f"{row.about}书还没有送达。您收到以后，先在「给您的文书」里点「我已收到」，再提出。"
            raise Conflict("appeal_not_delivered", message)
        case Standing.LATE:
            day = chinese_date(appeal.until) if appeal.until else ""
            raise Conflict("appeal_late", f"请求{row.name}的期限到{day}为止，已经过了。")
    if appeal.office is None:
        raise Conflict("no_reviewer", f"这件事的{row.name}不能在网上提出。")
    if appeal.opinion is None or appeal.opinion.id != command.opinion_id:
        raise Conflict("other_opinion", f"{row.about}书刚刚更正过，请先看新的一份，再决定是否提出。")
    return appeal.office


async def _tell(
    db: AsyncSession, clock: Clock, telling: Telling, petition: PetitionCase, row: Row, office: Organisation
) -> None:
    running = [each for each in await list_clocks(db, petition.id) if each.duty == row.duty]
    due = max((each.rolled_on for each in running if each.rolled_on is not None), default=None)
    fields = {
        "number": petition.number,
        "what": row.name,
        "office": office.name,
        "when": chinese_date(due) if due else "规定的期限",
    }
    about = About(petition.custodian_id, petition.id)
    number, until = petition.petitioner.phone or "", clock.now() + WORTH_TELLING
    await tell(db, clock, telling, about, number, "review_received", fields, until)


def _issued(document: IssuedDocument) -> tuple[date, str]:
    return document.issued_on, document.issued_at.isoformat()
