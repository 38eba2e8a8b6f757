"""Import: a spreadsheet is checked whole, then entered row by row; every row's fate is named.

Each row is entered in a transaction of its own and known by its number in the old system, or by what it
says; so an import that was interrupted goes on, and the same sheet once more enters nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import Channel, PetitionCase, PetitionClass
from cases.clock import Clock
from cases.database import atomic
from cases.errors import Conflict, NotFound, RuleError
from cases.intake.import_job import Fate, Import, ImportRow, ImportState
from cases.intake.matters import Matter, add_matter, find_by_source
from cases.people import PersonDetails, get_official
from cases.policy import Action, Actor, require, visible_organisation_ids
from cases.signin import actor_for


async def get_import(db: AsyncSession, actor: Actor, import_id: str) -> Import:
    """An import of the actor's own office. Raises NotFound."""
    require(actor, Action.CREATE_PETITION)
    query = select(Import).where(Import.id == import_id)
    job = await db.scalar(query.execution_options(populate_existing=True))
    own = visible_organisation_ids(actor, Action.CREATE_PETITION)
    if job is None or (job.organisation_id not in own and job.official_id != actor.official_id):
        raise NotFound("import_not_found", "没有找到这次导入。")
    return job


async def list_imports(db: AsyncSession, actor: Actor, limit: int = 20) -> Sequence[Import]:
    """Imports of the actor's own offices, newest first."""
    require(actor, Action.CREATE_PETITION)
    own = Import.organisation_id.in_(visible_organisation_ids(actor, Action.CREATE_PETITION))
    query = select(Import).where(own | (Import.official_id == actor.official_id))
    return (await db.scalars(query.order_by(Import.at.desc(), Import.id).limit(limit))).all()


async def count_fates(db: AsyncSession, import_id: str) -> dict[Fate, int]:
    """How many rows have which fate."""
    query = select(ImportRow.fate, func.count()).where(ImportRow.import_id == import_id)
    found: dict[Fate, int] = {
        fate: number for fate, number in await db.execute(query.group_by(ImportRow.fate))
    }
    return {fate: found.get(fate, 0) for fate in Fate}


async def list_rows(
    db: AsyncSession, import_id: str, fate: Fate | None = None, limit: int = 100, offset: int = 0,
    after: int = 0,
) -> Sequence[ImportRow]:  # fmt: skip
    """Rows in the order of the sheet, beyond row `after`. The caller has asked the policy by `get_import`."""
    query = select(ImportRow).where(ImportRow.import_id == import_id, ImportRow.number > after)
    query = query.order_by(ImportRow.number)
    if fate is not None:
        query = query.where(ImportRow.fate == fate)
    return (await db.scalars(query.limit(limit).offset(offset))).all()


async def numbers_of(db: AsyncSession, rows: Sequence[ImportRow]) -> dict[str, str]:
    """The numbers of the matters that rows became, by their ids: what a clerk writes on the letter."""
    ids = {row.petition_id for row in rows if row.petition_id is not None}
    found = await db.execute(select(PetitionCase.id, PetitionCase.number).where(PetitionCase.id.in_(ids)))
    return {petition_id: number for petition_id, number in found}


@atomic
async def start_import(db: AsyncSession, clock: Clock, actor: Actor, import_id: str) -> None:
    """Enter what is ready; commits, and the service goes on by itself. Raises Conflict `import_started`."""
    job = await get_import(db, actor, import_id)
    begin = update(Import).where(Import.id == job.id, Import.state == ImportState.CHECKED)
    if await db.scalar(begin.values(state=ImportState.RUNNING).returning(Import.id)) is None:
        raise Conflict("import_started", "这次导入已经开始了。")
    await add_audit(db, clock, actor, "import.started", "import", job.id)
    await db.commit()


async def enter_some(db: AsyncSession, clock: Clock, limit: int = 10) -> int:
    """Enter a few rows of an import that runs, each by itself; returns how many were looked at."""
    job = (await db.scalars(select(Import).where(Import.state == ImportState.RUNNING).limit(1))).first()
    if job is None:
        return 0
    job_id, organisation_id, official_id = job.id, job.organisation_id, job.official_id
    rows = await list_rows(db, job_id, Fate.READY, limit)
    work = [(row.number, row.external_id, dict(row.data)) for row in rows]
    if not work:
        await db.execute(update(Import).where(Import.id == job_id).values(state=ImportState.DONE))
        await db.commit()
        return 0
    actor = actor_for(await get_official(db, official_id))
    for number, external_id, data in work:
        mine = (ImportRow.import_id == job_id) & (ImportRow.number == number)
        source = f"import-{organisation_id}"
        fate: dict[str, object]
        try:
            matter = _matter(data, organisation_id, source, external_id)
            petition, _ = await add_matter(db, clock, actor, matter)
            petition.petitioner.id_number_masked = data["id_masked"] or None
            petition.petitioner.id_mark = data["id_mark"] or None
            fate = {"fate": Fate.ENTERED, "petition_id": petition.id, "data": {}}
        except Conflict:
            await db.rollback()
            known = await find_by_source(db, source, external_id)
            fate = {"fate": Fate.REPEATED, "petition_id": known, "data": {}}
        except RuleError as error:
            await db.rollback()
            fate = {"fate": Fate.REFUSED, "reason": error.message, "field": error.field}
        await db.execute(update(ImportRow).where(mine).values(**fate))
        await db.commit()
    return len(work)


def _matter(data: dict[str, str], organisation_id: str, source: str, external_id: str) -> Matter:
    person = PersonDetails(data["name"], data["phone"], "", data["address"])
    return Matter(
        Channel(data["channel"]), organisation_id, person, data["subject"], data["description"],
        PetitionClass(data["class"]), source=source, external_id=external_id, phone_required=False,
        received_on=date.fromisoformat(data["received_on"]), with_query_code=False,
    )  # fmt: skip
