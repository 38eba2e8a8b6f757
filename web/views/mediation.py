"""Mediation as pages show it: a matter, what each party said, an agreement with its days, the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import CHANNEL_NAMES, PetitionCase
from cases.mediation.agreement import LABELS, MediationAgreement
from cases.mediation.board import list_mediations_of
from cases.mediation.court_door import IssuedLink
from cases.mediation.matter import (
    BINDING,
    CONSENT_WAY_NAMES,
    IN_WORDS,
    MEDIATION_STEP_NAMES,
    SIDE_NAMES,
    TRANSITIONS,
    TYPED_WAYS,
    Mediation,
    MediationConsent,
    MediationEvent,
    MediationSitting,
    MediationState,
    MediationStep,
)
from cases.mediation.mediating import CHANNELS
from cases.mediation.place import PLACE_KIND_NAMES, CommunityPlace, OpeningHours, scope_of_keeper
from cases.mediation.third_party import THIRD_PARTY_KIND_NAMES, ThirdParty
from cases.organisations import OrganisationKind, list_organisations
from cases.policy import Action, Actor, allowed
from cases.vocabulary import VOCABULARY, badges
from scheduling.reach import scopes_of_sessions
from scheduling.session import Session
from web.keys import ACTOR
from web.language import say
from web.rendering import listed
from web.views.cards import OPEN_STATES
from web.views.supervision import due_words
from web.words import clock_time, date_time

STATES = badges("mediation")
SIDES = {str(side): name for side, name in SIDE_NAMES.items()}
WAYS = {str(way): name for way, name in CONSENT_WAY_NAMES.items()}
TYPED = {code: name for code, name in WAYS.items() if code in TYPED_WAYS}
PLACE_KINDS = {str(kind): name for kind, name in PLACE_KIND_NAMES.items()}
THIRD_PARTY_KINDS = {str(kind): name for kind, name in THIRD_PARTY_KIND_NAMES.items()}
TURNING = {str(channel): CHANNEL_NAMES[channel] for channel in CHANNELS}
WEEK = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")
CONSENTED = {
    None: ("还没有表示", "clock", "plain"),
    True: ("同意调解", "tick", "good"),
    False: ("不同意", "cross", "bad"),
}


def mediation_row(mediation: Mediation, agreement: MediationAgreement | None, now: date) -> dict[str, Any]:
    """One mediation; `due`: the day of performance, `court`: until when the court can be asked."""
    late = agreement is not None and mediation.state in BINDING and agreement.due_on < now
    row = {
        "id": mediation.id,
        "number": mediation.number,
        "subject": mediation.subject,
        "facts": mediation.facts,
        "parties": [each.name for each in mediation.parties],
        "mediator": mediation.mediator.name if mediation.mediator else "",
        "office": mediation.organisation.short_name,
        "petition_id": mediation.petition_id,
        "at": mediation.at,
        "state": STATES["overdue" if late else str(mediation.state)],
        "due": "",
        "court": "",
    }
    if agreement is not None and mediation.state in BINDING:
        row["due"] = due_words(agreement.due_on, now)
        if mediation.state is MediationState.AGREED and agreement.confirm_until >= now:
            row["court"] = due_words(agreement.confirm_until, now)
    return row


def party_rows(mediation: Mediation, consents: Sequence[MediationConsent]) -> list[dict[str, Any]]:
    """Each party with what it said, the newest last; its newest word counts."""
    rows = []
    for each in mediation.parties:
        own = [consent for consent in consents if consent.party_id == each.id]
        told = [
            {"given": say("同意" if c.given else "不同意"), "way": WAYS[c.way], "words": c.words, "at": c.at}
            for c in own
        ]
        rows.append(
            {
                "id": each.id,
                "side": SIDE_NAMES[each.side],
                "name": each.name,
                "phone": each.phone or "",
                "address": each.address,
                "told": told,
                "state": CONSENTED[own[-1].given if own else None],
            }
        )
    return rows


def agreement_view(agreement: MediationAgreement) -> dict[str, Any]:
    """What was agreed, item by item as Art. 29 names them."""
    return {
        "spoken": agreement.spoken,
        "items": [(label, agreement.told.get(name, "")) for name, label in LABELS.items()],
        "due": agreement.due_on,
        "effective": agreement.effective_on,
        "confirm_until": agreement.confirm_until,
    }


def event_rows(events: Sequence[MediationEvent]) -> list[dict[str, Any]]:
    """The history, the newest first."""
    return [
        {
            "at": each.at,
            "by": each.by,
            "name": MEDIATION_STEP_NAMES[each.step] if each.step else "收到调解申请",
            "words": each.words,
        }
        for each in reversed(events)
    ]


def step_forms(mediation: Mediation, trouble: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Steps that are taken in words, as the matter stands."""
    found = []
    for step in MediationStep:
        if step in IN_WORDS and TRANSITIONS.permits(mediation.state, step):
            wrong = trouble if trouble.get("form") == step else {}
            found.append(
                {
                    "code": str(step),
                    "label": MEDIATION_STEP_NAMES[step],
                    "effect": VOCABULARY["mediation_step"][step].effect,
                    "words": wrong.get("typed", {}).get("words", ""),
                    "trouble": wrong.get("message", ""),
                }
            )
    return found


