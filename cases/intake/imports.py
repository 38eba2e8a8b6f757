"""Import: a spreadsheet is checked whole, then entered row by row; every row's fate is named.

Each row is entered in a transaction of its own and known by its number in the old system, or by what it
says; so an import that was interrupted goes on, and the same sheet once more enters nothing twice.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import CHANNEL_NAMES, CLASS_NAMES, Channel, PetitionClass
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.errors import Conflict, Invalid, NotFound, RuleError
from cases.fields import (
    clean,
    clean_id_number,
    clean_name,
    clean_phone,
    clean_subject,
    clean_text,
    mask_id_number,
)
from cases.handling.clocks import today
from cases.intake.import_job import Fate, Import, ImportRow, ImportState
from cases.intake.matters import Matter, add_matter, find_by_source
from cases.intake.spreadsheet import Line, Sheet
from cases.organisations import OrganisationKind, get_organisation
from cases.people import PersonDetails, get_official
from cases.policy import Action, Actor, Scope, require, visible_organisation_ids
from cases.signin import actor_for

NEEDED = ("姓名", "事项")
COLUMNS = (*NEEDED, "电话", "身份证号", "住址", "内容", "类别", "来源", "收到日期", "原编号")
# The same titles as the English page names them.
ENGLISH = {
    "Name": "姓名", "Subject": "事项", "Phone": "电话", "Identity number": "身份证号", "Address": "住址",
    "Description": "内容", "Class": "类别", "Channel": "来源", "Received on": "收到日期",
    "Old number": "原编号", "Home address": "住址", "Came by": "来源",
}  # fmt: skip
DAY_PARTS, DAY_ENDS = re.compile("[年月/.]"), re.compile("日")
FIRST_DAY, EXCEL_ZERO = date(2000, 1, 1), date(1899, 12, 30)
_CHANNELS = {name: channel for channel, name in CHANNEL_NAMES.items()}
_CLASSES = {name: each for each, name in CLASS_NAMES.items()}
Mark = Callable[[str], str]


@atomic
async def check_import(
    db: AsyncSession, clock: Clock, actor: Actor, organisation_id: str, name: str, content: bytes,
    sheet: Sheet, mark: Mark,
) -> str:  # fmt: skip
    """Keep a sheet with what would become of each row; commits and enters nothing. Returns the import's id.

    `mark` makes the keyed digest of an identity number. Raises Invalid at `file`, NotFound.
    """
    office = await get_organisation(db, organisation_id)
    line = Scope(region_codes=frozenset({office.region_code}), organisation_ids=frozenset({office.id}))
    require(actor, Action.CREATE_PETITION, line)
    if office.kind is OrganisationKind.DEPARTMENT or actor.official_id is None:
        raise Invalid("bad_custodian", "请选择信访部门作为登记单位。", "custodian")
    sheet = _in_chinese(sheet)
    _check_titles(sheet)
    digest = hashlib.sha256(content).hexdigest()
    same = select(Import.id).where(Import.organisation_id == office.id, Import.sha256 == digest)
    if known := await db.scalar(same):
        return known
    job = Import(
        id=new_id(), organisation_id=office.id, official_id=actor.official_id, name=clean(name)[:64] or "—",
        sha256=digest, state=ImportState.CHECKED, at=clock.now(),
    )  # fmt: skip
    db.add(job)
    await db.flush()
    seen: set[str] = set()
    rows = [_row_of(job.id, each, today(clock), mark, seen) for each in sheet.lines]
    if rows:
        await db.execute(insert(ImportRow), rows)
    await add_audit(db, clock, actor, "import.checked", "import", job.id)
    await db.commit()
    return job.id


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
    db: AsyncSession, import_id: str, fate: Fate | None = None, limit: int = 100, offset: int = 0
) -> Sequence[ImportRow]:
    """Rows in the order of the sheet. The caller has asked the policy by `get_import`."""
    query = select(ImportRow).where(ImportRow.import_id == import_id).order_by(ImportRow.number)
    if fate is not None:
        query = query.where(ImportRow.fate == fate)
    return (await db.scalars(query.limit(limit).offset(offset))).all()


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


def _in_chinese(sheet: Sheet) -> Sheet:
    def named(row: Mapping[str, str]) -> dict[str, str]:
        return {ENGLISH.get(title, title): value for title, value in row.items()}

    lines = tuple(Line(line.number, named(line.cells), named(line.odd)) for line in sheet.lines)
    return Sheet(tuple(ENGLISH.get(title, title) for title in sheet.titles), lines)


def _check_titles(sheet: Sheet) -> None:
    if missing := [title for title in NEEDED if title not in sheet.titles]:
        raise Invalid("missing_columns", f"缺少这些列：{'、'.join(missing)}。", "file")
    if unknown := [title[:20] for title in sheet.titles if title not in COLUMNS]:
        message = f"不认识这些列：{'、'.join(unknown[:5])}。可以有：{'、'.join(COLUMNS)}。"
        raise Invalid("unknown_columns", message, "file")


def _row_of(import_id: str, line: Line, day: date, mark: Mark, seen: set[str]) -> dict[str, object]:
    known = dict(line.cells) | {"身份证号": line.cells.get("身份证号", "")[-4:]}
    text = json.dumps(known, ensure_ascii=False, sort_keys=True)
    named = clean(line.cells.get("原编号", ""))[:100]
    external_id = f"no-{named}" if named else hashlib.sha256(text.encode()).hexdigest()
    row: dict[str, object] = {
        "import_id": import_id, "number": line.number, "fate": Fate.READY, "field": None, "reason": None,
        "external_id": external_id, "petition_id": None, "data": {},
    }  # fmt: skip
    try:
        if external_id in seen:
            raise Invalid("doubled", "和上面的一行相同。", "原编号" if named else "姓名")
        row["data"] = _checked(line, day, mark)
        seen.add(external_id)
    except Invalid as error:
        row |= {"fate": Fate.REFUSED, "field": error.field, "reason": error.message}
    return row


def _checked(line: Line, day: date, mark: Mark) -> dict[str, str]:
    """What will be entered. Raises Invalid with the column's title as its field."""
    for column, what in line.odd.items():
        raise Invalid("odd_cell", f"「{column}」是{what}，请改成填写的内容。", column)
    cells = line.cells
    found = {
        "name": clean_name(cells["姓名"], "姓名"),
        "subject": clean_subject(cells["事项"], "事项"),
        "description": clean_text(cells.get("内容", ""), "内容"),
        "address": clean_text(cells.get("住址", ""), "住址", "住址", 200),
        "phone": clean_phone(cells["电话"], "电话") if cells.get("电话") else "",
        "id_masked": "",
        "id_mark": "",
        "channel": _choice(cells.get("来源", ""), _CHANNELS, Channel.LETTER, "来源"),
        "class": _choice(cells.get("类别", ""), _CLASSES, PetitionClass.CLAIM, "类别"),
        "received_on": (_day(cells.get("收到日期", ""), day) or day).isoformat(),
    }
    if number := cells.get("身份证号", ""):
        whole = clean_id_number(number, "身份证号")
        found |= {"id_masked": mask_id_number(whole), "id_mark": mark(whole)}
    return found


