"""The register's index: by which terms each case is found, kept with the case in one transaction.

Terms carry the moment of registration and are stored in that order: the newest cases with a term are read
off without sorting, on SQLite and PostgreSQL alike. What an official may see is a term, too; the live rule
is asked before anything is shown (search.py), so that an index that lags behind hides and never reveals.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.casefile import PetitionCase
from cases.database import ID_LENGTH, Base
from cases.register.due import index_due_dates
from cases.register.reach import reaches_of_petition
from cases.register.terms import TERM_LENGTH, terms_of_initials, terms_of_name, terms_of_words

CAUGHT_UP_AT_ONCE = 500


class PetitionTerm(Base):
    """One term of one case; see terms.py. `at` is when the case was registered."""

    __tablename__ = "petition_terms"
    __table_args__ = ({"sqlite_with_rowid": False},)

    term: Mapped[str] = mapped_column(String(TERM_LENGTH), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    petition_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("petitions.id"), primary_key=True, index=True
    )


def terms_of_petition(petition: PetitionCase) -> set[str]:
    """Return by what a case is found; a confidential one by no office and no region."""
    name = petition.petitioner.name
    found = terms_of_words(petition.subject) | terms_of_words(name) | terms_of_initials(name)
    # Pairs of a name are words like others; a single character is looked for in names alone.
    found |= {term for term in terms_of_name(name) if len(term) == len("p:x")}
    found |= {f"s:{petition.state}", f"c:{petition.channel}", f"k:{petition.class_}"}
    found |= {term_of_number(petition.number), f"h:{petition.custodian_id}"}
    return found | reaches_of_petition(petition)


def term_of_number(number: str) -> str:
    """Return the term of the last digits of a number, without the zeros before them."""
    return f"n:{number.rpartition('-')[2].lstrip('0')}"


async def index_petition(db: AsyncSession, petition_id: str) -> None:
    """Make the terms of a case those that it has now, inside the caller's transaction."""
    query = select(PetitionCase).where(PetitionCase.id == petition_id)
    petition = (await db.scalars(query.execution_options(populate_existing=True))).one()
    of_it = PetitionTerm.petition_id == petition_id
    had = set(await db.scalars(select(PetitionTerm.term).where(of_it)))
    has = terms_of_petition(petition)
    if gone := had - has:
        await db.execute(delete(PetitionTerm).where(of_it, PetitionTerm.term.in_(gone)))
    for term in sorted(has - had):
        db.add(PetitionTerm(term=term, at=petition.registered_at, petition_id=petition_id))
    await db.flush()
    await index_due_dates(db, petition)


async def index_missing(db: AsyncSession) -> int:
    """Index cases that an earlier version of the program left without terms, and commit; how many."""
    count = 0
    without = select(PetitionCase.id).where(~exists().where(PetitionTerm.petition_id == PetitionCase.id))
    while found := (await db.scalars(without.limit(CAUGHT_UP_AT_ONCE))).all():
        for petition_id in found:
            await index_petition(db, petition_id)
        await db.commit()
        db.expunge_all()
        count += len(found)
    return count
