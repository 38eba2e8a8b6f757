"""A citizen hands in a matter without an account, or writes to a leader: three steps, a code and a receipt.

What was filled in travels with the page from step to step, so nothing of an unfinished form is kept here but
the files that were sent with it (web/pages/enclosures.py), and those for a day. The code goes to
the telephone where messages can be sent; who gets none asks to be called, and is taken in all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel, PetitionClass
from cases.errors import Conflict, Invalid, RuleError
from cases.fields import clean, clean_phone, mask_phone
from cases.handling.clocks import find_running
from cases.intake.matters import Mailbox, Matter, check_matter, list_mailboxes, submit_matter
from cases.organisations import OrganisationKind, list_organisations
from scheduling.arrival.poster import PosterUse, code_in, count_use
from scheduling.intake.enclosing import claim, list_of_form, withdraw
from scheduling.intake.enclosure import LARGEST, MOST_OF_FORM, Purpose
from scheduling.intake.phone_codes import (
    awaits_code,
    confirm_phone,
    confirmed_at,
    send_phone_code,
    takes_messages,
)
from scheduling.materials.limits import MEBIBYTE
from web.figures import RATE_LIMITED
from web.http.access import client_address
from web.http.back import shown_again
from web.http.flash import RECEIPT_SECONDS, keep_once, take_once, waits_once
from web.http.forms import Form
from web.http.turns import TURNS
from web.identity_marks import marked
from web.keys import CLOCK, DATABASE, LIMITS
from web.language import say_error
from web.pages.enclosures import ENCLOSURES, boot_of
from web.pages.signin import see_other
from web.rendering import page
from web.tending.messages import MESSENGER, ShownGateway
from web.views.mandate_files import form_id_of
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

LAST, CODE = 3, 4
SOURCE = "web-form"
PURPOSES = {2: Purpose.MATTER, 3: Purpose.MANDATE}
TOO_FAST = "操作太快，请等一分钟再试。"
MANY_UNCONFIRMED = "这个号码短时间内提交得太多了。请填验证码，或者打电话反映。"
# At which step a field stands, for refusals that name one.
STEP_OF = {"office": 1, "class": 1, "post": 1, "subject": 2, "description": 2, "accused": 2, "file": 2}
STEP_OF |= {"code": CODE}
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
    poster = code_in(request.query.get("poster", ""))
    return await _page(request, Form(initial={"poster": poster}), 1)


async def submit(request: web.Request) -> web.StreamResponse:
    """One step on, one back, a file taken back, or after the last step the matter itself."""
    form = Form(await request.post())
    # A second tap finds what the first one did: else it sends a second code, and the first is void.
    async with request.app[TURNS].of(f"petition:{form_id_of(form)}"):
        return await _move(request, form)


async def _move(request: web.Request, form: Form) -> web.StreamResponse:
    step = {"2": 2, "3": LAST, "4": CODE}.get(form.typed("step"), 1)
    go, form_id = form.typed("go"), form_id_of(form)
    form.values["poster"] = code_in(form.typed("poster"))
    async with request.app[DATABASE].session() as db:
        choices = await _choices(db)
        if go.startswith("drop:"):
            await withdraw(db, request.app[ENCLOSURES], form_id, go.removeprefix("drop:")[:32])
        files = await list_of_form(db, form_id)
    mandate = any(each.purpose is Purpose.MANDATE for each in files)
    matter = _read(request, form, choices, step, mandate)
    if go == "back" or go.startswith("drop:"):
        form.errors.clear()
        return await _page(request, form, max(1, step - (go == "back")))
    if form.errors:
        return await _page(request, form, _wrong_step(form, step), 422)
    if step < LAST or matter is None:
        return await _page(request, form, step + 1)
    return await _confirm(request, form, matter, step, go)


async def _confirm(
    request: web.Request, form: Form, matter: Matter, step: int, go: str
) -> web.StreamResponse:
    """A code to the telephone, where one can be sent, and what was typed of it; then the matter."""
    app, form_id, phone = request.app, form_id_of(form), matter.petitioner.phone
    messenger, clock = app[MESSENGER], app[CLOCK]
    if go == "call" and not app[LIMITS].allow("unconfirmed", phone):
        RATE_LIMITED.labels("unconfirmed").inc()
        form.fail("code", MANY_UNCONFIRMED)
        return await _page(request, form, CODE, 422)
    async with app[DATABASE].session() as db:
        try:
            office = await check_matter(db, clock, matter)
        except Invalid as error:
            form.refuse(error, "name")
            return await _page(request, form, _wrong_step(form, LAST), 422)
        if go == "call" or not (messenger.works and takes_messages(phone)):
            return await _hand_in(request, form, matter, step)
        found = await confirmed_at(db, clock, messenger.secrets, form_id, phone)
        try:
            if found is None and step == CODE and go != "again":
                typed = form.typed("code")
                found = await confirm_phone(db, clock, messenger.secrets, form_id, phone, typed)
            elif found is None and (
                go == "again" or not await awaits_code(db, clock, messenger.secrets, form_id, phone)
            ):
                await _send_code(request, db, form_id, phone, office.id)
        except RuleError as error:
            form.refuse(error, "code")
            return await _page(request, form, CODE, 422)
    if found is None:
        return await _page(request, form, CODE)
    return await _hand_in(request, form, replace(matter, phone_confirmed_at=found), step)


async def _send_code(
    request: web.Request, db: AsyncSession, form_id: str, phone: str, office_id: str
) -> None:
    if not request.app[LIMITS].allow("phone_code", client_address(request)):
        RATE_LIMITED.labels("phone_code").inc()
        raise RuleError("too_fast", TOO_FAST, "code")
    messenger = request.app[MESSENGER]
    gateway = messenger.gateway
    before = gateway.shown.pop(phone, None) if isinstance(gateway, ShownGateway) else None
    try:
        await send_phone_code(db, request.app[CLOCK], messenger.secrets, form_id, phone, office_id)
    except RuleError:
        if before is not None and isinstance(gateway, ShownGateway):
            gateway.shown.setdefault(phone, before)
        raise
    messenger.ring()


async def show_done(request: web.Request) -> web.StreamResponse:
    done = waits_once(request, "petition")
    if done and done["confidential"]:  # Whoever sits down here next must not read of an accusation.
        take_once(request, "petition")
    return page(request, "citizen/petition_done.html", {"done": done}, title="已经收到")


async def _hand_in(request: web.Request, form: Form, matter: Matter, step: int) -> web.StreamResponse:
    if not request.app[LIMITS].allow("petition", client_address(request)):
        RATE_LIMITED.labels("petition").inc()
        form.fail("code" if step == CODE else "phone", say_error("too_fast", TOO_FAST))
        return await _page(request, form, step, 429)
    clock = request.app[CLOCK]
    async with request.app[DATABASE].session() as db:
        try:
            petition, code = await submit_matter(db, clock, matter, client_address(request))
        except Conflict:  # The same form once more: its receipt is on its way already.
            return see_other("/petition/done")
        except Invalid as error:
            form.fail(error.field or "name", say_error(error.code, error.message))
            return await _page(request, form, _wrong_step(form, LAST), 422)
        await claim(db, form_id_of(form), petition.id)
        await count_use(db, clock, form.value("poster"), PosterUse.HANDED_IN)
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
    keep_once(request, "petition", told, RECEIPT_SECONDS)
    return see_other("/petition/done")


def _read(request: web.Request, form: Form, choices: Choices, step: int, mandate: bool) -> Matter | None:
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
    subject, description = read_matter(form, "一句话说明")
    accused = read_accused(form, choices.units)
    if step < LAST:
        return None
    person = _person(request, form)
    matter = {
        "reply_by": read_reply(form),
        "headcount": read_headcount(form),
        "representatives": read_representatives(form),
        "proxy": read_proxy(form, mandate),
    }
    if form.errors:
        return None
    channel = Channel.LEADER_MAILBOX if box else Channel.WEB
    return Matter(
        channel, box.organisation_id if box else form.value("office"), person, subject, description, class_,
        accused, addressed_to=box.words if box else None, source=SOURCE, external_id=form_id_of(form),
        **matter,  # type: ignore[arg-type]
    )  # fmt: skip


def _person(request: web.Request, form: Form) -> Any:
    person = read_person(form)
    return person if "id_number" in form.errors else marked(request.app, person)


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
    form_id, messenger = form_id_of(form), request.app[MESSENGER]
    async with request.app[DATABASE].session() as db:
        choices = await _choices(db)
        files = await list_of_form(db, form_id)
        phone, kept = clean_number(form.value("phone")), messenger.secrets
        sent = step == CODE and await awaits_code(db, request.app[CLOCK], kept, form_id, phone)
    gateway = messenger.gateway
    shown = ""
    if step == CODE and isinstance(gateway, ShownGateway):
        # Whoever tries it out has no such telephone: the page shows what was sent.
        shown = await gateway.until_shown(phone)
    context = {
        "form": form,
        "step": step,
        "last": CODE if messenger.works else LAST,
        "offices": choices.offices,
        "mailboxes": choices.mailboxes,
        "units": choices.units,
        "classes": CLASSES,
        "replies": REPLIES,
        "carried": {name: form.value(name) for name in CARRIED},
        "form_id": form_id,
        "poster": form.value("poster"),
        "files": [each for each in files if each.purpose is PURPOSES.get(step)],
        "boot": boot_of(request, form_id, PURPOSES[step]) if step in PURPOSES else None,
        "most_files": MOST_OF_FORM,
        "megabytes": LARGEST // MEBIBYTE,
        "phone": mask_phone(phone),
        "sent": sent,
        "shown": shown,
        "demo": isinstance(gateway, ShownGateway),
        "to_leader": _to_leader(request),
        "accusation": form.value("class") == PetitionClass.ACCUSATION,
    }
    title = "写给领导" if _to_leader(request) else "网上反映"
    return shown_again(request, page(request, "citizen/petition.html", context, title=title, status=status))


def clean_number(typed: str) -> str:
    """The digits of a number that was accepted before, or nothing."""
    try:
        return clean_phone(typed)
    except Invalid:
        return ""
