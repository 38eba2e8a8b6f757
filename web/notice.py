"""What people agree to before they are recorded: texts, versions and digests, one for each purpose."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from cases.roles import InvitationRole

TEXT = Path(__file__).parent / "templates" / "citizen" / "notice_text.html"
MEDIATION_TEXT = TEXT.with_name("mediation_notice_text.html")
VERSION = "2026-11"


@dataclass(frozen=True)
class Notice:
    version: str
    digest: str  # SHA-256 (hex) of the words, without mark-up and blanks.


def current_notice() -> Notice:
    """The notice as it stands in the template; the digest changes with every word."""
    return _read(TEXT)


def mediation_notice() -> Notice:
    """The same of what parties of a mediation by video agree to."""
    return _read(MEDIATION_TEXT)


def _read(path: Path) -> Notice:
    source = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.S)
    words = re.sub(r"\s+", "", re.sub(r"<[^>]*>", "", source))
    return Notice(VERSION, hashlib.sha256(words.encode()).hexdigest())


@dataclass(frozen=True)
class Purpose:
    """A purpose beside the recording, which one may refuse without losing anything."""

    name: str
    label: str
    text: str
    version: str

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the words."""
        return hashlib.sha256(f"{self.label}{self.text}".encode()).hexdigest()


# Whose matter it is: who helps or comes along is neither written to nor asked who else is there.
OWN_MATTER = frozenset({InvitationRole.PETITIONER, InvitationRole.PROXY, InvitationRole.PARTY})
PURPOSES: tuple[Purpose, ...] = (
    Purpose(
        "transcript",
        "接访时显示实时文字",
        "把说的话转成文字给在场的人看，方便听不清的人。不同意也照常接访。",
        "2026-11",
    ),
    Purpose(
        "messages",
        "用短信告诉我办理进度",
        "只发到您登记的手机，不用于别的事情。不同意也照常办理，您可以自己查询。",
        "2026-11",
    ),
)


def purposes_for(role: InvitationRole) -> tuple[Purpose, ...]:
    """What is asked besides the recording; about the progress of a matter only whose matter it is."""
    return tuple(one for one in PURPOSES if one.name != "messages" or role in OWN_MATTER)
