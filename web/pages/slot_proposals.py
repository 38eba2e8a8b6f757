"""改时间 of a booking: the office proposes another slot; who asked for it, or the booked office, answers."""

from __future__ import annotations

from functools import partial

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, Invalid, NotFound, RuleError
from cases.policy import Action, allowed
from scheduling.booking.booking import Booking
from scheduling.booking.bookings import get_booking
from scheduling.booking.proposing_slots import (
    AnswerSlot,
    ProposeSlot,
    Tell,
    answer_own_slot,
    answer_slot,
    find_for_petitioner,
    propose_slot,
)
from scheduling.calendars.entries import entry_of_booking
from scheduling.calendars.icalendar import write_calendar
from scheduling.notices.telling import tell_of_slot
from scheduling.proposals import ProposalState
from web.figures import RATE_LIMITED
from web.http.access import client_address, own_origin
from web.http.errors import trouble
from web.http.flash import keep_once
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, LIMITS
from web.language import say_error
from web.pages.afterwards import WRONG_CODE, progress_page, tell_progress
from web.pages.bookings import booking_page
from web.pages.own_documents import petition_of
from web.pages.signin import see_other
from web.tending.messages import MESSENGER
from web.tending.session_notices import telling_of
from web.views.slot_proposals import ACTS

FIELDS = {"slot_id": "other_slot", "reason": "other_reason"}
SHOWN_HERE = frozenset({"same_time", "slot_taken", "slot_over", "engaged"})


async def propose(request: web.Request) -> web.StreamResponse:
    """POST {office, other_slot, other_reason}: another of the booked office's free times, and why."""
    form, booking_id = Form(await request.post()), request.match_info["booking_id"]
    form.values |= {"other_slot": form.typed("other_slot")[:64], "other_reason": form.typed("other_reason")}
    form.values["other_reason"] = form.values["other_reason"][:1000]
    if not form.value("other_slot"):
        form.fail("other_slot", "请选择一个时间")
    status = 422
    if not form.errors:
        office, reason = form.typed("office")[:64], form.value("other_reason")
        command = ProposeSlot(booking_id, office, form.value("other_slot"), reason)
        async with request.app[DATABASE].session() as db:
            try:
                await propose_slot(db, request.app[CLOCK], request[ACTOR], command, _telling(request, db))
                request.app[MESSENGER].ring()
            except (Invalid, Conflict, NotFound) as error:
                if error.field is None and error.code != "slot_not_found":
                    raise
                form.fail(FIELDS.get(error.field or "", "other_slot"), say_error(error.code, error.message))
                status = 409 if isinstance(error, Conflict) else 422
    if form.errors:
        return await booking_page(request, form, status)
    return see_other(f"/bookings/{booking_id}#times")


async def answer(request: web.Request) -> web.StreamResponse:
    """POST {act, words-<id>}: back to the booking, or to the case for those who see no bookings."""
    form, where = Form(await request.post()), request.match_info
    name = f"words-{where['slot_proposal_id']}"
    form.values[name] = form.typed(name)[:1000]
    act = form.choice("act", {str(state): word for state, word in ACTS.items()}, "请选择怎样答复")
    status = 422
    async with request.app[DATABASE].session() as db:
        booking = await get_booking(db, request[ACTOR], where["booking_id"])
        petition_id = booking.petition_id
    if not form.errors:
        command = AnswerSlot(where["slot_proposal_id"], ProposalState(act), form.value(name))
        async with request.app[DATABASE].session() as db:
            try:
                await answer_slot(db, request.app[CLOCK], request[ACTOR], command, _telling(request, db))
                request.app[MESSENGER].ring()
            except (Invalid, Conflict) as error:
                if isinstance(error, Conflict) and error.code not in SHOWN_HERE:
                    raise
                form.fail(name, _said(error))
                status = 409 if isinstance(error, Conflict) else 422
    if allowed(request[ACTOR], Action.BOOK):
        done = see_other(f"/bookings/{where['booking_id']}#times")
        return await booking_page(request, form, status) if form.errors else done
    if form.errors:
        keep_once(request, f"times:{petition_id}", {"text": next(iter(form.errors.values()))})
    return see_other(f"/cases/{petition_id}#times")


async def entry(request: web.Request) -> web.StreamResponse:
    """GET {booking_id}: the booked time for a calendar, tentative until the sitting is arranged."""
    async with request.app[DATABASE].session() as db:
        booking = await get_booking(db, request[ACTOR], request.match_info["booking_id"])
        return await _calendar(db, booking, own_origin(request))


async def answer_own(request: web.Request) -> web.StreamResponse:
    """POST {number, query_code, proposal, act, times_words}: the petitioner's answer; back to the dates."""
    if (refused := _too_often(request)) is not None:
        return refused
    form = Form(await request.post())
    form.values |= {"number": form.typed("number")[:40], "times_words": form.typed("times_words")[:1000]}
    number, code, proposal = (form.typed(name)[:64] for name in ("number", "query_code", "proposal"))
    act = form.typed("act")
    state = ProposalState(act) if act in set(ProposalState) else ProposalState.REPLACED
    async with request.app[DATABASE].session() as db:
        try:
            command = AnswerSlot(proposal, state, form.value("times_words"))
            tell = _telling(request, db)
            await answer_own_slot(db, request.app[CLOCK], number, code, command, tell)
            request.app[MESSENGER].ring()
        except (Invalid, Conflict) as error:
            form.fail("times_words", _said(error))
            return await tell_progress(db, request, form, conflict=isinstance(error, Conflict))
        except NotFound as error:
            known = error.code == "proposal_not_found"
            form.fail("number", say_error(error.code, error.message) if known else WRONG_CODE)
            return progress_page(request, form)
        return await tell_progress(db, request, form, answered=True)


async def own_entry(request: web.Request) -> web.StreamResponse:
    """POST {number, query_code}: the petitioner's booked time for a calendar."""
    if (refused := _too_often(request)) is not None:
        return refused
    async with request.app[DATABASE].session() as db:
        petition = await petition_of(db, Form(await request.post()))
        row = await find_for_petitioner(db, request.app[CLOCK], petition) if petition else None
        return await _calendar(db, row.booking, "") if row is not None else trouble(request, 404)


async def _calendar(db: AsyncSession, booking: Booking, origin: str) -> web.Response:
    event = await entry_of_booking(db, booking, origin)
    body = write_calendar([event], "CANCEL" if event.cancelled else "PUBLISH")
    headers = {"Content-Disposition": 'attachment; filename="booking.ics"', "Cache-Control": "no-store"}
    return web.Response(body=body, content_type="text/calendar", charset="utf-8", headers=headers)


def _telling(request: web.Request, db: AsyncSession) -> Tell:
    return partial(tell_of_slot, db, request.app[CLOCK], telling_of(request))


def _said(error: RuleError) -> str:
    """A time that is gone cannot be chosen by who was offered it."""
    if error.code in ("slot_taken", "slot_over"):
        return say_error("proposed_slot_gone", "这个时间已经没有了，请让单位另提时间。")
    return say_error(error.code, error.message)


def _too_often(request: web.Request) -> web.StreamResponse | None:
    if request.app[LIMITS].allow("query", client_address(request)):
        return None
    RATE_LIMITED.labels("query").inc()
    return trouble(request, 429)
