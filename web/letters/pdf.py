"""A paper as PDF, laid out as official letters are (GB/T 9704-2012): A4, red head, number, title, signature.

The text can be searched: the font is inside, and lines are broken and set by this file, with no punctuation
at the beginning of a line that belongs to the one before.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.fonts import TTFFont

from cases.documents.issuing import Render
from cases.documents.letter import Letter
from recordings.film.captions import find_font
from web.language import in_chinese
from web.letters.face import small_face
from web.minutes.pdf import PrintError

# Millimetres and points as the standard has them: 37 above, 28 on the left, a body of 156 by 225.
TOP, LEFT, WIDTH, BOTTOM = 37, 28, 156, 35
HEAD, TITLE, BODY, SMALL = 26, 22, 16, 10.5
LINE = 10.2  # 22 lines on a page.
LEADINGS = (LINE, 9.6, 9.0)
SIGNED = 5  # Lines that the signature needs.
SPREAD = 1.4  # Between two characters of a full line at most: a quarter of one.
INDENT = 2  # Characters before a paragraph.
FONT = "letter"
RED = (200, 16, 16)
BLACK = (0, 0, 0)
NOT_FIRST = "，。、；：！？）〕」』》〉】”’,.;:!?)]}％%"
# A word, a number, a date or a case number is one piece; everything else is a piece by itself.
WHOLE = re.compile(r"[A-Za-z0-9]+(?:[-./:][A-Za-z0-9]+)*|.", re.S)
NOT_LAST = "（〔「『《〈【“‘(["
# Letters are set in a face with serifs where there is one; the others find one at least.
FACES = (
    ("/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc", 2),
    ("/usr/share/fonts/noto-cjk/NotoSerifCJK-Regular.ttc", 2),
    ("/usr/share/fonts/google-noto-serif-cjk-fonts/NotoSerifCJK-Regular.ttc", 2),
)


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the body. `indent`: millimetres; `spread`: points between characters.

    `last`: it ends a paragraph of several.
    """

    text: str
    indent: float
    bold: bool
    spread: float
    last: bool


class _Sheet(FPDF):
    def footer(self) -> None:
        """The number of the page, as the standard sets it."""
        self.set_y(-28)
        self.set_font(FONT, size=14)
        self.set_text_color(*BLACK)
        self.cell(0, 8, f"— {self.page_no()} —", align="R" if self.page_no() % 2 else "L")


@in_chinese()
def letter_pdf(letter: Letter, made_at: datetime, faces: Path | None = None) -> bytes:
    """The whole letter. `faces`: the folder of small faces. Raises PrintError without a Chinese font."""
    whole = _font()
    if faces is not None and (small := small_face(*whole, faces)) is not None:
        sheet = _drawn(letter, made_at, str(small), 0)
        font = sheet.fonts[FONT]
        if isinstance(font, TTFFont) and not font.missing_glyphs:
            return bytes(sheet.output())
    return bytes(_drawn(letter, made_at, *whole).output())


def drawing(now: Callable[[], datetime], faces: Path | None = None) -> Render:
    """Draws letters in a thread: a font takes a while to be read. `faces`: as of `letter_pdf`."""

    async def draw(letter: Letter) -> bytes:
        return await asyncio.to_thread(letter_pdf, letter, now(), faces)

    return draw


def _drawn(letter: Letter, made_at: datetime, path: str, face: int) -> _Sheet:
    sheet = _Sheet(format="A4")
    sheet.set_title(f"{letter.title} {letter.number}")
    sheet.set_author(letter.office)
    sheet.set_lang("zh-CN")
    sheet.set_creation_date(made_at)
    sheet.set_margins(LEFT, TOP, 210 - LEFT - WIDTH)
    sheet.set_auto_page_break(False)
    sheet.add_font(FONT, fname=path, collection_font_number=face)
    sheet.add_page()
    _head(sheet, letter)
    lines = _set(sheet, letter)
    leading, carried = _fit(sheet, lines)
    for number, line in enumerate(lines):
        kept = _kept(lines, number, leading)
        if _room(sheet, kept) or number == len(lines) - carried:
            _page(sheet)
        _draw(sheet, line, leading)
    _signature(sheet, letter)
    return sheet


def _head(sheet: FPDF, letter: Letter) -> None:
    """Whose letter it is, in red over a red line; the number; the title."""
    sheet.set_text_color(*RED)
    size = HEAD
    sheet.set_font(FONT, size=size)
    while sheet.get_string_width(letter.office) > WIDTH and size > BODY:
        size -= 1
        sheet.set_font(FONT, size=size)
    with _bold(sheet, RED):
        sheet.cell(WIDTH, 14, letter.office, align="C")
    sheet.set_xy(LEFT, sheet.get_y() + 14)
    sheet.set_text_color(*BLACK)
    sheet.ln(6)
    sheet.set_font(FONT, size=BODY)
    sheet.cell(WIDTH, LINE, letter.number, align="C", new_x="LMARGIN", new_y="NEXT")
    sheet.set_draw_color(*RED)
    sheet.set_line_width(0.7)
    sheet.line(LEFT, sheet.get_y() + 2, LEFT + WIDTH, sheet.get_y() + 2)
    sheet.ln(14)
    sheet.set_font(FONT, size=TITLE)
    for line in _broken(sheet, letter.title, WIDTH, 0):
        with _bold(sheet, BLACK):
            sheet.cell(WIDTH, 12, line, align="C")
        sheet.set_xy(LEFT, sheet.get_y() + 12)
    sheet.ln(LINE)


