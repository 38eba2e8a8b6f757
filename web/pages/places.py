"""接访室和设备: what an office receives in and with, and the posters with their codes for citizens."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, Invalid
from cases.organisations import Organisation, OrganisationKind, list_organisations
from cases.policy import Action, Actor, allowed
from scheduling.arrival.poster import (
    Poster,
    add_poster,
    get_poster,
    list_posters,
    uses_of,
    withdraw_poster,
)
from scheduling.booking.equipment import EQUIPMENT_KIND_NAMES, add_equipment, list_equipment, retire_equipment
from scheduling.booking.slots import create_room, list_rooms, scope_of_organisation
from web.http.access import own_origin
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.signin import see_other
from web.rendering import page

KINDS = {str(kind): name for kind, name in EQUIPMENT_KIND_NAMES.items()}


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form())


async def add_room(request: web.Request) -> web.StreamResponse:
    """POST {organisation, name}."""
    form = Form(await request.post())
    form.values |= {"name": form.typed("name")[:200], "organisation": form.typed("organisation")[:64]}
    async with request.app[DATABASE].session() as db:
        try:
            office = form.value("organisation")
            await create_room(db, request.app[CLOCK], request[ACTOR], office, form.typed("name"))
        except (Invalid, Conflict) as error:
            form.refuse(error, "name")
    return await _page(request, form, 422) if form.errors else see_other("/places")


async def add_piece(request: web.Request) -> web.StreamResponse:
    """POST {owner, kind, piece}: a piece of equipment."""
    form = Form(await request.post())
    form.values |= {name: form.typed(name)[:200] for name in ("owner", "kind", "piece")}
    async with request.app[DATABASE].session() as db:
        try:
            clock, actor = request.app[CLOCK], request[ACTOR]
            await add_equipment(
                db, clock, actor, form.value("owner"), form.value("kind"), form.typed("piece")
            )
        except (Invalid, Conflict) as error:
            form.refuse(Invalid(error.code, error.message, _field(error)), "piece")
    return await _page(request, form, 422) if form.errors else see_other("/places")


async def retire(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        equipment_id = request.match_info["equipment_id"]
        await retire_equipment(db, request.app[CLOCK], request[ACTOR], equipment_id)
    return see_other("/places")


async def show_poster(request: web.Request) -> web.StreamResponse:
    """GET {poster_id}: a sheet to be put up, with the code of all a citizen can do there.

    The address names the region of the office or station, the sheet, and nobody (domain.md 6).
    """
    async with request.app[DATABASE].session() as db:
        poster = await get_poster(db, request[ACTOR], request.match_info["poster_id"])
    office = poster.organisation
    context = {
        "nav": "calendar", "organisation": office, "poster": poster,
        "url": f"{own_origin(request)}/?region={office.region_code}&poster={poster.code}",
    }  # fmt: skip
    return page(request, "poster.html", context, title=f"二维码海报：{office.name}")


async def add_one_poster(request: web.Request) -> web.StreamResponse:
    """POST {office, spot}: the sheet itself comes next, to be printed."""
    form = Form(await request.post())
    form.values |= {"spot": form.typed("spot")[:200], "office": form.typed("office")[:64]}
    async with request.app[DATABASE].session() as db:
        try:
            clock, actor = request.app[CLOCK], request[ACTOR]
            made = await add_poster(db, clock, actor, form.value("office"), form.value("spot"))
        except (Invalid, Conflict) as error:
            form.refuse(error, "spot")
            made = None
    return see_other(f"/posters/{made.id}") if made else await _page(request, form, 422)


async def withdraw(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        await withdraw_poster(db, request.app[CLOCK], request[ACTOR], request.match_info["poster_id"])
    return see_other("/places")


async def _own(db: AsyncSession, actor: Actor) -> dict[str, Organisation]:
    return {
        each.id: each
        for each in await list_organisations(db)
        if each.id in actor.organisation_ids
        and each.kind is not OrganisationKind.DEPARTMENT
        and allowed(actor, Action.MANAGE_SLOTS, scope_of_organisation(each))
    }


def _field(error: Invalid | Conflict) -> str:
    return {"name": "piece", "organisation_id": "owner"}.get(error.field or "", error.field or "piece")


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    async with request.app[DATABASE].session() as db:
        own = await _own(db, request[ACTOR])
        rooms = {office_id: await list_rooms(db, office_id) for office_id in own}
        pieces: dict[str, list[Any]] = {}
        for each in await list_equipment(db, list(own)):
            pieces.setdefault(each.organisation_id, []).append((each, EQUIPMENT_KIND_NAMES[each.kind]))
        posters: dict[str, list[Poster]] = {}
        for sheet in await list_posters(db, list(own)):
            posters.setdefault(sheet.organisation_id, []).append(sheet)
        uses = await uses_of(
            db, request.app[CLOCK], [each.id for sheets in posters.values() for each in sheets]
        )
    first = next(iter(own), "")
    form.values.setdefault("organisation", first)
    form.values.setdefault("owner", first)
    form.values.setdefault("office", first)
    context = {
        "nav": "calendar", "form": form, "own": own, "offices": {key: each.name for key, each in own.items()},
        "rooms": rooms, "pieces": pieces, "kinds": KINDS, "posters": posters, "uses": uses,
    }  # fmt: skip
    return page(request, "places.html", context, title="接访室和设备", status=status)
