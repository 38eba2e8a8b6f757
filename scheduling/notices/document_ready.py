"""Telling a petitioner that a paper is there, in the transaction in which it is issued, or again later."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.documents.document import IssuedDocument
from cases.documents.form import FORMS
from cases.intake.matter import PetitionIntake, ReplyBy
from scheduling.notices.notice import NoticeChannel
from scheduling.notices.queueing import About, channel_for
from scheduling.notices.telling import Telling, tell

WORTH_TELLING = timedelta(days=15)


async def tell_issued(
    db: AsyncSession, clock: Clock, telling: Telling, petition: PetitionCase, document: IssuedDocument
) -> bool:
    """Tell of a paper as it is issued, inside the caller's transaction; returns whether somebody is told.

    Nobody is told unasked of what offices write to one another; who wants to be answered by letter, or has
    no mobile number, gets the paper itself and no message about it.
    """
    if FORMS[document.kind].internal:
        return False
    if channel_for(petition.petitioner.phone or "") is not NoticeChannel.SMS:
        return False
    intake = await db.get(PetitionIntake, petition.id)
    if intake is not None and intake.reply_by is ReplyBy.LETTER:
        return False
    await tell_document(db, clock, telling, petition, document)
    return True


async def tell_document(
    db: AsyncSession, clock: Clock, telling: Telling, petition: PetitionCase, document: IssuedDocument
) -> None:
    """Queue the message inside the caller's transaction, by the way that reaches the petitioner.

    The text says which paper, and nothing of what stands in it.
    """
    fields = {
        "office": document.organisation.name, "number": petition.number, "what": document.title,
        "paper": document.number,
    }  # fmt: skip
    about = About(document.organisation_id, petition.id, document_id=document.id)
    number, until = petition.petitioner.phone or "", clock.now() + WORTH_TELLING
    await tell(db, clock, telling, about, number, "document_ready", fields, until)
