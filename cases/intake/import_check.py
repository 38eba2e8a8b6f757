"""Checking a spreadsheet: what would become of each row, found out by the service while the file lies sealed.

A hundred thousand rows take minutes, so they are checked a few at a time. How far it came is kept with the
rows, and whatever stopped the service, it goes on at the next row.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import CHANNEL_NAMES, CLASS_NAMES, Channel, PetitionClass
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.errors import Invalid, RuleError
from cases.fields import (
    clean,
    clean_id_number,
    clean_name,
    clean_phone,
    clean_subject,
    clean_text,
    mask_id_number,
)
from cases.intake.import_job import Fate, Import, ImportRow, ImportState
from cases.intake.spreadsheet import Line, Sheet
from cases.organisations import OrganisationKind, get_organisation
from cases.policy import Action, Actor, Scope, require

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
Keep = Callable[[str, bytes], Awaitable[None]]
CheckedRow = dict[str, Any]


@atomic
async def hand_in_import(
    db: AsyncSession, clock: Clock, actor: Actor, organisation_id: str, name: str, content: bytes,
    titles: Sequence[str], keep: Keep,
) -> str:  # fmt: skip
    """Take a sheet for an office, to be checked by the service; commits and enters nothing.

    `keep` puts the file away under the import's id, sealed. Returns the id; the same file again is the same
    import. Raises Invalid at `file` for wrong columns, NotFound.
    """
    office = await get_organisation(db, organisation_id)
    line = Scope(region_codes=frozenset({office.region_code}), organisation_ids=frozenset({office.id}))
    require(actor, Action.CREATE_PETITION, line)
    if office.kind is OrganisationKind.DEPARTMENT or actor.official_id is None:
        raise Invalid("bad_custodian", "请选择信访部门作为登记单位。", "custodian")
    _check_titles([ENGLISH.get(title, title) for title in titles])
    digest = hashlib.sha256(content).hexdigest()
    same = select(Import.id).where(Import.organisation_id == office.id, Import.sha256 == digest)
    if known := await db.scalar(same):
        return known
    job = Import(
        id=new_id(), organisation_id=office.id, official_id=actor.official_id, name=clean(name)[:64] or "—",
        sha256=digest, state=ImportState.CHECKING, at=clock.now(), checked_to=0, told_to=0, told=0,
    )  # fmt: skip
    db.add(job)
    await db.flush()
    await add_audit(db, clock, actor, "import.handed_in", "import", job.id)
    await keep(job.id, content)
    await db.commit()
    return job.id


async def next_to_check(db: AsyncSession) -> tuple[str, int] | None:
    """The import that was handed in first and is not checked to its end: its id, and the last row checked."""
    query = select(Import.id, Import.checked_to).where(Import.state == ImportState.CHECKING)
    found = (await db.execute(query.order_by(Import.at, Import.id).limit(1))).first()
    return (found[0], found[1]) if found else None


def checked_rows(lines: Iterable[Line], day: date, mark: Mark) -> list[CheckedRow]:
    """What would become of these rows by themselves. `mark` makes the keyed digest of an identity number."""
    return [_row_of(line, day, mark) for line in lines]


@atomic
async def keep_rows(db: AsyncSession, import_id: str, rows: Sequence[CheckedRow]) -> None:
    """Write down what would become of the next rows; commits. A row that comes twice goes in once."""
    names = {row["external_id"] for row in rows}
    query = select(ImportRow.external_id).where(
        ImportRow.import_id == import_id, ImportRow.external_id.in_(names), ImportRow.fate == Fate.READY
    )
    seen = set(await db.scalars(query))
    for row in rows:
        if row["fate"] is not Fate.READY:
            continue
        if row["external_id"] in seen:
            column = "原编号" if row["external_id"].startswith("no-") else "姓名"
            row |= {"fate": Fate.REFUSED, "field": column, "reason": "和上面的一行相同。", "data": {}}
        seen.add(row["external_id"])
    await db.execute(insert(ImportRow), [row | {"import_id": import_id} for row in rows])
    on = update(Import).where(Import.id == import_id, Import.state == ImportState.CHECKING)
    await db.execute(on.values(checked_to=rows[-1]["number"]))
    await db.commit()


async def finish_check(db: AsyncSession, import_id: str) -> None:
    """Every row was checked; commits."""
    same = update(Import).where(Import.id == import_id, Import.state == ImportState.CHECKING)
    await db.execute(same.values(state=ImportState.CHECKED))
    await db.commit()


async def fail_check(db: AsyncSession, import_id: str, error: RuleError) -> None:
    """The file turned out to be none, or too long: nothing of it is kept but why; commits."""
    await db.execute(delete(ImportRow).where(ImportRow.import_id == import_id))
    same = update(Import).where(Import.id == import_id, Import.state == ImportState.CHECKING)
    await db.execute(same.values(state=ImportState.FAILED, code=error.code, reason=error.message))
    await db.commit()


def in_chinese(sheet: Sheet) -> Sheet:
    """The same sheet with the titles that the register uses."""

    def named(row: Mapping[str, str]) -> dict[str, str]:
        return {ENGLISH.get(title, title): value for title, value in row.items()}

    lines = (Line(line.number, named(line.cells), named(line.odd)) for line in sheet.lines)
    return Sheet(tuple(ENGLISH.get(title, title) for title in sheet.titles), lines)


def _check_titles(titles: Sequence[str]) -> None:
    if missing := [title for title in NEEDED if title not in titles]:
        raise Invalid("missing_columns", f"缺少这些列：{'、'.join(missing)}。", "file")
    if unknown := [title[:20] for title in titles if title not in COLUMNS]:
        message = f"不认识这些列：{'、'.join(unknown[:5])}。可以有：{'、'.join(COLUMNS)}。"
        raise Invalid("unknown_columns", message, "file")


def _row_of(line: Line, day: date, mark: Mark) -> CheckedRow:
    known = dict(line.cells) | {"身份证号": line.cells.get("身份证号", "")[-4:]}
    text = json.dumps(known, ensure_ascii=False, sort_keys=True)
    named = clean(line.cells.get("原编号", ""))[:100]
    external_id = f"no-{named}" if named else hashlib.sha256(text.encode()).hexdigest()
    row: CheckedRow = {
        "number": line.number, "fate": Fate.READY, "field": None, "reason": None,
        "external_id": external_id, "petition_id": None, "data": {},
    }  # fmt: skip
    try:
        row["data"] = _checked(line, day, mark)
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
