"""The body of a request before any page reads it: what cannot be read is the sender's trouble, not ours."""

from __future__ import annotations

import codecs
import zlib

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

FORM, FORM_WITH_FILES = "application/x-www-form-urlencoded", "multipart/form-data"
# No UTF-8 or no boundary; a part in an unknown charset or a broken encoding, cut off, or without headers.
UNREADABLE = (ValueError, LookupError, RuntimeError, zlib.error, AssertionError, HttpProcessingError)


def require_utf8(request: web.Request) -> None:
    """Pages, forms and programs speak UTF-8 (RFC 8259 section 8.1 for JSON); another charset raises 415."""
    try:
        known = codecs.lookup(request.charset or "utf-8").name == "utf-8"
    except (LookupError, ValueError):
        known = False
    if not known:
        raise web.HTTPUnsupportedMediaType


async def read_body(request: web.Request, takes_files: bool) -> None:
    """Read a form once, so that each page gets the same one from `request.post()`.

    Raises 415 where this route takes no files or the charset is another, 400 where the form is broken. A body
    that is no form stays unread: parts of a file are read piece by piece.
    """
    require_utf8(request)
    wanted = request.content_type == FORM_WITH_FILES and takes_files
    if request.content_type.startswith("multipart/") and not wanted:
        raise web.HTTPUnsupportedMediaType
    if request.content_type in (FORM, FORM_WITH_FILES):
        try:
            await request.post()
        except UNREADABLE as error:
            raise web.HTTPBadRequest from error
