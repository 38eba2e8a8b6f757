"""The texts of messages to citizens: data with versions. Changing a word needs a new version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

HIDDEN = "······"


@dataclass(frozen=True, slots=True)
class NoticeTemplate:
    """`text` has `{fields}`; those in `secret` are kept nowhere once the message has left.

    `name`: what officials call it.
    """

    version: str
    text: str
    name: str
    secret: frozenset[str] = frozenset()

    def fill(self, fields: Mapping[str, str]) -> tuple[str, str]:
        """The message, and the same message without its secrets. Raises KeyError for a missing field."""
        shown = {name: HIDDEN if name in self.secret else value for name, value in fields.items()}
        return self.text.format_map(fields), self.text.format_map(shown)


TEMPLATES: Mapping[str, NoticeTemplate] = {
    "identity_code": NoticeTemplate(
        "2026-11",
        "【连心桥】您的验证码是 {code}，10 分钟内有效，用于核验视频接访的身份。"
        "工作人员不会向您要验证码，请不要告诉别人。",
        "验证码",
        frozenset({"code"}),
    ),
    "invitation": NoticeTemplate(
        "2026-11",
        "【连心桥】{office}请您参加视频接访：{when}。请在开始前 30 分钟内点开 {link} 。"
        "链接是您个人的，请不要转发。咨询电话 {phone}。",
        "邀请",
        frozenset({"link"}),
    ),
    "request_answered": NoticeTemplate(
        "2026-11", "【连心桥】{office}答复您的请求（{what}）：{answer}。咨询电话 {phone}。", "对请求的答复"
    ),
}


def name_of(template: str) -> str:
    """What officials call a message; one that is no longer among the templates by its code."""
    known = TEMPLATES.get(template)
    return known.name if known else template
