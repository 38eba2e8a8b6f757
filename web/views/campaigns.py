"""Campaigns as pages show them: standings, a matter with its day in words, what may be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.campaigns.board import NO_RANK, OfficeStanding, Standing, list_matters_of
from cases.campaigns.campaign import (
    CAMPAIGN_KIND_NAMES,
    CAMPAIGN_STEP_NAMES,
    FOUR_DUTY_NAMES,
    RANK_NAMES,
    Campaign,
    CampaignEvidence,
    CampaignMatter,
    CampaignStep,
    CampaignStepKind,
    FourDuty,
    Rank,
)
from cases.campaigns.following import LABELS
from cases.casefile import PetitionCase, scope_of
from cases.policy import Action, allowed
from cases.vocabulary import VOCABULARY, badges
from web.keys import ACTOR
from web.views.supervision import due_words
from web.words import until_date

MATTER_STATES = badges("campaign_matter")
RANKS = {str(rank): name for rank, name in RANK_NAMES.items()}
KINDS = {str(kind): name for kind, name in CAMPAIGN_KIND_NAMES.items()}
DUTIES = {str(duty): name for duty, name in FOUR_DUTY_NAMES.items()}
FIELDS = ("words", "about", "document_id")


def rank_name(rank: Rank | None) -> str:
    """Surveys have no ranks."""
    return RANK_NAMES[rank] if rank else "不分级别"


def campaign_row(campaign: Campaign, standings: Sequence[Standing]) -> dict[str, Any]:
    """One campaign with its targets; `lacking`: how many are still to be taken in charge."""
    return {
        "id": campaign.id,
        "name": campaign.name,
        "kind": KINDS[str(campaign.kind)],
        "office": campaign.organisation.name,
        "begins": campaign.begins_on,
        "ends": campaign.ends_on,
        "standings": [standing_row(each) for each in standings],
        "entered": sum(each.entered for each in standings),
        "resolved": sum(each.resolved for each in standings),
    }


def standing_row(each: Standing) -> dict[str, Any]:
    """Numerator and denominator stand beside every rate."""
    return {
        "rank": rank_name(each.rank),
        "query": f"rank={each.rank or NO_RANK}",
        "target": each.target,
        "entered": each.entered,
        "resolved": each.resolved,
        "lacking": max(0, each.target - each.entered),
        "rate": f"{each.resolved * 100 / each.entered:.1f}%" if each.entered else "—",
    }


def office_row(each: OfficeStanding) -> dict[str, Any]:
    """What one office has of a rank."""
    rate = f"{each.resolved * 100 / each.entered:.1f}%" if each.entered else "—"
    told = {name: getattr(each, name) for name in ("office", "entered", "overdue", "proposed", "resolved")}
    query = f"office={each.office_id}&rank={each.rank or NO_RANK}"
    return told | {"rank": rank_name(each.rank), "rate": rate, "query": query}


def matter_row(matter: CampaignMatter, now: date) -> dict[str, Any]:
    """One matter in words; what is late says so besides how it stands."""
    late, struck = matter.is_late(now), matter.resolved_on is not None
    due = (
        ""
        if matter.due_on is None
        else until_date(matter.due_on)
        if struck
        else due_words(matter.due_on, now)
    )
    return {
        "id": matter.id,
        "petition": matter.petition,
        "campaign": matter.campaign,
        "leader": matter.leader,
        "rank": rank_name(matter.rank),
        "office": matter.organisation.short_name if matter.organisation else "",
        "plan": matter.plan,
        "due": due,
        "late": late,
        "entered": matter.entered_on,
        "resolved": matter.resolved_on,
        "state": MATTER_STATES["overdue" if late and matter.state == "open" else str(matter.state)],
    }


def duty_rows(steps: Sequence[CampaignStep]) -> list[dict[str, Any]]:
    """The four duties, each with what was done for it, the newest first."""
    return [
        {
            "name": FOUR_DUTY_NAMES[duty],
            "steps": [
                each for each in reversed(steps) if each.kind is CampaignStepKind.DUTY and each.about == duty
            ],
        }
        for duty in FourDuty
    ]


def step_row(
    step: CampaignStep, evidence: Mapping[str, CampaignEvidence], sessions: Mapping[str, str]
) -> dict[str, Any]:
    """A line of the history; `proof`: the paper or the file by which it was to be struck off."""
    about = DUTIES.get(step.about, "") or sessions.get(step.about, "")
    return {
        "id": step.id,
        "name": CAMPAIGN_STEP_NAMES[step.kind],
        "about": about,
        "session_id": step.about if step.kind is CampaignStepKind.SESSION else "",
        "words": step.words,
        "at": step.at,
        "by": step.by,
        "proof": evidence.get(step.id),
    }


def step_form(kind: CampaignStepKind, trouble: dict[str, Any]) -> dict[str, Any]:
    """The form of a step, with what was typed where it was refused."""
    wrong = trouble if trouble.get("kind") == kind else {}
    return {
        "code": str(kind),
        "label": CAMPAIGN_STEP_NAMES[kind],
        "effect": VOCABULARY["campaign_step"][kind].effect,
        "words_label": LABELS[kind],
        "typed": wrong.get("typed", dict.fromkeys(FIELDS, "")),
        "field": wrong.get("field", ""),
        "trouble": wrong.get("message", ""),
    }


async def campaign_card(
    request: web.Request, db: AsyncSession, petition: PetitionCase, now: date
) -> dict[str, Any]:
    """For the page of the case: in which campaigns it is, and whether the reader may enter it."""
    return {
        "matters": [matter_row(each, now) for each in await list_matters_of(db, petition.id)],
        "may": allowed(request[ACTOR], Action.HANDLE_PETITION, scope_of(petition)),
    }
