"""The programming interface, version 1: cases in and out as JSON, refusals as problem+json (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel, PetitionCase, PetitionClass
from cases.cursor import Cursor, read_cursor
from cases.errors import Conflict, Invalid, NotFound, RuleError
from cases.fields import clean
from cases.handling.clocks import list_clocks
from cases.intake.client import ApiScope, Caller, TokenRefused, find_caller
from cases.intake.matters import Matter, find_by_source, register_matter
from cases.people import PersonDetails
from cases.petitions import get_petition
from cases.policy import Action, require
from cases.visibility import visible_petitions
from web.http.access import client_address
from web.http.errors import status_of
from web.identity_marks import marked
from web.keys import CLOCK, DATABASE, LIMITS

MOST = 100
BODY = 64 * 1024
TEXTS = ("name", "phone", "id_number", "address", "subject", "description", "external_id")
Answer = Callable[[web.Request, AsyncSession, Caller], Awaitable[web.Response]]


async def create(request: web.Request) -> web.StreamResponse:
    """POST: one matter. The same `external_id` again answers 200 with the case that is there."""
    return await _answered(request, ApiScope.WRITE, _create)


async def show_list(request: web.Request) -> web.StreamResponse:
    """GET: cases the client's office sees, newest first; `?after=` goes on where a page ended."""
    return await _answered(request, ApiScope.READ, _list)


async def show(request: web.Request) -> web.StreamResponse:
    """GET: one case by its number, with its time limits."""
    return await _answered(request, ApiScope.READ, _show)


async def _create(request: web.Request, db: AsyncSession, caller: Caller) -> web.Response:
    told = await _body(request)
    source = f"api-{caller.client.id}"
    external_id = told["external_id"]
    if not 0 < len(external_id) <= 100 or external_id != clean(external_id):
        raise Invalid("required", "external_id 要有 1 到 100 个字符。", "external_id")
    matter = Matter(
        Channel(_choice(told, "channel", Channel, Channel.WEB)), caller.client.organisation_id,
        marked(request.app, PersonDetails(*(told[n] for n in ("name", "phone", "id_number", "address")))),
        told["subject"], told["description"],
        PetitionClass(_choice(told, "class", PetitionClass, PetitionClass.CLAIM)),
        source=source, external_id=external_id, phone_required=False,
    )  # fmt: skip
    try:
        petition, code = await register_matter(db, request.app[CLOCK], caller.actor, matter)
    except Conflict as error:
        known = await find_by_source(db, source, external_id)
        if error.code != "already_submitted" or known is None:
            raise
        return web.json_response({"number": (await db.get_one(PetitionCase, known)).number}, status=200)
    body = {"number": petition.number, "query_code": code}
    return web.json_response(body, status=201, headers={"Location": f"/api/v1/cases/{petition.number}"})


async def _list(request: web.Request, db: AsyncSession, caller: Caller) -> web.Response:
    require(caller.actor, Action.SEE_PETITION)
    query = select(PetitionCase).where(visible_petitions(caller.actor))
    if after := request.query.get("after", ""):
        cursor = read_cursor(after)
        if cursor is None:
            raise Invalid("bad_cursor", "after 不对，请用上一页给的 next。", "after")
        query = query.where(cursor.beyond(PetitionCase.registered_at, PetitionCase.id))
    query = query.order_by(PetitionCase.registered_at.desc(), PetitionCase.id.desc()).limit(MOST + 1)
    found = (await db.scalars(query)).all()
    last = found[MOST - 1] if len(found) > MOST else None
    body = {
        "cases": [_told(petition) for petition in found[:MOST]],
        "next": Cursor(last.registered_at, last.id).spelled() if last else None,
    }
    return web.json_response(body)


async def _show(request: web.Request, db: AsyncSession, caller: Caller) -> web.Response:
    number = request.match_info["number"][:32].upper()
    found = await db.scalar(select(PetitionCase.id).where(PetitionCase.number == number))
    if found is None:
        raise NotFound("petition_not_found", NotFound.default_message)
    petition = await get_petition(db, caller.actor, found)
    clocks = [
        {
            "duty": c.duty,
            "due_on": c.rolled_on and c.rolled_on.isoformat(),
            "met_on": c.met_on and str(c.met_on),
        }
        for c in await list_clocks(db, petition.id)
    ]
    return web.json_response(_told(petition) | {"clocks": clocks})


def _told(petition: PetitionCase) -> dict[str, Any]:
    """What leaves the house of a case: nothing of the person."""
    return {
        "number": petition.number,
        "channel": str(petition.channel),
        "class": str(petition.class_),
        "state": str(petition.state),
        "subject": petition.subject,
        "office": petition.custodian.name,
        "registered_at": petition.registered_at.isoformat(),
    }


async def _answered(request: web.Request, scope: ApiScope, answer: Answer) -> web.StreamResponse:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        if not request.app[LIMITS].allow("api", client_address(request)):
            return _problem(429, "too_fast", "短时间内请求太多。请等一分钟再试。")
        async with request.app[DATABASE].session() as db:
            known = kind.lower() == "bearer" and token.isascii()
            caller = await find_caller(db, token.strip() if known else "")
            caller.require(scope)
            return await answer(request, db, caller)
    except TokenRefused as error:
        return _problem(401, error.code, error.message, headers={"WWW-Authenticate": "Bearer"})
    except RuleError as error:
        return _problem(status_of(error), error.code, error.message, error.field)


def _problem(
    status: int, code: str, detail: str, field: str | None = None, headers: Mapping[str, str] | None = None
) -> web.Response:
    body = {"type": "about:blank", "status": status, "code": code, "detail": detail}
    body |= {"field": field} if field else {}
    text = json.dumps(body, ensure_ascii=False)
    return web.Response(
        text=text, status=status, content_type="application/problem+json", headers=dict(headers or {})
    )


async def _body(request: web.Request) -> dict[str, str]:
    content = await request.content.read(BODY + 1)
    if len(content) > BODY:
        raise Invalid("too_large", "内容太长。")
    try:
        told = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Invalid("bad_json", "内容不是 JSON。") from error
    if not isinstance(told, dict):
        raise Invalid("bad_json", "内容要是一个 JSON 对象。")
    if unknown := sorted(set(told) - {*TEXTS, "channel", "class"}):
        raise Invalid("unknown_field", f"没有这个字段：{clean(unknown[0])[:40]}。", clean(unknown[0])[:40])
    for name in (*TEXTS, "channel", "class"):
        if not isinstance(told.setdefault(name, ""), str):
            raise Invalid("bad_type", f"{name} 要是文字。", name)
    return told


def _choice(told: Mapping[str, str], name: str, known: Any, default: str) -> str:
    if not told[name]:
        return default
    if told[name] not in set(known):
        raise Invalid("unknown_value", f"{name} 要是：{'、'.join(known)}。", name)
    return told[name]
