"""Conducting a campaign: opening it, taking a matter in charge, noting what is done, striking it off.

A matter is struck off by evidence in words and can be taken up again; every line stays. One matter has one
leader and one plan (one case, one leader, one plan).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.campaigns.campaign import (
    Campaign,
    CampaignKind,
    CampaignMatter,
    CampaignStep,
    CampaignStepKind,
    CampaignTarget,
    FourDuty,
    Rank,
)
from cases.casefile import scope_of
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean_name, clean_text
from cases.handling.clocks import today
from cases.petitions import add_petition_event, load_petition
from cases.policy import Action, Actor, Scope, require

LONGEST_DAYS = 1_096
MOST_MATTERS = 100_000  # Of a target.
_K = CampaignStepKind
# What may be noted while a matter is open, and what while it is struck off.
OPEN_STEPS = frozenset({_K.PROGRESS, _K.DUTY, _K.SESSION, _K.STRUCK_OFF})
CLOSED_STEPS = frozenset({_K.TAKEN_UP_AGAIN})


@dataclass(frozen=True, slots=True)
class OpenCampaign:
    """Command: `targets` say how many matters each rank takes in charge."""

    organisation_id: str
    kind: CampaignKind
    name: str
    begins_on: date
    ends_on: date
    targets: Mapping[Rank, int]


@dataclass(frozen=True, slots=True)
class TakeInCharge:
    """Command: a petition case comes under a leader, or into a survey without one."""

    campaign_id: str
    petition_id: str
    rank: Rank | None
    leader: str
    plan: str
    due_on: date


@dataclass(frozen=True, slots=True)
class Standing:
    """How a campaign stands for one rank; `target` 0 where none was set."""

    rank: Rank | None
    target: int
    entered: int
    resolved: int


@atomic
async def open_campaign(db: AsyncSession, clock: Clock, actor: Actor, command: OpenCampaign) -> Campaign:
    """Open it and commit. Raises Forbidden, Invalid at the field."""
    own = frozenset({command.organisation_id})
    require(actor, Action.HANDLE_PETITION, Scope(organisation_ids=own, owner_organisation_ids=own))
    name = clean_name(command.name, "name", "名称")
    length = (command.ends_on - command.begins_on).days
    if not 0 <= length <= LONGEST_DAYS:
        raise Invalid("bad_period", "结束日期要在开始日期以后、三年以内。", "ends_on")
    if not all(1 <= number <= MOST_MATTERS for number in command.targets.values()):
        raise Invalid("bad_target", f"目标件数应在 1 到 {MOST_MATTERS} 之间。", "targets")
    campaign = Campaign(
        id=new_id(), organisation_id=command.organisation_id, kind=command.kind, name=name,
        begins_on=command.begins_on, ends_on=command.ends_on, created_at=clock.now(),
    )  # fmt: skip
    db.add(campaign)
    await db.flush()
    db.add_all(
        CampaignTarget(campaign_id=campaign.id, rank=rank, matters=number)
        for rank, number in command.targets.items()
    )
    await add_audit(db, clock, actor, "campaign.opened", "campaign", campaign.id)
    await db.commit()
    return campaign


@atomic
async def take_in_charge(
    db: AsyncSession, clock: Clock, actor: Actor, command: TakeInCharge
) -> CampaignMatter:
    """Enter a case and commit. Raises NotFound, Forbidden, Invalid, Conflict `already_entered`."""
    petition = await load_petition(db, command.petition_id)
    require(actor, Action.HANDLE_PETITION, scope_of(petition))
    campaign = await db.get(Campaign, command.campaign_id, populate_existing=True)
    if campaign is None or not campaign.organisation.covers(petition.custodian.region_code):
        raise NotFound("campaign_not_found", "没有找到这个活动。")
    day, leader, plan = today(clock), "", clean_text(command.plan, "plan", "化解方案", 1000)
    if campaign.kind is CampaignKind.LEADERS:
        leader = clean_name(command.leader, "leader", "包案领导")
        if command.rank is None:
            raise Invalid("choose", "请选择一项。", "rank")
        if not plan:
            raise Invalid("required", "请填写化解方案。", "plan")
    if not day <= command.due_on <= campaign.ends_on:
        raise Invalid("bad_date", "化解期限要在今天以后、活动结束以前。", "due_on")
    matter = CampaignMatter(
        id=new_id(), campaign_id=campaign.id, petition_id=petition.id, rank=command.rank, leader=leader,
        plan=plan, due_on=command.due_on, entered_on=day, step_count=0,
    )  # fmt: skip
    db.add(matter)
    try:
        await db.flush()
    except IntegrityError as error:
        raise Conflict("already_entered", "这件事已经列入这个活动。") from error
    await _add_step(db, clock, actor, matter, _K.ENTERED, leader or campaign.name)
    told = {"words": f"{campaign.name} {leader}".strip()}
    await add_petition_event(db, clock, actor, petition.id, "campaign.entered", told)
    await add_audit(db, clock, actor, "campaign.entered", "petition", petition.id)
    await db.commit()
    await db.refresh(matter)
    return matter


@atomic
async def note_step(
    db: AsyncSession, clock: Clock, actor: Actor, matter_id: str, kind: CampaignStepKind, words: str,
    about: str = "",
) -> CampaignStep:  # fmt: skip
    """Note progress, one of the four duties, a session, the striking off with its evidence, or its return.

    `about`: the duty or the session. Raises NotFound, Forbidden, Invalid, Conflict `bad_transition`.
    """
    matter = await db.get(CampaignMatter, matter_id, populate_existing=True)
    if matter is None:
        raise NotFound("campaign_matter_not_found", "没有找到这件事。")
    require(actor, Action.HANDLE_PETITION, scope_of(await load_petition(db, matter.petition_id)))
    if kind not in (CLOSED_STEPS if matter.resolved_on else OPEN_STEPS):
        raise Conflict("bad_transition", "这件事已经销号或者恢复办理，请刷新页面再看。")
    if kind is _K.DUTY and about not in set(FourDuty):
        raise Invalid("choose", "请选择一项。", "about")
    told = clean_text(words, "words", "办理情况", 1000)
    if not told:
        raise Invalid("required", "请填写办理情况，销号要写明依据。", "words")
    if kind in (_K.STRUCK_OFF, _K.TAKEN_UP_AGAIN):
        matter.resolved_on = today(clock) if kind is _K.STRUCK_OFF else None
        await db.flush()
        kept = {"words": told}
        await add_petition_event(db, clock, actor, matter.petition_id, f"campaign.{kind}", kept)
    step = await _add_step(db, clock, actor, matter, kind, told, about)
    await add_audit(db, clock, actor, f"campaign.{kind}", "petition", matter.petition_id)
    await db.commit()
    return step


async def list_steps(db: AsyncSession, matter_id: str) -> Sequence[CampaignStep]:
    """Every line on a matter, oldest first. The caller has asked the policy."""
    query = select(CampaignStep).where(CampaignStep.matter_id == matter_id)
    return (await db.scalars(query.order_by(CampaignStep.number))).all()


async def list_standings(db: AsyncSession, actor: Actor, campaign_id: str) -> Sequence[Standing]:
    """How many of its target each rank has entered and resolved; sums, without a case."""
    require(actor, Action.SEE_FIGURES)
    targets = select(CampaignTarget.rank, CampaignTarget.matters)
    rows = await db.execute(targets.where(CampaignTarget.campaign_id == campaign_id))
    wanted: dict[Rank | None, int] = {rank: number for rank, number in rows}
    matter = CampaignMatter.rank, func.count(), func.count(CampaignMatter.resolved_on)
    query = select(*matter).where(CampaignMatter.campaign_id == campaign_id).group_by(CampaignMatter.rank)
    found = {rank: (entered, resolved) for rank, entered, resolved in await db.execute(query)}
    order = [rank for rank in (*Rank, None) if rank in wanted or rank in found]
    return [Standing(rank, wanted.get(rank, 0), *found.get(rank, (0, 0))) for rank in order]


async def _add_step(
    db: AsyncSession, clock: Clock, actor: Actor, matter: CampaignMatter, kind: CampaignStepKind, words: str,
    about: str = "",
) -> CampaignStep:  # fmt: skip
    """Appenders to one matter take turns."""
    advance = update(CampaignMatter).where(CampaignMatter.id == matter.id)
    advance = advance.values(step_count=CampaignMatter.step_count + 1)
    number = await db.scalar(advance.returning(CampaignMatter.step_count))
    step = CampaignStep(
        id=new_id(), matter_id=matter.id, number=number or 1, kind=kind, about=about, words=words,
        at=clock.now(), by_id=actor.official_id, by=actor.name,
    )  # fmt: skip
    db.add(step)
    await db.flush()
    return step
