"""A clerk enters a matter that was told by telephone, written in a letter, or brought in person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel
from cases.errors import Invalid
from cases.fields import clean
from cases.intake.matters import Matter, register_matter
from cases.organisations import list_organisations, list_receivers
from cases.policy import Action, Actor, Scope, allowed
from scheduling.intake.enclosing import claim
from web.http.flash import keep_once
from web.http.forms import Form
from web.identity_marks import marked
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say_error
from web.pages.signin import see_other
from web.rendering import page
from web.views.mandate_files import drop_file, form_id_of, has_mandate, mandate_context
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
from web.words import CHANNELS, CLASSES, REPLIES

# What a clerk writes down himself; the other channels come by their own ways.
BY_HAND = (Channel.PHONE, Channel.LETTER, Channel.VISIT, Channel.VIDEO)
# Channels by which somebody without a telephone writes.
WRITTEN = frozenset({Channel.LETTER, Channel.WECHAT})
FIELDS = {"office_id": "custodian", "custodian_id": "custodian", "accused_id": "accused"}


async def show(request: web.Request) -> web.StreamResponse:
    """`?channel=phone` begins as a telephone note."""
    asked = request.query.get("channel", "")
    channel = asked if asked in BY_HAND else Channel.VISIT
    return await _page(request, Form(initial={"channel": channel}))


async def submit(request: web.Request) -> web.StreamResponse:
    actor, form = request[ACTOR], Form(await request.post())
    async with request.app[DATABASE].session() as db:
        organisations = await custodians(db, actor)
        units = await all_units(db)
        channel = Channel(form.choice("channel", CHANNELS, "请选择来源") or Channel.VISIT)
        dropped = await drop_file(db, request, form)
        enclosed = await has_mandate(db, form)
        matter = clerk_matter(request, form, organisations, units, channel, enclosed)
        if dropped:
            form.errors.clear()
            return await _page(request, form)
        if not form.errors:
            try:
                petition, code = await register_matter(db, request.app[CLOCK], actor, matter)
                # By then the case may be the upper office's, out of the clerk's own sight.
                await claim(db, form_id_of(form), petition.id)
            except Invalid as error:
                field = error.field or "subject"
                form.fail(FIELDS.get(field, field), say_error(error.code, error.message))
    if form.errors:
        return await _page(request, form, 422)
    keep_once(request, f"query:{petition.id}", code)
    return see_other(f"/cases/{petition.id}")


async def custodians(db: AsyncSession, actor: Actor) -> dict[str, str]:
    """Offices and stations on the actor's line, by id."""
    found = await list_receivers(db)
    return {row_id: name for row_id, name, code in found if _may_keep(actor, row_id, code)}


async def all_units(db: AsyncSession) -> dict[str, str]:
    """Whoever a matter may be about, by id."""
    return {each.id: each.name for each in await list_organisations(db)}


def _may_keep(actor: Actor, organisation_id: str, region_code: str) -> bool:
    scope = Scope(region_codes=frozenset({region_code}), organisation_ids=frozenset({organisation_id}))
    return allowed(actor, Action.CREATE_PETITION, scope)


def clerk_matter(
    request: web.Request, form: Form, organisations: Mapping[str, str], units: Mapping[str, str],
    channel: Channel, enclosed: bool = False,
) -> Matter:  # fmt: skip
    """What a clerk filled in; only good when the form has no errors. Whoever writes may have no telephone.

    `enclosed`: the mandate of a proxy was sent with the form.
    """
    needed = channel not in WRITTEN
    person = read_person(form, phone_required=needed)
    subject, description = read_matter(form)
    matter = Matter(
        channel, form.choice("custodian", organisations, "请选择登记单位"), person, subject, description,
        read_class(form), read_accused(form, units), headcount=read_headcount(form),
        representatives=read_representatives(form), proxy=read_proxy(form, enclosed),
        reply_by=read_reply(form), phone_required=needed,
    )  # fmt: skip
    if form.errors or not clean(person.id_number):
        return matter
    return replace(matter, petitioner=marked(request.app, person))


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    async with request.app[DATABASE].session() as db:
        organisations, units = await custodians(db, request[ACTOR]), await all_units(db)
    if not form.value("custodian"):
        own = {post.organisation_id for post in request[ACTOR].posts} & set(organisations)
        form.values["custodian"] = next(iter(sorted(own)), "")
    for name, value in (("class", "claim"), ("reply_by", "phone")):
        form.values.setdefault(name, value)
    context = {
        "nav": "cases",
        "form": form,
        "channels": {str(each): CHANNELS[each] for each in BY_HAND},
        "classes": CLASSES,
        "replies": REPLIES,
        "organisations": organisations,
        "units": units,
        "more": any(form.value(name) or name in form.errors for name in MORE),
    } | await mandate_context(request, form)
    context["more"] = context["more"] or bool(context["mandates"])
    title = "错误：登记信访件" if form.errors else "登记信访件"
    return page(request, "case_new.html", context, title=title, status=status)


MORE = ("accused", "headcount", "representatives", "proxy_name", "proxy_phone", "mandate")
