"""Due dates in the order in which they come, for everybody who may see their cases.

Of a million cases few have a clock that runs; to find those of one office among them, or to count them,
a board would have to ask for every one whose it is. So each running clock stands here once for each reach.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import Date, ForeignKey, String, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.casefile import PetitionCase
from cases.database import ID_LENGTH, Base
from cases.handling.clocks import RIGHTS, PetitionClock
from cases.register.reach import reaches_of_petition
from cases.register.terms import TERM_LENGTH


class DueDate(Base):
    """One running clock and one reach of its case (reach.py). `rolled_on` decides, `raw_on` warns."""

    __tablename__ = "due_dates"
    __table_args__ = ({"sqlite_with_rowid": False},)

    reach: Mapped[str] = mapped_column(String(TERM_LENGTH), primary_key=True)
    rolled_on: Mapped[date] = mapped_column(Date, primary_key=True)
    clock_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("petition_clocks.id"), primary_key=True
    )
    raw_on: Mapped[date] = mapped_column(Date)
    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"), index=True)


async def index_due_dates(db: AsyncSession, petition: PetitionCase) -> None:
    """Make the due dates of a case those of its running clocks, inside the caller's transaction."""
    running = select(PetitionClock).where(
        PetitionClock.petition_id == petition.id,
        PetitionClock.met_on.is_(None),
        PetitionClock.duty.not_in(RIGHTS),
    )
    reaches = reaches_of_petition(petition)
    has = {
        (reach, row.rolled_on, row.id, row.raw_on)
        for row in await db.scalars(running)
        for reach in reaches
        if row.rolled_on is not None
    }
    of_it = select(DueDate).where(DueDate.petition_id == petition.id)
    had = {(each.reach, each.rolled_on, each.clock_id, each.raw_on) for each in await db.scalars(of_it)}
    if has == had:
        return
    await db.execute(delete(DueDate).where(DueDate.petition_id == petition.id))
    for reach, rolled_on, clock_id, raw_on in sorted(has):
        db.add(
            DueDate(
                reach=reach, rolled_on=rolled_on, clock_id=clock_id, raw_on=raw_on, petition_id=petition.id
            )
        )
    await db.flush()
