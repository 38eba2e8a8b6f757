"""Templates of the minutes by the kind of reception: headings, and what the session already knows.

A published version is never changed: minutes keep the number of the one they were begun from. To change a
template, add a version at the end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cases.clock import BEIJING, chinese_date
from cases.roles import INVITATION_ROLE_NAMES
from scheduling.invitation import Invitation
from scheduling.minutes.paragraph import ParagraphKind
from scheduling.session import Session, SessionKind, SessionOrganisation, SessionPart

_H, _S = ParagraphKind.HEADING, ParagraphKind.STATEMENT


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """A paragraph to begin with; names in braces are filled from the session."""

    kind: ParagraphKind
    text: str


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a template."""

    name: str
    lines: tuple[TemplateLine, ...]


def _lines(*pairs: tuple[ParagraphKind, str]) -> tuple[TemplateLine, ...]:
    return tuple(TemplateLine(kind, text) for kind, text in pairs)


_FACTS = (
    (_H, "时间"),
    (_S, "{date} {from}至    时    分"),
    (_H, "地点"),
    (_S, "视频接访，各方所在地点：{offices}。"),
    (_H, "参加人"),
    (_S, "{people}"),
)
_NOTICE = (
    (_H, "告知"),
    (
        _S,
        "已告知参加人员的姓名、单位和职务，信访人的权利义务、接访纪律和全程录音录像，"
        "并告知可以申请回避。信访人表示：",
    ),
)
_END = (
    (_H, "处理意见"),
    (_S, "责任单位、办理期限和下一步："),
    (_H, "信访人意见"),
    (_S, ""),
)

TEMPLATES: Mapping[str, tuple[Template, ...]] = {
    "single": (
        Template(
            "单级接访笔录",
            _lines(*_FACTS, *_NOTICE, (_H, "信访人陈述"), (_S, ""), (_H, "问答"), *_END),
        ),
    ),
    "joint": (
        Template(
            "多级联合接访笔录",
            _lines(
                *_FACTS, *_NOTICE, (_H, "信访人陈述"), (_S, ""), (_H, "问答"),
                (_H, "各级和责任单位意见"), (_S, ""), (_H, "一致意见和分歧"), (_S, ""), *_END,
            ),
        ),
    ),
    "mediation": (
        Template(
            "调解笔录",
            _lines(
                *_FACTS, *_NOTICE, (_H, "各方陈述和请求"), (_S, ""), (_H, "问答"),
                (_H, "调解方案"), (_S, ""), (_H, "调解结果"), (_S, "履行的内容、期限和方式："),
                (_H, "各方意见"), (_S, ""),
            ),
        ),
    ),
    "follow_up": (
        Template(
            "回访笔录",
            _lines(
                *_FACTS, (_H, "上次接访议定的事项"), (_S, ""), (_H, "落实情况"), (_S, ""),
                (_H, "问答"), (_H, "信访人意见"), (_S, ""), (_H, "下一步"), (_S, ""),
            ),
        ),
    ),
}  # fmt: skip
_FIELD = re.compile(r"\{(\w+)\}")
MOST_PEOPLE = 40


def usual_template(session: Session) -> str:
    """What is begun with: by what the session is for; joint where offices of more than one tier sit."""
    if session.kind is not SessionKind.RECEPTION:
        return str(session.kind)
    return "joint" if len({each.organisation.tier for each in session.organisations}) > 1 else "single"


def fill(template: Template, session: Session, invitations: Sequence[Invitation]) -> list[TemplateLine]:
    """The paragraphs to begin with, with the facts of the session put in, once."""
    start = session.starts_at.astimezone(BEIJING)
    facts = {
        "date": chinese_date(start),
        "from": f"{start.hour}时{start.minute:02d}分",
        "offices": "、".join(each.organisation.name for each in _in_order(session)),
        "people": "；".join(_person(each) for each in invitations[:MOST_PEOPLE] if each.revoked_at is None),
    }
    return [
        TemplateLine(line.kind, _FIELD.sub(lambda found: facts.get(found[1], ""), line.text))
        for line in template.lines
    ]


def _in_order(session: Session) -> list[SessionOrganisation]:
    """The host first, then the higher tiers down, as everywhere."""
    return sorted(
        session.organisations,
        key=lambda each: (
            each.part is not SessionPart.HOST,
            len(each.organisation.region_code),
            each.organisation.region_code,
        ),
    )


def _person(invitation: Invitation) -> str:
    office = f"（{invitation.organisation.short_name}）" if invitation.organisation else ""
    return f"{INVITATION_ROLE_NAMES[invitation.role]}：{invitation.display_name}{office}"
