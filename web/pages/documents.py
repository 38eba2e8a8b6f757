"""Papers of a case: written, looked at before they are issued, issued, delivered, corrected."""

from __future__ import annotations

from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.web_request import FileField
from sqlalchemy.ext.asyncio import AsyncSession

from cases.documents.delivering import MOST_PROOF, Upload, deliver_document
from cases.documents.document import IssuedDocument
from cases.documents.issuing import Draft, Incomplete, Tell, compose, draft_document, issue_document
from cases.documents.letter import Letter
from cases.documents.reading import get_document, read_file, read_proof
from cases.documents.template import FIELDS
from cases.errors import Conflict, Forbidden, Invalid
from cases.petitions import get_petition
from scheduling.notices.document_ready import tell_document, tell_issued
from scheduling.notices.outbox import notices_about
from scheduling.notices.proof import proof_of
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, SETTINGS
from web.language import say_error
from web.letters.pdf import drawing
from web.pages.signin import see_other
from web.pages.signing import document as file_of
from web.rendering import page
from web.tending.messages import MESSENGER
from web.tending.session_notices import telling_of
from web.views.documents import document_view, notice_of

# Stands where the number will stand, until the paper is issued and gets one.
NO_NUMBER = "（出具时编号）"
DELIVERY_FIELDS = ("service", "on", "recipient", "proof", "refused", "witness")


async def show_new(request: web.Request) -> web.StreamResponse:
    """The form with what it begins with, and the paper as it would be."""
    corrects = request.query.get("corrects", "")[:32]
    async with request.app[DATABASE].session() as db:
        draft = await draft_document(
            db, request.app[CLOCK], request[ACTOR], request.match_info["petition_id"],
            request.match_info["kind"], corrects,
        )  # fmt: skip
    return _writing(request, draft, Form(initial=draft.prefilled()), None)


async def submit_new(request: web.Request) -> web.StreamResponse:
    """POST {fields, act}: `preview` shows the paper, `issue` makes it."""
    form, clock = Form(await request.post()), request.app[CLOCK]
    petition_id, kind = request.match_info["petition_id"], request.match_info["kind"]
    corrects, actor = form.typed("corrects")[:32], request[ACTOR]
    async with request.app[DATABASE].session() as db:
        draft = await draft_document(db, clock, actor, petition_id, kind, corrects)
        given = {name: form.typed(name) for name in (*draft.asked, "correction")}
        form.values = dict(given)
        letter: Letter | None = None
        try:
            letter = compose(draft, clock, NO_NUMBER, given)
            if form.typed("act") == "issue":
                render = drawing(clock.now, request.app[SETTINGS].faces)
                row = await issue_document(
                    db, clock, actor, petition_id, kind, given, render, corrects, _told(request, db)
                )
                request.app[MESSENGER].ring()
                return see_other(f"/cases/{petition_id}/documents/{row.id}")
        except Incomplete as error:
            for name, (code, message) in error.wrong.items():
                form.fail(name, say_error(code, message))
        except Conflict as error:
            form.fail("act", say_error(error.code, error.message))
    return _writing(request, draft, form, letter)


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form())


async def deliver(request: web.Request) -> web.StreamResponse:
    """POST {service, on, recipient, proof, refused, witness, file}: the delivery is noted."""
    posted = await request.post()
    form = Form(posted)
    petition_id, document_id = request.match_info["petition_id"], request.match_info["document_id"]
    given = {name: form.typed(name) for name in DELIVERY_FIELDS}
    form.values = dict(given)
    async with request.app[DATABASE].session() as db:
        try:
            if notice_id := form.typed("notice")[:32]:
                told = await proof_of(db, document_id, notice_id)
                given |= {"service": str(told.service), "on": str(told.on), "proof": told.words}
            await deliver_document(
                db, request.app[CLOCK], request[ACTOR], petition_id, document_id, given,
                _upload(posted.get("file")),
            )  # fmt: skip
        except (Invalid, Conflict) as error:
            form.fail(error.field or "service", say_error(error.code, error.message))
    if form.errors:
        return await _page(request, form, 422)
    return see_other(f"/cases/{petition_id}/documents/{document_id}")


