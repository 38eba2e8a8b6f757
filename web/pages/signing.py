"""Answering objections, signing and finishing the minutes, for officials; the minutes as PDF and Word."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Forbidden, Invalid, NotFound, RuleError
from cases.policy import Action, Scope, allowed
from cases.roles import InvitationRole
from recordings.evidence.minutes_record import record_of
from recordings.evidence.signed_minutes import SignedMinutes, check_final, sign_final
from recordings.evidence.signing import load_signer
from recordings.review.minutes_places import film_places
from scheduling.minutes.changes import changes_since_read_back
from scheduling.minutes.objection import OUTCOME_NAMES, ObjectionOutcome
from scheduling.minutes.phone_signing import cancel_for_signer, waiting_signers
from scheduling.minutes.reading import Reading, answer_objection, reading_of
from scheduling.minutes.record import (
    MINUTES_STATE_NAMES,
    MinutesState,
    move_minutes,
    read_minutes,
    scope_of_minutes,
)
from scheduling.minutes.signature import (
    ACT_NAMES,
    SignatureAct,
    Signer,
    left_out,
    list_signers,
    missing_first,
    note_signer,
    sign_minutes,
    signer_of,
)
from scheduling.session import Session
from scheduling.sessions.sessions import get_session
from signaling.handlers.minutes import refresh
from web.http.access import own_origin
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, REGISTRY, SETTINGS
from web.minutes.pdf import minutes_pdf
from web.minutes.printed import Printed, printed
from web.minutes.word import minutes_word
from web.pages.signin import see_other
from web.rendering import page

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
OUTCOMES = {str(each): OUTCOME_NAMES[each] for each in ObjectionOutcome}
NOTED = {str(each): ACT_NAMES[each] for each in (SignatureAct.AGREED_ALOUD, SignatureAct.REFUSED)}


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form())


async def submit(request: web.Request) -> web.StreamResponse:
    """Begin signing, answer an objection, sign, write down what somebody said, or end signing by phone."""
    form, session_id = Form(await request.post()), request.match_info["session_id"]
    async with request.app[DATABASE].session() as db:
        await read_minutes(db, request[ACTOR], session_id)
        try:
            await _act(request, db, form)
        except RuleError as error:
            form.fail(getattr(error, "field", None) or "act", error.message)
    if form.errors:
        return await _page(request, form, 422)
    await tell_room(request, session_id)
    return see_other(f"/sessions/{session_id}/minutes/signing")


async def _act(request: web.Request, db: AsyncSession, form: Form) -> None:
    actor, clock, session_id = request[ACTOR], request.app[CLOCK], request.match_info["session_id"]
    act, digest = form.typed("act"), form.typed("digest")[:64]
    if act == "begin":
        await move_minutes(db, clock, actor, session_id, MinutesState.SIGNING)
    elif act == "sign":
        await sign_minutes(db, clock, actor, session_id, digest, str(form.typed_whole("strokes")))
    elif act == "answer":
        outcome = form.choice("outcome", OUTCOMES, "请选择怎样答复")
        words = form.typed("words")
        if outcome:
            objection = form.typed("objection_id")[:32]
            await answer_objection(db, clock, actor, session_id, objection, ObjectionOutcome(outcome), words)
    elif act == "cancel_phone":
        await cancel_for_signer(db, clock, actor, session_id, form.typed("signer_id")[:32])
    elif act in NOTED:
        signer, reason = form.typed("signer_id")[:32], form.typed("reason")
        await note_signer(db, clock, actor, session_id, digest, signer, SignatureAct(act), reason)
    else:
        raise Invalid("act_unknown", "请选择要做的事。", "act")


async def as_pdf(request: web.Request) -> web.StreamResponse:
    told = await _told(request)
    body = await asyncio.to_thread(minutes_pdf, told, request.app[CLOCK].now())
    return document(body, "application/pdf", "minutes.pdf")


async def as_record(request: web.Request) -> web.StreamResponse:
    """The signed statement as a file for `lianxin verify`. Raises NotFound before the minutes are final."""
    actor, session_id = request[ACTOR], request.match_info["session_id"]
    async with request.app[DATABASE].session() as db:
        reading = await reading_of(db, await read_minutes(db, actor, session_id))
        signed = await _sign(request, db, reading)
    if signed is None:
        raise NotFound("minutes_not_final", "笔录还没有定稿，没有签名记录。")
    return document(record_of(signed), "application/json", "minutes.json")


async def as_word(request: web.Request) -> web.StreamResponse:
    told = await _told(request)
    body = await asyncio.to_thread(minutes_word, told, request.app[CLOCK].now())
    return document(body, WORD, "minutes.docx")


async def _told(request: web.Request) -> Printed:
    actor, session_id = request[ACTOR], request.match_info["session_id"]
    async with request.app[DATABASE].session() as db:
        session = await get_session(db, actor, session_id)
        sheet = await read_minutes(db, actor, session_id)
        return await print_of(request, db, session, await reading_of(db, sheet))


async def print_of(request: web.Request, db: AsyncSession, session: Session, reading: Reading) -> Printed:
    """What the documents say; a final sheet is signed with the key in use first, if it is not yet."""
    await _sign(request, db, reading)
    signers = await list_signers(db, reading.sheet.minutes)
    places = await film_places(
        db, request[ACTOR], session, reading.sheet, request.app[SETTINGS].recordings_root
    )
    films = {key: own_origin(request) + place.address for key, place in places.items()}
    return printed(session, reading, signers, await check_final(db, reading), films)


async def _sign(request: web.Request, db: AsyncSession, reading: Reading) -> SignedMinutes | None:
    if reading.sheet.minutes.state is not MinutesState.LOCKED:
        return None
    signer = await asyncio.to_thread(load_signer, request.app[SETTINGS].state / "keys")
    return await sign_final(db, request.app[CLOCK], reading, signer)


async def tell_room(request: web.Request, session_id: str) -> None:
    """Everybody in the room hears that the minutes have another state."""
    live = request.app[REGISTRY].rooms.get(session_id)
    if live is not None:
        await refresh(live)


def document(body: bytes, kind: str, name: str) -> web.Response:
    """A file to keep; it is opened by the browser where it can."""
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"}
    return web.Response(body=body, content_type=kind, headers=headers)


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    actor, session_id = request[ACTOR], request.match_info["session_id"]
    async with request.app[DATABASE].session() as db:
        session = await get_session(db, actor, session_id)
        reading = await reading_of(db, await read_minutes(db, actor, session_id))
        scope = await scope_of_minutes(db, session)
        told = await print_of(request, db, session, reading)
        signers = await list_signers(db, reading.sheet.minutes)
        may_write = allowed(actor, Action.WRITE_MINUTES, scope)
        on_phone = await waiting_signers(db, request.app[CLOCK], reading.sheet.minutes)
        context = _context(reading, signers, may_write, on_phone)
        context |= {"session": session, "told": told, "form": form, "nav": "board"}
        context["draft"] = await changes_since_read_back(db, reading.sheet)
        context |= await _own_part(request, db, scope, reading, signers)
    title = ("错误：" if form.errors else "") + f"核对和签字：{session.title}"
    return page(request, "minutes_signing.html", context, title=title, status=status)


async def _own_part(
    request: web.Request, db: AsyncSession, scope: Scope, reading: Reading, signers: tuple[Signer, ...]
) -> dict[str, Any]:
    """Whether the reader signs now, and whom the host's signature leaves out."""
    actor, mine = request[ACTOR], {"may_sign": False, "leaves_out": list[str]()}
    if reading.sheet.minutes.state is not MinutesState.SIGNING:
        return mine
    if not allowed(actor, Action.SIGN_MINUTES, scope):
        return mine
    try:
        signer_id, role = await signer_of(db, actor, reading.sheet.minutes.session_id)
    except Forbidden:
        return mine
    mine["may_sign"] = not any(each.signature and each.signer_id == signer_id for each in signers)
    if role is InvitationRole.HOST:
        mine["leaves_out"] = [each.name for each in left_out(signers, signer_id)]
    return mine


