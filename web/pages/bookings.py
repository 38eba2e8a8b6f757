"""预约: what citizens and offices asked for, reviewed within two working days by those it concerns."""

from __future__ import annotations

from functools import partial
from typing import Any

from aiohttp import web

from cases.casefile import scope_of
from cases.errors import Invalid
from cases.organisations import OrganisationKind, list_organisations
from cases.policy import Action, allowed
from scheduling.booking.booking import BOOKING_KIND_NAMES, BookingKind, BookingState
from scheduling.booking.bookings import get_booking
from scheduling.booking.joint_answers import JointAnswer, answer_joint, list_asked
from scheduling.booking.proposing_slots import list_open_slot_proposals, list_slot_proposals
from scheduling.booking.reviewing import (
    Pending,
    Review,
    list_passed_on,
    list_pending,
    review_booking,
    upper_offices,
)
from scheduling.notices.telling import tell_applicants
from scheduling.proposals import ProposalState
from scheduling.sessions.proposing import list_open_proposals
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say_error
from web.pages.signin import see_other
from web.rendering import page
from web.tending.messages import MESSENGER
from web.tending.session_notices import telling_of
from web.views.slot_proposals import times_card

DECISIONS = {
    BookingState.REVIEWING: "开始审核",
    BookingState.APPROVED: "同意，去排期",
    BookingState.REJECTED: "不同意",
    BookingState.REDIRECTED: "转别的单位",
}
ANSWERS = {str(JointAnswer.AGREED): "参加", str(JointAnswer.DECLINED): "不参加"}


async def show_list(request: web.Request) -> web.StreamResponse:
    """GET {}: bookings to review or to arrange, the first due first."""
    async with request.app[DATABASE].session() as db:
        found = await list_pending(db, request.app[CLOCK], request[ACTOR])
        passed_on = await list_passed_on(db, request.app[CLOCK], request[ACTOR])
        proposals = await list_open_proposals(db, request.app[CLOCK], request[ACTOR])
        times = await list_open_slot_proposals(db, request.app[CLOCK], request[ACTOR])
        asked = await list_slot_proposals(db, [each.booking.id for each in found])
    awaited = {each.booking_id for each in asked if each.state is ProposalState.OPEN}
    context = {
        "nav": "bookings",
        "rows": [_row(each) for each in found],
        "passed_on": [_row(Pending(each, None)) for each in passed_on],
        "awaited": awaited,
        "proposals": proposals,
        "times": times,
    }
    return page(request, "bookings.html", context, title="预约")


async def show(request: web.Request) -> web.StreamResponse:
    """GET {booking_id}: one booking, and what can be decided about it."""
    return await booking_page(request, Form())


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
                tell = partial(tell_applicants, db, request.app[CLOCK], telling_of(request))
                booking = await review_booking(db, request.app[CLOCK], request[ACTOR], command, tell)
                request.app[MESSENGER].ring()
            except Invalid as error:
                form.refuse(error, "reason")
    if form.errors:
        return await booking_page(request, form, 422)
    if booking.state is BookingState.APPROVED:
        return see_other(f"/cases/{booking.petition_id}/book?booking={booking_id}")
    return see_other(f"/bookings/{booking_id}")


async def answer(request: web.Request) -> web.StreamResponse:
    """POST {organisation, answer, why}: an upper office says whether it sits in the joint reception."""
    form, booking_id = Form(await request.post()), request.match_info["booking_id"]
    said = form.choice("answer", ANSWERS, "请选择参加还是不参加")
    form.values["why"], office_id = form.typed("why")[:2000], form.typed("organisation")[:64]
    if not form.errors:
        async with request.app[DATABASE].session() as db:
            try:
                await answer_joint(
                    db, request.app[CLOCK], request[ACTOR], booking_id, office_id, JointAnswer(said),
                    form.value("why"),
                )  # fmt: skip
            except Invalid as error:
                form.fail("why", say_error(error.code, error.message))
    return await booking_page(request, form, 422) if form.errors else see_other(f"/bookings/{booking_id}")


def _row(pending: Pending) -> dict[str, Any]:
    booking = pending.booking
    return {
        "booking": booking, "petition": booking.petition, "kind": BOOKING_KIND_NAMES[booking.kind],
        "left": pending.days_left,
    }  # fmt: skip


async def booking_page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    """One booking with what is asked and answered about it, and what was wrong at its form."""
    actor = request[ACTOR]
    async with request.app[DATABASE].session() as db:
        booking = await get_booking(db, actor, request.match_info["booking_id"])
        offices = await list_organisations(db)
        upper = await upper_offices(db, booking.petition)
        asked = await list_asked(db, actor, booking, upper)
        times = await times_card(db, request, booking)
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
        "asked": asked, "answers": ANSWERS, "times": times,
        "arrangeable": booking.state is BookingState.APPROVED
        or (booking.state is BookingState.REDIRECTED and booking.redirected_to_id in own),
        "proxied": booking.kind is BookingKind.BY_PROXY,
    }  # fmt: skip
    title = "错误：预约审核" if form.errors else f"预约：{booking.petition.subject}"
    return page(request, "booking.html", context, title=title, status=status)