async def tell(request: web.Request) -> web.StreamResponse:
    """POST {}: the petitioner is told by message that the paper is there; the message can prove it later."""
    actor, clock, where = request[ACTOR], request.app[CLOCK], request.match_info
    async with request.app[DATABASE].session() as db:
        petition = await get_petition(db, actor, where["petition_id"])
        filed = await get_document(db, actor, petition.id, where["document_id"])
        if not document_view(actor, petition, filed)["may_tell"]:
            raise Forbidden(message="这份文书由出具它的单位送达。")
        await tell_document(db, clock, telling_of(request), petition, filed.document)
        await db.commit()
    request.app[MESSENGER].ring()
    return see_other(f"/cases/{petition.id}/documents/{filed.document.id}")


async def as_pdf(request: web.Request) -> web.StreamResponse:
    """The file as it was issued."""
    async with request.app[DATABASE].session() as db:
        filed = await get_document(
            db, request[ACTOR], request.match_info["petition_id"], request.match_info["document_id"]
        )
        body = await read_file(db, filed.document)
    return file_of(body, "application/pdf", file_name(filed.document))


async def proof(request: web.Request) -> web.StreamResponse:
    """What proves a delivery; its name is never taken from who uploaded it."""
    where = request.match_info
    async with request.app[DATABASE].session() as db:
        delivery, body = await read_proof(
            db, request[ACTOR], where["petition_id"], where["document_id"], where["delivery_id"]
        )
    ending = delivery.proof_type.partition("/")[2]
    return file_of(body, delivery.proof_type, f"proof.{ending}")


def file_name(document: IssuedDocument) -> str:
    """Plain letters: some browsers keep no others."""
    return f"{document.kind}-{document.year}-{document.sequence}.pdf"


def _told(request: web.Request, db: AsyncSession) -> Tell | None:
    """Where no message can be sent it would become a call for each paper, beside the paper itself."""
    if not request.app[MESSENGER].works:
        return None
    return partial(tell_issued, db, request.app[CLOCK], telling_of(request))


def _upload(field: Any) -> Upload | None:
    if not isinstance(field, FileField) or not field.filename:
        return None
    return Upload(field.filename, field.file.read(MOST_PROOF + 1))


def _writing(request: web.Request, draft: Draft, form: Form, letter: Letter | None) -> web.Response:
    fields = [
        {"name": name, "label": FIELDS[name].label, "shape": str(FIELDS[name].shape), "needed": needed}
        for name, needed in draft.asked.items()
    ]
    context = {
        "nav": "cases",
        "petition": draft.petition,
        "kind": str(draft.form.kind),
        "title": draft.template.title,
        "fields": fields,
        "form": form,
        "letter": letter,
        "corrects": draft.corrects,
        "office": draft.office.name,
        "version": draft.template.version,
        "own_template": bool(draft.template.source),
    }
    status, title = (422, f"错误：{draft.template.title}") if form.errors else (200, draft.template.title)
    return page(request, "document_new.html", context, title=title, status=status)


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    actor, petition_id = request[ACTOR], request.match_info["petition_id"]
    async with request.app[DATABASE].session() as db:
        petition = await get_petition(db, actor, petition_id)
        filed = await get_document(db, actor, petition_id, request.match_info["document_id"])
        notices = await notices_about(db, filed.document.id)
    told = document_view(actor, petition, filed)
    told["notices"] = [notice_of(notice, last, told) for notice, last in notices]
    form.values.setdefault("recipient", filed.document.recipient)
    context = {"nav": "cases", "petition": petition, "document": told, "form": form}
    title = filed.document.title
    return page(
        request, "document.html", context, title=f"错误：{title}" if form.errors else title, status=status
    )
