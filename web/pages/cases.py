"""One petition case: what it is, its history, and what can be done with it."""

from __future__ import annotations

from datetime import date

from aiohttp import web

from cases.custody import HANDED_OVER, possible_keepers
from cases.handling.clocks import today
from cases.handling.procedure import RULES
from cases.intake.joins import list_joined
from cases.intake.likeness import suggest
from cases.intake.matters import find_intake, list_parties
from cases.petitions import (
    PetitionEvent,
    get_petition,
    list_petition_events,
    scope_of,
)
from cases.policy import Action, allowed
from scheduling.booking.booking import BOOKING_KIND_NAMES, BookingState
from scheduling.booking.bookings import list_bookings
from scheduling.intake.enclosing import list_of_case
from scheduling.materials.reading import materials_of_case
from web.http.flash import take_once
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.enclosures import enclosure_view
from web.pages.materials import desk_view
from web.rendering import page
from web.views.campaigns import campaign_card
from web.views.cards import recording_cards, session_cards_of_petition
from web.views.documents import documents_desk
from web.views.handling import handling_desk
from web.views.mediation import mediation_card
from web.views.slot_proposals import times_of_case
from web.views.supervision import supervision_card
from web.views.tasks import task_list
from web.words import event_word, plain_date

# What was told with these is shown as it was written: unit, reasons, proof of delivery.
STEP_EVENTS = frozenset(rule.event for rule in RULES.values()) | {
    "document.issued",
    "document.corrected",
    "document.delivered",
    HANDED_OVER,
}
TOLD_WHOLE = ("supervision.", "duty.", "campaign.")
# Of these, what is ours to say in the reader's language; the rest was typed.
OURS = frozenset({"reason", "adoption", "measure", "audience", "duty", "number", "due_on"})
OURS_OF_STEPS = frozenset({"class", "way", "service", "conclusion", "result", "ground", "days", "on"})


async def show(request: web.Request) -> web.StreamResponse:
    actor, petition_id = request[ACTOR], request.match_info["petition_id"]
    async with request.app[DATABASE].reading() as db:
        petition = await get_petition(db, actor, petition_id)
        events = await list_petition_events(db, actor, petition_id)
        context = {
            "nav": "cases",
            "petition": petition,
            "events": [_event(event) for event in reversed(events)],
            "sessions": await session_cards_of_petition(db, actor, petition),
            "recordings": await recording_cards(db, actor, petition),
            "may_book": allowed(actor, Action.BOOK, scope_of(petition))
            and allowed(actor, Action.MANAGE_SESSION),
            "may_request": allowed(actor, Action.REQUEST_BOOKING, scope_of(petition)),
            "may_issue_code": allowed(actor, Action.ISSUE_QUERY_CODE, scope_of(petition)),
            "tasks": await task_list(request, db, petition),
            "materials": [desk_view(each) for each in await materials_of_case(db, actor, petition.id)],
            "enclosures": [enclosure_view(each) for each in await list_of_case(db, actor, petition.id)],
            "handling": await handling_desk(request, db, petition),
            "documents": await documents_desk(request, db, petition),
            "intake": await find_intake(db, petition_id),
            "parties": await list_parties(db, petition_id),
            "joined": await list_joined(db, actor, petition_id),
            "join_trouble": take_once(request, f"join:{petition_id}"),
            "keepers": await possible_keepers(db, petition)
            if allowed(actor, Action.HAND_OVER_PETITION, scope_of(petition)) else {},
            "custody_trouble": take_once(request, f"custody:{petition_id}"),
            "may_join": allowed(actor, Action.HANDLE_PETITION, scope_of(petition)),
            "supervision": await supervision_card(request, db, petition, today(request.app[CLOCK])),
            "campaigns": await campaign_card(request, db, petition, today(request.app[CLOCK])),
            "mediations": await mediation_card(request, db, petition, today(request.app[CLOCK])),
            "form": Form(),
            "times_trouble": take_once(request, f"times:{petition_id}"),
            "query_code": take_once(request, f"query:{petition_id}"),
            "code_told": take_once(request, f"told:{petition_id}"),
        }
        together = {each.petition.id for each in context["joined"]}
        alike = await suggest(db, actor, petition) if context["may_join"] else []
        context["alike"] = [each for each in alike if each.petition.id not in together]
        bookings = await list_bookings(db, actor, petition_id=petition_id)
        context["case_times"] = await times_of_case(db, request, bookings)
        context["requests"] = [
            {"id": b.id, "kind": BOOKING_KIND_NAMES[b.kind], "starts_at": b.slot.starts_at,
             "office": b.slot.room.organisation.short_name}
            for b in bookings
            if b.state is BookingState.SUBMITTED
        ]
    return page(request, "case.html", context, title=petition.subject)


def _event(event: PetitionEvent) -> dict[str, object]:
    taken = event.kind in STEP_EVENTS or event.kind.startswith(TOLD_WHOLE)
    told = event.data.items() if taken else ()
    ours = OURS if event.kind.startswith(TOLD_WHOLE) else OURS_OF_STEPS
    notes = [{"text": _told(name, value), "ours": name in ours} for name, value in told]
    text = event_word(event.kind, str(event.data.get("sitting", "")))
    return {"at": event.at, "text": text, "actor": event.actor_name, "notes": notes}


def _told(name: str, value: object) -> str:
    """A bare figure or date says what it is."""
    if value and name in ("on", "due_on"):
        return plain_date(date.fromisoformat(str(value)))
    return f"{value} 日" if name == "days" else str(value)
