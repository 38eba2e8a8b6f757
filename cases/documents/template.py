"""Templates of papers: paragraphs with named places, in numbered versions that are never changed.

A line is a paragraph; `# ` begins a heading. `{name}` is filled in and may not stay empty, and a paragraph
with an empty `{name?}` is left out. What a place may be called is said by FACTS (known to the program) and
FIELDS (asked of who writes).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cases.errors import Invalid
from cases.fields import clean_text

PLACE = re.compile(r"\{(\w+)(\??)\}")
MOST_BODY = 8000

# What the program knows of a case, its clocks and the step that a paper is about.
FACTS: Mapping[str, str] = {
    "petitioner": "信访人",
    "number": "信访件编号",
    "subject": "事项标题",
    "description": "诉求原文",
    "channel": "来源",
    "registered_on": "登记日期",
    "custodian": "登记单位",
    "handler": "责任单位",
    "reviewer": "复查、复核机关",
    "office": "出具单位",
    "way": "办理途径",
    "accepted_on": "受理日期",
    "step_on": "这一步的日期",
    "words": "这一步的说明",
    "body": "有权处理的机关",
    "advice": "导入以后怎样办",
    "routing_basis": "导入的依据",
    "acceptance_basis": "受理的依据",
    "opinion_basis": "处理意见的依据",
    "days": "天数",
    "conclusion": "结论",
    "result": "复查、复核结果",
    "ground": "终结的原因",
    "ending_basis": "终结的依据",
    "ending": "终结以后",
    "notice_within": "告知的期限",
    "notice_due": "告知的最后一天",
    "objection_within": "提出异议的期限",
    "objection_due": "提出异议的最后一天",
    "feedback_due": "反馈的最后一天",
    "handle_within": "办理的期限",
    "handle_due": "办结的最后一天",
    "review_within": "复查的期限",
    "review_due": "复查的最后一天",
    "recheck_within": "复核的期限",
    "recheck_due": "复核的最后一天",
    "remedies": "不服的救济途径",
    "supervisor": "督办单位",
    "supervised": "被督办单位",
    "order_number": "督办登记编号",
    "ordered_on": "督办日期",
    "order_reason": "督办原因",
    "order_words": "督办要求",
    "order_due": "督办反馈的最后一天",
    "order_returned": "退回重报的原因",
    "feedback": "反馈的内容",
    "adoption": "督办要求采纳情况",
}


class Shape(StrEnum):
    """How a field is typed."""

    TEXT = "text"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Field:
    """What is asked of who writes a paper. `most`: characters."""

    label: str
    shape: Shape = Shape.TEXT
    most: int = 3000


FIELDS: Mapping[str, Field] = {
    "demand": Field("信访诉求"),
    "facts": Field("查明的事实"),
    "reasons": Field("理由"),
    "opinion": Field("意见"),
    "basis": Field("依据（名称和条款）", Shape.LINE, 500),
    "requirement": Field("办理要求"),
    "procedure": Field("处理途径和程序"),
    "response": Field("信访人的意见"),
    "matter": Field("听证的内容"),
    "hearing_at": Field("听证时间", Shape.LINE, 60),
    "hearing_place": Field("听证地点", Shape.LINE, 120),
    "contact": Field("联系人和电话", Shape.LINE, 120),
}


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph of a paper."""

    text: str
    heading: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """One version. `source`: "" for the national one, else the id of the office that wrote it."""

    title: str
    body: tuple[str, ...]
    version: int
    since: date
    source: str = ""

    def places(self) -> dict[str, bool]:
        """Name → whether it may not stay empty, in the order of the text."""
        found: dict[str, bool] = {}
        for line in self.body:
            for name, optional in PLACE.findall(line):
                found[name] = found.get(name, False) or not optional
        return found

    def fill(self, values: Mapping[str, str]) -> tuple[Paragraph, ...]:
        """The paragraphs; a value of several lines becomes as many. Values are never read as a template."""
        told = []
        for line in self.body:
            names = PLACE.findall(line)
            if any(optional and not values.get(name) for name, optional in names):
                continue
            heading = line.startswith("#")
            text = PLACE.sub(lambda found: values.get(found[1], ""), line.lstrip("# ") if heading else line)
            text = re.sub(r"。。+", "。", text)
            told += [Paragraph(part.strip(), heading) for part in text.split("\n") if part.strip()]
        return tuple(told)


def read_body(typed: str, must: Iterable[str]) -> tuple[str, ...]:
    """The lines of a template that was typed.

    Raises Invalid at `body`: `required`, `too_long`, `place_unknown`, `place_broken`, `place_missing`.
    """
    text = clean_text(typed, "body", "模板正文", MOST_BODY)
    lines = tuple(line.strip() for line in text.split("\n") if line.strip())
    if not lines:
        raise Invalid("required", "请填写模板正文。", "body")
    found = {name: not optional for line in lines for name, optional in PLACE.findall(line)}
    if strange := sorted(set(found) - set(FACTS) - set(FIELDS)):
        raise Invalid("place_unknown", f"没有这些空格：{'、'.join(strange)}。", "body")
    if any(mark in PLACE.sub("", line) for line in lines for mark in "{}"):
        raise Invalid("place_broken", "花括号没有成对，请写成 {name} 或 {name?}。", "body")
    if lacking := [label_of(name) for name in must if not found.get(name)]:
        raise Invalid("place_missing", f"法规要求写明：{'、'.join(lacking)}。", "body")
    return lines


def label_of(name: str) -> str:
    """What officials call a place."""
    return FACTS.get(name) or FIELDS[name].label
