"""Following a matter of a campaign: progress, the four duties, sessions, striking off and its return.

Striking off takes two people: who works on the matter proposes it with evidence (a paper of the case, or a
file), and somebody of a petition office who neither proposed nor leads it confirms or sends back. Every
line stays. A task of the case reminds of the day while the matter is open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cases.actions import ROLE_ACTIONS
from cases.audit import add_audit
from cases.campaigns.campaign import (
    BY_ANOTHER,
    TRANSITIONS,
    WORDS_LIMIT,
    Campaign,
    CampaignEvidence,
    CampaignKind,
    CampaignMatter,
    CampaignStep,
    CampaignStepKind,
    FourDuty,
    MatterState,
)
from cases.casefile import PetitionCase, scope_of
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.documents.delivering import Upload
from cases.documents.document import IssuedDocument
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.fields import clean, clean_text
from cases.handling.clocks import today
from cases.organisations import Organisation, OrganisationKind
from cases.people import Official, Post
from cases.petitions import add_petition_event, load_petition
from cases.policy import Action, Actor, allowed, require
from cases.task import NewTask, PetitionTask, TaskState, TaskStep, add_task
from cases.visibility import visible_petitions

_K = CampaignStepKind
MOST_TO_CONFIRM = 50
# What the citizen's case remembers of it.
EVENTS = frozenset({_K.PROPOSED, _K.SENT_BACK, _K.STRUCK_OFF, _K.TAKEN_UP_AGAIN})
LABELS: Mapping[CampaignStepKind, str] = {
    _K.PROGRESS: "进展",
    _K.DUTY: "做了什么",
    _K.SESSION: "接访的结果",
    _K.PROPOSED: "销号依据",
    _K.SENT_BACK: "退回的原因",
    _K.STRUCK_OFF: "核对情况",
    _K.TAKEN_UP_AGAIN: "恢复办理的原因",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What proves that a matter is solved: a paper of the case, or a file."""

    document_id: str = ""
    upload: Upload | None = None


@atomic
async def note_step(
    db: AsyncSession, clock: Clock, actor: Actor, matter_id: str, kind: CampaignStepKind, words: str,
    about: str = "", evidence: Evidence | None = None,
) -> CampaignStep:  # fmt: skip
    """Note progress, one of the four duties, a session, or a move of the table; commits.

    `about`: the duty or the session. Raises NotFound, Forbidden, Invalid at the field, Conflict
    `bad_transition`, `matter_moved` when somebody was quicker.
    """
    matter = await load_matter(db, matter_id)
    require(actor, action_for(actor, matter, kind), scope_of(matter.petition))
    state = TRANSITIONS.after(matter.state, kind)
    if kind in BY_ANOTHER:
        await _refuse_own(db, actor, matter)
    if kind is _K.DUTY and about not in set(FourDuty):
        raise Invalid("choose", "请选择一项。", "about")
    if kind is _K.SESSION and not about:
        raise Invalid("choose", "请选择一项。", "about")
    told = clean_text(words, "words", LABELS.get(kind, "办理情况"), WORDS_LIMIT)
    if not told:
        raise Invalid("required", f"请填写{LABELS.get(kind, '办理情况')}。", "words")
    step = await add_step(db, clock, actor, matter, kind, told, about)
    if kind is _K.PROPOSED:
        await _keep_evidence(db, matter, step, evidence or Evidence())
    await _move(db, clock, actor, matter, kind, state)
    if kind in EVENTS:
        await add_petition_event(db, clock, actor, matter.petition_id, f"campaign.{kind}", {"words": told})
    await add_audit(db, clock, actor, f"campaign.{kind}", "petition", matter.petition_id)
    await db.commit()
    return step


def action_for(actor: Actor, matter: CampaignMatter, kind: CampaignStepKind) -> Action:
    """What the policy is asked: another person confirms; the leader in charge works on it anywhere."""
    if kind in BY_ANOTHER:
        return Action.CONFIRM_RESOLUTION
    return Action.SEE_PETITION if leads(actor, matter) else Action.HANDLE_PETITION


def leads(actor: Actor, matter: CampaignMatter) -> bool:
    """Whether the actor has taken the matter in charge."""
    return actor.official_id is not None and actor.official_id == matter.leader_id


async def steps_for(db: AsyncSession, actor: Actor, matter: CampaignMatter) -> list[CampaignStepKind]:
    """What this official may do with a matter as it stands."""
    scope = scope_of(matter.petition)
    own = leads(actor, matter) or await _proposer(db, matter) == (actor.official_id or "")
    return [
        kind
        for kind in CampaignStepKind
        if TRANSITIONS.permits(matter.state, kind)
        and not (own and kind in BY_ANOTHER)
        and allowed(actor, action_for(actor, matter, kind), scope)
    ]


@dataclass(frozen=True, slots=True)
class Confirmers:
    """Who of an office may confirm or send back; up to six names."""

    office: str
    names: Sequence[str]


