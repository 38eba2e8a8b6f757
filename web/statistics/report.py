"""The monthly and yearly report: the same rows as PDF for reading and as a workbook for counting on.

A report is a record and therefore Chinese. Art. 41 of the Regulations of 2022 names what a yearly report
holds: numbers, fields, the units most complained about, forwarding and supervising.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fpdf import FPDF
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace

from cases.clock import BEIJING, chinese_date
from cases.figures.indicator import Form
from cases.figures.period import Period
from cases.figures.reading import Reading
from cases.supervision.measures import KIND_NAMES
from cases.supervision.order import ADOPTION_NAMES, REASON_NAMES
from cases.supervision.report import SupervisionFigures
from scheduling.afterwards.session_figures import ReceptionFigures
from web.language import in_chinese
from web.minutes.pdf import chinese_font
from web.statistics.charts import Columns, draw_columns
from web.statistics.receptions import RECEPTION_COLUMNS, reception_parts, reception_rows
from web.statistics.spreadsheet import Cell, Sheet, write_workbook
from web.statistics.telling import (
    BARE,
    COLUMNS,
    Headings,
    Row,
    breakdown,
    channel_rows,
    class_rows,
    indicator_rows,
    period_words,
    summary,
    trend_rows,
    trend_sentence,
)
from web.words import month_label

BODY, SMALL, TITLE, HEADING = 10.5, 8.5, 20, 13  # Points.
MARGIN, LINE = 18, 6.2  # Millimetres.
BLUE, GOLD, GREY = (11, 74, 143), (185, 138, 46), (195, 203, 212)
WHITE = (255, 255, 255)
NOT_COUNTED = "保密的和检举控告某单位的信访件不在内。分子、分母和算法见各项指标。"


def report_title(period: Period) -> str:
    """`2026年7月信访统计月报`."""
    code = period.code
    kind = "年报" if len(code) == 4 else "月报" if len(code) == 7 and code[5:].isdigit() else "报告"
    return f"{period_words(period)}信访统计{kind}"


class _Paper(FPDF):
    def footer(self) -> None:
        """Page numbers."""
        self.set_y(-14)
        self.set_font("chinese", size=SMALL)
        self.cell(0, 5, f"第 {self.page_no()} 页，共 {{nb}} 页", align="C")


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported. `sealed`: recordings in all, and sealed ones; `office`: whose report it is."""

    reading: Reading
    receptions: ReceptionFigures
    sealed: tuple[int, int]
    office: str
    made_at: datetime
    supervision: SupervisionFigures | None = None  # Of a year.


@in_chinese()
def report_pdf(report: Report) -> bytes:
    """The document. Raises PrintError where there is no Chinese font."""
    reading, made_at = report.reading, report.made_at
    paper = _Paper(format="A4")
    paper.set_title(report_title(reading.period))
    paper.set_lang("zh-CN")
    paper.set_creation_date(made_at)
    paper.set_margins(MARGIN, MARGIN, MARGIN)
    paper.set_auto_page_break(True, margin=MARGIN)
    path, face = chinese_font()
    paper.add_font("chinese", fname=path, collection_font_number=face)
    paper.add_page()
    _words(paper, report_title(reading.period), TITLE, "C", 11)
    day = made_at.astimezone(BEIJING)
    _words(paper, f"{report.office}　{chinese_date(day)}", BODY, "C")
    paper.ln(3)
    _words(paper, "".join(summary(reading)), BODY)
    _words(paper, NOT_COUNTED, SMALL)
    for heading, rows, widths in _tables(report):
        _heading(paper, heading, len(rows))
        _table(paper, rows, widths)
    _heading(paper, "十二个月的变化", 14)
    _words(paper, trend_sentence(reading), BODY)
    months = trend_rows(reading)
    drawn = [(month_label(code), (sums["registered"], sums["concluded"])) for code, sums in months]
    _draw(paper, draw_columns(drawn))
    _words(paper, "蓝色：登记；金色：办结。", SMALL)
    paper.ln(2)
    _table(paper, _trend(reading), (2, 1, 1, 1, 1))
    return bytes(paper.output())


@in_chinese()
def report_workbook(report: Report) -> bytes:
    """The same as .xlsx, a sheet for each table; rates as numbers beside numerator and denominator."""
    reading, made_at = report.reading, report.made_at
    about = [
        (report_title(reading.period),), (report.office,), (f"{made_at.astimezone(BEIJING):%Y-%m-%d %H:%M}",),
        ("".join(summary(reading)),), (NOT_COUNTED,),
    ]  # fmt: skip
    sheets = [Sheet("说明", about), Sheet("指标", _indicators(reading))]
    sheets += [Sheet(heading, rows) for heading, rows, _ in _tables(report)[1:]]
    return write_workbook([*sheets, Sheet("逐月", _trend(reading))], made_at)


