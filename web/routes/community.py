"""The routes of campaigns and of mediation; a part of the URL table (web/routes/__init__.py)."""

from __future__ import annotations

from cases.policy import Action
from web.http.permissions import Who
from web.pages import (
    campaign_matters,
    campaigns,
    community,
    court,
    guests,
    mediation_video,
    mediations,
    own_documents,
)
from web.routes.route import LETTER, PROOF, Route

SEE, CONDUCT = Action.SEE_MEDIATION, Action.CONDUCT_MEDIATION
ONE = "/mediation/{mediation_id}"

COMMUNITY: tuple[Route, ...] = (
    Route("GET", "/campaigns", campaigns.show_list, Action.SEE_PETITION),
    Route("POST", "/campaigns", campaigns.open_one, Action.HANDLE_PETITION),
    Route("GET", "/campaigns/mine", campaigns.show_mine, Action.SEE_PETITION),
    Route("GET", "/campaigns/{campaign_id}", campaigns.show, Action.SEE_PETITION),
    Route("GET", "/campaigns/{campaign_id}/board.xlsx", campaigns.as_workbook, Action.SEE_PETITION),
    Route("GET", "/campaigns/matters/{matter_id}", campaign_matters.show, Action.SEE_PETITION),
    # Which steps there are and whose they are: cases/campaigns/campaign.py; the use case asks for it.
    Route(
        "POST",
        "/campaigns/matters/{matter_id}/steps/{kind}",
        campaign_matters.take,
        Action.SEE_PETITION,
        PROOF,
    ),
    Route(
        "GET",
        "/campaigns/matters/{matter_id}/evidence/{step_id}",
        campaign_matters.proof,
        Action.SEE_PETITION,
    ),
    Route("GET", "/cases/{petition_id}/campaigns", campaign_matters.show_entry, Action.HANDLE_PETITION),
    Route("POST", "/cases/{petition_id}/campaigns", campaign_matters.enter, Action.HANDLE_PETITION),
    Route("GET", "/mediation", mediations.show_list, SEE),
    Route("GET", "/mediation/new", mediations.show_new, CONDUCT),
    Route("POST", "/mediation/new", mediations.open_one, CONDUCT),
    Route("GET", "/mediation/places", community.show_places, SEE),
    Route("POST", "/mediation/places", community.add_one_place, CONDUCT),
    Route("POST", "/mediation/places/{place_id}/retire", community.retire_one_place, CONDUCT),
    Route("GET", "/mediation/people", community.show_people, SEE),
    Route("POST", "/mediation/people", community.add_person, CONDUCT),
    Route("POST", "/mediation/people/{person_id}/end", community.end_person, CONDUCT),
    Route("POST", "/mediation/people/{person_id}/conflicts", community.tell_conflict, CONDUCT),
    Route("GET", ONE, mediations.show, SEE),
    Route("POST", f"{ONE}/mediator", mediations.mediator, CONDUCT),
    Route("POST", f"{ONE}/consents/{{party_id}}", mediations.consent, CONDUCT),
    Route("POST", f"{ONE}/sittings", mediations.sit, CONDUCT),
    Route("POST", f"{ONE}/video", mediation_video.arrange, CONDUCT),
    Route("POST", f"{ONE}/steps/{{step}}", mediations.take, CONDUCT),
    Route("POST", f"{ONE}/turn", mediations.turn, CONDUCT),
    Route("GET", f"{ONE}/agreement", mediations.show_agreement, CONDUCT),
    Route("POST", f"{ONE}/agreement", mediations.agree, CONDUCT, LETTER),
    Route("GET", f"{ONE}/agreement.pdf", mediations.as_pdf, SEE),
    Route("POST", f"{ONE}/court", court.issue, CONDUCT),
    Route("POST", f"{ONE}/court/{{link_id}}/revoke", court.revoke, CONDUCT),
    # A court has no account: the secret in the fragment of the address says what it may read.
    Route("GET", "/court/{code}", court.show, Who.EVERYONE),
    Route("POST", "/court/{code}", court.open_door, Who.EVERYONE),
    Route("POST", "/court/{code}/agreement.pdf", court.as_pdf, Who.EVERYONE),
    Route("POST", "/sessions/{session_id}/guests/registered", guests.bring_registered, Action.MANAGE_SESSION),
    Route("POST", "/progress/agreements/{mediation_id}", own_documents.agreement, Who.EVERYONE),
)
