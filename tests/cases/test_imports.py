"""Spreadsheets: every row's fate is named, nothing is half done, and nothing is entered twice."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import mark_id_number
from cases.handling.clocks import find_running, today
from cases.intake.import_job import Fate, ImportState
from cases.intake.imports import (
    EXCEL_ZERO,
    check_import,
    count_fates,
    enter_some,
    get_import,
    list_rows,
    start_import,
)
from cases.intake.spreadsheet import MOST_ROWS, read_sheet
from cases.petitions import get_petition
from tests.clock import FixedClock
from tests.factories import World

CLERK = "chengguan.receptionist"
HEAD = "姓名,事项,电话,身份证号,收到日期,类别,来源,原编号"
GOOD = "李德福,楼道漏水三个月无人修,13800001234,11010519491231002X,2026-07-01,申诉求决,来信,A-1"
SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData>{}'
)


def workbook(rows: str, more: str = "", shared: str = "") -> bytes:
    """An .xlsx with one sheet of these rows."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", SHEET.format(rows, more) + "</worksheet>")
        if shared:
            book.writestr("xl/sharedStrings.xml", shared)
    return out.getvalue()


def row(number: int, *cells: str) -> str:
    inline = "".join(
        f'<c r="{"ABCDEFGH"[place]}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
        for place, cell in enumerate(cells)
    )
    return f'<row r="{number}">{inline}</row>'


async def check(db: AsyncSession, clock: FixedClock, world: World, content: bytes, key: str = CLERK) -> str:
    return await check_import(
        db, clock, world.actor(key), world.chengguan.id, "旧系统.csv", content, read_sheet(content),
        lambda number: mark_id_number(b"key", number),
    )  # fmt: skip


async def run(db: AsyncSession, clock: FixedClock, world: World, import_id: str) -> dict[Fate, int]:
    await start_import(db, clock, world.actor(CLERK), import_id)
    while await enter_some(db, clock, 2):
        pass
    return await count_fates(db, import_id)


