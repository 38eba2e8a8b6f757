"""The notice people agree to before they are recorded: its text, version and digest."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

TEXT = Path(__file__).parent / "templates" / "citizen" / "notice_text.html"
VERSION = "2026-11"


@dataclass(frozen=True)
class Notice:
    version: str
    digest: str  # SHA-256 (hex) of the words, without mark-up and blanks.


def current_notice() -> Notice:
    """The notice as it stands in the template; the digest changes with every word."""
    source = re.sub(r"\{#.*?#\}", "", TEXT.read_text("utf-8"), flags=re.S)
    words = re.sub(r"\s+", "", re.sub(r"<[^>]*>", "", source))
    return Notice(VERSION, hashlib.sha256(words.encode()).hexdigest())