def _tables(report: Report) -> list[tuple[str, list[tuple[str, ...]], tuple[int, ...]]]:
    reading, found = report.reading, report.receptions
    indicators: list[tuple[str, ...]] = [("指标", "数值", "分子", "分母", "上期")]
    for row in indicator_rows(reading):
        it = row["figure"]
        below = f"{it.denominator} {it.indicator.below}" if it.indicator.denominator else "—"
        above = f"{it.numerator} {it.indicator.above}"
        above, below = (above, below) if it.told else ("—", "—")
        indicators.append((it.indicator.title, row["value"], above, below, row["before"] or "—"))
    widths, bare = (26, *(12 for _ in COLUMNS)), (26, *(12 for _ in BARE))
    told: list[tuple[str, list[tuple[str, ...]], tuple[int, ...]]] = [
        ("各项指标", indicators, (27, 14, 37, 37, 14)),
        ("按地区", _parts("地区", breakdown(reading.districts, "region"), COLUMNS), widths),
        ("按渠道", _parts("渠道", channel_rows(reading), BARE), bare),
        ("按类别", _parts("类别", class_rows(reading), BARE), bare),
        ("按信访部门", _parts("信访部门", breakdown(reading.offices, "office"), COLUMNS), widths),
        ("按责任单位", _parts("责任单位", breakdown(reading.units, "unit"), COLUMNS), widths),
        ("热点", [("热点", "件数"), *((each.title, f"{each.cases}") for each in reading.topics)], (3, 1)),
        ("视频接访", [("项目", "数值", "分子／分母", "怎么算的"),
         *((row.what, row.value, row.made_of, row.definition)
           for row in reception_rows(found, report.sealed))], (24, 18, 20, 48)),
        ("视频接访：按层级和主持单位",
         [("主持单位", *(title for title, _ in RECEPTION_COLUMNS)),
          *((part.name, *part.cells) for part in reception_parts(found))],
         (26, *(12 for _ in RECEPTION_COLUMNS))),
    ]
    if report.supervision is not None:
        told.append(("督办和建议", _supervision(report.supervision), (3, 1)))
    return [each for each in told if len(each[1]) > 1]


def _supervision(found: SupervisionFigures) -> list[tuple[str, ...]]:
    """Orders, what was taken of the advice, measures (Art. 39 and 40)."""
    rows = [("督办单", found.orders), ("其中撤销的", found.withdrawn), ("其中办结的", found.closed)]
    rows += [(f"因{name}督办", found.reasons[code]) for code, name in REASON_NAMES.items()]
    rows += [(f"改进建议：{name}", found.adoptions[code]) for code, name in ADOPTION_NAMES.items()]
    rows += [(name, found.measures[code]) for code, name in KIND_NAMES.items()]
    told = [(name, f"{count}") for place, (name, count) in enumerate(rows) if count or place < 3]
    return [("项目", "件数"), *told]


def _parts(heading: str, rows: Sequence[Row], columns: Headings) -> list[tuple[str, ...]]:
    return [(heading, *(title for title, _ in columns)), *((row.name, *row.cells) for row in rows)]


def _indicators(reading: Reading) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = [("指标", "数值", "单位", "分子", "分母", "上期", "怎么算的", "依据")]
    units = {Form.COUNT: "件", Form.RATE: "%", Form.MEAN: "天"}
    for row in indicator_rows(reading):
        found, it = row["figure"], row["figure"].indicator
        below = found.denominator if it.denominator else None
        told = (it.title, found.value, units[it.form], found.numerator, below)
        if not found.told:
            told = (it.title, row["value"], "", None, None)
        rows.append((*told, row["before"], it.definition, it.source))
    return rows


def _trend(reading: Reading) -> list[tuple[str, ...]]:
    head = ("月份", "登记", "办结", "到期", "其中按期办结")
    names = ("registered", "concluded", "handle_due", "handle_kept")
    return [head, *((code, *(f"{sums[name]}" for name in names)) for code, sums in trend_rows(reading))]


def _words(paper: FPDF, text: str, size: float, align: str = "L", height: float = LINE) -> None:
    paper.set_font("chinese", size=size)
    paper.multi_cell(0, height, text, align=align, new_x="LMARGIN", new_y="NEXT")


def _heading(paper: FPDF, text: str, rows: int) -> None:
    """A heading that does not stay alone at the end of a page."""
    if paper.get_y() > paper.h - MARGIN - 20 - LINE * min(rows, 5):
        paper.add_page()
    paper.ln(4)
    _words(paper, text, HEADING, height=8)


def _table(paper: FPDF, rows: Sequence[Sequence[str]], widths: tuple[int, ...]) -> None:
    paper.set_font("chinese", size=SMALL)
    paper.set_draw_color(*GREY)
    paper.set_fill_color(*WHITE)  # What was drawn before leaves its colour.
    with paper.table(
        rows, col_widths=widths, line_height=5.2, padding=1, text_align="LEFT",
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=FontFace(fill_color=(233, 237, 241)),
    ):  # fmt: skip
        pass


def _draw(paper: FPDF, drawing: Columns) -> None:
    """The drawing of the page, in millimetres."""
    scale, top = (paper.w - 2 * MARGIN) / drawing.width, paper.get_y() + 1
    if top + drawing.height * scale > paper.h - MARGIN:
        paper.add_page()
        top = paper.get_y()
    paper.set_font("chinese", size=7)
    for y, label in drawing.lines:
        paper.set_draw_color(*GREY)
        paper.line(MARGIN + drawing.left * scale, top + y * scale, paper.w - MARGIN, top + y * scale)
        paper.text(MARGIN, top + y * scale + 1, label)
    for bar in drawing.bars:
        paper.set_fill_color(*(GOLD if bar.kind else BLUE))
        place = MARGIN + bar.x * scale, top + bar.y * scale, bar.width * scale, bar.height * scale
        paper.rect(*place, style="F")
    for x, label in drawing.labels:
        paper.text(MARGIN + x * scale - 3.5, top + (drawing.base + 20) * scale, label)
    paper.set_y(top + drawing.height * scale + 2)
