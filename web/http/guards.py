"""Middlewares: request id, error pages, Origin and form tokens, who is asking, the declared permission."""

from __future__ import annotations

import logging
import re
import time
import uuid

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.typedefs import Handler

from cases.actions import SIGNED_IN_ACTIONS
from cases.errors import RuleError
from cases.policy import ANONYMOUS, Action, require
from web.figures import REQUEST_SECONDS, REQUESTS
from web.http.access import identify, is_https, keep_form_cookie, own_origin, token_matches
from web.http.body import FORM, FORM_WITH_FILES, read_body, require_utf8
from web.http.errors import rule_response, sign_in_redirect, trouble
from web.http.permissions import CEILINGS, PERMISSIONS, Who
from web.keys import ACTOR, FRAMING, REQUEST_ID, SETTINGS
from web.language import COOKIE, choose_language, speak

logger = logging.getLogger(__name__)
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9a-fA-F:]+\](:\d{1,5})?")
CONTENT_POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; img-src 'self' data:; "
    "media-src 'self' blob:; connect-src 'self'{socket}; frame-src {children}; frame-ancestors {parents}"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()"
    ),
}


def route_name(request: web.Request) -> str:
    """The path pattern (`/cases/{id}`), which holds no personal data and no link code."""
    try:
        resource = request.match_info.route.resource
    except AssertionError:  # Refused before a route was looked for, such as a line that is too long.
        return "(none)"
    return resource.canonical if resource is not None else "(none)"


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: also reaches streams and WebSockets."""
    framing = request.get(FRAMING, "")
    socket = ""
    if HOST.fullmatch(request.host or ""):  # Older Safari does not count WebSockets as 'self'.
        socket = f" {'wss' if is_https(request) else 'ws'}://{request.host}"
    response.headers["Content-Security-Policy"] = CONTENT_POLICY.format(
        socket=socket,
        children="'self'" if framing == "parent" else "'none'",
        parents="'self'" if framing == "child" else "'none'",
    )
    response.headers["X-Frame-Options"] = "SAMEORIGIN" if framing == "child" else "DENY"
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    if is_https(request):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    response.headers["X-Request-Id"] = request.get(REQUEST_ID, "")
    response.headers.pop("Server", None)


@web.middleware
async def answer_trouble(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id; turn every refusal and failure into a page or JSON."""
    request[REQUEST_ID] = uuid.uuid4().hex[:16]
    started = time.perf_counter()
    response = await _answer(request, handler)
    if not response.prepared:  # Cookies are written before the signal below could add one.
        keep_form_cookie(request, response)
    REQUESTS.labels(request.method, route_name(request), response.status).inc()
    REQUEST_SECONDS.observe(time.perf_counter() - started)
    return response


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except RuleError as error:
        return rule_response(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = trouble(request, error.status)
        if error.status == 405:
            answer.headers["Allow"] = error.headers.get("Allow", "")
        return answer
    except ConnectionResetError:
        raise
    except Exception:  # noqa: BLE001 - a bug: logged with its trace, told without.
        logger.exception("Request %s on %s failed", request[REQUEST_ID], route_name(request))
        return trouble(request, 500)


@web.middleware
async def check_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse unsafe methods that another site caused.

    A form posted under `Referrer-Policy: no-referrer` carries `Origin: null` (Fetch standard, "append a
    request Origin header"), so such a request stands on Sec-Fetch-Site and its form token alone.
    """
    if request.method in SAFE_METHODS:
        return await handler(request)
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin not in (None, "null") and origin != own_origin(request):
        return trouble(request, 403, code="foreign_origin")
    if site not in (None, "same-origin"):
        return trouble(request, 403, code="foreign_origin")
    return await handler(request)


@web.middleware
async def check_permission(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who asks, hold the route's declared permission against it, and check the form token."""
    # A court comes once, by a link from outside, and its secret does not survive the switch of the page.
    follow = request.app[SETTINGS].web.follow_browser or request.path.startswith("/court/")
    speak(choose_language(request.cookies.get(COOKIE), request.headers.get("Accept-Language", ""), follow))
    if request.match_info.http_exception is not None:
        request[ACTOR] = await identify(request)  # So that the error page shows the right navigation.
        return await handler(request)
    needs = request.app[PERMISSIONS][
        (request.method if request.method != "HEAD" else "GET", route_name(request))
    ]
    if needs is Who.NOBODY_SPECIAL:
        return await handler(request)
    if needs is Who.PROGRAM:
        request[ACTOR] = ANONYMOUS
        require_utf8(request)
        return await handler(request)
    request[ACTOR] = await identify(request)
    if refusal := _refusal(request, needs):
        return refusal
    if ceiling := request.app[CEILINGS].get((request.method, route_name(request))):
        request = request.clone(client_max_size=ceiling)
    if request.method not in SAFE_METHODS:
        await read_body(request, takes_files=bool(ceiling))
    if (
        request.method not in SAFE_METHODS
        and needs is not Who.SOCKET
        and not await _form_token_given(request)
    ):
        return trouble(
            request, 403, code="form_expired", message="页面已经过期。请返回上一页，刷新后再提交。"
        )
    return await handler(request)


def _refusal(request: web.Request, needs: Who | Action) -> web.StreamResponse | None:
    if isinstance(needs, Action):
        if request[ACTOR].must_change and needs not in SIGNED_IN_ACTIONS and request.method in SAFE_METHODS:
            return web.Response(status=302, headers={"Location": "/password", "Cache-Control": "no-store"})
        require(request[ACTOR], needs)  # Coarse: may this person do it anywhere? The use case asks again.
    if needs is Who.SIGNED_IN and request[ACTOR].kind != "official":
        return sign_in_redirect(request)
    if needs is Who.DEMO and not request.app[SETTINGS].demo:
        return trouble(request, 404)
    return None


async def _form_token_given(request: web.Request) -> bool:
    if header := request.headers.get("X-CSRF-Token"):
        return token_matches(request, header)
    if request.content_type in (FORM, FORM_WITH_FILES):
        given = (await request.post()).get("csrf_token", "")
        return isinstance(given, str) and token_matches(request, given)
    # A JSON body cannot be sent by a foreign form; an exact Origin is then enough where no token exists yet.
    bound_to_sign_in = request[ACTOR].kind == "official" and not request.path.startswith("/j/")
    same_origin = request.headers.get("Origin") == own_origin(request)
    return same_origin and not bound_to_sign_in


class AccessLogger(AbstractAccessLogger):
    """Method, path pattern, status, time and request id: no query, no code, no person."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        pattern = route_name(request) if isinstance(request, web.Request) else "(unreadable)"
        known = request.get(REQUEST_ID, "-")
        self.logger.info("%s %s %s %.1fms %s", request.method, pattern, response.status, time * 1000, known)


__all__ = ["AccessLogger", "add_security_headers", "answer_trouble", "check_origin", "check_permission"]
