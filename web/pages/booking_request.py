"""提请接访: a station, a department or a leader asks the office that keeps a case for a reception."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, scope_of
from cases.errors import Conflict, Invalid
from cases.petitions import get_petition
from cases.policy import Action, require
from scheduling.booking.booking import BOOKING_KIND_NAMES
from scheduling.booking.requesting import RequestBooking, kind_for, request_booking
from scheduling.intake.enclosing import file_mandate
from scheduling.rota.receiver import receivers_of
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say_error
from web.pages.signin import see_other
from web.rendering import page
from web.views.mandate_files import drop_file, form_id_of, has_mandate, mandate_context
from web.views.slots import free_slots, slot_words, slots_by_day


async def show(request: web.Request) -> web.StreamResponse:
    """GET {petition_id}: free slots of the office that keeps the case."""
    return await _page(request, Form())


async def submit(request: web.Request) -> web.StreamResponse:
    """POST {slot, note, insists, proxy_name, proxy_phone, form_id}: the request waits for its review."""
    form, actor = Form(await request.post()), request[ACTOR]
    form.values["note"], insists = form.typed("note")[:2000], form.ticked("insists")
    form.values |= {name: form.typed(name)[:200] for name in ("proxy_name", "proxy_phone")}
    async with request.app[DATABASE].session() as db:
        if await drop_file(db, request, form):
            form.values["slot"] = form.typed("slot")[:64]
            return await _page(request, form)
        if await has_mandate(db, form) and not form.value("proxy_name"):
            form.fail("proxy_name", "传了授权委托书，请填写代理人姓名。")
    async with request.app[DATABASE].session() as db:
        petition = await _asked_for(db, request)
        slots = slot_words(await free_slots(db, request, petition.custodian_id))
        slot_id = form.choice("slot", slots, "请选择一个时间")
        if not form.errors:
            proxy = form.value("proxy_name"), form.value("proxy_phone")
            command = RequestBooking(petition.id, slot_id, form.value("note"), insists, *proxy)
            try:
                await request_booking(db, request.app[CLOCK], actor, command)
                await file_mandate(db, request.app[CLOCK], actor, form_id_of(form), petition.id)
            except (Invalid, Conflict) as error:
                name = {"slot_id": "slot"}.get(error.field or "", error.field or "slot")
                form.fail(name, say_error(error.code, error.message))
    if form.errors:
        return await _page(request, form, 422)
    return see_other(f"/cases/{request.match_info['petition_id']}")


async def _asked_for(db: AsyncSession, request: web.Request) -> PetitionCase:
    petition = await get_petition(db, request[ACTOR], request.match_info["petition_id"])
    require(request[ACTOR], Action.REQUEST_BOOKING, scope_of(petition))
    return petition


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    async with request.app[DATABASE].session() as db:
        petition = await _asked_for(db, request)
        slots = await free_slots(db, request, petition.custodian_id)
        receivers = await receivers_of(db, slots)
    context = {
        "nav": "cases", "form": form, "petition": petition, "office": petition.custodian.name,
        "slots": slots_by_day(slots, receivers), "how": BOOKING_KIND_NAMES[kind_for(request[ACTOR])],
    } | await mandate_context(request, form)  # fmt: skip
    title = "错误：提请接访" if form.errors else "提请接访"
    return page(request, "booking_request.html", context, title=title, status=status)