def place_row(place: CommunityPlace) -> dict[str, Any]:
    """A place with its hours in a line."""
    hours = [f"{days} {opens:%H:%M}–{closes:%H:%M}" for days, opens, closes in _stretches(place)]
    told = {name: getattr(place, name) for name in ("id", "name", "address", "phone")}
    return told | {"kind": PLACE_KIND_NAMES[place.kind], "hours": hours}


def _stretches(place: CommunityPlace) -> list[tuple[str, time, time]]:
    """Days that follow one another with the same hours, told as one: 星期一至星期五."""
    found: list[list[OpeningHours]] = []
    for each in sorted(place.hours, key=lambda one: (one.opens, one.closes, one.weekday)):
        last = found[-1][-1] if found else None
        if last and (last.opens, last.closes, last.weekday + 1) == (each.opens, each.closes, each.weekday):
            found[-1].append(each)
        else:
            found.append([each])
    return [(_days(run), run[0].opens, run[0].closes) for run in found]


def _days(run: Sequence[OpeningHours]) -> str:
    first, last = say(WEEK[run[0].weekday]), say(WEEK[run[-1].weekday])
    if len(run) < 3:
        return listed(WEEK[each.weekday] for each in run)
    return say("{0} 至 {1}").format(first, last)


def person_row(one: ThirdParty, now: date) -> dict[str, Any]:
    """One of the register, with whether they are in force."""
    told = {name: getattr(one, name) for name in ("id", "name", "employer", "phone", "since", "until")}
    state = ("在聘", "tick", "good") if one.in_force(now) else ("不在聘期", "clock", "plain")
    return told | {"kind": THIRD_PARTY_KIND_NAMES[one.kind], "state": state, "in_force": one.in_force(now)}


async def sitting_rows(
    db: AsyncSession, actor: Actor, sittings: Sequence[MediationSitting]
) -> list[dict[str, Any]]:
    """Each with its place, or how its session stands; a way there only for whoever may see the session."""
    ids = [each.session_id for each in sittings if each.session_id]
    found = (await db.scalars(select(Session).where(Session.id.in_(ids)))).unique().all() if ids else ()
    sessions = {each.id: each for each in found}
    scopes = await scopes_of_sessions(db, found)
    rows = []
    for each in sittings:
        session = sessions.get(each.session_id or "")
        times = (session.starts_at, session.ends_at) if session else (each.starts_at, each.ends_at)
        may = session is not None and allowed(actor, Action.SEE_SESSION, scopes[session.id])
        joins = session is not None and session.state in OPEN_STATES
        rows.append(
            {
                "at": sitting_words(*times),
                "place": each.place.name if each.place else "",
                "state": session.state if session else None,
                "session_id": session.id if session and may else "",
                "may_join": session is not None and joins and allowed(actor, Action.JOIN, scopes[session.id]),
            }
        )
    return rows


def sitting_words(starts_at: Any, ends_at: Any) -> str:
    """`2026年7月22日 09:00–10:00`."""
    return f"{date_time(starts_at)}–{clock_time(ends_at)}"


async def keepers_of(db: AsyncSession, actor: Actor) -> dict[str, str]:
    """The actor's own offices and stations that keep mediations: names by id."""
    return {
        each.id: each.name
        for each in await list_organisations(db)
        if each.kind is not OrganisationKind.DEPARTMENT
        and allowed(actor, Action.CONDUCT_MEDIATION, scope_of_keeper(each.id))
    }


async def mediation_card(
    request: web.Request, db: AsyncSession, petition: PetitionCase, now: date
) -> dict[str, Any]:
    """For the page of the case: its mediations that the reader may see, and whether one may be begun."""
    actor = request[ACTOR]
    found = await list_mediations_of(db, actor, petition.id)
    return {
        "rows": [mediation_row(each, None, now) for each in found],
        "may": allowed(actor, Action.CONDUCT_MEDIATION) and bool(await keepers_of(db, actor)),
    }


def court_rows(links: Sequence[IssuedLink], now: datetime) -> list[dict[str, Any]]:
    """The links that courts were given, with how often each was used."""
    rows = []
    for each in links:
        link, state = each.link, ("可以查阅", "tick", "good")
        if link.revoked_at is not None:
            state = ("已停用", "cross", "plain")
        elif not link.opens(now):
            state = ("已到期", "clock", "plain")
        rows.append(
            {
                "id": link.id,
                "court": link.court,
                "state": state,
                "open": link.opens(now),
                "by": link.issued_by,
                "at": link.issued_at,
                "until": link.valid_until,
                "views": each.views,
                "last": each.last,
            }  # fmt: skip
        )
    return rows
