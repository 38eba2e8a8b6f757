"""Papers of a supervision order: issued, opened, delivered to the other office, signed for there."""

from __future__ import annotations

import logging

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.documents.kind import DocumentKind
from cases.errors import Conflict, Invalid, RuleError
from cases.supervision.paper import (
    deliver_order_paper,
    issue_order_paper,
    read_order_paper,
    sign_for_order_paper,
)
from web.http.flash import keep_once
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, SETTINGS
from web.language import say_error
from web.letters.pdf import drawing
from web.minutes.pdf import PrintError
from web.pages.documents import DELIVERY_FIELDS, file_name
from web.pages.signin import see_other
from web.pages.signing import document as file_of

logger = logging.getLogger(__name__)


async def issue(request: web.Request) -> web.StreamResponse:
    """POST {kind}: the order, or the answer to it, as a paper."""
    form, order_id = Form(await request.post()), request.match_info["order_id"]
    async with request.app[DATABASE].session() as db:
        try:
            await _issue(request, db, order_id, form.typed("kind")[:32])
        except Conflict as error:
            keep_once(request, f"order:{order_id}", {"message": say_error(error.code, error.message)})
    return see_other(f"/supervision/{order_id}#papers")


async def issue_with(request: web.Request, db: AsyncSession, order_id: str, kind: DocumentKind) -> None:
    """The paper of what was just done; where it cannot be made now, the page of the order offers it again."""
    try:
        await _issue(request, db, order_id, kind)
    except (RuleError, PrintError) as error:
        logger.warning("No paper of a supervision order was made: %s", error)


async def as_pdf(request: web.Request) -> web.StreamResponse:
    """The file as it was issued."""
    where = request.match_info
    async with request.app[DATABASE].session() as db:
        document, body = await read_order_paper(db, request[ACTOR], where["order_id"], where["document_id"])
    return file_of(body, "application/pdf", file_name(document))


async def deliver(request: web.Request) -> web.StreamResponse:
    """POST {service, on, recipient, proof, refused, witness}: the delivery is noted; back to the order."""
    form, where = Form(await request.post()), request.match_info
    typed = {name: form.typed(name)[:400] for name in DELIVERY_FIELDS}
    async with request.app[DATABASE].session() as db:
        try:
            await deliver_order_paper(
                db, request.app[CLOCK], request[ACTOR], where["order_id"], where["document_id"], typed
            )
        except (Invalid, Conflict) as error:
            told = {"paper": where["document_id"], "typed": typed, "field": error.field or "service"}
            told |= {"message": say_error(error.code, error.message)}
            keep_once(request, f"order:{where['order_id']}", told)
    return see_other(f"/supervision/{where['order_id']}#papers")


async def sign_for(request: web.Request) -> web.StreamResponse:
    """POST {}: the office that got it says so."""
    where = request.match_info
    async with request.app[DATABASE].session() as db:
        await sign_for_order_paper(
            db, request.app[CLOCK], request[ACTOR], where["order_id"], where["document_id"]
        )
    return see_other(f"/supervision/{where['order_id']}#papers")


async def _issue(request: web.Request, db: AsyncSession, order_id: str, kind: str) -> None:
    render = drawing(request.app[CLOCK].now, request.app[SETTINGS].faces)
    await issue_order_paper(db, request.app[CLOCK], request[ACTOR], order_id, kind, render)
