"""How campaigns stand: targets by rank, what each office has done of them, and the matters one by one.

Lists hold what the reader may see of cases, and sums count no case that is secret to the reader: of an
accusation not even that there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from cases.campaigns.campaign import Campaign, CampaignMatter, CampaignTarget, MatterState, Rank
from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.errors import NotFound
from cases.handling.clocks import today
from cases.organisations import Organisation
from cases.policy import Action, Actor, ActorKind, require
from cases.visibility import open_to, visible_petitions

MOST_CAMPAIGNS = 100
MOST_IN_SHEET = 5_000
NO_RANK = "none"


class Which(StrEnum):
    """Which matters are asked for."""

    ALL = "all"
    OPEN = "open"
    OVERDUE = "overdue"
    PROPOSED = "proposed"
    STRUCK_OFF = "struck_off"


@dataclass(frozen=True, slots=True)
class Narrowed:
    """To a rank (`none` for matters without one) and an office that is in charge; empty for all."""

    rank: str = ""
    office_id: str = ""

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """On CampaignMatter."""
        wanted = []
        if self.rank:
            wanted.append(CampaignMatter.rank == (Rank(self.rank) if self.rank != NO_RANK else None))
        if self.office_id:
            wanted.append(CampaignMatter.organisation_id == self.office_id)
        return wanted


EVERYTHING = Narrowed()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a campaign stands for one rank; `target` 0 where none was set."""

    rank: Rank | None
    target: int
    entered: int
    resolved: int


@dataclass(frozen=True, slots=True)
class OfficeStanding:
    """What one office has of a rank: taken in charge, overdue, waiting for confirmation, struck off."""

    office_id: str
    office: str
    rank: Rank | None
    entered: int
    overdue: int
    proposed: int
    resolved: int


async def list_campaigns(db: AsyncSession, actor: Actor) -> Sequence[Campaign]:
    """Campaigns of offices on the actor's own line, above or below, the newest first."""
    require(actor, Action.SEE_PETITION)
    query = select(Campaign).join(Organisation, Organisation.id == Campaign.organisation_id)
    query = query.where(_on_the_line(actor)).order_by(Campaign.begins_on.desc(), Campaign.id)
    return (await db.scalars(query.limit(MOST_CAMPAIGNS))).unique().all()


async def get_campaign(db: AsyncSession, actor: Actor, campaign_id: str) -> Campaign:
    """Return one of these. Raises NotFound."""
    require(actor, Action.SEE_PETITION)
    query = select(Campaign).join(Organisation, Organisation.id == Campaign.organisation_id)
    campaign = await db.scalar(query.where(Campaign.id == campaign_id, _on_the_line(actor)))
    if campaign is None:
        raise NotFound("campaign_not_found", "没有找到这个活动。")
    return campaign


async def list_standings(db: AsyncSession, actor: Actor, campaign_id: str) -> Sequence[Standing]:
    """How many of its target each rank has entered and resolved; sums, without a case."""
    return (await list_all_standings(db, actor, [campaign_id]))[campaign_id]


async def list_all_standings(
    db: AsyncSession, actor: Actor, campaign_ids: Sequence[str]
) -> dict[str, list[Standing]]:
    """The same of many campaigns, by id."""
    require(actor, Action.SEE_PETITION)
    targets = select(CampaignTarget).where(CampaignTarget.campaign_id.in_(campaign_ids))
    wanted = {(row.campaign_id, row.rank): row.matters for row in await db.scalars(targets)}
    of = CampaignMatter.campaign_id, CampaignMatter.rank
    query = select(*of, func.count(), func.count(CampaignMatter.resolved_on))
    query = query.join(PetitionCase, PetitionCase.id == CampaignMatter.petition_id)
    query = query.where(CampaignMatter.campaign_id.in_(campaign_ids), open_to(actor)).group_by(*of)
    found = {(key, rank): (entered, done) for key, rank, entered, done in await db.execute(query)}
    return {
        key: [
            Standing(rank, wanted.get((key, rank), 0), *found.get((key, rank), (0, 0)))
            for rank in (*Rank, None)
            if (key, rank) in wanted or (key, rank) in found
        ]
        for key in campaign_ids
    }