def _choice(
    text: str, known: dict[str, Channel] | dict[str, PetitionClass], default: str, column: str
) -> str:
    if not text:
        return default
    if text not in known:
        raise Invalid("unknown_value", f"「{column}」要是：{'、'.join(known)}。", column)
    return known[text]


def _day(text: str, latest: date) -> date | None:
    """`2026-11-20`, `2026/11/20`, `2026年11月20日`, or the days that a spreadsheet counts."""
    if not text:
        return None
    plain = DAY_ENDS.sub("", DAY_PARTS.sub("-", text))
    try:
        if plain.isascii() and plain.isdigit() and len(plain) == 5:
            found = EXCEL_ZERO + timedelta(days=int(plain))
        else:
            year, month, day = (int(part) for part in plain.split(" ")[0].split("-"))
            found = date(year, month, day)
    except ValueError as error:
        raise Invalid("bad_date", "日期不对，请写成 2026-11-20 这样。", "收到日期") from error
    if not FIRST_DAY <= found <= latest:
        raise Invalid("bad_date", "日期要在 2000 年以后，不能晚于今天。", "收到日期")
    return found


def _matter(data: dict[str, str], organisation_id: str, source: str, external_id: str) -> Matter:
    person = PersonDetails(data["name"], data["phone"], "", data["address"])
    return Matter(
        Channel(data["channel"]), organisation_id, person, data["subject"], data["description"],
        PetitionClass(data["class"]), source=source, external_id=external_id, phone_required=False,
        received_on=date.fromisoformat(data["received_on"]),
    )  # fmt: skip
