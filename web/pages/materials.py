"""证据材料 (C9 and the desk): uploading in parts, the list, and single pages as pictures.

The same handlers serve a sign-in (`/sessions/…`), a personal link (`/j/…`) and, in demo mode, a window of the
demonstration (`/demo/party/…`); `_bringer` finds out whose.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, Forbidden
from cases.fields import mask_name
from cases.policy import Action, Actor, allowed, require
from scheduling.materials.annotation import keep_annotated
from scheduling.materials.limits import LARGEST, PART
from scheduling.materials.material import KIND_NAMES, Material
from scheduling.materials.reading import find_material, list_materials, read_page
from scheduling.materials.rendering import Rendering
from scheduling.materials.store import MaterialStore
from scheduling.materials.uploading import Progress, Upload, add_part, begin_upload, finish_upload
from scheduling.reach import load_session, scope_of_session
from scheduling.session import OVER, Session
from signaling.exhibit import Exhibit
from web.http.access import form_token
from web.http.errors import wants_json
from web.http.parts import natural, read_part, read_words, text_of
from web.keys import ACTOR, CLOCK, DATABASE, REGISTRY, SETTINGS
from web.pages.demo import find_party
from web.pages.signin import see_other
from web.rendering import page
from web.views.link_pages import code_of, context_of, find_holder, next_page, problem_page
from web.words import size as size_words

STORE = web.AppKey("materials", MaterialStore)
RENDERING = web.AppKey("rendering", Rendering)
ACCEPTED = "image/jpeg,image/png,image/webp,application/pdf"


async def keep_materials(app: web.Application) -> AsyncIterator[None]:
    """Given: settings. Owned: the store of materials and the turn of opening them."""
    app[STORE] = MaterialStore.at(app[SETTINGS].state)
    app[RENDERING] = Rendering()
    yield


@dataclass(frozen=True)
class Bringer:
    """Who asks, in which session, and under which address its materials are."""

    actor: Actor
    session: Session
    address: str


async def show(request: web.Request) -> web.StreamResponse:
    """The desk's page; as JSON the list."""
    async with request.app[DATABASE].session() as db:
        bringer = await _bringer(db, request)
        listed = await _list(db, request, bringer)
    if wants_json(request):
        return web.json_response(listed, dumps=_dumps)
    context = {"nav": "board", "session": bringer.session, "boot": listed["place"]}
    context |= {"materials": listed["materials"]}
    return page(request, "materials.html", context, title=f"材料：{bringer.session.title}")


async def show_own(request: web.Request) -> web.StreamResponse:
    """The citizen's page; as JSON the list."""
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        base = f"/j/{code_of(request)}"
        where = next_page(request, found[1], found[2])
        if where not in (f"{base}/room", f"{base}/receipt"):
            return see_other(where)
        bringer = await _bringer(db, request)
        listed = await _list(db, request, bringer)
        if wants_json(request):
            return web.json_response(listed, dumps=_dumps)
        context = await context_of(db, request, found)
        context |= {"materials": listed["materials"], "boot": listed["place"]}
    return page(request, "citizen/materials.html", context, title="我的材料")


async def list_for_window(request: web.Request) -> web.StreamResponse:
    """The list of a window of the demonstration, as JSON: its page is the room."""
    async with request.app[DATABASE].session() as db:
        return web.json_response(await _list(db, request, await _bringer(db, request)), dumps=_dumps)


async def begin(request: web.Request) -> web.StreamResponse:
    """POST {digest, size, name, done}: where to go on; with `done` the material is made of what was sent."""
    async with request.app[DATABASE].session() as db:
        bringer = await _bringer(db, request, Action.ADD_MATERIAL)
        body = await read_words(request)
        upload = Upload(text_of(body, "digest")[:64], natural(body.get("size")))
        actor, session_id, store = bringer.actor, bringer.session.id, request.app[STORE]
        if body.get("done") is not True:
            return _told(await begin_upload(db, store, actor, session_id, upload), bringer)
        clock, rendering = request.app[CLOCK], request.app[RENDERING]
        name = text_of(body, "name")
        made = await finish_upload(db, clock, store, rendering, actor, session_id, upload, name)
    return _told(Progress(upload.size, made), bringer)


async def add(request: web.Request) -> web.StreamResponse:
    """One part as the body; `size` and `offset` in the address, in bytes."""
    async with request.app[DATABASE].session() as db:
        bringer = await _bringer(db, request, Action.ADD_MATERIAL)
        size, offset = (natural(request.query.get(name)) for name in ("size", "offset"))
        upload = Upload(request.match_info["digest"], size)
        content = await read_part(request)
        session_id = bringer.session.id
        progress = await add_part(db, request.app[STORE], bringer.actor, session_id, upload, offset, content)
    return _told(progress, bringer)


