"""A spreadsheet to rows of text: CSV, and the cells of the first sheet of an .xlsx (ECMA-376).

Only what a register needs is read, with a limit on everything: size unpacked, rows, columns, length of a
cell. A formula and a merged cell are told as such, for what they show is not what somebody typed.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

from cases.errors import Invalid

MOST_ROWS = 5_000
MOST_COLUMNS = 50
LONGEST_CELL = 20_000
LARGEST = 10 * 1024 * 1024  # Of the file.
UNPACKED = 100 * 1024 * 1024  # Of one part of an .xlsx.
FORMULA, MERGED = "公式", "合并单元格"
_NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_PLACE = re.compile(r"([A-Z]{1,3})(\d{1,7})")


@dataclass(frozen=True, slots=True)
class Line:
    """One row that holds something. `number` as the program shows it; `odd`: column to what it is."""

    number: int
    cells: Mapping[str, str]
    odd: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The column titles in order, and the rows below them."""

    titles: tuple[str, ...]
    lines: tuple[Line, ...]


def read_sheet(content: bytes) -> Sheet:
    """Raises Invalid at `file` for what is no such file, too large, or without a first row of titles."""
    if not content:
        raise _refused("empty_file", "这个文件是空的。")
    if len(content) > LARGEST:
        raise _refused("file_too_large", "这个文件超过 10 MB，请分成几个文件。")
    rows = _rows_of_workbook(content) if content[:4] == b"PK\x03\x04" else _rows_of_csv(content)
    titles: list[str] = []
    lines: list[Line] = []
    for number, cells, odd in rows:
        texts = [cell.strip() for cell in cells]
        if not any(texts) and not odd:
            continue
        if not titles:
            titles = _titles(texts, odd)
            continue
        if len(lines) >= MOST_ROWS:
            raise _refused("too_many_rows", f"这个表超过 {MOST_ROWS} 行，请分成几个文件。")
        named = {title: texts[place] if place < len(texts) else "" for place, title in enumerate(titles)}
        strange = {titles[place]: what for place, what in odd.items() if place < len(titles)}
        lines.append(Line(number, named, strange))
    if not titles:
        raise _refused("empty_file", "这个文件是空的。")
    return Sheet(tuple(titles), tuple(lines))


Row = tuple[int, list[str], dict[int, str]]


def _titles(texts: list[str], odd: Mapping[int, str]) -> list[str]:
    while texts and not texts[-1]:
        texts.pop()
    if odd or not all(texts) or len(set(texts)) != len(texts):
        raise _refused("bad_titles", "第一行要是各列的标题，不能空、重复、合并或者用公式。")
    return texts


def _rows_of_csv(content: bytes) -> Iterator[Row]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError as error:
            raise _refused("bad_file", "这个文件不是 .xlsx，也不是 CSV。") from error
    if "\x00" in text:
        raise _refused("bad_file", "这个文件不是 .xlsx，也不是 CSV。")
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), 1):
            yield number, [_limited(cell) for cell in cells[:MOST_COLUMNS]], {}
    except csv.Error as error:
        raise _refused("bad_file", "这个 CSV 文件的引号或者换行不对，打不开。") from error


def _rows_of_workbook(content: bytes) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            names = sorted(n for n in book.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", n))
            if not names:
                raise _refused("bad_file", "这个文件不是 .xlsx，也不是 CSV。")
            shared = _shared(book)
            sheet = _part(book, min(names, key=lambda name: (len(name), name)))
            yield from _cells(sheet, shared, _merged(sheet))
    except (zipfile.BadZipFile, ElementTree.ParseError, NotImplementedError, RuntimeError, EOFError) as error:
        raise _refused("bad_file", "这个表格文件已经损坏，或者有密码，打不开。") from error


def _part(book: zipfile.ZipFile, name: str) -> bytes:
    with book.open(name) as part:
        content = part.read(UNPACKED + 1)
    if b"<!DOCTYPE" in content:  # No spreadsheet program writes one; entities could grow without end.
        raise _refused("bad_file", "这个表格文件已经损坏，或者有密码，打不开。")
    if len(content) > UNPACKED:
        raise _refused("file_too_large", "这个表格展开以后太大，请分成几个文件。")
    return content


def _shared(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    root = ElementTree.fromstring(_part(book, "xl/sharedStrings.xml"))  # noqa: S314 - no entities, limited.
    return [_text(item) for item in root.iter(f"{_NS}si")]


def _merged(sheet: bytes) -> dict[int, dict[int, str]]:
    """Row to column of each cell that belongs to a merged one of a few rows."""
    found: dict[int, dict[int, str]] = {}
    for match in re.finditer(rb'<mergeCell ref="([A-Z]{1,3}\d{1,7}):([A-Z]{1,3}\d{1,7})"', sheet):
        (left, top), (right, bottom) = (_place(each.decode()) for each in match.groups())
        for row in range(top, min(bottom, top + MOST_ROWS) + 1):
            for column in range(left, min(right, MOST_COLUMNS) + 1):
                found.setdefault(row, {})[column] = MERGED
    return found


def _cells(sheet: bytes, shared: list[str], merged: Mapping[int, Mapping[int, str]]) -> Iterator[Row]:
    number = 0
    for _, element in ElementTree.iterparse(io.BytesIO(sheet)):  # noqa: S314 - no entities, limited.
        if element.tag != f"{_NS}row":
            continue
        number = int(element.get("r") or number + 1)
        cells: list[str] = []
        odd = dict(merged.get(number, {}))
        for cell in element.iter(f"{_NS}c"):
            place = _place(cell.get("r") or "")[0] if cell.get("r") else len(cells)
            if place >= MOST_COLUMNS:
                break
            cells += [""] * (place + 1 - len(cells))
            cells[place] = _limited(_value(cell, shared))
            if cell.find(f"{_NS}f") is not None:
                odd[place] = FORMULA
        yield number, cells, odd
        element.clear()


def _value(cell: ElementTree.Element, shared: list[str]) -> str:
    kind, value = cell.get("t"), cell.findtext(f"{_NS}v") or ""
    if kind == "s":
        return shared[int(value)] if value.isdigit() and int(value) < len(shared) else ""
    if kind == "inlineStr":
        return _text(cell)
    if kind in (None, "n") and re.fullmatch(r"\d+\.0+|\d(\.\d+)?E\+?\d+", value):
        return str(int(float(value)))  # A telephone number that was kept as a number.
    return value


def _text(element: ElementTree.Element) -> str:
    return "".join(node.text or "" for node in element.iter(f"{_NS}t"))


def _place(reference: str) -> tuple[int, int]:
    """Column from 0 and row from 1 of `B7`; far away for what is none."""
    found = _PLACE.fullmatch(reference)
    if found is None:
        return MOST_COLUMNS, 0
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    return column - 1, int(found[2])


def _limited(text: str) -> str:
    return text[:LONGEST_CELL]


def _refused(code: str, message: str) -> Invalid:
    return Invalid(code, message, "file")
