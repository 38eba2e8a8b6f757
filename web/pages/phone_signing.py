"""Signing at a kiosk with one's own phone: the screen's QR code, the phone's pad, and the strokes between."""

from __future__ import annotations

import base64
import json
from typing import Any

from aiohttp import web

from cases.database import ID_LENGTH
from scheduling.minutes.phone_signing import (
    LIVE,
    OVER_WORDS,
    PhoneSigning,
    cancel_phone_signing,
    find_opened_signing,
    issue_phone_signing,
    newest_signing,
    open_phone_signing,
    sign_by_phone,
)
from scheduling.reach import get_invitation
from web.figures import RATE_LIMITED
from web.http.access import client_address, keep_cookie, own_origin
from web.http.errors import trouble
from web.keys import CLOCK, DATABASE, LIMITS
from web.minutes.live_strokes import LIVE_STROKES
from web.pages.signing import tell_room
from web.qr import qr_svg
from web.rendering import page
from web.views.link_pages import SECRET_LENGTH, code_of, find_holder, nobody

SIGNING_COOKIE = "lx_signing"
SHORT = 8  # Characters of the digest that both screens show, to be compared by eye.


# The screen that shows the code: the holder's own page.


async def issue(request: web.Request) -> web.StreamResponse:
    """POST {digest}: a new QR code, as an image of the address, told this once."""
    digest = str((await _posted(request)).get("digest", ""))[:64]
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return _gone()
        issued = await issue_phone_signing(db, request.app[CLOCK], found[0], found[2].id, digest)
    url = f"{own_origin(request)}/j/{code_of(request)}/phone/{issued.signing.id}#{issued.secret}"
    picture = base64.b64encode(qr_svg(url, "手机签字二维码", alone=True).encode()).decode()
    left = (issued.signing.valid_until - issued.signing.issued_at).total_seconds()
    told = {"qr": f"data:image/svg+xml;base64,{picture}", "seconds": int(left), "short": digest[:SHORT]}
    return web.json_response(told)


async def follow(request: web.Request) -> web.StreamResponse:
    """How the newest code stands, and what has been drawn on the phone so far."""
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return _gone()
        signing = await newest_signing(db, found[0])
    if signing is None:
        return web.json_response({"state": "cancelled", "drawn": None})
    state = signing.state_at(request.app[CLOCK].now())
    drawn = request.app[LIVE_STROKES].of(signing.id) if state in LIVE else None
    return web.json_response({"state": str(state), "drawn": drawn})


async def cancel(request: web.Request) -> web.StreamResponse:
    """The signer writes on this screen after all."""
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return _gone()
        await cancel_phone_signing(db, request.app[CLOCK], found[0], found[2].id)
    return web.json_response({})


# The phone: it holds nothing but this one link.


async def show(request: web.Request) -> web.StreamResponse:
    """Before it is opened the page says nothing about anybody."""
    signing, context = await _opened(request), nobody(request)
    context |= {"signing_id": _id_of(request), "signing": None, "over": ""}
    if signing is not None:
        state = signing.state_at(request.app[CLOCK].now())
        async with request.app[DATABASE].session() as db:
            invitation = await get_invitation(db, signing.invitation_id)
        context["signing"] = {"name": invitation.display_name, "short": signing.text_digest[:SHORT]}
        context |= {"over": OVER_WORDS.get(state, ""), "state": str(state)}
    return page(request, "citizen/phone_signing.html", context, title="在手机上签字")


async def open_here(request: web.Request) -> web.StreamResponse:
    """POST {secret}: this phone takes the link, once."""
    if not request.app[LIMITS].allow("exchange", client_address(request)):
        RATE_LIMITED.labels("exchange").inc()
        return trouble(request, 429)
    secret = str((await _posted(request)).get("secret", ""))[:SECRET_LENGTH]
    signing_id = _id_of(request)
    async with request.app[DATABASE].session() as db:
        device = await open_phone_signing(db, request.app[CLOCK], signing_id, secret)
    response = web.json_response({})
    path = f"/j/{code_of(request)}/phone/{signing_id}"
    keep_cookie(request, response, SIGNING_COOKIE, device, seconds=3600, path=path)
    return response


async def draw(request: web.Request) -> web.StreamResponse:
    """POST {width, height, strokes}: what the other screen shows meanwhile."""
    signing = await _opened(request)
    if signing is None:
        return _gone()
    if signing.state_at(request.app[CLOCK].now()) not in LIVE:
        return _answer(409, "signing_over", OVER_WORDS[signing.state_at(request.app[CLOCK].now())])
    if not request.app[LIVE_STROKES].draw(signing.id, await _drawn(request)):
        return _answer(422, "signature_unreadable", "没有收到完整的签名，请重新签一次。")
    return web.json_response({})


async def sign(request: web.Request) -> web.StreamResponse:
    """POST {width, height, strokes}: signed; the link is used up."""
    signing_id = _id_of(request)
    device = request.cookies.get(SIGNING_COOKIE, "")
    async with request.app[DATABASE].session() as db:
        signature = await sign_by_phone(db, request.app[CLOCK], signing_id, device, await _drawn(request))
        signing = await find_opened_signing(db, signing_id, device)
    request.app[LIVE_STROKES].forget(signing_id)
    if signing is not None:
        await tell_room(request, signing.session_id)
    return web.json_response({"at": signature.at.isoformat()})


async def _opened(request: web.Request) -> PhoneSigning | None:
    device, signing_id = request.cookies.get(SIGNING_COOKIE, ""), _id_of(request)
    async with request.app[DATABASE].session() as db:
        return await find_opened_signing(db, signing_id, device)


def _id_of(request: web.Request) -> str:
    """Of the address; what cannot be one is nobody's."""
    given = request.match_info["signing_id"]
    return given if given.isascii() and given.isalnum() and len(given) <= ID_LENGTH else ""


async def _drawn(request: web.Request) -> str:
    return (await request.read()).decode("utf-8", "replace")


async def _posted(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text())
    except (ValueError, LookupError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _gone() -> web.Response:
    return _answer(403, "link_invalid", "链接已失效")


def _answer(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
