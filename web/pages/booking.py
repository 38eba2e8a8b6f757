"""Booking: by an official for a case, and by a citizen on the public page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import BEIJING
from cases.errors import Conflict, Invalid, RuleError
from cases.fields import clean_name, clean_subject, clean_text
from cases.organisations import Organisation, OrganisationKind, covers, list_organisations
from cases.petitions import get_petition, scope_of
from cases.policy import Action, Actor, require
from cases.roles import INVITATION_ROLE_NAMES, InvitationRole
from scheduling.booking.booking import BookingState
from scheduling.booking.bookings import BookPublicly, book_publicly, list_bookings
from scheduling.booking.slot import Slot
from scheduling.booking.slots import list_free_slots
from scheduling.session import SESSION_KIND_NAMES, SessionKind
from scheduling.sessions.invitations import Invitee
from scheduling.sessions.sessions import CreateSession, create_session, get_session
from web.figures import RATE_LIMITED
from web.http.access import client_address
from web.http.errors import trouble
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, LIMITS, SETTINGS
from web.pages.signin import see_other
from web.rendering import page
from web.words import clock_time, long_date, short_date

AHEAD = timedelta(days=14)
SHOWN = 24
GUESTS = {
    str(role): INVITATION_ROLE_NAMES[role]
    for role in (
        InvitationRole.PROXY,
        InvitationRole.COMPANION,
        InvitationRole.INTERPRETER,
        InvitationRole.MEDIATOR,
        InvitationRole.THIRD_PARTY,
    )
}


KINDS = {str(kind): name for kind, name in SESSION_KIND_NAMES.items()}


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form(), 200)


async def submit(request: web.Request) -> web.StreamResponse:
    """Book a slot or a free time for a case: one session with its invitations."""
    actor, form = request[ACTOR], Form(await request.post())
    async with request.app[DATABASE].session() as db:
        petition = await _bookable_petition(db, request)
        choices = await _choices(db, request, petition, form.typed("host"))
        command = _command(request, form, petition, choices)
        if command is not None and not form.errors:
            try:
                session = await create_session(db, request.app[CLOCK], actor, command)
            except (Invalid, Conflict) as error:
                form.fail(_field(error), error.message)
    if form.errors or command is None:
        return await _page(request, form, 422)
    return see_other(f"/sessions/{session.id}")


def _command(
    request: web.Request, form: Form, petition: PetitionCase, choices: dict[str, Any]
) -> CreateSession | None:
    host = form.choice("host", choices["hosts"], "请选择主持单位")
    joint = form.choices("joint", choices["joint"])
    slot_id, starts_at = "", None
    if form.typed("slot"):
        slot_id = form.choice("slot", choices["slots"], "这个时间刚刚被约走，请另选一个")
    elif form.typed("day") or form.typed("time") or not choices["slots"]:
        starts_at = form.moment("day", "time", request.app[CLOCK].now())
    else:
        form.fail("slot", "请选择时间")
    guests = _guests(form)
    kind = form.choice("kind", KINDS, "请选择这场是接访、调解还是回访") if form.typed("kind") else ""
    if form.errors:
        return None
    length = timedelta(minutes=request.app[SETTINGS].web.session_minutes)
    return CreateSession(
        petition_id=petition.id,
        slot_id=slot_id or None,
        starts_at=starts_at,
        ends_at=starts_at + length if starts_at else None,
        host_organisation_id=host,
        joint_organisation_ids=tuple(item for item in joint if item != host),
        invitees=(_petitioner(petition), *guests),
        kind=SessionKind(kind or SessionKind.RECEPTION),
    )


def _petitioner(petition: PetitionCase) -> Invitee:
    person = petition.petitioner
    return Invitee(role=InvitationRole.PETITIONER, name=person.name, phone=person.phone or "")


def _guests(form: Form) -> tuple[Invitee, ...]:
    if not any(form.typed(name) for name in ("guest_role", "guest_name", "guest_phone")):
        return ()
    role = form.choice("guest_role", GUESTS, "请选择身份")
    name = form.take("guest_name", clean_name)
    phone = form.phone("guest_phone", optional=True)
    return (Invitee(role=InvitationRole(role), name=name, phone=phone),) if role else ()


def _field(error: RuleError) -> str:
    known = {"slot_id": "slot", "starts_at": "day", "ends_at": "time", "host_organisation_id": "host"}
    return known.get(error.field or "", error.field or "slot")


async def _bookable_petition(db: AsyncSession, request: web.Request) -> PetitionCase:
    petition = await get_petition(db, request[ACTOR], request.match_info["petition_id"])
    require(request[ACTOR], Action.BOOK, scope_of(petition))
    return petition


async def _choices(
    db: AsyncSession, request: web.Request, petition: PetitionCase, host: str
) -> dict[str, Any]:
    organisations = await list_organisations(db)
    hosts = _hosts(request[ACTOR], organisations, petition)
    host = host if host in hosts else next(iter(hosts), "")
    slots = await _own_slots(db, request, petition, host)
    slots += await _free(db, request, host) if host else []
    joint = {o.id: o.name for o in organisations if _may_join(o, petition) and o.id != host}
    return {"hosts": hosts, "joint": joint, "slots": _slot_words(slots), "days": _by_day(slots), "host": host}


def _hosts(actor: Actor, organisations: Sequence[Organisation], petition: PetitionCase) -> dict[str, str]:
    """The actor's own office first, then the custodian and the offices above it."""
    own = actor.organisation_ids
    found = [o for o in organisations if o.id in own or o.id == petition.custodian_id]
    found.sort(key=lambda o: (o.id not in own, o.region_code))
    return {o.id: o.name for o in found if o.kind is not OrganisationKind.DEPARTMENT}


