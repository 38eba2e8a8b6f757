"""Files that come with a matter: sent in parts by who fills in the form, looked at on the case's page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from scheduling.intake.enclosing import add_part, finish, read_page, received, store_at
from scheduling.intake.enclosure import LARGEST, Enclosure, Purpose
from scheduling.materials.limits import PART
from scheduling.materials.material import KIND_NAMES
from scheduling.materials.store import MaterialStore
from scheduling.materials.uploading import Upload
from web.figures import RATE_LIMITED
from web.http.access import client_address, form_token
from web.http.errors import trouble
from web.http.parts import natural, read_part, read_words, text_of
from web.keys import ACTOR, CLOCK, DATABASE, LIMITS, SETTINGS
from web.pages.materials import ACCEPTED, RENDERING
from web.words import size as size_words

ENCLOSURES = web.AppKey("enclosures", MaterialStore)
PURPOSE_NAMES = {Purpose.MATTER: "随表材料", Purpose.MANDATE: "授权委托书"}


async def keep_enclosures(app: web.Application) -> AsyncIterator[None]:
    """Given: settings. Owned: the store of enclosures."""
    app[ENCLOSURES] = store_at(app[SETTINGS].state)
    yield


async def begin(request: web.Request) -> web.StreamResponse:
    """POST {digest, size, name, done}: where to go on; with `done` the file is opened and kept."""
    if refused := _too_fast(request):
        return refused
    told = await read_words(request)
    upload = Upload(text_of(told, "digest")[:64], natural(told.get("size")))
    form_id, store = request.match_info["form_id"], request.app[ENCLOSURES]
    purpose = _purpose(request)
    async with request.app[DATABASE].session() as db:
        if told.get("done") is not True:
            return _told(await received(db, store, form_id, upload))
        made = await finish(
            db,
            request.app[CLOCK],
            store,
            request.app[RENDERING],
            form_id,
            upload,
            text_of(told, "name"),
            purpose,
        )
    return _told(upload.size, made)


async def add(request: web.Request) -> web.StreamResponse:
    """One part as the body; `size` and `offset` in the address, in bytes."""
    if refused := _too_fast(request):
        return refused
    size, offset = (natural(request.query.get(name)) for name in ("size", "offset"))
    upload, content = Upload(request.match_info["digest"], size), await read_part(request)
    _purpose(request)
    async with request.app[DATABASE].session() as db:
        here = await add_part(
            db, request.app[ENCLOSURES], request.match_info["form_id"], upload, offset, content
        )
    return _told(here)


async def picture(request: web.Request) -> web.StreamResponse:
    """One page as JPEG, for officials who may see the matter."""
    where = request.match_info
    async with request.app[DATABASE].session() as db:
        content = await read_page(
            db, request.app[ENCLOSURES], request[ACTOR], where["petition_id"], where["enclosure_id"],
            natural(where["number"]),
        )  # fmt: skip
    return web.Response(body=content, content_type="image/jpeg", headers={"Content-Disposition": "inline"})


def boot_of(request: web.Request, form_id: str, purpose: Purpose) -> dict[str, Any]:
    """What js/intake/enclose.js needs."""
    return {
        "address": f"/petition/files/{form_id}/{purpose}",
        "csrf_token": form_token(request),
        "largest": LARGEST,
        "part": PART,
        "accepted": ACCEPTED,
        "beside": True,
    }


def enclosure_view(enclosure: Enclosure) -> dict[str, Any]:
    """As the macro `material` takes it."""
    return {
        "id": enclosure.id,
        "name": enclosure.name,
        "kind": KIND_NAMES[enclosure.kind],
        "pages": enclosure.pages,
        "size": size_words(enclosure.size),
        "brought_by": PURPOSE_NAMES[enclosure.purpose],
        "moment": enclosure.created_at,
        "picture": f"/cases/{enclosure.petition_id}/enclosures/{enclosure.id}/pages/",
    }


def _too_fast(request: web.Request) -> web.StreamResponse | None:
    if request.app[LIMITS].allow("enclosure", client_address(request)):
        return None
    RATE_LIMITED.labels("enclosure").inc()
    return trouble(request, 429)


def _purpose(request: web.Request) -> Purpose:
    named = request.match_info["purpose"]
    if named not in set(Purpose):
        raise web.HTTPNotFound
    return Purpose(named)


def _told(here: int, made: Enclosure | None = None) -> web.Response:
    body: dict[str, Any] = {"received": here, "material": None}
    if made is not None:
        body["material"] = {"id": made.id, "name": made.name, "pages": made.pages}
    return web.json_response(body)
