"""Booking by a citizen on the public page."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, Invalid, RuleError
from cases.fields import clean, clean_name, clean_subject, clean_text
from cases.organisations import Organisation, OrganisationKind, list_organisations
from scheduling.arrival.poster import PosterUse, code_in, count_use
from scheduling.booking.bookings import BookPublicly, book_publicly
from scheduling.rota.receiver import receivers_of
from web.figures import RATE_LIMITED
from web.http.access import client_address, form_token
from web.http.back import shown_again
from web.http.flash import RECEIPT_SECONDS, keep_once, waits_once
from web.http.forms import Form
from web.http.turns import TURNS
from web.keys import CLOCK, DATABASE, LIMITS
from web.language import say_error
from web.pages.signin import see_other
from web.rendering import page
from web.views.slots import free_slots, group_slots, slot_words
from web.words import long_date, spoken_time

MANY = 20  # Districts that are still read through faster than one of them is asked for.


async def show_public(request: web.Request) -> web.StreamResponse:
    form = Form(initial={"poster": code_in(request.query.get("poster", ""))})
    if "step" in request.query and not request.query.get("organisation"):
        form.fail("organisation", "请选择一个区县")  # 「继续」 was pressed without a choice.
    return await _public_page(request, form, request.query.get("organisation", ""), 200)


async def submit_public(request: web.Request) -> web.StreamResponse:
    """A citizen's booking: number and query code are shown once on the next page."""
    form = Form(await request.post())
    # A second tap finds what the first one did: else it is told that somebody else took the time.
    async with request.app[TURNS].of(f"booking:{form_token(request)}"):
        return await _book(request, form)


async def _book(request: web.Request, form: Form) -> web.StreamResponse:
    organisation_id = form.typed("organisation")
    form.values["poster"] = code_in(form.typed("poster"))
    async with request.app[DATABASE].session() as db:
        organisation = (await _public_organisations(db)).get(organisation_id)
        free = await free_slots(db, request, organisation_id, public_only=True) if organisation else []
        command = _public_command(form, slot_words(free))
        if form.errors and _just_booked(request, form):
            return see_other("/book/done")
        if organisation and not form.errors:
            if not request.app[LIMITS].allow("booking", client_address(request)):
                RATE_LIMITED.labels("booking").inc()
                form.fail("slot", say_error("too_fast", "操作太快，请等一分钟再试。"))
                return await _public_page(request, form, organisation_id, 429)
            try:
                done = await book_publicly(db, request.app[CLOCK], command, client_address(request))
            except (Invalid, Conflict) as error:
                form.fail(_field(error), error.message)
            else:
                await count_use(db, request.app[CLOCK], form.value("poster"), PosterUse.BOOKED)
    if organisation is None or form.errors:
        return await _public_page(request, form, organisation_id, 422)
    starts_at = done.booking.slot.starts_at
    told = {
        "number": done.petition.number,
        "query_code": done.query_code,
        "when": f"{long_date(starts_at)} {spoken_time(starts_at)}",
        "organisation": organisation.name,
        "asked": _asked(form),
    }
    keep_once(request, "booked", told, RECEIPT_SECONDS)
    return see_other("/book/done")


async def show_done(request: web.Request) -> web.StreamResponse:
    done = waits_once(request, "booked")
    return page(request, "public_done.html", {"nav": "book", "done": done}, title="预约已提交")


def _just_booked(request: web.Request, form: Form) -> bool:
    """Whether this browser booked just this: its receipt still stands there."""
    done = waits_once(request, "booked")
    return done is not None and bool(done["asked"] == _asked(form))


def _asked(form: Form) -> tuple[str, ...]:
    return tuple(form.typed(name).strip() for name in ("slot", "name", "phone", "subject"))


def _public_command(form: Form, slots: dict[str, str]) -> BookPublicly:
    return BookPublicly(
        slot_id=form.choice("slot", slots, "请选择一个时间"),
        name=form.take("name", clean_name),
        phone=form.phone("phone"),
        subject=form.take("subject", lambda typed: clean_subject(typed, label="要反映的事")),
        description=form.take("description", clean_text),
        insists=form.ticked("insists"),
        proxy_name=form.take("proxy_name", _optional_name),
        proxy_phone=form.phone("proxy_phone", optional=True),
    )


def _field(error: RuleError) -> str:
    return {"slot_id": "slot"}.get(error.field or "", error.field or "slot")


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
        free = await free_slots(db, request, organisation_id, public_only=True) if organisation else []
        receivers = await receivers_of(db, free)
    if organisation_id and organisation is None:
        form.fail("organisation", "请选择一个区县")
    words = clean(request.query.get("words", ""))[:40]
    named = {office.id: office.name.removesuffix("信访局") for office in offices.values()}
    context = {
        "nav": "book",
        "form": form,
        "organisation": organisation,
        "organisations": {key: name for key, name in named.items() if words in name},
        "words": words,
        "many": len(named) > MANY,
        "slots": slot_words(free),
        "groups": group_slots(free, receivers),
        "poster": form.value("poster"),
    }
    title = "错误：预约视频接访" if form.errors else "预约视频接访"
    return shown_again(request, page(request, "public_book.html", context, title=title, status=status))
