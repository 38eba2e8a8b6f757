"""A spreadsheet to rows of text: CSV, and the cells of the first sheet of an .xlsx (ECMA-376).

Only what a register needs is read, with a limit on everything: size unpacked, rows, columns, length of a
cell. Rows come one by one as they are asked for, so that a hundred thousand need no more memory than a few. A
formula and a merged cell are told as such, for what they show is not what somebody typed.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from codecs import getincrementaldecoder
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO
from xml.etree import ElementTree

from cases.errors import Invalid

MOST_ROWS = 100_000
MOST_COLUMNS = 50
LONGEST_CELL = 20_000
LARGEST_MB = 32
LARGEST = LARGEST_MB * 1024 * 1024  # Of the file.
UNPACKED = 512 * 1024 * 1024  # Of the sheet of an .xlsx; it is read through, never held.
SHARED = 96 * 1024 * 1024  # Of the texts that cells of an .xlsx share; these are held.
MOST_MERGED = 10_000  # Merged cells.
HIGHEST_ROW = 1_048_576  # The last one that spreadsheet programs know.
CHUNK = 1024 * 1024
FORMULA, MERGED = "公式", "合并单元格"
_NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_PLACE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_MERGE = re.compile(rb'<mergeCell ref="([A-Z]{1,3}\d{1,7}):([A-Z]{1,3}\d{1,7})"')

_ROW_OR_VALUE = re.compile(rb"<(?:\w+:)?(row|v|t)[\s>]")  # `<v/>` holds nothing.
# What reading a file that is no workbook, or a broken one, raises.
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, ElementTree.ParseError),
    *(NotImplementedError, RuntimeError, EOFError, ValueError),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One row that holds something. `number` as the program shows it; `odd`: column to what it is."""

    number: int
    cells: Mapping[str, str]
    odd: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The column titles in order, and the rows below them, read as they are asked for.

    Taking a row raises Invalid at `file` where the file goes on as no such file does, or too long.
    """

    titles: tuple[str, ...]
    lines: Iterator[Line]


def open_sheet(content: bytes) -> Sheet:
    """Raises Invalid at `file` for what is no such file, too large, or without a first row of titles."""
    if not content:
        raise _refused("empty_file", "这个文件是空的。")
    if len(content) > LARGEST:
        raise _refused("file_too_large", f"这个文件超过 {LARGEST_MB} MB，请分成几个文件。")
    rows = _rows_of_workbook(content) if content[:4] == b"PK\x03\x04" else _rows_of_csv(content)
    for _, cells, odd in rows:
        texts = [cell.strip() for cell in cells]
        if any(texts) or odd:
            titles = _titles(texts, odd)
            return Sheet(tuple(titles), _lines(rows, titles))
    raise _refused("empty_file", "这个文件是空的。")


def refuse_long_sheet(content: bytes) -> None:
    """Raises Invalid at `file` where more rows follow than are taken: at once, not when all were checked.

    `open_sheet` took the file. To read a workbook's rows takes ten times as long as to count them.
    """
    if content[:4] == b"PK\x03\x04":
        if _rows_with_values(content) > MOST_ROWS + 1:  # Titles are one of them.
            raise _too_many()
    elif content.count(b"\n") + content.count(b"\r") > MOST_ROWS:
        for _ in open_sheet(content).lines:
            pass


def _rows_with_values(content: bytes) -> int:
    found, is_new, rest = 0, False, b""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book, book.open(_sheet_name(book)) as part:
            while piece := part.read(CHUNK):
                whole, end, rest = (rest + piece).rpartition(b">")  # A tag that goes on is looked at whole.
                for match in _ROW_OR_VALUE.finditer(whole + end):
                    found += is_new and match[1] != b"row"
                    is_new = match[1] == b"row"
    except BROKEN as error:
        raise _damaged() from error
    return found


Row = tuple[int, list[str], dict[int, str]]


def _lines(rows: Iterator[Row], titles: list[str]) -> Iterator[Line]:
    count = 0
    for number, cells, odd in rows:
        texts = [cell.strip() for cell in cells]
        if not any(texts) and not odd:
            continue
        count += 1
        if count > MOST_ROWS:
            raise _too_many()
        named = {title: texts[place] if place < len(texts) else "" for place, title in enumerate(titles)}
        strange = {titles[place]: what for place, what in odd.items() if place < len(titles)}
        yield Line(number, named, strange)


def _titles(texts: list[str], odd: Mapping[int, str]) -> list[str]:
    while texts and not texts[-1]:
        texts.pop()
    if odd or not all(texts) or len(set(texts)) != len(texts):
        raise _refused("bad_titles", "第一行要是各列的标题，不能空、重复、合并或者用公式。")
    return texts


def _rows_of_csv(content: bytes) -> Iterator[Row]:
    encoding = next((each for each in ("utf-8-sig", "gb18030") if _decodes(content, each)), None)
    if encoding is None or b"\x00" in content:
        raise _refused("bad_file", "这个文件不是 .xlsx，也不是 CSV。")
    text = io.TextIOWrapper(io.BytesIO(content), encoding, newline="")
    try:
        for number, cells in enumerate(csv.reader(text, strict=True), 1):
            yield number, [_limited(cell) for cell in cells[:MOST_COLUMNS]], {}
    except csv.Error as error:
        raise _refused("bad_file", "这个 CSV 文件的引号或者换行不对，打不开。") from error


def _decodes(content: bytes, encoding: str) -> bool:
    decoder = getincrementaldecoder(encoding)()
    try:
        for place in range(0, len(content), CHUNK):
            decoder.decode(content[place : place + CHUNK], place + CHUNK >= len(content))
    except UnicodeDecodeError:
        return False
    return True


def _rows_of_workbook(content: bytes) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            name = _sheet_name(book)
            shared = _shared(book)
            merged = _merged(book, name)
            with book.open(name) as part:
                yield from _cells(part, shared, merged)
    except BROKEN as error:
        raise _damaged() from error


def _sheet_name(book: zipfile.ZipFile) -> str:
    names = sorted(n for n in book.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", n))
    if not names:
        raise _refused("bad_file", "这个文件不是 .xlsx，也不是 CSV。")
    return min(names, key=lambda name: (len(name), name))


def _shared(book: zipfile.ZipFile) -> list[str]:
    name = "xl/sharedStrings.xml"
    if name not in book.namelist():
        return []
    for _ in _chunks(book, name, SHARED):
        pass
    found: list[str] = []
    with book.open(name) as part:
        for element in _elements(part, f"{_NS}si"):
            found.append(_limited(_text(element)))
    return found


def _chunks(book: zipfile.ZipFile, name: str, most: int) -> Iterator[bytes]:
    """A part from its beginning to its end, each piece with the end of the one before it."""
    size, before = 0, b""
    with book.open(name) as part:
        while piece := part.read(CHUNK):
            size += len(piece)
            whole = before + piece
            if b"<!DOCTYPE" in whole:  # No spreadsheet program writes one; entities could grow without end.
                raise _damaged()
            if size > most:
                raise _refused("file_too_large", "这个表格展开以后太大，请分成几个文件。")
            yield whole
            before = whole[-100:]


Range = tuple[int, int, int, int]  # First and last row, first and last column.


def _merged(book: zipfile.ZipFile, name: str) -> list[Range]:
    """Merged cells by their first row; they stand behind the rows, so they are looked for beforehand."""
    found: set[Range] = set()
    for piece in _chunks(book, name, UNPACKED):
        for match in _MERGE.finditer(piece):
            (left, top), (right, bottom) = (_place(each.decode()) for each in match.groups())
            found.add((top, bottom, left, min(right, MOST_COLUMNS - 1)))
        if len(found) > MOST_MERGED:
            raise _refused("too_many_merged", "这个表的合并单元格太多，请先取消合并。")
    return sorted(found)


def _elements(part: IO[bytes], tag: str) -> Iterator[ElementTree.Element]:
    """Each element of this tag as it is complete; what was read is let go of."""
    parent: ElementTree.Element | None = None
    inside: list[ElementTree.Element] = []
    events = ElementTree.iterparse(part, events=("start", "end"))  # noqa: S314 - no entities, limited.
    for event, element in events:
        if event == "start":
            if element.tag == tag and inside:
                parent = inside[-1]
            inside.append(element)
            continue
        inside.pop()
        if element.tag == tag:
            yield element
            if parent is not None:
                parent.clear()


def _cells(part: IO[bytes], shared: list[str], merged: list[Range]) -> Iterator[Row]:
    number, begun, open_ranges = 0, 0, list[Range]()
    for element in _elements(part, f"{_NS}row"):
        given = element.get("r") or ""
        following = int(given) if given.isascii() and given.isdigit() else number + 1
        if not number < following <= HIGHEST_ROW:
            raise _damaged()
        number = following
        while begun < len(merged) and merged[begun][0] <= number:
            open_ranges.append(merged[begun])
            begun += 1
        open_ranges = [each for each in open_ranges if each[1] >= number]
        cells: list[str] = []
        odd = {place: MERGED for _, _, left, right in open_ranges for place in range(left, right + 1)}
        for cell in element.iter(f"{_NS}c"):
            place = _place(cell.get("r") or "")[0] if cell.get("r") else len(cells)
            if place >= MOST_COLUMNS:
                break
            cells += [""] * (place + 1 - len(cells))
            cells[place] = _limited(_value(cell, shared))
            if cell.find(f"{_NS}f") is not None:
                odd[place] = FORMULA
        yield number, cells, odd


def _value(cell: ElementTree.Element, shared: list[str]) -> str:
    kind, value = cell.get("t"), cell.findtext(f"{_NS}v") or ""
    if kind == "s":
        return shared[int(value)] if value.isdigit() and int(value) < len(shared) else ""
    if kind == "inlineStr":
        return _text(cell)
    if kind in (None, "n") and re.fullmatch(r"\d+\.0+|\d(\.\d+)?E\+?\d{1,2}", value):
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


def _too_many() -> Invalid:
    return _refused("too_many_rows", f"这个表超过 {MOST_ROWS} 行，请分成几个文件。")


def _damaged() -> Invalid:
    return _refused("bad_file", "这个表格文件已经损坏，或者有密码，打不开。")


def _refused(code: str, message: str) -> Invalid:
    return Invalid(code, message, "file")
