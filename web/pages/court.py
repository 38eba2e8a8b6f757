"""The court's door: who looks into an agreement has no account, and whoever gives the link does it here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.errors import NotFound
from cases.mediation.court_door import (
    ForCourt,
    issue_court_link,
    open_for_court,
    read_for_court,
    revoke_court_link,
)
from web.figures import RATE_LIMITED
from web.http.access import client_address, own_origin
from web.http.errors import trouble
from web.http.flash import keep_once
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, LIMITS
from web.pages.mediations import act_on
from web.rendering import page

Found = TypeVar("Found")
FIELDS = ("court", "days", "asked")


async def show(request: web.Request) -> web.StreamResponse:
    """GET {code}: where the secret of the address is handed in; looking at it opens nothing."""
    return _page(request, None)


async def open_door(request: web.Request) -> web.StreamResponse:
    """POST {secret}: the agreement; whatever is wrong looks alike."""
    return await _opened(request, open_for_court, lambda found, secret: _page(request, found, secret=secret))


async def as_pdf(request: web.Request) -> web.StreamResponse:
    """POST {secret}: the signed paper."""
    headers = {"Content-Disposition": 'attachment; filename="mediation-agreement.pdf"'}
    return await _opened(
        request,
        read_for_court,
        lambda body, _: web.Response(body=body, content_type="application/pdf", headers=headers),
    )


async def issue(request: web.Request) -> web.StreamResponse:
    """POST {court, days, asked}: a link, shown once."""
    form, mediation_id = Form(await request.post()), request.match_info["mediation_id"]

    async def act(db: AsyncSession) -> None:
        given = {name: form.typed(name) for name in FIELDS}
        link, secret = await issue_court_link(db, request.app[CLOCK], request[ACTOR], mediation_id, given)
        address = f"{own_origin(request)}/court/{link.id}#{secret}"
        keep_once(request, f"court:{mediation_id}", {"url": address, "court": link.court})

    return await act_on(request, form, "court", FIELDS, act)


async def revoke(request: web.Request) -> web.StreamResponse:
    """POST {}: the link opens nothing any more."""
    where = request.match_info

    async def act(db: AsyncSession) -> None:
        told = (where["mediation_id"], where["link_id"])
        await revoke_court_link(db, request.app[CLOCK], request[ACTOR], *told)

    return await act_on(request, Form(await request.post()), "court", (), act)


async def _opened(
    request: web.Request,
    read: Callable[[AsyncSession, Clock, str, str, str], Awaitable[Found]],
    answer: Callable[[Found, str], web.Response],
) -> web.StreamResponse:
    """What the secret opens, answered; nobody tries secrets faster than the limit."""
    address = client_address(request)
    if not request.app[LIMITS].allow("query", address):
        RATE_LIMITED.labels("query").inc()
        return trouble(request, 429)
    secret = Form(await request.post()).typed("secret").strip()
    async with request.app[DATABASE].session() as db:
        try:
            found = await read(db, request.app[CLOCK], request.match_info["code"], secret, address)
        except NotFound as error:
            return _page(request, None, error.message, 404)
    return answer(found, secret)


def _page(
    request: web.Request, found: ForCourt | None, problem: str = "", status: int = 200, secret: str = ""
) -> web.Response:
    context = {
        "nav": "",
        "code": request.match_info["code"],
        "found": found,
        "problem": problem,
        "secret": secret,
    }
    return page(request, "court.html", context, title="调解协议查阅", status=status)
