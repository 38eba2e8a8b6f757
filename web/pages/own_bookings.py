"""A petitioner books a reception of a matter that is in the register, with number and query code alone."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, Invalid, NotFound
from scheduling.requests.own_bookings import (
    BookOwn,
    book_own,
    cancel_own,
    list_own_times,
    receiving_office,
)
from scheduling.rota.receiver import receivers_of
from web.figures import RATE_LIMITED
from web.http.access import client_address
from web.http.back import shown_again
from web.http.errors import trouble
from web.http.forms import Form
from web.keys import CLOCK, DATABASE, LIMITS
from web.language import say_error
from web.pages.afterwards import WRONG_CODE, progress_page, tell_progress
from web.pages.own_documents import petition_of
from web.rendering import page
from web.views.slots import group_slots, one_of_each_time, shown_slots, slot_words

# Told at the times, of which another one can be chosen; the rest is told beside the dates.
OF_A_TIME = frozenset({"slot_taken", "slot_over", "slot_not_found", "engaged"})


async def show(request: web.Request) -> web.StreamResponse:
    """POST {number, query_code}: free times of the office that keeps the matter."""
    if (refused := _too_often(request)) is not None:
        return refused
    form = Form(await request.post())
    form.values["number"] = form.typed("number")[:40]
    async with request.app[DATABASE].session() as db:
        return await _page(db, request, form)


async def take(request: web.Request) -> web.StreamResponse:
    """POST {number, query_code, slot, insists}: the time is held; back to the dates."""
    if (refused := _too_often(request)) is not None:
        return refused
    form = Form(await request.post())
    form.values |= {"number": form.typed("number")[:40], "slot": form.typed("slot")[:64]}
    insists = form.ticked("insists")
    if not form.value("slot"):
        form.fail("slot", "请选择一个时间")
    async with request.app[DATABASE].session() as db:
        if form.errors:
            return await _page(db, request, form, 422)
        number, code = form.typed("number")[:40], form.typed("query_code")[:40]
        command = BookOwn(number, code, form.value("slot"), insists)
        try:
            await book_own(db, request.app[CLOCK], command, client_address(request))
        except (Invalid, Conflict, NotFound) as error:
            if error.code == "petition_not_found":
                form.fail("number", WRONG_CODE)
                return progress_page(request, form)
            form.fail("slot", say_error(error.code, error.message))
            if error.code in OF_A_TIME:
                return await _page(db, request, form, 409)
            return await tell_progress(db, request, form, conflict=True)
        return await tell_progress(db, request, form, booked="booked")


async def cancel(request: web.Request) -> web.StreamResponse:
    """POST {number, query_code}: what nobody confirmed yet is called off; back to the dates."""
    if (refused := _too_often(request)) is not None:
        return refused
    form = Form(await request.post())
    form.values["number"] = form.typed("number")[:40]
    async with request.app[DATABASE].session() as db:
        number, code = form.typed("number")[:40], form.typed("query_code")[:40]
        try:
            await cancel_own(db, request.app[CLOCK], number, code, client_address(request))
        except Conflict as error:
            form.fail("slot", say_error(error.code, error.message))
            return await tell_progress(db, request, form, conflict=True)
        except NotFound:
            form.fail("number", WRONG_CODE)
            return progress_page(request, form)
        return await tell_progress(db, request, form, booked="cancelled")


async def _page(db: AsyncSession, request: web.Request, form: Form, status: int = 200) -> web.Response:
    petition = await petition_of(db, form)
    if petition is None:
        form.fail("number", WRONG_CODE)
        return progress_page(request, form)
    found = shown_slots(one_of_each_time(await list_own_times(db, request.app[CLOCK], petition)))
    context = {
        "form": form,
        "number": petition.number,
        "query_code": form.typed("query_code")[:40],
        "office": (await receiving_office(db, petition)).name,
        "subject": "" if petition.confidential else petition.subject,
        "slots": slot_words(found),
        "groups": group_slots(found, await receivers_of(db, found)),
    }
    title = "错误：预约视频接访" if form.errors else "预约视频接访"
    return shown_again(
        request, page(request, "citizen/own_booking.html", context, title=title, status=status)
    )


def _too_often(request: web.Request) -> web.StreamResponse | None:
    if request.app[LIMITS].allow("query", client_address(request)):
        return None
    RATE_LIMITED.labels("query").inc()
    return trouble(request, 429)
