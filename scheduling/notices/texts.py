"""The texts of messages to citizens (table `sms` of the vocabulary). Changing a word needs a new version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cases.vocabulary import VOCABULARY

HIDDEN = "······"
# What stands for a hidden link in what is read out or printed.
LINK_BEFORE = "以前发给您的链接"
REMINDERS_WITH_LINK = frozenset({"session_reminder_link", "mediation_reminder_link"})


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
        """The message, and the same message without its secrets. Raises KeyError for a missing field.

        A reason that ends its own sentence gets no second full stop.
        """
        fields = {
            name: value.rstrip("。") if f"{{{name}}}。" in self.text else value
            for name, value in fields.items()
        }
        shown = {name: HIDDEN if name in self.secret else value for name, value in fields.items()}
        return self.text.format_map(fields), self.text.format_map(shown)


def spoken(template: str, text: str) -> str:
    """The same for a telephone or a slip of paper, where nothing is hidden and no link is read out."""
    if template == "progress":
        return "请按信访件里的办理进度告诉本人。"
    return text.replace(HIDDEN, LINK_BEFORE) if template in REMINDERS_WITH_LINK else text


def _texts() -> Mapping[str, NoticeTemplate]:
    """The words stand in the one vocabulary; here is which version they are and what is kept secret."""
    versions: Mapping[str, tuple[str, frozenset[str]]] = {
        "identity_code": ("2026-11b", frozenset({"code"})),
        "invitation": ("2026-11", frozenset({"link"})),
        "request_answered": ("2026-11", frozenset()),
        "session_arranged": ("2026-11", frozenset()),
        "session_moved": ("2026-11b", frozenset()),
        "session_cancelled": ("2026-11", frozenset()),
        "session_reminder": ("2026-11", frozenset()),
        "phone_code": ("2026-11", frozenset({"code"})),
        "query_code": ("2026-11b", frozenset({"code"})),
        "message_taken": ("2026-11", frozenset()),
        "booking_answer": ("2026-11", frozenset()),
        "progress": ("2026-11", frozenset({"answer"})),
        "session_missed": ("2026-11", frozenset()),
        "session_reminder_link": ("2026-11", frozenset({"link"})),
        "mediation_invitation": ("2026-11", frozenset({"link"})),
        "mediation_arranged": ("2026-11", frozenset()),
        "mediation_moved": ("2026-11b", frozenset()),
        "mediation_cancelled": ("2026-11", frozenset()),
        "mediation_reminder": ("2026-11", frozenset()),
        "mediation_missed": ("2026-11", frozenset()),
        "mediation_reminder_link": ("2026-11", frozenset({"link"})),
        "court_reminder": ("2026-11", frozenset()),
        "booking_rejected": ("2026-11", frozenset()),
        "booking_redirected": ("2026-11", frozenset()),
        "booking_time_proposed": ("2026-11", frozenset()),
        "booking_time_moved": ("2026-11", frozenset()),
        "document_ready": ("2026-11", frozenset()),
        "attendance_asked": ("2026-11", frozenset()),
        "attendance_changed": ("2026-11", frozenset()),
        "booking_day_moved": ("2026-11", frozenset()),
        "booking_receiver_changed": ("2026-11", frozenset()),
        "attendance_moved": ("2026-11", frozenset()),
        "reception_day_moved": ("2026-11", frozenset()),
        "attendance_cancelled": ("2026-11", frozenset()),
        "attendance_reminder": ("2026-11", frozenset()),
        "reception_day_leader": ("2026-11", frozenset()),
        "reception_day_substitute": ("2026-11", frozenset()),
        "reception_day_briefing": ("2026-11", frozenset()),
        "reception_day_changed": ("2026-11", frozenset()),
        "reception_day_cancelled": ("2026-11", frozenset()),
        "review_received": ("2026-11", frozenset()),
    }
    words = VOCABULARY["sms"]
    return {
        name: NoticeTemplate(version, words[name].citizen, words[name].official, secret)
        for name, (version, secret) in versions.items()
    }


TEMPLATES: Mapping[str, NoticeTemplate] = _texts()


def name_of(template: str) -> str:
    """What officials call a message; one that is no longer among the templates by its code."""
    known = TEMPLATES.get(template)
    return known.name if known else template
