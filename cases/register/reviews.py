"""Requests for a review or a recheck that wait for an office, the next last day first.

A request is the office's work from the commit that took it in (Regulations on Petition Work, Art. 35 and
36): it is found from the case and the clock that runs in it, so nobody has to be told in a second step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.documents.document import IssuedDocument
from cases.documents.kind import DocumentKind
from cases.handling.clocks import PetitionClock
from cases.policy import Action, Actor, require, visible_organisation_ids
from cases.register.due import DueDate
from cases.register.reach import term_of_grant
from cases.register.terms import term_of_office
from cases.visibility import visible_petitions

# The duty to decide, and the paper by which the office says that it has the request.
RECEIPTS: Mapping[str, DocumentKind] = {
    "review_decide": DocumentKind.REVIEW_RECEIPT,
    "recheck_decide": DocumentKind.RECHECK_RECEIPT,
}


@dataclass(frozen=True, slots=True)
class ReviewDue:
    """One request. `new`: nobody has told the petitioner in writing yet that it came; dates are civil."""

    petition_id: str
    number: str
    subject: str
    duty: str
    asked_on: date
    due_on: date
    new: bool


async def list_reviews_due(db: AsyncSession, actor: Actor, limit: int = 50) -> list[ReviewDue]:
    """Those that the actor's own offices have to decide; one of which a hearing is held has no last day."""
    require(actor, Action.REVIEW_PETITION)
    own = visible_organisation_ids(actor, Action.REVIEW_PETITION)
    reaches = [term_of_office(each) for each in own]
    reaches += [term_of_grant(actor.official_id)] if actor.official_id else []
    told = exists().where(
        IssuedDocument.petition_id == PetitionCase.id,
        IssuedDocument.kind.in_(RECEIPTS.values()),
        IssuedDocument.issued_at >= PetitionClock.begun_at,
    )
    columns = PetitionCase.id, PetitionCase.number, PetitionCase.subject, PetitionClock.duty
    query = select(*columns, PetitionClock.start_on, DueDate.rolled_on, ~told).distinct()
    query = query.join(PetitionClock, PetitionClock.id == DueDate.clock_id)
    query = query.join(PetitionCase, PetitionCase.id == PetitionClock.petition_id)
    query = query.where(
        DueDate.reach.in_(reaches),
        PetitionClock.duty.in_(sorted(RECEIPTS)),
        PetitionCase.reviewer_id.in_(own),
        visible_petitions(actor),
    )
    rows = await db.execute(query.order_by(DueDate.rolled_on, PetitionCase.number).limit(limit))
    return [ReviewDue(*row) for row in rows]
