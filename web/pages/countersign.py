"""C10: the petitioner's side reads the minutes paragraph by paragraph, objects, signs or refuses."""

from __future__ import annotations

import asyncio

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Forbidden, NotFound, RuleError
from scheduling.minutes.objection import OUTCOME_NAMES
from scheduling.minutes.paragraph import ParagraphKind
from scheduling.minutes.reading import Reading, object_to, read_back
from scheduling.minutes.record import MinutesState
from scheduling.minutes.signature import ACT_NAMES, list_signatures, refuse_minutes, sign_minutes
from scheduling.minutes.text import is_empty
from web.http.forms import Form
from web.keys import CLOCK, DATABASE
from web.language import say_error
from web.minutes.pdf import minutes_pdf
from web.minutes.printed import PREFIX
from web.pages.signin import see_other
from web.pages.signing import document, print_of, tell_room
from web.rendering import page
from web.views.link_pages import Holder, code_of, context_of, find_holder, problem_page


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form())


async def submit(request: web.Request) -> web.StreamResponse:
    """One of three acts: object to a paragraph, sign, refuse to sign."""
    form, clock = Form(await request.post()), request.app[CLOCK]
    act, digest = form.typed("act"), form.typed("digest")[:64]
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        actor, session_id = found[0], found[2].id
        try:
            if act == "object":
                paragraph = form.typed("paragraph_id")[:32] or None
                await object_to(db, clock, actor, session_id, paragraph, form.typed("words"))
            elif act == "sign":
                strokes = str(form.typed_whole("strokes"))
                await sign_minutes(db, clock, actor, session_id, digest, strokes)
            elif act == "refuse":
                await refuse_minutes(db, clock, actor, session_id, digest, form.typed("reason"))
            else:
                form.fail("act", "请选择要做的事。")
        except RuleError as error:
            form.fail(getattr(error, "field", None) or "act", say_error(error.code, error.message))
    if form.errors:
        return await _page(request, form, 422)
    await tell_room(request, session_id)
    return see_other(f"/j/{code_of(request)}/minutes")


async def as_pdf(request: web.Request) -> web.StreamResponse:
    """保存笔录: from the moment it is read back."""
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        reading = await read_back(db, found[0], found[2].id)
        told = await print_of(request, db, found[2], reading)
    body = await asyncio.to_thread(minutes_pdf, told, request.app[CLOCK].now())
    return document(body, "application/pdf", "minutes.pdf")


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        context = await context_of(db, request, found) | {"form": form, "reading": None}
        try:
            reading = await read_back(db, found[0], found[2].id)
        except (Forbidden, NotFound):
            return page(request, "citizen/minutes.html", context, title="核对笔录", status=status)
        context |= await _context(db, found, reading)
    title = "错误：核对笔录" if form.errors else "核对笔录"
    return page(request, "citizen/minutes.html", context, title=title, status=status)


async def _context(db: AsyncSession, found: Holder, reading: Reading) -> dict[str, object]:
    minutes = reading.sheet.minutes
    mine = [each for each in await list_signatures(db, minutes.id) if each.signer_id == found[1].id]
    objections: dict[str | None, list[dict[str, str]]] = {}
    for each in reading.objected:
        answer = (
            "：".join(filter(None, (OUTCOME_NAMES[each.answer.outcome], each.answer.words)))
            if each.answer
            else ""
        )
        told = {"words": each.objection.words, "name": each.objection.name, "answer": answer}
        objections.setdefault(each.objection.paragraph_id, []).append(told)
    return {
        "reading": reading,
        "paragraphs": [
            {
                "id": each.id,
                "number": number,
                "heading": each.kind is ParagraphKind.HEADING,
                "lead": PREFIX.get(each.kind, ""),
                "speaker": each.speaker_name,
                "text": each.text,
                "objections": objections.get(each.id, []),
            }
            for number, each in enumerate(reading.sheet.public, 1)
            if not is_empty(each.text)
        ],
        "general": objections.get(None, []),
        "state": str(minutes.state),
        "may_object": minutes.state is MinutesState.READ_BACK,
        "may_sign": minutes.state is MinutesState.SIGNING and not mine,
        "mine": {"act": ACT_NAMES[mine[0].act], "at": mine[0].at, "reason": mine[0].reason} if mine else None,
    }