async def list_confirmers(db: AsyncSession, actor: Actor, matter: CampaignMatter) -> list[Confirmers]:
    """Of a matter that is to be struck off and not by the actor: the nearest petition office that has
    somebody who may, and who that is. The caller has asked the policy.
    """
    if matter.state is not MatterState.PROPOSED or _K.STRUCK_OFF in await steps_for(db, actor, matter):
        return []
    roles = [role for role, actions in ROLE_ACTIONS.items() if Action.CONFIRM_RESOLUTION in actions]
    barred = [each for each in (matter.leader_id, await _proposer(db, matter)) if each]
    query = select(Organisation.short_name, Official.name, Organisation.region_code).distinct()
    query = query.join(Post, Post.organisation_id == Organisation.id)
    query = query.join(Official, Official.id == Post.official_id).where(
        Organisation.kind == OrganisationKind.PETITION_OFFICE,
        literal(matter.petition.custodian.region_code).startswith(Organisation.region_code),
        Post.role.in_(roles),
        Post.ended_at.is_(None),
        Official.disabled_at.is_(None),
        Official.id.not_in(barred),
    )
    query = query.order_by(Organisation.region_code.desc(), Organisation.short_name, Official.name)
    rows = (await db.execute(query.limit(6))).all()
    nearest = [name for office, name, _ in rows if office == rows[0][0]]
    return [Confirmers(rows[0][0], nearest)] if rows else []


async def list_to_confirm(db: AsyncSession, actor: Actor) -> Sequence[CampaignMatter]:
    """Matters that wait for the actor to confirm that they are solved, the longest listed first."""
    require(actor, Action.SEE_PETITION)
    query = select(CampaignMatter).where(_waits_for(actor))
    query = query.order_by(CampaignMatter.due_on, CampaignMatter.id).limit(MOST_TO_CONFIRM)
    return (await db.scalars(query)).unique().all()


async def count_to_confirm(db: AsyncSession, actor: Actor) -> int:
    """How many that list holds."""
    require(actor, Action.SEE_PETITION)
    query = select(CampaignMatter.id).where(_waits_for(actor)).limit(MOST_TO_CONFIRM)
    return await db.scalar(select(func.count()).select_from(query.subquery())) or 0


def _waits_for(actor: Actor) -> ColumnElement[bool]:
    """Proposed, of a case on which the actor may confirm, and neither led nor proposed by him."""
    seen = exists().where(
        PetitionCase.id == CampaignMatter.petition_id, visible_petitions(actor, Action.CONFIRM_RESOLUTION)
    )
    step = aliased(CampaignStep)
    asked = select(step.by_id).where(step.matter_id == CampaignMatter.id, step.kind == _K.PROPOSED)
    last = asked.order_by(step.number.desc()).limit(1).correlate(CampaignMatter).scalar_subquery()
    return and_(
        CampaignMatter.state == MatterState.PROPOSED,
        seen.correlate(CampaignMatter),
        CampaignMatter.leader_id.is_distinct_from(actor.official_id),
        last.is_distinct_from(actor.official_id),
    )


async def get_matter(db: AsyncSession, actor: Actor, matter_id: str) -> CampaignMatter:
    """Return a matter of a case that the actor sees. Raises NotFound."""
    matter = await load_matter(db, matter_id)
    require(actor, Action.SEE_PETITION, scope_of(matter.petition))
    return matter


async def load_matter(db: AsyncSession, matter_id: str) -> CampaignMatter:
    """Return the matter without asking the policy; the caller asks on its next line. Raises NotFound."""
    query = select(CampaignMatter).where(CampaignMatter.id == matter_id)
    matter = await db.scalar(query.execution_options(populate_existing=True))
    if matter is None:
        raise NotFound("campaign_matter_not_found", "没有找到这件事。")
    await load_petition(db, matter.petition_id)
    return matter


async def list_steps(db: AsyncSession, matter_id: str) -> Sequence[CampaignStep]:
    """Every line on a matter, oldest first. The caller has asked the policy."""
    query = select(CampaignStep).where(CampaignStep.matter_id == matter_id)
    return (await db.scalars(query.order_by(CampaignStep.number))).all()


async def list_evidence(db: AsyncSession, matter_id: str) -> dict[str, CampaignEvidence]:
    """Step → its evidence. The caller has asked the policy."""
    query = select(CampaignEvidence).join(CampaignStep, CampaignStep.id == CampaignEvidence.step_id)
    rows = await db.scalars(query.where(CampaignStep.matter_id == matter_id))
    return {row.step_id: row for row in rows}


async def read_evidence(db: AsyncSession, actor: Actor, matter_id: str, step_id: str) -> CampaignEvidence:
    """The file by which a matter was to be struck off. Raises NotFound, also where it is a paper."""
    await get_matter(db, actor, matter_id)
    found = (await list_evidence(db, matter_id)).get(step_id)
    if found is None or found.content is None:
        raise NotFound("evidence_not_found", "没有找到这份证据。")
    return found


async def list_papers(db: AsyncSession, petition_id: str) -> Sequence[IssuedDocument]:
    """Papers of the case, the newest first. The caller has asked the policy."""
    query = select(IssuedDocument).where(IssuedDocument.petition_id == petition_id)
    return (await db.scalars(query.order_by(IssuedDocument.issued_at.desc()))).all()


