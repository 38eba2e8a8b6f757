"""Who is asking: the sign-in cookie, form tokens, and where a person may be sent next."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from urllib.parse import urlsplit

from aiohttp import web

from cases.policy import ANONYMOUS, Actor
from cases.signin import SignInRules, find_sign_in
from scheduling.links import AFTERWARDS
from web.keys import ACTOR, CLOCK, DATABASE, SERVER_KEY, SETTINGS
from web.language import COOKIE, KEPT
from web.settings import Settings

SIGN_IN_COOKIE = "lx_signin"
LINK_COOKIE = "lx_link"
FORM_COOKIE = "lx_form"
TERMINAL_COOKIE = "lx_terminal"
REGION = re.compile(r"[0-9]{2,12}", re.ASCII)
NEW_FORM_COOKIE = web.RequestKey("new_form_cookie", str)
TWELVE_HOURS = 12 * 3600
# Longer than any link opens something; the link says when it no longer does.
LINK_SECONDS = int((AFTERWARDS + timedelta(days=2)).total_seconds())


def client_address(request: web.Request) -> str:
    """The address of the person; behind a trusted proxy the last one it appended."""
    peer = request.remote or ""
    if peer in request.app[SETTINGS].web.trusted_proxies:
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")[-1].strip()
        return forwarded or peer
    return peer


def own_origin(request: web.Request) -> str:
    """Scheme and host by which people reach us, as a browser writes them into Origin."""
    settings = request.app[SETTINGS].web
    if settings.public_url:
        return settings.public_url.rstrip("/")
    scheme = request.scheme
    if (request.remote or "") in settings.trusted_proxies:
        scheme = request.headers.get("X-Forwarded-Proto", scheme)
    return f"{scheme}://{request.host}"


def is_https(request: web.Request) -> bool:
    return own_origin(request).startswith("https://")


async def identify(request: web.Request) -> Actor:
    """The official of the sign-in cookie, or ANONYMOUS."""
    token = request.cookies.get(SIGN_IN_COOKIE, "")
    if not token or len(token) > 200:
        return ANONYMOUS
    # A board that renews itself before an empty chair must not keep the sign-in alive.
    seen = request.headers.get("X-Unattended") != "1"
    async with request.app[DATABASE].glance() as db:
        return await find_sign_in(db, request.app[CLOCK], token, sign_in_rules(request), seen) or ANONYMOUS


def sign_in_rules(request: web.Request) -> SignInRules:
    return rules_of(request.app[SETTINGS])


def rules_of(settings: Settings) -> SignInRules:
    """What the operator set for sign-ins."""
    return SignInRules(idle=timedelta(minutes=settings.web.idle_minutes), allow_demo=settings.demo)


def keep_cookie(
    request: web.Request, response: web.StreamResponse, name: str, value: str, *, seconds: int | None,
    path: str = "/",
) -> None:  # fmt: skip
    """Every cookie of ours: out of reach of scripts and of other sites, over HTTPS where that is how we are
    reached. `seconds` None: until the browser closes.
    """
    response.set_cookie(
        name, value, max_age=seconds, httponly=True, samesite="Lax", secure=is_https(request), path=path
    )


def set_sign_in_cookie(request: web.Request, response: web.StreamResponse, token: str) -> None:
    keep_cookie(request, response, SIGN_IN_COOKIE, token, seconds=TWELVE_HOURS)


def set_language_cookie(request: web.Request, response: web.StreamResponse, language: str) -> None:
    """In which language this browser is told everything, for a year."""
    keep_cookie(request, response, COOKIE, language, seconds=KEPT)


def set_link_cookie(
    request: web.Request, response: web.StreamResponse, code: str, device_secret: str
) -> None:
    """Each link has its own cookie by path, so that four links can be open in one browser."""
    # A terminal that loses its power forgets who sat there.
    seconds = None if terminal_of(request) else LINK_SECONDS
    keep_cookie(request, response, LINK_COOKIE, device_secret, seconds=seconds, path=f"/j/{code}")


def terminal_of(request: web.Request) -> str:
    """The region code of the station whose terminal this browser is; empty for everybody's own device."""
    region = request.cookies.get(TERMINAL_COOKIE, "")
    return region if REGION.fullmatch(region) else ""


def form_token(request: web.Request) -> str:
    """The token a form of this page must send back: bound to the sign-in, the link or the browser."""
    actor = request.get(ACTOR)
    if actor is not None and actor.kind == "official" and actor.csrf_token:
        return str(actor.csrf_token)
    if (link := request.cookies.get(LINK_COOKIE)) and request.path.startswith("/j/"):
        return keyed(request, "link", link)
    return keyed(request, "form", request.cookies.get(FORM_COOKIE) or _new_form_cookie(request))


def keyed(request: web.Request, purpose: str, value: str) -> str:
    """What this server alone can make of a value, for one purpose: hexadecimal digits."""
    told = f"{purpose}:{value}".encode("utf-8", "surrogatepass")  # A cookie may hold bytes that are no text.
    return hmac.new(request.app[SERVER_KEY], told, hashlib.sha256).hexdigest()


def token_matches(request: web.Request, given: str) -> bool:
    return given.isascii() and hmac.compare_digest(form_token(request), given)


def keep_form_cookie(request: web.Request, response: web.StreamResponse) -> None:
    """Hand out the cookie that anonymous form tokens are bound to, if this page made one."""
    if made := request.get(NEW_FORM_COOKIE):
        keep_cookie(request, response, FORM_COOKIE, made, seconds=TWELVE_HOURS)


def local_path(given: str | None, otherwise: str = "/board") -> str:
    """`given` when it is a plain path of ours, else `otherwise` (no open redirect)."""
    if not given or len(given) > 500 or not given.startswith("/") or given.startswith(("//", "/\\")):
        return otherwise
    parts = urlsplit(given)
    plain = given.isprintable() and "\\" not in given
    return given if plain and not parts.scheme and not parts.netloc else otherwise


def _new_form_cookie(request: web.Request) -> str:
    if NEW_FORM_COOKIE not in request:
        request[NEW_FORM_COOKIE] = secrets.token_urlsafe(24)
    return request[NEW_FORM_COOKIE]
