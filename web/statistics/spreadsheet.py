"""A workbook of plain tables as .xlsx (ECMA-376), written by the standard library.

Text is stored as text and numbers as numbers, never as a formula: nothing in it runs when it is opened.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from xml.sax.saxutils import escape

Cell = str | int | Decimal | None
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
WIDEST = 60  # Characters of a column.
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="1"><fill><patternFill '
    'patternType="none"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/>'
    '</cellStyleXfs><cellXfs count="2"><xf fontId="0"/><xf fontId="1" applyFont="1"/></cellXfs></styleSheet>'
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table; the first row is its heading."""

    name: str
    rows: Sequence[Sequence[Cell]]


def write_workbook(sheets: Sequence[Sheet], made_at: datetime) -> bytes:
    """The file. The same tables and moment give the same bytes."""
    stamp = made_at.timetuple()[:6]
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as folder:
        for name, text in _parts(sheets):
            folder.writestr(zipfile.ZipInfo(name, stamp), text, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _parts(sheets: Sequence[Sheet]) -> list[tuple[str, str]]:
    numbers = range(1, len(sheets) + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        for n in numbers
    )
    types = (
        f'{_HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{overrides}</Types>'
    )
    names = "".join(
        f'<sheet name="{_text(sheet.name)[:31]}" sheetId="{n}" r:id="rId{n}"/>'
        for n, sheet in zip(numbers, sheets, strict=True)
    )
    book = f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{names}</sheets></workbook>'
    links = "".join(_relation(n, "worksheet", f"worksheets/sheet{n}.xml") for n in numbers)
    links += _relation(len(sheets) + 1, "styles", "styles.xml")
    parts = [
        ("[Content_Types].xml", types),
        ("_rels/.rels", _relations(_relation(1, "officeDocument", "xl/workbook.xml"))),
        ("xl/workbook.xml", book),
        ("xl/_rels/workbook.xml.rels", _relations(links)),
        ("xl/styles.xml", _STYLES),
    ]
    tables = [(f"xl/worksheets/sheet{n}.xml", _table(s)) for n, s in zip(numbers, sheets, strict=True)]
    return parts + tables


def _relation(number: int, kind: str, target: str) -> str:
    return f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'


def _relations(inner: str) -> str:
    return f'{_HEAD}<Relationships xmlns="{_RELATIONS}">{inner}</Relationships>'


def _table(sheet: Sheet) -> str:
    wide = max(map(len, sheet.rows), default=1)
    columns = "".join(
        f'<col min="{n + 1}" max="{n + 1}" width="{_width(sheet.rows, n)}" customWidth="1"/>'
        for n in range(wide)
    )
    rows = "".join(
        f'<row r="{y}">{"".join(_cell(value, x, y) for x, value in enumerate(row))}</row>'
        for y, row in enumerate(sheet.rows, 1)
    )
    freeze = '<sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" state="frozen"/></sheetView>'
    return (
        f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews>{freeze}</sheetViews><cols>{columns}</cols>'
        f"<sheetData>{rows}</sheetData></worksheet>"
    )


def _cell(value: Cell, column: int, row: int) -> str:
    if value is None:
        return ""
    place, style = f"{_letters(column)}{row}", ' s="1"' if row == 1 else ""
    if isinstance(value, str):
        text = f'<is><t xml:space="preserve">{_text(value)}</t></is>'
        return f'<c r="{place}"{style} t="inlineStr">{text}</c>'
    return f'<c r="{place}"{style}><v>{value}</v></c>'


def _letters(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _width(rows: Sequence[Sequence[Cell]], column: int) -> int:
    sizes = [len(str(row[column]).encode("gbk", "replace")) for row in rows if column < len(row)]
    return min(WIDEST, max(sizes, default=8) + 2)


def _text(value: str) -> str:
    """Escaped, without what XML cannot hold."""
    kept = "".join(c for c in value if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff"))
    return escape(kept, {'"': "&quot;"})