async def add_step(
    db: AsyncSession, clock: Clock, actor: Actor, matter: CampaignMatter, kind: CampaignStepKind, words: str,
    about: str = "",
) -> CampaignStep:  # fmt: skip
    """Append inside the caller's transaction. Raises Conflict `matter_moved` when somebody was quicker."""
    seen = CampaignMatter.id == matter.id, CampaignMatter.step_count == matter.step_count
    advance = update(CampaignMatter).where(*seen).values(step_count=CampaignMatter.step_count + 1)
    number = await db.scalar(advance.returning(CampaignMatter.step_count))
    if number is None:
        raise Conflict("matter_moved", "别人刚刚办理了这件事，请刷新页面再看。")
    step = CampaignStep(
        id=new_id(), matter_id=matter.id, number=number, kind=kind, about=about, words=words,
        at=clock.now(), by_id=actor.official_id, by=actor.name,
    )  # fmt: skip
    db.add(step)
    await db.flush()
    return step


async def remind(
    db: AsyncSession, clock: Clock, actor: Actor, matter: CampaignMatter, campaign: Campaign,
    petition: PetitionCase,
) -> None:  # fmt: skip
    """A task of the case that stands until the matter is struck off; never due before today."""
    if campaign.kind is not CampaignKind.LEADERS or matter.due_on is None or matter.organisation_id is None:
        return
    due_on = max(matter.due_on, today(clock))
    words = f"包案化解：{campaign.name}"
    command = NewTask(matter.organisation_id, matter.leader, due_on.isoformat(), words, source_id=matter.id)
    task = await add_task(db, clock, actor, petition, command, frozenset({matter.organisation_id}))
    await _set(db, matter, task_id=task.id)


async def _move(
    db: AsyncSession, clock: Clock, actor: Actor, matter: CampaignMatter, kind: CampaignStepKind,
    state: MatterState,
) -> None:  # fmt: skip
    if state is matter.state:
        return
    solved = today(clock) if state is MatterState.STRUCK_OFF else None
    await _set(db, matter, state=state, resolved_on=solved)
    if kind is _K.STRUCK_OFF and matter.task_id:
        await _end_task(db, clock, actor, matter.task_id)
    if kind is _K.TAKEN_UP_AGAIN:
        await remind(db, clock, actor, matter, matter.campaign, matter.petition)


async def _set(db: AsyncSession, matter: CampaignMatter, **values: Any) -> None:
    await db.execute(update(CampaignMatter).where(CampaignMatter.id == matter.id).values(**values))


async def _end_task(db: AsyncSession, clock: Clock, actor: Actor, task_id: str) -> None:
    """Unless somebody ended it before."""
    task = await db.get(PetitionTask, task_id)
    steps = select(func.count()).select_from(TaskStep).where(TaskStep.task_id == task_id)
    if task is None or await db.scalar(steps):
        return
    db.add(
        TaskStep(
            id=new_id(),
            task_id=task_id,
            number=1,
            state=TaskState.DONE,
            words="已经销号。",
            at=clock.now(),
            by_id=actor.official_id,
            by=actor.name,
        )  # fmt: skip
    )
    await db.flush()


async def _proposer(db: AsyncSession, matter: CampaignMatter) -> str | None:
    """Who asked last that the matter be struck off."""
    query = select(CampaignStep.by_id).where(
        CampaignStep.matter_id == matter.id, CampaignStep.kind == _K.PROPOSED
    )
    return await db.scalar(query.order_by(CampaignStep.number.desc()).limit(1))


async def _refuse_own(db: AsyncSession, actor: Actor, matter: CampaignMatter) -> None:
    if leads(actor, matter) or await _proposer(db, matter) == actor.official_id:
        raise Forbidden("confirmed_by_another", "销号要由另一个人确认：提出销号的人和包案领导本人不能确认。")


async def _keep_evidence(
    db: AsyncSession, matter: CampaignMatter, step: CampaignStep, evidence: Evidence
) -> None:
    upload, content, media_type, name = evidence.upload, None, "", ""
    if evidence.document_id:
        paper = await db.get(IssuedDocument, evidence.document_id)
        if paper is None or paper.petition_id != matter.petition_id:
            raise Invalid("document_unknown", "请从列表里选择这件事的文书。", "document_id")
        name = f"{paper.title} {paper.number}"
    if upload is not None:
        media_type, content = upload.media_type, upload.content
        name = clean(upload.name)[:60]
    if not name:
        raise Invalid("evidence_required", "销号要有依据：请选择一份文书，或者上传凭证。", "document_id")
    digest = hashlib.sha256(content).hexdigest() if content is not None else ""
    db.add(
        CampaignEvidence(
            step_id=step.id,
            document_id=evidence.document_id or None,
            file_name=name[:200],
            file_type=media_type,
            sha256=digest,
            content=content,
        )  # fmt: skip
    )
    await db.flush()
