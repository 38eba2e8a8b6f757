"""The minutes as a Word document, by python-docx, for offices that file paper from Word."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO

from docx import Document
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

from web.language import in_chinese
from web.minutes.printed import Printed

FONT = "仿宋"  # Of official documents (GB/T 9704); Word falls back where it is missing.
BODY = 14


@in_chinese()
def minutes_word(told: Printed, made_at: datetime) -> bytes:
    """The whole document."""
    document = Document()
    style = document.styles["Normal"]
    style.font.name, style.font.size = FONT, Pt(BODY)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), FONT)
    document.core_properties.title = told.title
    document.core_properties.created = made_at.replace(tzinfo=None)
    document.add_heading(told.title, level=1)
    document.add_paragraph(f"状态：{told.state}")
    for line in told.lines:
        if line.heading:
            document.add_heading(line.text, level=2)
            continue
        paragraph = document.add_paragraph()
        if line.lead:
            paragraph.add_run(f"{line.lead}：").bold = True
        paragraph.add_run(line.text)
        if line.moment:
            paragraph.add_run(f"　[{line.moment}]").font.size = Pt(BODY - 4)
    if told.objections:
        document.add_heading("核对时提出的意见和答复", level=2)
        for words in told.objections:
            document.add_paragraph(words)
    document.add_heading("签字", level=2)
    for each in told.signed:
        document.add_paragraph(each.who)
        if each.picture:
            document.add_picture(BytesIO(each.picture), width=Cm(4.6))
        document.add_paragraph(each.what)
    document.add_paragraph(f"正文摘要 SHA-256 {told.digest}")
    document.add_paragraph(f"定稿记录：{told.verdict}。接访编号 {told.session_id}")
    kept = BytesIO()
    document.save(kept)
    return kept.getvalue()