def _may_join(organisation: Organisation, petition: PetitionCase) -> bool:
    """Offices on the case's line of the tree, and the departments of its district."""
    code = petition.custodian.region_code
    if organisation.kind is OrganisationKind.DEPARTMENT:
        return organisation.region_code == code[:6]
    return covers(organisation.region_code, code)


async def _free(db: AsyncSession, request: web.Request, host: str, public_only: bool = False) -> list[Slot]:
    now = request.app[CLOCK].now()
    found = await list_free_slots(db, request.app[CLOCK], host, now, now + AHEAD, public_only)
    return list(found[:SHOWN])


async def _own_slots(db: AsyncSession, request: web.Request, petition: PetitionCase, host: str) -> list[Slot]:
    """Slots this citizen already asked for on the public page: confirming one arranges the sitting."""
    found = await list_bookings(db, request[ACTOR], BookingState.SUBMITTED, petition.id)
    now = request.app[CLOCK].now()
    return [b.slot for b in found if b.slot.organisation_id == host and b.slot.starts_at > now]


def _slot_words(slots: Sequence[Slot]) -> dict[str, str]:
    return {slot.id: clock_time(slot.starts_at) for slot in slots}


def _by_day(slots: Sequence[Slot]) -> dict[str, dict[str, str]]:
    """`11月25日 周三` to slot ids with their times, in order."""
    days: dict[str, dict[str, str]] = {}
    for slot in sorted(slots, key=lambda slot: slot.starts_at):
        day = slot.starts_at.astimezone(BEIJING)
        days.setdefault(short_date(day), {})[slot.id] = clock_time(slot.starts_at)
    return days


async def _page(request: web.Request, form: Form, status: int) -> web.Response:
    async with request.app[DATABASE].session() as db:
        petition = await _bookable_petition(db, request)
        last = await _last_session(db, request, petition)
        choices = await _choices(db, request, petition, form.typed("host") or last.get("host", ""))
    for name, value in last.items():
        form.values.setdefault(name, value)
    form.values.setdefault("host", choices["host"])
    form.values.setdefault("kind", SessionKind.RECEPTION)
    form.values.setdefault("slot", request.query.get("slot", "")[:64])
    context = {
        "nav": "cases",
        "form": form,
        "petition": petition,
        "petitioner": petition.petitioner.name,
        "guest_roles": GUESTS,
        "kinds": KINDS,
        **choices,
    }
    title = "错误：预约视频接访" if form.errors else "预约视频接访"
    return page(request, "book.html", context, title=title, status=status)


