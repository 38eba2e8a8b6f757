"""The switch between the languages; remembered for a year, like large type."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from web.access import is_https
from web.forms import Form
from web.language import CHINESE, COOKIE, KEPT, OTHERS
from web.pages.signin import see_other


async def choose(request: web.Request) -> web.StreamResponse:
    """Back to the page it was chosen on; an address elsewhere, or none of ours, leads to the first page."""
    form = Form(await request.post())
    wanted, where = form.typed("language"), form.typed("next")
    parts = urlsplit(where)
    ours = where.startswith("/") and not parts.scheme and not parts.netloc and "\\" not in where
    response = see_other(where if ours and where.isprintable() else "/")
    response.set_cookie(
        COOKIE,
        wanted if wanted in OTHERS else CHINESE,
        max_age=KEPT,
        httponly=True,
        secure=is_https(request),
        samesite="Lax",
    )
    return response
