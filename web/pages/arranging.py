"""安排接访: one form for a case and for a booking, common free time of all tiers, one commit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, scope_of
from cases.errors import Conflict, Invalid, RuleError
from cases.fields import clean_name
from cases.handling.clocks import today
from cases.petitions import get_petition
from cases.policy import Action, allowed, require
from cases.roles import INVITATION_ROLE_NAMES, InvitationRole
from scheduling.booking.booking import BOOKING_KIND_NAMES, PENDING, Booking, BookingKind
from scheduling.booking.bookings import get_booking
from scheduling.booking.common_time import FreeTime, Search, propose_times
from scheduling.intake.enclosing import file_mandate
from scheduling.session import SESSION_KIND_NAMES, SessionKind
from scheduling.sessions.arranging import Arrange, arrange
from scheduling.sessions.invitations import Invitee
from scheduling.sessions.sessions import get_session
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, SETTINGS
from web.language import say_error
from web.pages.signin import see_other
from web.rendering import page
from web.tending.messages import MESSENGER
from web.tending.session_notices import telling_of
from web.views.arranging import Choices, find_choices, times_by_day
from web.views.mandate_files import drop_file, form_id_of, mandate_context

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
# A citizen's own wish comes through the public page, never through an official's form.
ASKED = {
    str(kind): BOOKING_KIND_NAMES[kind]
    for kind in (BookingKind.STATION_ASSISTED, BookingKind.LEADER_INVITED, BookingKind.DEPARTMENT_REQUESTED)
}
DAYS = {"7": "一周", "14": "两周", "31": "一个月"}
LENGTHS = {str(number): f"一场 {number} 分钟" for number in (15, 30, 45, 60, 90)}
PICKED = ("officials", "rooms", "equipment")
FIELDS = {
    "slot_id": "slot", "starts_at": "day", "ends_at": "time", "host_organisation_id": "host",
    "joint_organisation_ids": "joint",
}  # fmt: skip


async def show(request: web.Request) -> web.StreamResponse:
    """GET {petition_id} `booking`, `after`, `slot`; `officials`, `rooms`, `equipment`, `first`: times."""
    if not allowed(request[ACTOR], Action.MANAGE_SESSION):  # A station asks; the office arranges.
        return see_other(f"/cases/{request.match_info['petition_id']}/request")
    return await _page(request, Form(request.query), searched="first" in request.query)


async def from_booking(request: web.Request) -> web.StreamResponse:
    """GET {booking_id}: the same form, which knows the booking."""
    async with request.app[DATABASE].session() as db:
        booking = await get_booking(db, request[ACTOR], request.match_info["booking_id"])
    return see_other(f"/cases/{booking.petition_id}/book?booking={booking.id}")


async def submit(request: web.Request) -> web.StreamResponse:
    """POST {act: search} looks for common free time; without it the sitting is arranged, in one commit."""
    actor, form = request[ACTOR], Form(await request.post())
    async with request.app[DATABASE].session() as db:
        dropped = await drop_file(db, request, form)
    if dropped or form.typed("act") == "search":
        return await _page(request, form, searched=not dropped or bool(form.typed("span")))
    async with request.app[DATABASE].session() as db:
        petition, booking = await _what_for(db, request, form)
        choices = await find_choices(db, request, petition, booking, form.typed("host"))
        command = _command(request, form, petition, booking, choices)
        if command is not None:
            try:
                session = await arrange(db, request.app[CLOCK], actor, command, telling_of(request))
                request.app[MESSENGER].ring()
                await file_mandate(db, request.app[CLOCK], actor, form_id_of(form), petition.id)
            except (Invalid, Conflict) as error:
                form.fail(_field(form, error), say_error(error.code, error.message))
    if form.errors or command is None:
        return await _page(request, form, searched=bool(form.typed("span")), status=422)
    return see_other(f"/sessions/{session.id}")


async def _what_for(
    db: AsyncSession, request: web.Request, form: Form
) -> tuple[PetitionCase, Booking | None]:
    actor = request[ACTOR]
    petition = await get_petition(db, actor, request.match_info["petition_id"])
    require(actor, Action.BOOK, scope_of(petition))
    booking_id = form.typed("booking")[:64]
    booking = await get_booking(db, actor, booking_id) if booking_id else None
    if booking is not None and booking.petition_id != petition.id:
        raise web.HTTPNotFound
    return petition, booking


def _command(
    request: web.Request, form: Form, petition: PetitionCase, booking: Booking | None, choices: Choices
) -> Arrange | None:
    host = form.choice("host", choices.hosts, "请选择主持单位")
    officials, rooms, equipment = (form.choices(name, getattr(choices, name)) for name in PICKED)
    joint = form.choices("joint", choices.joint)
    slot_id, span = _time(request, form, choices)
    guests = _guests(form)
    kind = form.choice("kind", KINDS, "请选择这场是接访、调解还是回访") if form.typed("kind") else ""
    asked = form.choice("asked", ASKED, "请选择由谁提出") if form.typed("asked") else ""
    if form.errors:
        return None
    return Arrange(
        petition.id, host, booking.id if booking else None, slot_id or None,
        starts_at=span[0] if span else None, ends_at=span[1] if span else None,
        official_ids=officials, joint_ids=tuple(each for each in joint if each != host), room_ids=rooms,
        equipment_ids=equipment, guests=guests, kind=SessionKind(kind or SessionKind.RECEPTION),
        asked=BookingKind(asked or BookingKind.STATION_ASSISTED),
    )  # fmt: skip


def _time(request: web.Request, form: Form, choices: Choices) -> tuple[str, tuple[datetime, datetime] | None]:
    """Now, for who has walked in; else the chosen proposal, a slot of the host, or a day and an hour."""
    length = timedelta(minutes=int(_length(request, form)))
    if form.typed("act") == "now":
        now = request.app[CLOCK].now()
        return "", (now, now + length)
    if form.typed("span"):
        return "", _span(form)
    if form.typed("slot"):
        return form.choice("slot", choices.slot_words, "这个时间刚刚被约走，请另选一个"), None
    if form.typed("day") or form.typed("time") or not choices.slot_words:
        starts_at = form.moment("day", "time", request.app[CLOCK].now())
        return "", (starts_at, starts_at + length) if starts_at else None
    form.fail("span" if form.typed("first") else "slot", "请选择时间")
    return "", None


def _span(form: Form) -> tuple[datetime, datetime] | None:
    """`span` is two moments of RFC 3339 with their zone, as the proposals write them."""
    typed = form.typed("span")[:80]
    form.values["span"] = typed
    try:
        start, end = (datetime.fromisoformat(part) for part in typed.split("/"))
    except ValueError:
        form.fail("span", "请选择一个共同的空闲时间")
        return None
    if start.tzinfo is None or end.tzinfo is None:
        form.fail("span", "时间缺少时区，请从下面重新选择")
        return None
    return start, end


def _guests(form: Form) -> tuple[Invitee, ...]:
    if not any(form.typed(name) for name in ("guest_role", "guest_name", "guest_phone")):
        return ()
    role = form.choice("guest_role", GUESTS, "请选择身份")
    name = form.take("guest_name", clean_name)
    phone = form.phone("guest_phone", optional=True)
    return (Invitee(role=InvitationRole(role), name=name, phone=phone),) if role else ()


def _field(form: Form, error: RuleError) -> str:
    """Where the page shows it: a proposal that cannot be had any more is no wrong day."""
    name = FIELDS.get(error.field or "", error.field or "slot")
    return "span" if form.typed("span") and name in ("slot", "day", "time") else name


def _length(request: web.Request, form: Form) -> str:
    usual = str(request.app[SETTINGS].web.session_minutes)
    typed = form.typed("minutes")
    return typed if typed in LENGTHS else usual if usual in LENGTHS else "30"


async def _page(request: web.Request, form: Form, searched: bool = False, status: int = 200) -> web.Response:
    async with request.app[DATABASE].session() as db:
        petition, booking = await _what_for(db, request, form)
        last = await _last_session(db, request, petition)
        host = form.typed("host") or last.get("host", "")
        choices = await find_choices(db, request, petition, booking, host)
        _fill(request, form, choices, booking, last, searched)
        found = await _propose(db, request, form, booking) if searched else ()
    context = {
        "nav": "bookings" if booking else "cases", "form": form, "petition": petition, "booking": booking,
        "petitioner": petition.petitioner.name, "guest_roles": GUESTS, "kinds": KINDS, "asked": ASKED,
        "choices": choices, "searched": searched, "lengths": LENGTHS, "spans": DAYS,
        "times": times_by_day(found), "how": BOOKING_KIND_NAMES[booking.kind] if booking else "",
    } | await mandate_context(request, form)  # fmt: skip
    title = "错误：安排接访" if form.errors else "安排接访"
    return page(request, "arrange.html", context, title=title, status=422 if form.errors else status)


def _fill(
    request: web.Request, form: Form, choices: Choices, booking: Booking | None, last: dict[str, str],
    searched: bool,
) -> None:  # fmt: skip
    """What the fields show: what was typed, else what the session before or the booking began with."""
    for name in PICKED:
        form.choices(name, getattr(choices, name))
    if form.typed("joint"):
        form.choices("joint", choices.joint)
    for name in ("slot", "asked", "kind", "day", "time", "guest_role", "guest_name", "guest_phone"):
        form.values.setdefault(name, form.typed(name)[:200])
    for name, value in last.items():
        form.values[name] = form.value(name) or value
    form.values["host"] = choices.host
    form.values["kind"] = form.value("kind") or SessionKind.RECEPTION
    form.values["asked"] = form.value("asked") or BookingKind.STATION_ASSISTED
    form.values["booking"] = booking.id if booking else ""
    form.values["minutes"] = _length(request, form)
    form.values["days"] = form.typed("days") if form.typed("days") in DAYS else "14"
    first = today(request.app[CLOCK])
    if not form.typed("first"):
        form.values["first"] = str(first)
    else:
        form.typed_day("first")
    untouched = not searched and not form.errors and not form.typed("host")
    if booking is not None and booking.state in PENDING and untouched:
        form.values["rooms"] = booking.slot.room_id
        form.values["slot"] = form.value("slot") or booking.slot_id
        form.values["minutes"] = form.typed("minutes") or "30"


async def _propose(
    db: AsyncSession, request: web.Request, form: Form, booking: Booking | None
) -> Sequence[FreeTime]:
    first = form.day("first")
    if first is None:
        return ()
    picked = tuple(each for name in PICKED for each in form.chosen(name))
    wished = booking.slot_id if booking is not None and booking.state in PENDING else None
    search = Search(picked, first, int(form.value("days")), int(form.value("minutes")), wished)
    try:
        return await propose_times(db, request.app[CLOCK], request[ACTOR], search)
    except Invalid as error:
        form.refuse(error, "first")
        return ()


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
