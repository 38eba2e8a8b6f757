"""The briefing pack of a reception day as PDF, by fpdf2."""

from __future__ import annotations

from datetime import datetime

from fpdf import FPDF

from cases.clock import BEIJING
from recordings.film.captions import find_font
from scheduling.booking.booking import BOOKING_KIND_NAMES
from scheduling.rota.briefing import Briefing, Visit
from scheduling.rota.reception_day import MODE_NAMES
from web.language import in_chinese
from web.minutes.pdf import PrintError
from web.words import EVENTS, long_date

MARGIN, LINE, BODY, SMALL = 20, 7, 12, 10


class _Pack(FPDF):
    def footer(self) -> None:
        """How many pages there are, and that they are not for everybody."""
        self.set_y(-14)
        self.set_font("chinese", size=SMALL - 1)
        self.cell(0, 5, f"内部资料，注意保管　第 {self.page_no()} 页，共 {{nb}} 页", align="C")


@in_chinese()
def briefing_pdf(pack: Briefing, made_at: datetime) -> bytes:
    """The whole pack. Raises PrintError."""
    found = find_font()
    if found is None:
        raise PrintError("这台服务器上没有中文字体，不能生成 PDF。请安装 fonts-noto-cjk。")
    sheet, day = _Pack(format="A4"), pack.day
    sheet.set_title("领导接访日材料")
    sheet.set_lang("zh-CN")
    sheet.set_creation_date(made_at)
    sheet.set_margins(MARGIN, MARGIN, MARGIN)
    sheet.set_auto_page_break(True, margin=MARGIN)
    sheet.add_font("chinese", fname=found[0], collection_font_number=found[1])
    sheet.add_page()
    _text(sheet, "领导接访日材料", 18, "C")
    begin, end = day.starts_at.astimezone(BEIJING), day.ends_at.astimezone(BEIJING)
    for line in (
        f"接访领导：{day.receives.name}（{MODE_NAMES[day.rule.mode]}）",
        f"时间：{long_date(begin)} {begin:%H:%M}–{end:%H:%M}",
        f"地点：{day.organisation.name}{day.room.name}",
        f"替补领导：{day.substitute.name if day.substitute else '无'}",
        f"到场单位：{'、'.join(each.name for each in pack.required) or '无'}",
    ):
        _text(sheet, line, BODY)
    _text(sheet, f"预约来访 {len(pack.visits)} 批", BODY + 2)
    for number, visit in enumerate(pack.visits, 1):
        _visit(sheet, number, visit)
    if not pack.visits:
        _text(sheet, "还没有人预约。", BODY)
    return bytes(sheet.output())


def _visit(sheet: FPDF, number: int, visit: Visit) -> None:
    start = visit.booking.slot.starts_at.astimezone(BEIJING)
    sheet.ln(2)
    petition = visit.petition
    if petition is None:
        _text(sheet, f"{number}. {start:%H:%M}　此件不在您的查看范围。", BODY)
        return
    kind = BOOKING_KIND_NAMES[visit.booking.kind]
    _text(
        sheet, f"{number}. {start:%H:%M}　{petition.petitioner.name}　{petition.number}（{kind}）", BODY + 1
    )
    _text(sheet, f"事项：{petition.subject}", BODY)
    if petition.description:
        _text(sheet, f"诉求：{petition.description[:600]}", BODY)
    if visit.booking.insists:
        _text(sheet, "要求上级部门一起接访。", BODY)
    for at, kind in visit.history:
        _text(sheet, f"· {at.astimezone(BEIJING):%Y-%m-%d} {EVENTS.get(kind, kind)}", SMALL)
    for other in visit.earlier:
        _text(sheet, f"以前反映：{other.number} {other.subject}", SMALL)


def _text(sheet: FPDF, words: str, size: int, align: str = "L") -> None:
    sheet.set_font("chinese", size=size)
    sheet.multi_cell(0, LINE * max(1.0, size / BODY), words, align=align, new_x="LMARGIN", new_y="NEXT")
