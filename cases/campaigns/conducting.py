"""Opening a campaign, and taking a matter in charge: one case, one leader, one plan, one day.

What follows stands in following.py, how it all stands in board.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.campaigns.campaign import (
    Campaign,
    CampaignKind,
    CampaignMatter,
    CampaignStepKind,
    CampaignTarget,
    MatterState,
    Rank,
)
from cases.campaigns.following import add_step, remind
from cases.casefile import PetitionCase, scope_of
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean_name, clean_text
from cases.handling.clocks import today
from cases.organisations import Organisation
from cases.people import Official, Post, get_official
from cases.petitions import add_petition_event, load_petition
from cases.policy import Action, Actor, Scope, allowed, require
from cases.roles import Role
from cases.signin import actor_for

LONGEST_DAYS = 1_096
MOST_MATTERS = 100_000  # Of a target.


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
    """Command: a petition case comes under a leader, or into a survey without one.

    `leader_id`: the leader's account, and then no `leader` need be typed.
    """

    campaign_id: str
    petition_id: str
    rank: Rank | None
    leader: str
    plan: str
    due_on: date
    leader_id: str = ""


@dataclass(frozen=True, slots=True)
class Leader:
    """A leader's post: whose account, and the office that it counts for."""

    official_id: str
    name: str
    title: str
    organisation_id: str
    office: str


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
    account: Leader | None = None
    if campaign.kind is CampaignKind.LEADERS:
        account = await _account(db, petition, command.leader_id)
        leader = clean_name(account.name if account else command.leader, "leader", "包案领导")
        if command.rank is None:
            raise Invalid("choose", "请选择一项。", "rank")
        if not plan:
            raise Invalid("required", "请填写化解方案。", "plan")
    if not day <= command.due_on <= campaign.ends_on:
        raise Invalid("bad_date", "化解期限要在今天以后、活动结束以前。", "due_on")
    matter = CampaignMatter(
        id=new_id(), campaign_id=campaign.id, petition_id=petition.id, rank=command.rank, leader=leader,
        plan=plan, due_on=command.due_on, entered_on=day, step_count=0, state=MatterState.OPEN,
        leader_id=account.official_id if account else None,
        organisation_id=account.organisation_id if account else petition.custodian_id,
    )  # fmt: skip
    db.add(matter)
    try:
        await db.flush()
    except IntegrityError as error:
        raise Conflict("already_entered", "这件事已经列入这个活动。") from error
    await add_step(db, clock, actor, matter, CampaignStepKind.ENTERED, leader or campaign.name)
    await remind(db, clock, actor, matter, campaign, petition)
    told = {"words": f"{campaign.name} {leader}".strip()}
    await add_petition_event(db, clock, actor, petition.id, "campaign.entered", told)
    await add_audit(db, clock, actor, "campaign.entered", "petition", petition.id)
    await db.commit()
    await db.refresh(matter)
    return matter


async def list_leaders(db: AsyncSession, petition: PetitionCase) -> Sequence[Leader]:
    """Leaders at or above the office that keeps the case, nearest first; the caller has asked the policy."""
    query = select(Official.id, Official.name, Post.title, Organisation.id, Organisation.short_name)
    query = query.join(Post, Post.official_id == Official.id)
    query = query.join(Organisation, Organisation.id == Post.organisation_id)
    query = query.where(
        Post.role == Role.LEADER,
        Post.ended_at.is_(None),
        Official.disabled_at.is_(None),
        literal(petition.custodian.region_code).startswith(Organisation.region_code),
    )
    rows = await db.execute(query.order_by(Organisation.region_code.desc(), Official.name, Official.id))
    return [Leader(*row) for row in rows]


async def _account(db: AsyncSession, petition: PetitionCase, official_id: str) -> Leader | None:
    """The leader who was chosen. Raises Invalid `leader_unknown`, `leader_cannot_see`."""
    if not official_id:
        return None
    found = [each for each in await list_leaders(db, petition) if each.official_id == official_id]
    if not found:
        raise Invalid("leader_unknown", "请从列表里选择包案领导，或者填写姓名。", "leader_id")
    actor = actor_for(await get_official(db, official_id))
    if not allowed(actor, Action.SEE_PETITION, scope_of(petition)):
        raise Invalid("leader_cannot_see", "这位领导不能看这件事，不能包案。", "leader_id")
    return found[0]