async def test_rows_are_entered_and_keep_the_day_they_were_received(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    content = "\n".join([HEAD, GOOD, GOOD.replace("A-1", "A-2").replace("2026-07-01", "")]).encode()
    import_id = await check(db, clock, world, content)
    assert await db.scalar(select(func.count()).select_from(PetitionCase)) == 0
    assert (await run(db, clock, world, import_id))[Fate.ENTERED] == 2
    job = await get_import(db, world.actor(CLERK), import_id)
    first, second = await list_rows(db, import_id)
    assert job.state is ImportState.DONE and first.data == second.data == {}
    petition = await get_petition(db, world.actor(CLERK), first.petition_id or "")
    assert petition.petitioner.id_number_masked == "110***********002X" and petition.petitioner.id_mark
    running = await find_running(db, petition.id, "register_route")
    assert running is not None and running.start_on.isoformat() == "2026-07-01"


WRONG = {
    "": "姓名",
    "李德福,一": "事项",
    "李德福,楼道漏水,138": "电话",
    "李德福,楼道漏水,,620102199001011234": "身份证号",
    "李德福,楼道漏水,,,2026-02-30": "收到日期",
    "李德福,楼道漏水,,,9999-01-01": "收到日期",
    "李德福,楼道漏水,,,1970-01-01": "收到日期",
    "李德福,楼道漏水,,,昨天": "收到日期",
    "李德福,楼道漏水,,,,高兴": "类别",
    "李德福,楼道漏水,,,,,传真": "来源",
    GOOD: "原编号",
}


async def test_each_wrong_row_is_named_and_the_others_go_in(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    lines = [HEAD, GOOD, *(line or ",楼道漏水" for line in WRONG)]
    import_id = await check(db, clock, world, "\n".join(lines).encode("gb18030"))
    refused = await list_rows(db, import_id, Fate.REFUSED)
    assert [each.field for each in refused] == list(WRONG.values())
    assert all(each.reason for each in refused)
    assert [each.number for each in refused] == list(range(3, 3 + len(WRONG)))
    fates = await run(db, clock, world, import_id)
    assert (fates[Fate.ENTERED], fates[Fate.REFUSED]) == (1, len(WRONG))


async def test_nothing_is_entered_twice(db: AsyncSession, clock: FixedClock, world: World) -> None:
    content = f"{HEAD}\n{GOOD}".encode()
    import_id = await check(db, clock, world, content)
    assert (await run(db, clock, world, import_id))[Fate.ENTERED] == 1
    assert await check(db, clock, world, content) == import_id
    with pytest.raises(Conflict):
        await start_import(db, clock, world.actor(CLERK), import_id)
    again = await check(db, clock, world, content + "\n王五,路灯不亮,,,,,,".encode())
    fates = await run(db, clock, world, again)
    assert (fates[Fate.REPEATED], fates[Fate.ENTERED]) == (1, 1)
    (known,) = await list_rows(db, again, Fate.REPEATED)
    assert known.petition_id == (await list_rows(db, import_id))[0].petition_id
    assert await db.scalar(select(func.count()).select_from(PetitionCase)) == 2


async def test_who_may_not_see_or_begin_an_import(db: AsyncSession, clock: FixedClock, world: World) -> None:
    content = f"{HEAD}\n{GOOD}".encode()
    with pytest.raises(NotFound):
        await check(db, clock, world, content, "xigu.receptionist")
    import_id = await check(db, clock, world, content)
    for key in ("xigu.receptionist", "city.receptionist"):
        with pytest.raises(NotFound):
            await get_import(db, world.actor(key), import_id)


async def test_formulas_and_merged_cells_are_told_as_such(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    formula = '<row r="3"><c r="A3" t="str"><f>A2</f><v>李德福</v></c><c r="B3" t="s"><v>0</v></c></row>'
    rows = (
        row(1, "姓名", "事项", "电话") + row(2, "李德福", "楼道漏水") + formula + row(4, "王五", "路灯不亮")
    )
    rows += '<row r="6"><c r="A6" t="s"><v>1</v></c><c r="B6" t="s"><v>0</v></c>'
    rows += '<c r="C6"><v>1.38E+10</v></c></row>'
    shared = (
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        "<si><t>路灯</t></si><si><r><t>赵</t></r><r><t>六</t></r></si></sst>"
    )
    merged = '<mergeCells count="1"><mergeCell ref="B4:B5"/></mergeCells>'
    sheet = read_sheet(workbook(rows, merged, shared))
    assert [(line.number, dict(line.odd)) for line in sheet.lines] == [
        (2, {}), (3, {"姓名": "公式"}), (4, {"事项": "合并单元格"}), (6, {}),
    ]  # fmt: skip
    assert sheet.lines[-1].cells == {"姓名": "赵六", "事项": "路灯", "电话": "13800000000"}
    import_id = await check(db, clock, world, workbook(rows, merged, shared))
    told = [(each.number, each.fate, each.field) for each in await list_rows(db, import_id)]
    assert told == [
        (2, Fate.READY, None), (3, Fate.REFUSED, "姓名"), (4, Fate.REFUSED, "事项"), (6, Fate.READY, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"\n,,\n", "empty_file"),
        (b"\x89PNG\r\n\x1a\n\x00", "bad_file"),
        (b"PK\x03\x04 and no more", "bad_file"),
        (f'{HEAD}\n"李'.encode(), "bad_file"),
        ("姓名,姓名\n李,李".encode(), "bad_titles"),
        ("姓名,,事项\n李,,漏水".encode(), "bad_titles"),
        (b"x" * (10 * 1024 * 1024 + 1), "file_too_large"),
        (f"{HEAD}\n".encode() + "李,楼道漏水\n".encode() * 100_000, "too_many_rows"),
        (workbook("<row>" + "<broken"), "bad_file"),
        (workbook('<!DOCTYPE x [<!ENTITY a "b">]>'), "bad_file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(content: bytes, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_sheet(content)
    assert caught.value.code == code and caught.value.field == "file"


def test_a_large_workbook_stops_at_the_limit() -> None:
    rows = row(1, "姓名", "事项") + "".join(row(n, "李", "漏水") for n in range(2, MOST_ROWS + 3))
    with pytest.raises(Invalid) as caught:
        read_sheet(workbook(rows))
    assert caught.value.code == "too_many_rows"


@pytest.mark.parametrize(
    ("head", "code"), [("姓名,电话", "missing_columns"), ("姓名,事项,星座", "unknown_columns")]
)
async def test_wrong_columns(db: AsyncSession, clock: FixedClock, world: World, head: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        await check(db, clock, world, f"{head}\n李,漏,x".encode())
    assert caught.value.code == code


async def test_english_titles_and_counted_days(db: AsyncSession, clock: FixedClock, world: World) -> None:
    counted = (today(clock) - timedelta(days=3) - EXCEL_ZERO).days
    content = f"Name,Subject,Received on\n李德福,楼道漏水,{counted}".encode()
    (line,) = await list_rows(db, await check(db, clock, world, content))
    assert line.fate is Fate.READY
    assert line.data["received_on"] == (today(clock) - timedelta(days=3)).isoformat()
