"""The first page, the style guide and static files."""

from __future__ import annotations

import re

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.organisations import Organisation, OrganisationKind, find_office
from cases.policy import ActorKind
from scheduling.arrival.poster import PosterUse, count_use, find_poster
from scheduling.arrival.visiting_place import find_place
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, STATIC
from web.navigation import places_of
from web.rendering import page

REGION = re.compile(r"[0-9]{2,12}", re.ASCII)
NOWHERE: dict[str, object] = {"scanned": None, "place": None, "receives": None, "poster": None}
DISTRICT_LENGTH = 6  # Of a region code: the district receives and registers first (domain.md 4.2).


async def show(request: web.Request) -> web.StreamResponse:
    """GET {} `region`, `poster`: where citizens begin, at the office or station whose poster they scanned.

    An official who has no page of their own is told where their work is done.
    """
    actor = request.get(ACTOR)
    idle = actor is not None and actor.kind == ActorKind.OFFICIAL and not places_of(actor)
    context = {} if idle else await _scanned(request)
    return page(request, "home.html" if idle else "citizen/home.html", context, title="视频接访")


async def _scanned(request: web.Request) -> dict[str, object]:
    """The place of the poster and where booking begins from it; nothing where there is no such place.

    A poster that was taken back says so and still names its office: who stands before it needs a telephone.
    """
    region, code = request.query.get("region", ""), request.query.get("poster", "")
    async with request.app[DATABASE].session() as db:
        poster = await find_poster(db, code) if code else None
        if poster is not None:
            region = poster.organisation.region_code
        office = await find_office(db, region) if REGION.fullmatch(region) else None
        if office is None:
            return NOWHERE
        district = await _district_of(db, office)
        place = await find_place(db, region)
        if poster is not None:
            await count_use(db, request.app[CLOCK], code, PosterUse.OPENED)
    return {"scanned": office, "place": place, "receives": district, "poster": poster}


async def _district_of(db: AsyncSession, office: Organisation) -> Organisation | None:
    """The office of the district that receives first; a province's or city's poster lets people choose."""
    found = await find_office(db, office.region_code[:DISTRICT_LENGTH])
    whole = len(office.region_code) >= DISTRICT_LENGTH
    return found if whole and found and found.kind is OrganisationKind.PETITION_OFFICE else None


async def styleguide(request: web.Request) -> web.StreamResponse:
    """Every component in every state, so that a change is seen before it is in twenty pages."""
    wrong = Form(initial={"phone": "12345"})
    wrong.fail("phone", "请填写正确的手机号，例如 13800138000")
    wrong.fail("subject", "请写一句话说明要反映的事情")
    return page(request, "styleguide.html", {"form": Form(), "wrong": wrong}, title="样式说明")


async def static(request: web.Request) -> web.StreamResponse:
    build, name = request.match_info["build"], request.match_info["name"]
    return request.app[STATIC].respond(build, name, request.headers.get("Accept-Encoding", ""))


async def favicon(request: web.Request) -> web.StreamResponse:
    return request.app[STATIC].respond("", "icons/bridge.svg")
