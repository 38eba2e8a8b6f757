"""预约: what citizens asked for, reviewed within two working days, and arranged for all tiers at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import scope_of
from cases.clock import BEIJING
from cases.errors import Conflict, Invalid
from cases.handling.clocks import today
from cases.organisations import OrganisationKind, list_organisations
from cases.people import list_officials
from cases.policy import Action, allowed, require
from cases.roles import InvitationRole, Role
from scheduling.booking.booking import BOOKING_KIND_NAMES, Booking, BookingKind, BookingState
from scheduling.booking.bookings import get_booking
from scheduling.booking.common_time import FreeTime, Search, propose_times
from scheduling.booking.equipment import list_equipment
from scheduling.booking.reviewing import Pending, Review, list_pending, review_booking, upper_offices
from scheduling.booking.slots import list_rooms
from scheduling.sessions.invitations import Invitee
from scheduling.sessions.sessions import CreateSession, create_session
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.signin import see_other
from web.rendering import page
from web.tending.session_notices import tell_citizens
from web.words import clock_time, short_date

RECEIVE = (Role.RECEPTIONIST, Role.LEADER, Role.HANDLER, Role.UNIT_HEAD, Role.STATION_CLERK)
DECISIONS = {
    BookingState.REVIEWING: "开始审核",
    BookingState.APPROVED: "同意，去排期",
    BookingState.REJECTED: "不同意",
    BookingState.REDIRECTED: "转别的单位",
}
DAYS = {"7": "一周", "14": "两周", "31": "一个月"}
LENGTHS = {str(number): f"一场 {number} 分钟" for number in (15, 30, 45, 60, 90)}


async def show_list(request: web.Request) -> web.StreamResponse:
    """GET {}: bookings to review or to arrange, the first due first."""
    async with request.app[DATABASE].session() as db:
        found = await list_pending(db, request.app[CLOCK], request[ACTOR])
    context = {"nav": "bookings", "rows": [_row(each) for each in found]}
    return page(request, "bookings.html", context, title="预约")


async def show(request: web.Request) -> web.StreamResponse:
    """GET {booking_id}: one booking, and what can be decided about it."""
    return await _page(request, Form())


async def review(request: web.Request) -> web.StreamResponse:
    """POST {decision, reason, redirected_to}."""
    form, booking_id = Form(await request.post()), request.match_info["booking_id"]
    decision = form.choice(
        "decision", {str(each): name for each, name in DECISIONS.items()}, "请选择怎样处理"
    )
    form.values |= {name: form.typed(name)[:2000] for name in ("reason", "redirected_to")}
    if not form.errors:
        command = Review(
            booking_id, BookingState(decision), form.value("reason"), form.value("redirected_to")[:64] or None
        )
        async with request.app[DATABASE].session() as db:
            try:
                booking = await review_booking(db, request.app[CLOCK], request[ACTOR], command)
            except Invalid as error:
                form.refuse(error, "reason")
    if form.errors:
        return await _page(request, form, 422)
    if booking.state is BookingState.APPROVED:
        return see_other(f"/bookings/{booking_id}/arrange")
    return see_other(f"/bookings/{booking_id}")


async def show_arrange(request: web.Request) -> web.StreamResponse:
    """GET {booking_id} `officials`, `rooms`, `equipment`, `first`, `days`, `minutes`: free times."""
    form = Form(request.query)
    return await _arrange_page(request, form, searched="first" in request.query)


async def arrange(request: web.Request) -> web.StreamResponse:
    """POST {time, officials, rooms, equipment}: the session with everybody and everything, in one commit."""
    form = Form(await request.post())
    async with request.app[DATABASE].session() as db:
        booking = await _bookable(db, request)
        choices = await _choices(db, booking)
        people = form.choices("officials", choices["officials"])
        rooms, equipment = (
            form.choices("rooms", choices["rooms"]),
            form.choices("equipment", choices["equipment"]),
        )
        span = _span(form)
        if span is not None and not form.errors:
            command = _command(booking, span, people, rooms, equipment, choices["organisation_of"])
            try:
                session = await create_session(db, request.app[CLOCK], request[ACTOR], command)
                await tell_citizens(db, request, session, "session_arranged")
            except (Invalid, Conflict) as error:
                form.refuse(error, "time")
    if form.errors or span is None:
        return await _arrange_page(request, form, searched=True, status=422)
    return see_other(f"/sessions/{session.id}")


def _command(
    booking: Booking, span: tuple[datetime, datetime], people: Sequence[str], rooms: Sequence[str],
    equipment: Sequence[str], organisation_of: dict[str, str],
) -> CreateSession:  # fmt: skip
    host = booking.slot.organisation_id
    wished = (booking.slot.starts_at, booking.slot.ends_at) == span
    invitees = [
        Invitee(
            InvitationRole.HOST if organisation_of[each] == host else InvitationRole.JOINT_RECEPTIONIST,
            official_id=each, organisation_id=organisation_of[each],
        )
        for each in people
    ]  # fmt: skip
    # One of the host's people conducts, the others of the office sit beside.
    conducts = next((one for one in invitees if one.role is InvitationRole.HOST), None)
    invitees = [
        one
        if one.role is not InvitationRole.HOST or one is conducts
        else Invitee(
            InvitationRole.RECORDER, official_id=one.official_id, organisation_id=one.organisation_id
        )
        for one in invitees
    ]
    if booking.proxy is not None:
        invitees.append(Invitee(InvitationRole.PROXY, booking.proxy.name, booking.proxy.phone or ""))
    petitioner = booking.petition.petitioner
    invitees.append(Invitee(InvitationRole.PETITIONER, petitioner.name, petitioner.phone or ""))
    joint = {organisation_of[each] for each in people} | {
        organisation_of[each] for each in (*rooms, *equipment)
    }
    return CreateSession(
        booking.petition_id, host, slot_id=booking.slot_id if wished else None,
        starts_at=None if wished else span[0], ends_at=None if wished else span[1],
        joint_organisation_ids=tuple(sorted(joint - {host})), invitees=tuple(invitees),
        room_ids=tuple(each for each in rooms if not wished or each != booking.slot.room_id),
        equipment_ids=tuple(equipment), instead_of_id=None if wished else booking.id,
    )  # fmt: skip


def _span(form: Form) -> tuple[datetime, datetime] | None:
    """`time` is two moments of RFC 3339 with their zone, as the proposals write them."""
    typed = form.typed("time")[:80]
    form.values["time"] = typed
    try:
        start, end = (datetime.fromisoformat(part) for part in typed.split("/"))
    except ValueError:
        form.fail("time", "请选择一个共同的空闲时间")
        return None
    if start.tzinfo is None or end.tzinfo is None:
        form.fail("time", "时间缺少时区，请从下面重新选择")
        return None
    return start, end


async def _bookable(db: AsyncSession, request: web.Request) -> Booking:
    booking = await get_booking(db, request[ACTOR], request.match_info["booking_id"])
    require(request[ACTOR], Action.BOOK, scope_of(booking.petition))
    return booking


async def _choices(db: AsyncSession, booking: Booking) -> dict[str, Any]:
    """Officials, rooms and equipment of the offices that take part, named with their office."""
    petition = booking.petition
    offices = {booking.slot.organisation_id: booking.slot.room.organisation}
    offices |= {each.id: each for each in await upper_offices(db, petition)}
    offices |= {part.organisation_id: part.organisation for part in petition.organisations}
    offices.pop(petition.accused_organisation_id or "", None)
    ordered = sorted(offices.values(), key=lambda each: (-len(each.region_code), each.name))
    ids = [each.id for each in ordered]
    people: dict[str, str] = {}
    rooms: dict[str, str] = {}
    equipment: dict[str, str] = {}
    of: dict[str, str] = {}
    for office in ordered:
        for official in await list_officials(db, [office.id]):
            held = [p for p in official.posts if p.organisation_id == office.id and p.ended_at is None]
            if official.disabled_at is None and any(post.role in RECEIVE for post in held):
                people.setdefault(official.id, f"{office.short_name} {official.name}")
                of.setdefault(official.id, office.id)
        if office.kind is not OrganisationKind.DEPARTMENT:
            for room in await list_rooms(db, office.id):
                rooms[room.id], of[room.id] = f"{office.short_name} {room.name}", office.id
    for each in await list_equipment(db, ids):
        equipment[each.id] = f"{each.organisation.short_name} {each.name}"
        of[each.id] = each.organisation_id
    return {"officials": people, "rooms": rooms, "equipment": equipment, "organisation_of": of}


async def _arrange_page(
    request: web.Request, form: Form, searched: bool = False, status: int = 200
) -> web.Response:
    clock = request.app[CLOCK]
    async with request.app[DATABASE].session() as db:
        booking = await _bookable(db, request)
        choices = await _choices(db, booking)
        picked: list[str] = []
        for name in ("officials", "rooms", "equipment"):
            picked += form.choices(name, choices[name])
        if not searched:
            form.values["rooms"] = booking.slot.room_id
            picked = [booking.slot.room_id]
        form.values["minutes"] = form.typed("minutes") if form.typed("minutes") in LENGTHS else "30"
        form.values["days"] = form.typed("days") if form.typed("days") in DAYS else "14"
        first = form.typed_day("first") or (None if form.typed("first") else today(clock))
        form.values.setdefault("first", str(first or ""))
        form.values["first"] = form.values["first"] or str(first or "")
        found: Sequence[FreeTime] = ()
        if first is not None:
            search = Search(
                tuple(picked), first, int(form.value("days")), int(form.value("minutes")), booking.slot_id
            )
            try:
                found = await propose_times(db, clock, request[ACTOR], search)
            except Invalid as error:
                form.refuse(error, "first")
    context = {
        "nav": "bookings", "form": form, "booking": booking, "petition": booking.petition, **choices,
        "searched": searched, "lengths": LENGTHS, "spans": DAYS, "times": _by_day(found),
        "picked": {name: form.chosen(name) for name in ("officials", "rooms", "equipment")},
        "kind": BOOKING_KIND_NAMES[booking.kind],
    }  # fmt: skip
    title = "错误：排定接访" if form.errors else "排定接访"
    return page(request, "booking_arrange.html", context, title=title, status=422 if form.errors else status)


def _by_day(times: Sequence[FreeTime]) -> dict[str, dict[str, str]]:
    days: dict[str, dict[str, str]] = {}
    for each in times:
        begin, end = each.starts_at.astimezone(BEIJING), each.ends_at.astimezone(BEIJING)
        day = short_date(begin) + ("（群众选的时间）" if each.wished else "")
        days.setdefault(day, {})[f"{begin.isoformat()}/{end.isoformat()}"] = clock_time(begin)
    return days


def _row(pending: Pending) -> dict[str, Any]:
    booking = pending.booking
    return {
        "booking": booking, "petition": booking.petition, "kind": BOOKING_KIND_NAMES[booking.kind],
        "left": pending.days_left,
    }  # fmt: skip


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    actor = request[ACTOR]
    async with request.app[DATABASE].session() as db:
        booking = await get_booking(db, actor, request.match_info["booking_id"])
        offices = await list_organisations(db)
        upper = await upper_offices(db, booking.petition)
    own = {o.id for o in offices if o.id in actor.organisation_ids}
    near = booking.petition.custodian.region_code
    context = {
        "nav": "bookings", "form": form, "booking": booking, "petition": booking.petition,
        "kind": BOOKING_KIND_NAMES[booking.kind], "upper": upper, "own": own,
        "decisions": {
            str(state): name
            for state, name in DECISIONS.items()
            if not (state is BookingState.REVIEWING and booking.state is not BookingState.SUBMITTED)
        },
        "targets": {
            o.id: o.name
            for o in offices
            if o.kind is not OrganisationKind.DEPARTMENT and o.id != booking.slot.organisation_id
            and o.id != booking.petition.accused_organisation_id and o.region_code[:4] == near[:4]
        } | {each.id: each.name for each in upper},
        "may_review": allowed(actor, Action.BOOK, scope_of(booking.petition)),
        "open": booking.state in (BookingState.SUBMITTED, BookingState.REVIEWING),
        "proxied": booking.kind is BookingKind.BY_PROXY,
    }  # fmt: skip
    title = "错误：预约审核" if form.errors else f"预约：{booking.petition.subject}"
    return page(request, "booking.html", context, title=title, status=status)
