"""C3 by an account at a provider (OIDC): out, and back with a proof. Only where the operator set one up."""

from __future__ import annotations

import logging
from urllib.parse import urlencode

from aiohttp import web

from cases.errors import NotFound, RuleError
from scheduling.arrival.identity import check_id_number, confirm_by_provider, needs_identity
from scheduling.requests.citizen_requests import end_identity_wishes
from web.figures import RATE_LIMITED
from web.http.access import LINK_COOKIE, client_address, own_origin, terminal_of
from web.http.errors import trouble
from web.keys import CLOCK, DATABASE, LIMITS, SETTINGS
from web.oidc import FAILED, Journeys, TokenRefused, departure, fetch_token, read_claims
from web.pages.identity import say_on_page
from web.pages.signin import see_other
from web.views.link_pages import code_of, find_holder, next_page, problem_page

logger = logging.getLogger(__name__)
JOURNEYS = web.AppKey("journeys", Journeys)
BACK = "/identity/back"


async def leave(request: web.Request) -> web.StreamResponse:
    """To the provider. A link and no form: a page's forms go to our own address only."""
    provider = request.app[SETTINGS].oidc
    if not provider.authorize or terminal_of(request):
        raise NotFound("no_provider", "没有开通账号核验。")
    if not request.app[LIMITS].allow("identity", client_address(request)):
        RATE_LIMITED.labels("identity").inc()
        return trouble(request, 429)
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        if not needs_identity(found[1]):
            return see_other(next_page(request, found[1], found[2]))
    device = request.cookies.get(LINK_COOKIE, "")
    state, journey = request.app[JOURNEYS].begin(code_of(request), device, request.app[CLOCK].now())
    return see_other(departure(provider, own_origin(request) + BACK, state, journey))


async def come_back(request: web.Request) -> web.StreamResponse:
    """The one address that providers know; the device's cookie is sent to its own link's pages only."""
    state = request.query.get("state", "")[:200]
    code = request.app[JOURNEYS].code_of(state)
    if code is None:
        return problem_page_of(request)
    answer = {"state": state, "code": request.query.get("code", "")[:2000]}
    return see_other(f"/j/{code}/identity/proof?{urlencode(answer)}")


async def prove(request: web.Request) -> web.StreamResponse:
    """Take the proof once, on the device that set out; else say that it did not work, and what else does."""
    provider, now = request.app[SETTINGS].oidc, request.app[CLOCK].now()
    device, code = request.cookies.get(LINK_COOKIE, ""), code_of(request)
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        if not needs_identity(found[1]):
            return see_other(next_page(request, found[1], found[2]))
        journey = request.app[JOURNEYS].end(request.query.get("state", ""), code, device, now)
        grant = request.query.get("code", "")
        try:
            if journey is None or not grant or len(grant) > 2000:
                raise RuleError("provider_failed", FAILED)
            token = await fetch_token(provider, own_origin(request) + BACK, grant, journey)
            try:
                claims = read_claims(token, provider, journey.nonce, now)
            except TokenRefused as error:
                logger.warning("An ID token of %s was refused: %s", provider.issuer, error)
                raise RuleError("provider_failed", FAILED) from error
            name, number = (
                str(claims.get(key) or "") for key in (provider.name_claim, provider.number_claim)
            )
            invitation = await confirm_by_provider(db, request.app[CLOCK], found[0], provider.issuer, name)
            await end_identity_wishes(db, request.app[CLOCK], invitation.id, found[0].name)
            if provider.number_claim and number and found[2].id_number_needed:
                await check_id_number(db, request.app[CLOCK], found[0], number)
        except RuleError as error:
            return await say_on_page(request, db, found, error)
    return see_other(next_page(request, invitation, found[2]))


def problem_page_of(request: web.Request) -> web.StreamResponse:
    """Nobody set out with this state, or too long ago."""
    return trouble(request, 403, code="provider_failed", message=FAILED)
