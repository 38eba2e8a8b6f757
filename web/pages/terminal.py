"""A station's terminal (安放在信访服务站的终端): its start page, opening a link there, clearing everything.

A terminal is a browser that opens its station's start page by itself. From then on every page carries the
guard (templates/terminal_guard.html): after the reception, a refusal or a pause nothing of the person stays.
"""

from __future__ import annotations

import re

from aiohttp import web

from cases.errors import NotFound, RuleError
from scheduling.arrival.station_visit import leave_terminal
from scheduling.arrival.visiting_place import Place, find_place
from scheduling.links import find_issued
from scheduling.requests.citizen_requests import Asked, add_request
from web.figures import RATE_LIMITED
from web.http.access import (
    FORM_COOKIE,
    LINK_COOKIE,
    REGION,
    TERMINAL_COOKIE,
    client_address,
    keep_cookie,
    set_link_cookie,
    terminal_of,
)
from web.http.errors import trouble
from web.keys import CLOCK, DATABASE, LIMITS
from web.language import COOKIE as LANGUAGE_COOKIE
from web.language import say
from web.pages.citizen import link_problem, open_link, read_json
from web.rendering import page
from web.views.link_pages import code_of, find_holder

# What a scanner reads or hands type: the end of the address, whatever stands before it.
LINK = re.compile(r"([A-Za-z0-9]{4,10})#([A-Za-z0-9_-]{20,200})\s*$", re.ASCII)
LONGEST = 500
BAD_LINK = "这不是接访链接。请重新扫描，或请工作人员帮您打开。"
ASKED_STAFF = "这个链接已经在您的手机上打开。已告诉工作人员，他们同意以后，请再扫描一次。"


async def show(request: web.Request) -> web.StreamResponse:
    """The start page. Makes this browser the terminal of the station, unless a foreign page led here."""
    region, place = await _station(request)
    response = page(request, "citizen/terminal.html", {"place": place, "region": region}, title="视频接访")
    if request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin") or terminal_of(request):
        keep_cookie(request, response, TERMINAL_COOKIE, region, seconds=None)
    return response


async def open_here(request: web.Request) -> web.StreamResponse:
    """POST {link}: opens it on this terminal; {next} or {error}."""
    if not request.app[LIMITS].allow("exchange", client_address(request)):
        RATE_LIMITED.labels("exchange").inc()
        return trouble(request, 429)
    await _station(request)
    typed = (await read_json(request)).get("link", "")
    found = LINK.search(typed) if isinstance(typed, str) and len(typed) <= LONGEST else None
    if found is None:
        return web.json_response({"error": {"code": "bad_link", "message": say(BAD_LINK)}}, status=422)
    code, secret = found.groups()
    try:
        grant, _ = await open_link(request, code, secret)
    except RuleError as error:
        if error.code == "link_in_use":
            return await _ask_staff(request, code, secret)
        return link_problem(error)
    response = web.json_response({"next": f"/j/{code}"})
    set_link_cookie(request, response, code, grant.device_secret)
    return response


async def end(request: web.Request) -> web.StreamResponse:
    """Forget whoever used this terminal: the link is free again, cookies and what pages kept are cleared."""
    code = code_of(request) if "code" in request.match_info else ""
    if code and terminal_of(request):
        async with request.app[DATABASE].session() as db:
            if found := await find_holder(db, request):
                await leave_terminal(db, request.app[CLOCK], found[0])
    response = web.json_response({})
    for name in (FORM_COOKIE, LANGUAGE_COOKIE):
        response.del_cookie(name, path="/")
    if code:
        response.del_cookie(LINK_COOKIE, path=f"/j/{code}")
    # Where the connection is secure the browser clears by itself what nobody here thought of.
    response.headers["Clear-Site-Data"] = '"cookies", "storage"'
    return response


async def _ask_staff(request: web.Request, code: str, secret: str) -> web.Response:
    """The link is on the person's phone: an official at the station may let it be opened here."""
    async with request.app[DATABASE].session() as db:
        if invitation := await find_issued(db, code, secret):
            await add_request(db, request.app[CLOCK], invitation, Asked.OTHER_DEVICE)
            await db.commit()
    return web.json_response({"error": {"code": "link_in_use", "message": say(ASKED_STAFF)}}, status=403)


async def _station(request: web.Request) -> tuple[str, Place]:
    """Raises NotFound for a region whose office has not said where it receives (`lianxin place`)."""
    region = request.match_info["region"]
    if REGION.fullmatch(region):
        async with request.app[DATABASE].session() as db:
            if place := await find_place(db, region):
                return region, place
    raise NotFound("station_not_found", "没有登记这个接访点。请系统管理员先登记地址和时间。")
