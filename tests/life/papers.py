"""What each paper has to say and how it has to look, read out of the PDF that was issued."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pypdfium2

from tests.life.days import LAW, chinese

A4 = (595, 842)  # Points.
BOTTOM = 90  # Points above the edge: nothing of the body stands lower.
# How programs write a day; nobody reads it so in a letter or on the page of a citizen.
ISO = re.compile(r"\d{4}-\d\d-\d\d")
NUMBER = re.compile(r"〔2026〕\d+号")


@dataclass(frozen=True)
class Look:
    """`word`: its part of the number; `articles`: cited; `words`: besides."""

    title: str
    word: str
    articles: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


LOOKS: Mapping[str, Look] = {
    "transfer_sheet": Look("信访事项转送单", "信转", ("第二十二条",), ("5个工作日内", "15日内")),
    "assignment_sheet": Look("信访事项交办单", "信交", ("第二十二条",), ("前反馈办理结果", "5个工作日内")),
    "receipt_notice": Look("信访事项接收告知书", "信告", ("第二十三条",), ("处理途径和程序",)),
    "routing_notice": Look("信访事项导入法定途径告知书", "信导", (), ("有权处理的机关",)),
    "refusal_notice": Look("信访事项不予受理告知书", "信不受", ("第十九条",), ("决定不予受理",)),
    "cessation_notice": Look("信访事项不再受理告知书", "信不再受", ("第三十六条",), ("决定不再受理",)),
    "objection": Look("信访事项转送异议书", "信异", ("第二十三条",), ("不属于本单位职责",)),
    "acceptance_notice": Look("信访事项受理告知书", "信受", ("第三十四条",), ("60日内办结", "回避")),
    "extension_notice": Look("信访事项延长办理期限告知书", "信延", ("第三十四条",), ("本单位负责人批准",)),
    "handling_opinion": Look(
        "信访事项处理意见书", "信处", ("第三十二条", "第三十五条"), ("30日内", "请求复查")
    ),
    "closing_report": Look("信访事项办结报告", "信结", (), ("调查核实的情况", "办理结果")),
    "review_receipt": Look("信访事项复查受理告知书", "信查受", ("第三十五条",), ("30日内",)),
    "review_opinion": Look(
        "信访事项复查意见书", "信查", ("第三十五条", "第三十六条"), ("30日内", "请求复核")
    ),
    "recheck_receipt": Look("信访事项复核受理告知书", "信核受", ("第三十六条",), ("听证所需时间不计算",)),
    "hearing_notice": Look("信访事项听证通知书", "信听", ("第三十六条",), ("陈述、举证、质证",)),
    "recheck_opinion": Look("信访事项复核意见书", "信核", ("第三十六条",), ("信访终结意见",)),
    "supervision_order": Look("信访事项督办单", "信督", ("第四十条",), ("督办登记编号DB2026-", "督办反馈单")),
    "supervision_feedback": Look(
        "信访事项督办反馈单", "信督反", ("第四十条",), ("督办要求采纳情况", "采纳。", "退回重报")
    ),
    "termination_notice": Look("信访事项终结告知书", "信终", (), ("信访程序已经终结", "可以重新提出")),
}


@dataclass(frozen=True)
class Paper:
    """An issued paper: its file, where its page is, and who says what to whom."""

    kind: str
    path: str
    content: bytes
    office: str
    recipient: str
    day: date

    def faults(self, number: str, subject: str, cited: tuple[str, ...] | None = None) -> list[str]:
        """What it lacks. `cited`: its articles, where they are not those of its kind."""
        look, pages = LOOKS[self.kind], list(pypdfium2.PdfDocument(self.content))
        text = self.text()
        wanted = [look.title, f"{self.office}{look.word}", self.office, f"{self.recipient}："]
        wanted += [number, subject, chinese(self.day), "（印章）", *look.words]
        articles = look.articles if cited is None else cited
        wanted += [LAW] * bool(articles) + list(articles)
        found = [f"{self.kind} lacks {words}" for words in wanted if words not in text]
        if cited is not None:
            strange = set(look.articles) - set(cited)
            found += [f"{self.kind} cites {article}" for article in strange if article in text]
        if not NUMBER.search(text):
            found.append(f"{self.kind} has no number")
        wide, high = pages[0].get_size()
        if not 1 <= len(pages) <= 2 or abs(wide - A4[0]) > 1 or abs(high - A4[1]) > 1:
            found.append(f"{self.kind} has {len(pages)} pages")
        if "None" in text or "{" in text or "。。" in text:
            found.append(f"{self.kind} shows what nobody wrote")
        if day := ISO.search(text):
            found.append(f"{self.kind} writes {day[0]}")
        return found + self._signature(pages)

    def text(self) -> str:
        """All of it without line ends: a search finds words across them."""
        pages = pypdfium2.PdfDocument(self.content)
        return "".join(page.get_textpage().get_text_range() for page in pages).replace("\r\n", "")

    def _signature(self, pages: list[pypdfium2.PdfPage]) -> list[str]:
        """Office, date and the place of the seal, at the right, on the last page and within its body."""
        page = pages[-1].get_textpage()
        words, found = page.get_text_range(), []
        for wanted in (chinese(self.day), "（印章）"):
            at = words.rfind(wanted)
            left, below, _, _ = page.get_charbox(at) if at >= 0 else (0, 0, 0, 0)
            if left < A4[0] / 2 or below < BOTTOM:
                found.append(f"{self.kind}: {wanted} stands at {left:.0f}, {below:.0f}")
        return found
