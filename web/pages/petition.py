"""A citizen hands in a matter without an account, or writes to a leader: three steps and a receipt.

What was filled in travels with the page from step to step, so nothing of an unfinished form is kept here.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel, PetitionClass
from cases.errors import Conflict, Invalid
from cases.fields import clean
from cases.handling.clocks import find_running
from cases.intake.matters import Mailbox, Matter, list_mailboxes, submit_matter
from cases.organisations import OrganisationKind, list_organisations
from web.figures import RATE_LIMITED
from web.http.access import client_address
from web.http.errors import trouble
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.identity_marks import marked
from web.keys import CLOCK, DATABASE, LIMITS
from web.language import say_error
from web.pages.signin import see_other
from web.rendering import page
from web.views.matter_form import (
    read_accused,
    read_class,
    read_headcount,
    read_matter,
    read_person,
    read_proxy,
    read_reply,
    read_representatives,
)
from web.words import CLASSES, REPLIES

LAST = 3
SOURCE = "web-form"
# At which step a field stands, for refusals that name one.
STEP_OF = {"office": 1, "class": 1, "post": 1, "subject": 2, "description": 2, "accused": 2}
CARRIED = (
    *("office", "class", "post", "subject", "description", "accused"),
    *("name", "phone", "id_number", "address", "reply_by"),
    *("headcount", "representatives", "proxy_name", "proxy_phone", "mandate"),
)


@dataclass(frozen=True)
class Choices:
    """What can be chosen: petition offices of districts, leaders' mailboxes, units a matter may be about."""

    offices: Mapping[str, str]
    mailboxes: Mapping[str, Mailbox]
    units: Mapping[str, str]


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form(), 1)


async def submit(request: web.Request) -> web.StreamResponse:
    """One step on, one back, or after the last one the matter itself."""
    form = Form(await request.post())
    step = {"2": 2, "3": 3}.get(form.typed("step"), 1)
    async with request.app[DATABASE].session() as db:
        choices = await _choices(db)
    matter = _read(request, form, choices, step)
    if form.typed("go") == "back":
        form.errors.clear()
        return await _page(request, form, max(1, step - 1))
    if form.errors:
        return await _page(request, form, _wrong_step(form, step), 422)
    if step < LAST or matter is None:
        return await _page(request, form, step + 1)
    if not request.app[LIMITS].allow("petition", client_address(request)):
        RATE_LIMITED.labels("petition").inc()
        return trouble(request, 429)
    return await _hand_in(request, form, matter)


async def show_done(request: web.Request) -> web.StreamResponse:
    done = take_once(request, "petition")
    return page(request, "citizen/petition_done.html", {"done": done}, title="已经收到")


async def _hand_in(request: web.Request, form: Form, matter: Matter) -> web.StreamResponse:
    clock = request.app[CLOCK]
    async with request.app[DATABASE].session() as db:
        try:
            petition, code = await submit_matter(db, clock, matter, client_address(request))
        except Conflict:  # The same form once more: its receipt is on its way already.
            return see_other("/petition/done")
        except Invalid as error:
            form.fail(error.field or "name", say_error(error.code, error.message))
            return await _page(request, form, _wrong_step(form, LAST), 422)
        forwarding = await find_running(db, petition.id, "register_route")
    told = {
        "number": petition.number,
        "query_code": code,
        "office": petition.custodian.name,
        "until": forwarding.counted().rolled if forwarding else None,
        "confidential": petition.confidential,
        "addressed_to": matter.addressed_to,
        "phone": matter.petitioner.phone,
        "reply_by": REPLIES[matter.reply_by],
    }
    keep_once(request, "petition", told)
    return see_other("/petition/done")


def _read(request: web.Request, form: Form, choices: Choices, step: int) -> Matter | None:
    """Every step up to this one; the matter after the last. What later steps held is carried along."""
    for name in CARRIED:
        form.values[name] = clean(form.typed(name), lines=True)
    class_ = read_class(form)
    box = None
    if _to_leader(request):
        if found := form.choice("post", choices.mailboxes, "请选择要写给谁"):
            box = choices.mailboxes[found]
    else:
        form.choice("office", choices.offices, "请选择一个区县")
    if step == 1:
        return None
    subject, description = read_matter(form)
    accused = read_accused(form, choices.units)
    if step < LAST:
        return None
    person = _person(request, form)
    matter = {
        "reply_by": read_reply(form),
        "headcount": read_headcount(form),
        "representatives": read_representatives(form),
        "proxy": read_proxy(form),
    }
    if form.errors:
        return None
    channel = Channel.LEADER_MAILBOX if box else Channel.WEB
    return Matter(
        channel, box.organisation_id if box else form.value("office"), person, subject, description, class_,
        accused, addressed_to=box.words if box else None, source=SOURCE, external_id=_form_id(form),
        **matter,  # type: ignore[arg-type]
    )  # fmt: skip


def _person(request: web.Request, form: Form) -> Any:
    person = read_person(form)
    return person if "id_number" in form.errors else marked(request.app, person)


def _form_id(form: Form) -> str:
    """A name for this filled-in form, so that sending it twice hands in one matter."""
    found = form.typed("form_id")
    fits = len(found) == 32 and found.isascii() and found.isalnum()
    return found if fits else secrets.token_hex(16)


def _wrong_step(form: Form, step: int) -> int:
    return min((STEP_OF.get(name, LAST) for name in form.errors), default=step)


def _to_leader(request: web.Request) -> bool:
    return request.path.startswith("/mailbox")


async def _choices(db: AsyncSession) -> Choices:
    offices = await list_organisations(db, OrganisationKind.PETITION_OFFICE)
    units = await list_organisations(db)
    return Choices(
        {o.id: o.name.removesuffix("信访局") for o in offices if len(o.region_code) == 6},
        {box.post_id: box for box in await list_mailboxes(db)},
        {o.id: o.name for o in units},
    )


async def _page(request: web.Request, form: Form, step: int, status: int = 200) -> web.Response:
    async with request.app[DATABASE].session() as db:
        choices = await _choices(db)
    shown = {name: form.value(name) for name in CARRIED}
    context = {
        "form": form,
        "step": step,
        "last": LAST,
        "offices": choices.offices,
        "mailboxes": choices.mailboxes,
        "units": choices.units,
        "classes": CLASSES,
        "replies": REPLIES,
        "carried": shown,
        "form_id": _form_id(form),
        "to_leader": _to_leader(request),
        "accusation": form.value("class") == PetitionClass.ACCUSATION,
    }
    title = "写给领导" if _to_leader(request) else "网上反映"
    return page(request, "citizen/petition.html", context, title=title, status=status)
