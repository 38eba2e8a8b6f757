"""Petition cases: list with search, one case, registration."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Invalid
from cases.fields import clean, clean_name, clean_subject, clean_text, mask_id_number
from cases.handling.procedure import RULES
from cases.organisations import Organisation, OrganisationKind, list_organisations
from cases.people import PersonDetails
from cases.petitions import (
    Channel,
    PetitionCase,
    PetitionEvent,
    RegisterPetition,
    get_petition,
    list_petition_events,
    list_petitions,
    register_petition,
    scope_of,
)
from cases.policy import Action, Actor, Scope, allowed
from scheduling.booking import BookingState
from scheduling.bookings import list_bookings
from scheduling.materials.reading import materials_of_case
from web.cards import recording_cards, session_cards_of_petition
from web.flash import keep_once, take_once
from web.forms import Form
from web.handling import handling_desk
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.materials import desk_view
from web.pages.signin import see_other
from web.paging import beside, read_offset
from web.rendering import page
from web.tasks import task_list
from web.words import CHANNELS, event_word

PAGE_SIZE = 30
# What was told with these is shown as it was written: unit, reasons, proof of delivery.
STEP_EVENTS = frozenset(rule.event for rule in RULES.values())


async def show_list(request: web.Request) -> web.StreamResponse:
    actor, search = request[ACTOR], clean(request.query.get("search", ""))[:100]
    offset = read_offset(request)
    async with request.app[DATABASE].session() as db:
        found = await list_petitions(db, actor, search, PAGE_SIZE + 1, offset)
    context = {
        "nav": "cases",
        "search": search,
        "rows": [_row(petition) for petition in found[:PAGE_SIZE]],
        "may_create": allowed(actor, Action.CREATE_PETITION),
        "beside": beside("/cases", {"search": search}, offset, PAGE_SIZE, len(found)),
    }
    return page(request, "cases.html", context, title="信访件")


async def show(request: web.Request) -> web.StreamResponse:
    actor, petition_id = request[ACTOR], request.match_info["petition_id"]
    async with request.app[DATABASE].session() as db:
        petition = await get_petition(db, actor, petition_id)
        events = await list_petition_events(db, actor, petition_id)
        context = {
            "nav": "cases",
            "petition": petition,
            "events": [_event(event) for event in reversed(events)],
            "sessions": await session_cards_of_petition(db, actor, petition),
            "recordings": await recording_cards(db, actor, petition),
            "may_book": allowed(actor, Action.BOOK, scope_of(petition)),
            "tasks": await task_list(request, db, petition),
            "materials": [desk_view(each) for each in await materials_of_case(db, actor, petition.id)],
            "handling": await handling_desk(request, db, petition),
            "query_code": take_once(request, f"query:{petition_id}"),
        }
        context["requests"] = [
            {"slot_id": b.slot_id, "starts_at": b.slot.starts_at}
            for b in await list_bookings(db, actor, BookingState.REQUESTED, petition_id)
        ]
    return page(request, "case.html", context, title=petition.subject)


async def show_new(request: web.Request) -> web.StreamResponse:
    return await _new_page(request, Form(initial={"channel": Channel.VISIT}))


async def submit_new(request: web.Request) -> web.StreamResponse:
    actor, form = request[ACTOR], Form(await request.post())
    async with request.app[DATABASE].session() as db:
        organisations = await custodians(db, actor)
        command = _command(form, organisations)
        if not form.errors:
            try:
                petition, code = await register_petition(db, request.app[CLOCK], actor, command)
            except Invalid as error:
                form.fail(error.field or "subject", error.message)
    if form.errors:
        return await _new_page(request, form, 422)
    keep_once(request, f"query:{petition.id}", code)
    return see_other(f"/cases/{petition.id}")


async def custodians(db: AsyncSession, actor: Actor) -> dict[str, str]:
    """Offices and stations on the actor's line, by id."""
    found = await list_organisations(db)
    return {item.id: item.name for item in found if _may_keep(actor, item)}


def _may_keep(actor: Actor, organisation: Organisation) -> bool:
    scope = Scope(
        region_codes=frozenset({organisation.region_code}), organisation_ids=frozenset({organisation.id})
    )
    return organisation.kind is not OrganisationKind.DEPARTMENT and allowed(
        actor, Action.CREATE_PETITION, scope
    )


def _command(form: Form, organisations: dict[str, str]) -> RegisterPetition:
    details = PersonDetails(
        name=form.take("name", clean_name), phone=form.phone("phone"), id_number="", address=""
    )
    if form.typed("id_number"):
        form.take("id_number", mask_id_number)
        details = PersonDetails(details.name, details.phone, form.typed("id_number"))
    address = form.take("address", lambda typed: clean_text(typed, "address", "住址", 200))
    return RegisterPetition(
        petitioner=PersonDetails(details.name, details.phone, details.id_number, address),
        subject=form.take("subject", clean_subject),
        description=form.take("description", clean_text),
        channel=Channel(form.choice("channel", CHANNELS, "请选择来源") or Channel.VISIT),
        custodian_id=form.choice("custodian", organisations, "请选择登记单位"),
    )


async def _new_page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    async with request.app[DATABASE].session() as db:
        organisations = await custodians(db, request[ACTOR])
    if not form.value("custodian"):
        own = {post.organisation_id for post in request[ACTOR].posts} & set(organisations)
        form.values["custodian"] = next(iter(sorted(own)), "")
    context = {"nav": "cases", "form": form, "channels": CHANNELS, "organisations": organisations}
    title = "错误：登记信访件" if form.errors else "登记信访件"
    return page(request, "case_new.html", context, title=title, status=status)


def _row(petition: PetitionCase) -> dict[str, object]:
    return {
        "id": petition.id,
        "number": petition.number,
        "subject": petition.subject,
        "petitioner": petition.petitioner.name,
        "custodian": petition.custodian.short_name,
        "registered_at": petition.registered_at,
        "state": petition.state,
    }


def _event(event: PetitionEvent) -> dict[str, object]:
    taken = event.kind in STEP_EVENTS
    notes = [str(value) for value in event.data.values()] if taken else []
    return {"at": event.at, "text": event_word(event.kind), "actor": event.actor_name, "notes": notes}
