"""Telling a petitioner that a paper is there, by the way that reaches him."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.documents.document import IssuedDocument
from scheduling.notices.queueing import About, add_notice, channel_for
from web.keys import CLOCK, SETTINGS
from web.tending.messages import MESSENGER

WORTH_TELLING = timedelta(days=15)


async def tell_document(
    db: AsyncSession, request: web.Request, petition: PetitionCase, document: IssuedDocument
) -> None:
    """Queue the message and commit; the text says which paper, and nothing of what stands in it."""
    clock, messenger = request.app[CLOCK], request.app[MESSENGER]
    fields = {
        "office": document.organisation.name, "number": petition.number, "what": document.title,
        "paper": document.number, "phone": request.app[SETTINGS].web.help_phone,
    }  # fmt: skip
    about = About(document.organisation_id, petition.id, document_id=document.id)
    number = petition.petitioner.phone or ""
    until, envelope = clock.now() + WORTH_TELLING, messenger.secrets.envelope
    await add_notice(
        db, clock, envelope, about, number, "document_ready", fields, until, channel_for(number)
    )
    await db.commit()
    messenger.ring()