async def list_office_standings(
    db: AsyncSession, clock: Clock, actor: Actor, campaign_id: str
) -> Sequence[OfficeStanding]:
    """The same by office and rank, of cases that the actor sees."""
    require(actor, Action.SEE_PETITION)
    sums = [func.sum(case((and_(*_which(which, today(clock))), 1), else_=0)) for which in Which]
    of = Organisation.region_code, Organisation.short_name, Organisation.id, CampaignMatter.rank
    query = select(*of, func.count(), *sums).select_from(CampaignMatter)
    query = query.join(Organisation, Organisation.id == CampaignMatter.organisation_id)
    query = query.where(CampaignMatter.campaign_id == campaign_id, _seen(actor)).group_by(*of)
    rows = [tuple(row) for row in await db.execute(query.order_by(*of[:3]))]
    order = [*Rank, None]
    rows.sort(key=lambda row: (*row[:3], order.index(row[3])))
    sums_at = {which: len(of) + 1 + place for place, which in enumerate(Which)}
    told = Which.OVERDUE, Which.PROPOSED, Which.STRUCK_OFF
    return [
        OfficeStanding(row[2], row[1], row[3], row[4], *(row[sums_at[each]] for each in told)) for row in rows
    ]


async def count_matters(
    db: AsyncSession, clock: Clock, actor: Actor, campaign_id: str, narrowed: Narrowed = EVERYTHING
) -> dict[Which, int]:
    """How many there are of each."""
    require(actor, Action.SEE_PETITION)
    sums = [func.sum(case((and_(*_which(which, today(clock))), 1), else_=0)) for which in Which]
    query = select(*sums).select_from(CampaignMatter)
    query = query.where(CampaignMatter.campaign_id == campaign_id, _seen(actor), *narrowed.conditions)
    row = (await db.execute(query)).one()
    return {which: row[number] or 0 for number, which in enumerate(Which)}


async def list_matters(
    db: AsyncSession, clock: Clock, actor: Actor, campaign_id: str, which: Which | None = None,
    limit: int = 50, offset: int = 0, narrowed: Narrowed = EVERYTHING,
) -> Sequence[CampaignMatter]:  # fmt: skip
    """Matters of cases that the actor sees, the first due first; struck off ones by the newest."""
    require(actor, Action.SEE_PETITION)
    query = select(CampaignMatter).where(CampaignMatter.campaign_id == campaign_id, _seen(actor))
    query = query.where(*narrowed.conditions)
    if which is not None:
        query = query.where(*_which(which, today(clock)))
    last = CampaignMatter.resolved_on.desc() if which is Which.STRUCK_OFF else CampaignMatter.due_on
    query = query.order_by(last, CampaignMatter.id).limit(limit).offset(offset)
    return (await db.scalars(query)).unique().all()


async def list_own_matters(db: AsyncSession, actor: Actor, done: bool = False) -> Sequence[CampaignMatter]:
    """What the actor has taken in charge: open ones by their day, or those struck off."""
    require(actor, Action.SEE_PETITION)
    query = select(CampaignMatter).where(CampaignMatter.leader_id == (actor.official_id or ""), _seen(actor))
    struck = CampaignMatter.state == MatterState.STRUCK_OFF
    query = query.where(struck if done else ~struck)
    last = CampaignMatter.resolved_on.desc() if done else CampaignMatter.due_on
    return (await db.scalars(query.order_by(last, CampaignMatter.id).limit(200))).unique().all()


async def list_matters_of(db: AsyncSession, petition_id: str) -> Sequence[CampaignMatter]:
    """In which campaigns a case is, the newest first. The caller has asked the policy."""
    query = select(CampaignMatter).where(CampaignMatter.petition_id == petition_id)
    query = query.order_by(CampaignMatter.entered_on.desc(), CampaignMatter.id)
    return (await db.scalars(query)).unique().all()


def _seen(actor: Actor) -> ColumnElement[bool]:
    condition = exists().where(PetitionCase.id == CampaignMatter.petition_id, visible_petitions(actor))
    return condition.correlate(CampaignMatter)


def _on_the_line(actor: Actor) -> ColumnElement[bool]:
    if actor.kind is ActorKind.SYSTEM:
        return literal(True)
    codes = {post.region_code for post in actor.posts}
    above = [literal(code).startswith(Organisation.region_code) for code in codes]
    below = [Organisation.region_code.startswith(code) for code in codes]
    return or_(literal(False), *above, *below)


def _which(which: Which, now: date) -> list[ColumnElement[bool]]:
    state = CampaignMatter.state
    if which is Which.ALL:
        return [true()]
    if which is Which.OVERDUE:
        return [state != MatterState.STRUCK_OFF, CampaignMatter.due_on < now]
    if which is Which.PROPOSED:
        return [state == MatterState.PROPOSED]
    struck = state == MatterState.STRUCK_OFF
    return [struck] if which is Which.STRUCK_OFF else [~struck]
