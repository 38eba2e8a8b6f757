"""Pages that answer a form, and the button 返回 of the browser."""

from __future__ import annotations

from aiohttp import web

from web.http.access import terminal_of


def shown_again(request: web.Request, response: web.Response) -> web.Response:
    """The browser may show this answer once more, after back or when a phone had put the page away.

    Instead of an answer to a form that may not be stored, browsers show an error page that tells of sending
    twice. On a terminal that everybody uses nothing is stored.
    """
    if not terminal_of(request):
        response.headers["Cache-Control"] = "private, no-cache"
    return response
