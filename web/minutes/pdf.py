"""The minutes as PDF, by fpdf2: text that can be searched, a Chinese font inside, handwriting as pictures."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO

from fpdf import FPDF

from recordings.film.captions import find_font
from web.language import in_chinese
from web.minutes.printed import Printed

BODY, SMALL, TITLE = 12, 9, 18  # Points.
LINE = 7.5  # Millimetres.
SIGNATURE_WIDTH = 46  # Millimetres.
MARGIN = 22


class PrintError(Exception):
    """There is no Chinese font on this machine; the text says what to install."""


class _Sheet(FPDF):
    def __init__(self, told: Printed) -> None:
        super().__init__(format="A4")
        self.told = told

    def footer(self) -> None:
        """On each page: what the text's digest is, and how many pages there are."""
        self.set_y(-16)
        self.set_font("chinese", size=SMALL)
        self.cell(0, 5, f"正文摘要 SHA-256 {self.told.digest}", align="C", new_x="LMARGIN", new_y="NEXT")
        self.cell(0, 5, f"第 {self.page_no()} 页，共 {{nb}} 页", align="C")


@in_chinese()
def minutes_pdf(told: Printed, made_at: datetime) -> bytes:
    """The whole document. Raises PrintError."""
    sheet = _Sheet(told)
    sheet.set_title(told.title)
    sheet.set_lang("zh-CN")
    sheet.set_creation_date(made_at)
    sheet.set_margins(MARGIN, MARGIN, MARGIN)
    sheet.set_auto_page_break(True, margin=MARGIN)
    path, face = chinese_font()
    sheet.add_font("chinese", fname=path, collection_font_number=face)
    sheet.add_page()
    _text(sheet, told.title, TITLE, LINE * 1.4, "C")
    _text(sheet, f"状态：{told.state}", SMALL, LINE, "C")
    for line in told.lines:
        if line.heading:
            sheet.ln(2)
            _text(sheet, line.text, BODY + 2, LINE * 1.1)
            continue
        lead = f"{line.lead}：" if line.lead else ""
        moment = f"　[{line.moment}]" if line.moment else ""
        _text(sheet, f"{lead}{line.text}{moment}", BODY, LINE, link=line.film)
    if told.objections:
        _text(sheet, "核对时提出的意见和答复", BODY + 2, LINE * 1.2)
        for words in told.objections:
            _text(sheet, words, BODY, LINE)
    _text(sheet, "签字", BODY + 2, LINE * 1.2)
    for each in told.signed:
        if sheet.get_y() > sheet.h - MARGIN - 40:
            sheet.add_page()
        _text(sheet, each.who, BODY, LINE)
        if each.picture:
            sheet.image(BytesIO(each.picture), w=SIGNATURE_WIDTH)
        _text(sheet, each.what, SMALL, LINE)
    if not told.signed:
        _text(sheet, "还没有人签字。", BODY, LINE)
    _text(sheet, f"定稿记录：{told.verdict}。接访编号 {told.session_id}", SMALL, LINE)
    return bytes(sheet.output())


def _text(sheet: FPDF, words: str, size: int, height: float, align: str = "L", link: str = "") -> None:
    """A paragraph; with `link` a click anywhere on it leads there."""
    sheet.set_font("chinese", size=size)
    sheet.multi_cell(0, height, words, align=align, new_x="LMARGIN", new_y="NEXT", link=link or None)


def chinese_font() -> tuple[str, int]:
    """File and face of the Chinese font; fpdf2 embeds the characters that are used."""
    found = find_font()
    if found is None:
        raise PrintError("这台服务器上没有中文字体，不能生成 PDF。请安装 fonts-noto-cjk。")
    return found