async def _last_session(db: AsyncSession, request: web.Request, petition: PetitionCase) -> dict[str, str]:
    """What the next date takes over from the session of `?after=`, if it is one of this case."""
    session_id = request.query.get("after", "")[:64]
    if not session_id:
        return {}
    session = await get_session(db, request[ACTOR], session_id)
    if session.petition_id != petition.id:
        return {}
    joint = [
        o.organisation_id for o in session.organisations if o.organisation_id != session.host_organisation_id
    ]
    return {"host": session.host_organisation_id, "joint": "\n".join(joint), "kind": SessionKind.FOLLOW_UP}


async def show_public(request: web.Request) -> web.StreamResponse:
    form = Form()
    if "step" in request.query and not request.query.get("organisation"):
        form.fail("organisation", "请选择一个区县")  # 「继续」 was pressed without a choice.
    return await _public_page(request, form, request.query.get("organisation", ""), 200)


async def submit_public(request: web.Request) -> web.StreamResponse:
    """A citizen's booking: number and query code are shown once on the next page."""
    if not request.app[LIMITS].allow("booking", client_address(request)):
        RATE_LIMITED.labels("booking").inc()
        return trouble(request, 429)
    form = Form(await request.post())
    organisation_id = form.typed("organisation")
    async with request.app[DATABASE].session() as db:
        organisation = (await _public_organisations(db)).get(organisation_id)
        slots = _slot_words(await _free(db, request, organisation_id, True)) if organisation else {}
        command = _public_command(form, slots)
        if organisation and not form.errors:
            try:
                done = await book_publicly(db, request.app[CLOCK], command, client_address(request))
            except (Invalid, Conflict) as error:
                form.fail(_field(error), error.message)
    if organisation is None or form.errors:
        return await _public_page(request, form, organisation_id, 422)
    starts_at = done.booking.slot.starts_at
    told = {
        "number": done.petition.number,
        "query_code": done.query_code,
        "when": f"{long_date(starts_at)} {clock_time(starts_at)}",
        "organisation": organisation.name,
    }
    keep_once(request, "booked", told)
    return see_other("/book/done")


async def show_done(request: web.Request) -> web.StreamResponse:
    done = take_once(request, "booked")
    return page(request, "public_done.html", {"nav": "book", "done": done}, title="预约已提交")


def _public_command(form: Form, slots: dict[str, str]) -> BookPublicly:
    return BookPublicly(
        slot_id=form.choice("slot", slots, "请选择一个时间"),
        name=form.take("name", clean_name),
        phone=form.phone("phone"),
        subject=form.take("subject", clean_subject),
        description=form.take("description", clean_text),
        insists=form.ticked("insists"),
        proxy_name=form.take("proxy_name", _optional_name),
        proxy_phone=form.phone("proxy_phone", optional=True),
    )


def _optional_name(typed: str) -> str:
    return clean_name(typed) if typed.strip() else ""


async def _public_organisations(db: AsyncSession) -> dict[str, Organisation]:
    """District offices by id: the district receives and registers first (domain.md 4.2)."""
    offices = await list_organisations(db, OrganisationKind.PETITION_OFFICE)
    return {office.id: office for office in offices if len(office.region_code) == 6}


async def _public_page(request: web.Request, form: Form, organisation_id: str, status: int) -> web.Response:
    async with request.app[DATABASE].session() as db:
        offices = await _public_organisations(db)
        organisation = offices.get(organisation_id)
        free = await _free(db, request, organisation_id, True) if organisation else []
    if organisation_id and organisation is None:
        form.fail("organisation", "请选择一个区县")
    context = {
        "nav": "book",
        "form": form,
        "organisation": organisation,
        "organisations": {office.id: office.name.removesuffix("信访局") for office in offices.values()},
        "slots": _slot_words(free),
        "days": _by_day(free),
    }
    title = "错误：预约视频接访" if form.errors else "预约视频接访"
    return page(request, "public_book.html", context, title=title, status=status)
