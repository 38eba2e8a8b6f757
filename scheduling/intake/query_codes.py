"""Telling the petitioners of an import number and query code, by message, where the office wants it.

Who has a mobile number gets one message, a few at a time beside everything else; a secret matter is told to
nobody by message, for a telephone lies about. Whoever gets none is given a sheet at the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.database import atomic
from cases.errors import Conflict
from cases.intake.import_job import Fate, Import, ImportRow, ImportState
from cases.intake.imports import get_import
from cases.organisations import get_organisation
from cases.people import Person
from cases.petitions import NO_CODE, renew_query_code
from cases.policy import Actor
from scheduling.notices.gateway import Envelope
from scheduling.notices.notice import NoticeDraft
from scheduling.notices.queueing import About, add_notice

TEMPLATE = "query_code"
WORTH_TELLING = timedelta(days=15)
MOST_QUEUED = 200  # Messages of all kinds that may wait before more are written; an import never floods.


@dataclass(frozen=True, slots=True)
class Audience:
    """Of the cases of an import nobody was told of: who gets a message, and who a sheet when he comes."""

    by_message: int
    by_sheet: int


async def preview_telling(db: AsyncSession, actor: Actor, import_id: str) -> Audience:
    """How many messages there would be. Raises NotFound."""
    job = await get_import(db, actor, import_id)
    untold = _untold(job.id, select(func.count()))
    by_message = await db.scalar(untold.where(_reached_by_message())) or 0
    return Audience(by_message, (await db.scalar(untold) or 0) - by_message)


@atomic
async def start_telling(db: AsyncSession, clock: Clock, actor: Actor, import_id: str) -> None:
    """Tell whoever can be told by message; commits, and the service goes on by itself.

    Raises NotFound, Conflict `import_not_done` or `told_before`.
    """
    job = await get_import(db, actor, import_id)
    if job.told_at is not None:
        raise Conflict("told_before", "这次导入的查询码已经发过短信。没有收到的，请在信访件里打印查询码。")
    begin = update(Import).where(Import.id == job.id, Import.state == ImportState.DONE)
    values = {"state": ImportState.TELLING, "told_at": clock.now()}
    if await db.scalar(begin.values(**values).returning(Import.id)) is None:
        raise Conflict("import_not_done", "全部导入以后才能告知查询码。")
    await add_audit(db, clock, actor, "import.telling", "import", job.id)
    await db.commit()


async def tell_some(db: AsyncSession, clock: Clock, envelope: Envelope, limit: int = 20) -> int:
    """Write a few messages of an import whose petitioners are told, each with its code; returns how many."""
    query = select(Import).where(Import.state == ImportState.TELLING).order_by(Import.told_at).limit(1)
    job = (await db.scalars(query.execution_options(populate_existing=True))).first()
    if job is None or await _count_queued(db) >= MOST_QUEUED:
        return 0
    query_rows = _untold(job.id, select(ImportRow.number, PetitionCase.id, PetitionCase.number, Person.phone))
    query_rows = query_rows.where(_reached_by_message(), ImportRow.number > job.told_to)
    found = (await db.execute(query_rows.order_by(ImportRow.number).limit(limit))).all()
    same = update(Import).where(Import.id == job.id)
    if not found:
        await db.execute(same.values(state=ImportState.DONE))
        await db.commit()
        return 0
    office = await get_organisation(db, job.organisation_id)
    for row, petition_id, number, phone in found:
        fields = {"office": office.name, "number": number, "code": await renew_query_code(db, petition_id)}
        about, until = About(job.organisation_id, petition_id), clock.now() + WORTH_TELLING
        await add_notice(db, clock, envelope, about, phone, TEMPLATE, fields, until)
        await db.execute(same.values(told_to=row, told=Import.told + 1))
        await db.commit()  # Code and message together, or neither.
    return len(found)


def _untold(import_id: str, what: Any) -> Any:
    """Cases that this import entered and whose code nobody was ever told."""
    query = what.select_from(ImportRow).join(PetitionCase, PetitionCase.id == ImportRow.petition_id)
    query = query.join(Person, Person.id == PetitionCase.petitioner_id)
    mine = ImportRow.import_id == import_id, ImportRow.fate == Fate.ENTERED
    return query.where(*mine, PetitionCase.query_code_hash == NO_CODE)


def _reached_by_message() -> ColumnElement[bool]:
    return and_(Person.phone.like("1__________"), PetitionCase.confidential.is_(False))


async def _count_queued(db: AsyncSession) -> int:
    query = select(func.count()).select_from(NoticeDraft).where(NoticeDraft.due_at.is_not(None))
    return await db.scalar(query) or 0
