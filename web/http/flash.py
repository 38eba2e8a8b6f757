"""What is shown after a redirect (a query code, a link): a few minutes in memory, never in a URL."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from typing import Any

from aiohttp import web

from web.http.access import FORM_COOKIE, SIGN_IN_COOKIE

KEPT_SECONDS = 120.0
# A receipt with its query code: whoever reloads, or taps on before it was copied, finds it again.
RECEIPT_SECONDS = 600.0
CEILING = 1000


class OnceBook:
    """Values by browser and name; each is taken once, the oldest go first when there are too many."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[float, Any]] = OrderedDict()

    def keep(self, browser: str, name: str, value: Any, now: float, seconds: float = KEPT_SECONDS) -> None:
        self._kept[(browser, name)] = (now + seconds, value)
        while len(self._kept) > CEILING:
            self._kept.popitem(last=False)

    def look(self, browser: str, name: str, now: float) -> Any:
        """What waits to be taken; it stays."""
        until, value = self._kept.get((browser, name), (now, None))
        return value if now < until else None

    def take(self, browser: str, name: str, now: float) -> Any:
        until, value = self._kept.pop((browser, name), (now, None))
        return value if now < until else None


ONCE = web.AppKey("once", OnceBook)


def keep_once(request: web.Request, name: str, value: Any, seconds: float = KEPT_SECONDS) -> None:
    request.app[ONCE].keep(_browser(request), name, value, time.monotonic(), seconds)


def take_once(request: web.Request, name: str) -> Any:
    return request.app[ONCE].take(_browser(request), name, time.monotonic())


def waits_once(request: web.Request, name: str) -> Any:
    """What `take_once` would give; it stays."""
    return request.app[ONCE].look(_browser(request), name, time.monotonic())


def _browser(request: web.Request) -> str:
    cookie = request.cookies.get(SIGN_IN_COOKIE) or request.cookies.get(FORM_COOKIE) or ""
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
