"""The switch between the languages; remembered for a year, and with the account of whoever is signed in."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from cases.policy import ActorKind
from cases.preferences import keep_language
from web.http.access import set_language_cookie
from web.http.forms import Form
from web.keys import ACTOR, DATABASE
from web.language import CHINESE, OTHERS
from web.pages.signin import see_other


async def choose(request: web.Request) -> web.StreamResponse:
    """Back to the page it was chosen on; an address elsewhere, or none of ours, leads to the first page."""
    form = Form(await request.post())
    wanted, where = form.typed("language"), form.typed("next")
    parts = urlsplit(where)
    ours = where.startswith("/") and not parts.scheme and not parts.netloc and "\\" not in where
    language = wanted if wanted in OTHERS else CHINESE
    if request[ACTOR].kind is ActorKind.OFFICIAL:
        async with request.app[DATABASE].session() as db:
            await keep_language(db, request[ACTOR], language)
    response = see_other(where if ours and where.isprintable() else "/")
    set_language_cookie(request, response, language)
    return response
