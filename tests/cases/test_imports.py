"""Spreadsheets: every row's fate is named, nothing is half done, and nothing is entered twice."""

from __future__ import annotations

import functools
import io
import itertools
import tracemalloc
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import mark_id_number
from cases.handling.clocks import find_running, today
from cases.intake import spreadsheet
from cases.intake.import_check import (
    EXCEL_ZERO,
    checked_rows,
    fail_check,
    finish_check,
    hand_in_import,
    in_chinese,
    keep_rows,
    next_to_check,
)
from cases.intake.import_job import Fate, ImportState
from cases.intake.imports import (
    count_fates,
    enter_some,
    get_import,
    list_rows,
    start_import,
)
from cases.intake.spreadsheet import LARGEST, Line, open_sheet, refuse_long_sheet
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


async def hand_in(db: AsyncSession, clock: FixedClock, world: World, content: bytes, key: str = CLERK) -> str:
    async def keep(import_id: str, content: bytes) -> None:
        pass

    titles = open_sheet(content).titles
    return await hand_in_import(
        db, clock, world.actor(key), world.chengguan.id, "旧系统.csv", content, titles, keep
    )


async def check(db: AsyncSession, clock: FixedClock, world: World, content: bytes, key: str = CLERK) -> str:
    """Handed in and checked, two rows at a time."""
    import_id = await hand_in(db, clock, world, content, key)
    if (await next_to_check(db) or ("",))[0] == import_id:
        await go_on(db, clock, import_id, content)
    return import_id


async def go_on(
    db: AsyncSession, clock: FixedClock, import_id: str, content: bytes, handfuls: int | None = None
) -> None:
    """The rest of the check, or so many handfuls of it."""
    found = await next_to_check(db)
    assert found is not None
    lines = (line for line in in_chinese(open_sheet(content)).lines if line.number > found[1])
    mark = functools.partial(mark_id_number, b"key")
    while handfuls != 0 and (rows := checked_rows(list(itertools.islice(lines, 2)), today(clock), mark)):
        await keep_rows(db, import_id, rows)
        handfuls = None if handfuls is None else handfuls - 1
    if handfuls is None:
        await finish_check(db, import_id)


def read_all(content: bytes) -> list[Line]:
    return list(open_sheet(content).lines)


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
    lines = read_all(workbook(rows, merged, shared))
    assert [(line.number, dict(line.odd)) for line in lines] == [
        (2, {}), (3, {"姓名": "公式"}), (4, {"事项": "合并单元格"}), (6, {}),
    ]  # fmt: skip
    assert lines[-1].cells == {"姓名": "赵六", "事项": "路灯", "电话": "13800000000"}
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
        (b"x" * (LARGEST + 1), "file_too_large"),
        (workbook("<row>" + "<broken"), "bad_file"),
        (workbook('<!DOCTYPE x [<!ENTITY a "b">]>'), "bad_file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(content: bytes, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_all(content)
    assert caught.value.code == code and caught.value.field == "file"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_sheet_is_read_as_it_is_asked_for_and_stops_at_the_limit(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 3)
    content = f"{HEAD}\n".encode() + "李,楼道漏水\n".encode() * 4 + b'"no end'
    if kind == "xlsx":
        rows = row(1, "姓名", "事项") + "".join(row(n, "李", "漏水") for n in range(2, 6))
        content = workbook(rows)
    with pytest.raises(Invalid, match="too_many_rows"):
        refuse_long_sheet(content)  # Before any of its rows is checked.
    lines = open_sheet(content).lines
    assert [next(lines).number for _ in range(3)] == [2, 3, 4]
    with pytest.raises(Invalid) as caught:
        next(lines)
    assert caught.value.code == "too_many_rows"
    refuse_long_sheet(f"{HEAD}\n\n\n\r\n\n李,漏水\n".encode())
    empty = "".join(f'<row r="{n}"><c r="A{n}"><v/></c></row>' for n in range(5, 9))
    refuse_long_sheet(
        workbook(row(1, "姓名", "事项") + "".join(row(n, "李", "漏水") for n in (2, 3, 4)) + empty)
    )


@pytest.mark.parametrize(
    ("rows", "more"),
    [
        (row(2, "姓名", "事项") + row(2, "李", "漏水"), ""),  # Rows that do not go on.
        (row(1, "姓名", "事项") + row(99_999_999, "李", "漏水"), ""),
        (row(1, "姓名", "事项"), "".join(f'<mergeCell ref="A{n}:B{n + 9}"/>' for n in range(10_001))),
    ],
)
def test_what_would_take_memory_or_numbers_without_end_is_refused(rows: str, more: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_all(workbook(rows, more))
    assert caught.value.code in ("bad_file", "too_many_merged")


@pytest.mark.parametrize(("kind", "few"), [("csv", 2_000), ("xlsx", 1_000)])
def test_ten_times_as_many_rows_take_no_more_memory(
    kind: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "CHUNK", 16 * 1024)  # So that the shorter sheet is many pieces, too.

    def most_held(count: int) -> int:
        """Octets that reading so many rows holds at most, without the file itself."""
        content = "姓名,事项\n".encode() + "李,漏水\n".encode() * count
        if kind == "xlsx":
            rows = "".join(row(n, "李", "漏水") for n in range(2, count + 2))
            content = workbook(row(1, "姓名", "事项") + rows)
        tracemalloc.start()
        try:
            assert sum(1 for _ in open_sheet(content).lines) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    most_held(10)  # What is made once.
    assert most_held(10 * few) < 1.5 * most_held(few)


def test_one_merged_cell_over_a_million_rows_costs_nothing() -> None:
    rows = row(1, "姓名", "事项") + row(900_000, "李", "漏水")
    (line,) = read_all(workbook(rows, '<mergeCell ref="A2:B1048576"/>'))
    assert line.odd == {"姓名": "合并单元格", "事项": "合并单元格"}
    assert read_all(
        workbook(row(1, "姓名", "事项") + row(2, "李", "漏水")[:-6] + '<c r="C2"><v>1E+999</v></c></row>')
    )


async def test_a_check_that_was_killed_goes_on_at_the_next_row(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    lines = [HEAD, *(GOOD.replace("A-1", f"A-{n}") for n in (1, 2, 3, 4, 1))]
    content = "\n".join(lines).encode()
    import_id = await hand_in(db, clock, world, content)
    await go_on(db, clock, import_id, content, handfuls=1)
    job = await get_import(db, world.actor(CLERK), import_id)
    assert (job.state, job.checked_to) == (ImportState.CHECKING, 3)
    with pytest.raises(Conflict):
        await start_import(db, clock, world.actor(CLERK), import_id)
    await go_on(db, clock, import_id, content)
    told = [(each.number, each.fate) for each in await list_rows(db, import_id)]
    assert told == [
        *((n, Fate.READY) for n in range(2, 6)),
        (6, Fate.REFUSED),
    ]  # Known from the first handful.


async def test_a_sheet_that_breaks_off_leaves_its_reason_and_no_row(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    content = f"{HEAD}\n{GOOD}\n王五,路灯不亮,,,,,,\n".encode() + b'"no end'
    import_id = await hand_in(db, clock, world, content)
    with pytest.raises(Invalid) as caught:
        await go_on(db, clock, import_id, content)
    await fail_check(db, import_id, caught.value)
    job = await get_import(db, world.actor(CLERK), import_id)
    assert (job.state, job.code) == (ImportState.FAILED, "bad_file") and "CSV" in (job.reason or "")
    assert await list_rows(db, import_id) == [] and await next_to_check(db) is None


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