def _set(sheet: FPDF, letter: Letter) -> list[_Line]:
    """Every line of the body; full ones reach the right edge."""
    found = _broken_up(sheet, f"{letter.recipient}：", 0, False) if letter.recipient else []
    for each in letter.paragraphs:
        found += _broken_up(sheet, each.text, INDENT, each.heading)
    return found + (_broken_up(sheet, letter.note, INDENT, False) if letter.note else [])


def _broken_up(sheet: FPDF, text: str, indent: int, bold: bool) -> list[_Line]:
    sheet.set_font(FONT, size=BODY)
    wide = sheet.get_string_width("国") * indent
    lines = _broken(sheet, text, WIDTH, wide)
    found = []
    for number, line in enumerate(lines):
        first = wide if number == 0 else 0.0
        slack = WIDTH - first - sheet.get_string_width(line)
        gaps = len(line) - 1
        full = number < len(lines) - 1 and gaps and 0 < slack < SPREAD * gaps
        last = number == len(lines) - 1 > 0
        found.append(_Line(line, first, bold, slack / gaps * sheet.k if full else 0.0, last))
    return found


def _fit(sheet: FPDF, lines: Sequence[_Line]) -> tuple[float, int]:
    """How far apart lines stand, and how many go over to the last page so that no signature is alone there.

    The standard has the spacing changed before anything else.
    """
    for leading in LEADINGS:
        top = sheet.get_y()
        for number in range(len(lines)):
            if top + _kept(lines, number, leading) > sheet.h - BOTTOM:
                top = TOP
            top += leading
        if top + leading * SIGNED <= sheet.h - BOTTOM:
            return leading, 0
    carried = min(2, len(lines))
    # No heading stays behind alone, no line that ends a paragraph goes over alone.
    while carried < len(lines) and (lines[-carried - 1].bold or lines[-carried].last):
        carried += 1
    return LEADINGS[0], carried


def _kept(lines: Sequence[_Line], number: int, leading: float) -> float:
    """How high what stays together is: a heading with what it heads, the last two lines of a paragraph."""
    following = number + 1
    if following < len(lines) and (lines[number].bold or lines[following].last):
        return leading + _kept(lines, following, leading)
    return leading


def _draw(sheet: FPDF, line: _Line, leading: float) -> None:
    sheet.set_xy(LEFT + line.indent, sheet.get_y())
    with _bold(sheet, BLACK) if line.bold else nullcontext():
        sheet.set_char_spacing(line.spread)
        sheet.cell(WIDTH - line.indent, leading, line.text)
    sheet.set_char_spacing(0)
    sheet.set_xy(LEFT, sheet.get_y() + leading)


def _broken(sheet: FPDF, text: str, width: float, first: float) -> list[str]:
    """Lines that fit; figures and Latin words stay whole where they can."""
    lines: list[str] = []
    line: list[str] = []
    left = width - first
    for piece in _pieces(text):
        if line and sheet.get_string_width("".join(line) + piece) > left:
            carried = [piece]
            while len(line) > 1 and (carried[0][0] in NOT_FIRST or line[-1][-1] in NOT_LAST):
                carried.insert(0, line.pop())
            lines.append("".join(line).rstrip())
            line, left = ["".join(carried).lstrip()], width
        else:
            line.append(piece)
        while sheet.get_string_width("".join(line)) > left:  # One word longer than a line.
            whole = "".join(line)
            cut = next(at for at in range(len(whole), 0, -1) if sheet.get_string_width(whole[:at]) <= left)
            lines.append(whole[:cut])
            line, left = [whole[cut:]], width
    return [*lines, "".join(line)]


def _pieces(text: str) -> list[str]:
    """Single characters, and words of Latin letters and figures with what joins them."""
    return WHOLE.findall(text)


def _signature(sheet: FPDF, letter: Letter) -> None:
    """Office and date on the right with room for the seal over both, never alone on a page."""
    sheet.set_font(FONT, size=BODY)
    sheet.ln(LINE * 2)
    right = LEFT + WIDTH - sheet.get_string_width("国") * 4
    widest = max(sheet.get_string_width(letter.office), sheet.get_string_width(letter.date))
    centre = right - widest / 2
    for line in (letter.office, letter.date):
        width = sheet.get_string_width(line)
        sheet.set_x(max(LEFT, centre - width / 2))
        sheet.cell(width, LINE, line, new_x="LMARGIN", new_y="NEXT")
    sheet.set_font(FONT, size=SMALL)
    sheet.set_x(max(LEFT, centre - sheet.get_string_width("（印章）") / 2))
    sheet.cell(30, 6, "（印章）", new_x="LMARGIN", new_y="NEXT")


def _room(sheet: FPDF, height: float) -> bool:
    """Tell whether the rest of this page is too short."""
    return sheet.get_y() + height > sheet.h - BOTTOM


def _page(sheet: FPDF) -> None:
    if sheet.get_y() > TOP:  # Not twice.
        sheet.add_page()
        sheet.set_font(FONT, size=BODY)


def _bold(sheet: FPDF, colour: tuple[int, int, int]) -> AbstractContextManager[object]:
    """The same face drawn thicker: there is one weight in the house."""
    return sheet.local_context(text_mode="FILL_STROKE", line_width=0.2, draw_color=colour)


def _font() -> tuple[str, int]:
    found = next((face for face in FACES if Path(face[0]).is_file()), None) or find_font()
    if found is None:
        raise PrintError("这台服务器上没有中文字体，不能生成 PDF。请安装 fonts-noto-cjk。")
    return found
