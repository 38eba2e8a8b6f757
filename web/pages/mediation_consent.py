"""C4 of a mediation by video: each party says on the own telephone whether it consents, before it enters."""

from __future__ import annotations

from aiohttp import web

from cases.errors import Conflict
from scheduling.arrival.mediation_consent import consent_by_link
from scheduling.session import OVER
from scheduling.sessions.mediation_video import call_off_sittings
from web.keys import CLOCK, DATABASE, REGISTRY
from web.notice import mediation_notice
from web.pages.signin import see_other
from web.rendering import page
from web.tending.messages import MESSENGER
from web.tending.session_notices import telling_of
from web.views.link_pages import (
    OVER_FOR_CITIZENS,
    code_of,
    context_of,
    find_holder,
    next_page,
    problem_page,
)


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, False)


async def submit(request: web.Request) -> web.StreamResponse:
    """POST {decision, version, digest}: agree, or refuse; a refusal calls the sitting off."""
    own, data, current = f"/j/{code_of(request)}/mediation", await request.post(), mediation_notice()
    given = data.get("decision") == "agree"
    same = data.get("version") == current.version and data.get("digest") == current.digest
    if data.get("decision") not in ("agree", "decline") or (given and not same):
        return await _page(request, True)
    clock = request.app[CLOCK]
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        if next_page(request, found[1], found[2]) != own or found[2].state in OVER:
            return see_other(own)
        mediation_id = found[2].mediation_id or ""
        try:
            await consent_by_link(db, clock, found[0], given, current.version, current.digest)
        except Conflict:  # Somebody worked on the matter at the same moment: asked once more.
            return await _page(request, True)
        if given:
            return see_other(next_page(request, *found[1:]))
        ended = await call_off_sittings(db, clock, mediation_id, telling_of(request))
    request.app[MESSENGER].ring()
    for session_id in ended:
        await request.app[REGISTRY].session_moved(session_id)
    return see_other(own)


async def _page(request: web.Request, error: bool) -> web.Response:
    own, current = f"/j/{code_of(request)}/mediation", mediation_notice()
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        session = found[2]
        off = session.state in OVER - OVER_FOR_CITIZENS
        if session.mediation is None or (not off and next_page(request, *found[1:]) != own):
            return see_other(next_page(request, *found[1:]))
        mediator = session.mediation.mediator
        context = await context_of(db, request, found) | {
            "notice_version": current.version,
            "notice_digest": current.digest,
            "mediator": f"{mediator.name}（{mediator.employer}）" if mediator else "",
            "off": off,
            "error": error and not off,
        }
    status = 422 if error and not off else 200
    return page(request, "citizen/mediation_consent.html", context, title="视频调解：您同意吗", status=status)