def _context(
    reading: Reading, signers: tuple[Signer, ...], may_write: bool, on_phone: frozenset[str]
) -> dict[str, Any]:
    minutes = reading.sheet.minutes
    numbers = {each.id: number for number, each in enumerate(reading.sheet.public, 1)}
    return {
        "minutes": minutes,
        "state": MINUTES_STATE_NAMES[minutes.state],
        "digest": reading.digest,
        "objected": [
            {
                "id": each.objection.id,
                "where": numbers.get(each.objection.paragraph_id or ""),
                "name": each.objection.name,
                "words": each.objection.words,
                "at": each.objection.at,
                "answer": each.answer,
                "outcome": OUTCOME_NAMES[each.answer.outcome] if each.answer else "",
            }
            for each in reading.objected
        ],
        "outcomes": OUTCOMES,
        "signers": [
            {
                "id": each.signer_id,
                "name": each.name,
                "role": each.role_name,
                "signature": each.signature,
                "act": ACT_NAMES[each.signature.act] if each.signature else "",
                "notable": each.first,
                "on_phone": each.signer_id in on_phone and each.signature is None,
            }
            for each in signers
        ],
        "noted": NOTED,
        "waiting_for": [each.name for each in missing_first(signers)],
        "may_write": may_write,
        "may_begin": may_write and minutes.state is MinutesState.READ_BACK,
        "open_objections": reading.open_objections,
    }