async def picture(request: web.Request) -> web.StreamResponse:
    """One page as JPEG: of what one may see, or of what the room looks at now."""
    async with request.app[DATABASE].session() as db:
        bringer = await _bringer(db, request)
        material_id = request.match_info["material_id"]
        exhibit = _exhibit(request, bringer)
        shown = exhibit is not None and exhibit.material_id == material_id
        material = await find_material(db, bringer.actor, bringer.session.id, material_id, shown)
    content = await read_page(request.app[STORE], material, natural(request.match_info["number"]))
    return web.Response(body=content, content_type="image/jpeg", headers={"Content-Disposition": "inline"})


async def copy(request: web.Request) -> web.StreamResponse:
    """POST {}: keep the page that is up, with what is drawn on it, as a new material."""
    async with request.app[DATABASE].session() as db:
        bringer = await _bringer(db, request, Action.ADD_MATERIAL)
        material_id, exhibit = request.match_info["material_id"], _exhibit(request, bringer)
        if exhibit is None or exhibit.material_id != material_id:
            raise Conflict("not_shown", "这份材料现在没有出示。")
        made = await keep_annotated(
            db, request.app[CLOCK], request.app[STORE], bringer.actor, bringer.session.id,
            material_id, exhibit.page, [list(stroke) for stroke in exhibit.drawn],
        )  # fmt: skip
    return _told(Progress(made.size, made), bringer)


def desk_view(material: Material) -> dict[str, Any]:
    """A material as officials see it, wherever it is listed."""
    return view_of(material, f"/sessions/{material.session_id}/materials")


def view_of(material: Material, address: str, named: bool = True) -> dict[str, Any]:
    """A material for a page and its module; `address` is where the session's materials are.

    Without `named` the guest who brought it is masked.
    """
    return {
        "id": material.id,
        "name": material.name,
        "kind": KIND_NAMES[material.kind],
        "pages": material.pages,
        "size": size_words(material.size),
        "brought_by": material.brought_by if named or material.of_office else mask_name(material.brought_by),
        "at": material.created_at.isoformat(),
        "moment": material.created_at,
        "of_office": material.of_office,
        "picture": f"{address}/{material.id}/pages/",
    }


def boot_of(request: web.Request, bringer: Bringer) -> dict[str, Any]:
    """What js/materials/upload.js needs."""
    return {
        "address": bringer.address,
        "csrf_token": form_token(request),
        "largest": LARGEST,
        "part": PART,
        "accepted": ACCEPTED,
    }


async def _bringer(db: AsyncSession, request: web.Request, action: Action = Action.SEE_MATERIALS) -> Bringer:
    """Who asks, once the policy has let them. Raises NotFound, Forbidden."""
    if "code" in request.match_info:
        found = await find_holder(db, request)
        if found is None:
            raise Forbidden("link_invalid", "链接已失效，请重新打开短信里的链接。")
        actor, _, session = found
        where = next_page(request, found[1], session)
        if not where.endswith(("/room", "/receipt")):
            raise Forbidden("identity_needed", "请先完成前面的步骤，再上传材料。")
        bringer = Bringer(actor, session, f"/j/{code_of(request)}/materials")
    elif "party" in request.match_info:
        actor, session = await find_party(db, request)
        bringer = Bringer(actor, session, f"/demo/party/{request.match_info['party']}/materials")
    else:
        session = await load_session(db, request.match_info["session_id"])
        bringer = Bringer(request[ACTOR], session, f"/sessions/{session.id}/materials")
    require(bringer.actor, action, await scope_of_session(db, bringer.session))
    return bringer


async def _list(db: AsyncSession, request: web.Request, bringer: Bringer) -> dict[str, Any]:
    """What one may see, and what js/materials/upload.js needs where one may bring more."""
    materials = await list_materials(db, bringer.actor, bringer.session.id)
    named = allowed(bringer.actor, Action.KNOW_NAMES, await scope_of_session(db, bringer.session))
    return {
        "materials": [view_of(each, bringer.address, named) for each in materials],
        "place": boot_of(request, bringer) if await _may_add(db, bringer) else None,
    }


def _exhibit(request: web.Request, bringer: Bringer) -> Exhibit | None:
    """What the room looks at now, for those who are in it and not kept out of a deliberation."""
    live = request.app[REGISTRY].rooms.get(bringer.session.id)
    if live is None or live.room.exhibit is None:
        return None
    inside = {live.holders[person.id] for person in live.room.listeners() if person.id in live.holders}
    actor = bringer.actor
    mine = any(
        (actor.invitation_id and each.invitation_id == actor.invitation_id)
        or (actor.official_id and each.official_id == actor.official_id)
        for each in inside
    )
    return live.room.exhibit if mine else None


async def _may_add(db: AsyncSession, bringer: Bringer) -> bool:
    scope = await scope_of_session(db, bringer.session)
    return bringer.session.state not in OVER and allowed(bringer.actor, Action.ADD_MATERIAL, scope)


def _told(progress: Progress, bringer: Bringer) -> web.Response:
    body: dict[str, Any] = {"received": progress.received, "material": None}
    if progress.material is not None:
        body["material"] = view_of(progress.material, bringer.address)
    return web.json_response(body, dumps=_dumps)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
