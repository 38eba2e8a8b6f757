"""The texts of messages to citizens (table `sms` of the vocabulary). Changing a word needs a new version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cases.vocabulary import VOCABULARY

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


def _texts() -> Mapping[str, NoticeTemplate]:
    """The words stand in the one vocabulary; here is which version they are and what is kept secret."""
    versions: Mapping[str, tuple[str, frozenset[str]]] = {
        "identity_code": ("2026-11", frozenset({"code"})),
        "invitation": ("2026-11", frozenset({"link"})),
        "request_answered": ("2026-11", frozenset()),
        "session_arranged": ("2026-11", frozenset()),
        "session_moved": ("2026-11", frozenset()),
        "session_cancelled": ("2026-11", frozenset()),
        "session_reminder": ("2026-11", frozenset()),
        "phone_code": ("2026-11", frozenset({"code"})),
        "query_code": ("2026-11", frozenset({"code"})),
        "progress": ("2026-11", frozenset({"answer"})),
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
