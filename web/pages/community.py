"""社区: talk rooms and mediation stations with their hours, and the register of third parties."""

from __future__ import annotations

from aiohttp import web

from cases.errors import Conflict, Invalid
from cases.handling.clocks import today
from cases.mediation.place import DAYS, add_place, list_places, retire_place
from cases.mediation.third_party import (
    add_third_party,
    end_third_party,
    list_conflicts,
    list_third_parties,
    name_conflict,
)
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say
from web.pages.signin import see_other
from web.rendering import page
from web.views.mediation import PLACE_KINDS, THIRD_PARTY_KINDS, WEEK, keepers_of, person_row, place_row

PLACE_FIELDS = ("organisation", "kind", "name", "address", "phone", "opens", "closes")
PERSON_FIELDS = ("organisation", "kind", "name", "employer", "phone", "since", "until")
WEEKDAYS = {str(day): WEEK[day] for day in DAYS}
WORKDAYS = "\n".join(str(day) for day in range(5))


async def show_places(request: web.Request) -> web.StreamResponse:
    return await _places_page(request, Form(initial={"days": WORKDAYS, "opens": "09:00", "closes": "17:00"}))


async def add_one_place(request: web.Request) -> web.StreamResponse:
    """POST {organisation, kind, name, address, phone, days, opens, closes}."""
    form = Form(await request.post())
    form.values = {name: form.typed(name)[:800] for name in PLACE_FIELDS}
    days = form.choices("days", WEEKDAYS)
    given = {name: form.typed(name) for name in PLACE_FIELDS} | {"days": ",".join(days)}
    async with request.app[DATABASE].session() as db:
        try:
            await add_place(db, request.app[CLOCK], request[ACTOR], form.value("organisation")[:32], given)
            return see_other("/mediation/places")
        except (Invalid, Conflict) as error:
            form.refuse(error, "name")
    return await _places_page(request, form)


async def retire_one_place(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        await retire_place(db, request.app[CLOCK], request[ACTOR], request.match_info["place_id"])
    return see_other("/mediation/places")


async def show_people(request: web.Request) -> web.StreamResponse:
    return await _people_page(request, Form(initial={"since": today(request.app[CLOCK]).isoformat()}))


async def add_person(request: web.Request) -> web.StreamResponse:
    """POST {organisation, kind, name, employer, phone, since, until}."""
    form = Form(await request.post())
    form.values = {name: form.typed(name)[:800] for name in PERSON_FIELDS}
    given = {name: form.typed(name) for name in PERSON_FIELDS}
    async with request.app[DATABASE].session() as db:
        try:
            clock, office = request.app[CLOCK], form.value("organisation")[:32]
            await add_third_party(db, clock, request[ACTOR], office, given)
            return see_other("/mediation/people")
        except (Invalid, Conflict) as error:
            form.refuse(error, "name")
    return await _people_page(request, form)


async def end_person(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        await end_third_party(db, request.app[CLOCK], request[ACTOR], request.match_info["person_id"])
    return see_other("/mediation/people")


async def tell_conflict(request: web.Request) -> web.StreamResponse:
    """POST {conflict, reason}: in whom or what they have an interest."""
    form, person_id = Form(await request.post()), request.match_info["person_id"]
    form.values = {name: form.typed(name)[:1200] for name in ("conflict", "reason")}
    async with request.app[DATABASE].session() as db:
        try:
            told = form.typed("conflict"), form.typed("reason")
            await name_conflict(db, request.app[CLOCK], request[ACTOR], person_id, *told)
            return see_other("/mediation/people")
        except (Invalid, Conflict) as error:
            form.refuse(error, "reason")
    return await _people_page(request, form, person_id)


async def _places_page(request: web.Request, form: Form) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        keepers = await keepers_of(db, request[ACTOR])
        found = await list_places(db, list(keepers))
    form.values.setdefault("organisation", next(iter(keepers), ""))
    context = {
        "nav": "mediation",
        "place": "places",
        "form": form,
        "keepers": keepers,
        "kinds": PLACE_KINDS,
        "week": WEEKDAYS,
        "rows": [place_row(each) for each in found],
    }
    wrong = bool(form.errors)
    title = say("错误：说事室和调解室") if wrong else say("说事室和调解室")
    return page(request, "mediation_places.html", context, title=title, status=422 if wrong else 200)


async def _people_page(request: web.Request, form: Form, conflict_of: str = "") -> web.StreamResponse:
    actor, clock = request[ACTOR], request.app[CLOCK]
    async with request.app[DATABASE].session() as db:
        keepers = await keepers_of(db, actor)
        found = await list_third_parties(db, clock, actor, list(keepers), everybody=True)
        conflicts = await list_conflicts(db, [each.id for each in found])
    form.values.setdefault("organisation", next(iter(keepers), ""))
    now = today(clock)
    context = {
        "nav": "mediation",
        "place": "people",
        "form": form,
        "keepers": keepers,
        "kinds": THIRD_PARTY_KINDS,
        "rows": [person_row(each, now) | {"conflicts": conflicts.get(each.id, [])} for each in found],
        "conflict_of": conflict_of,
    }
    wrong = bool(form.errors)
    title = say("错误：第三方人员") if wrong else say("第三方人员")
    return page(request, "mediation_people.html", context, title=title, status=422 if wrong else 200)
