"""The rehearsed words of every state: one file for pages, events, messages and browsers (vocabulary.json).

A table holds states by their codes; a state what officials read (`official`), what the citizen reads where
it differs (`citizen`, with `{fields}`), an icon and a tone: colour never stands alone.
`short` is for narrow places beside a name, `effect` says what a bad line does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

FILE = Path(__file__).parent / "vocabulary.json"
TONES = frozenset({"plain", "notice", "live", "good", "bad"})
State = TypeVar("State", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Word:
    """One state in words."""

    official: str
    citizen: str = ""
    icon: str = "clock"
    tone: str = "plain"
    short: str = ""
    effect: str = ""

    @property
    def badge(self) -> tuple[str, str, str]:
        """(words of officials, icon, tone), as the macro `badge` takes it."""
        return self.official, self.icon, self.tone

    @property
    def brief(self) -> str:
        """The shortest that is still understood."""
        return self.short or self.official


def read_vocabulary(file: Path = FILE) -> Mapping[str, Mapping[str, Word]]:
    """Table → state → word. Raises ValueError or TypeError for a file that is not one."""
    told: dict[str, dict[str, dict[str, Any]]] = json.loads(file.read_text("utf-8"))
    return MappingProxyType(
        {
            table: MappingProxyType({state: Word(**fields) for state, fields in rows.items()})
            for table, rows in told.items()
        }
    )


VOCABULARY = read_vocabulary()


def badges(table: str) -> dict[str, tuple[str, str, str]]:
    """Of each state the words of officials, icon and tone."""
    return {state: word.badge for state, word in VOCABULARY[table].items()}


def official_words(table: str) -> dict[str, str]:
    """Of each state the words of officials."""
    return {state: word.official for state, word in VOCABULARY[table].items()}


def names(table: str, states: type[State]) -> Mapping[State, str]:
    """The same by the members of an enumeration, all of them. Raises KeyError for one that has no words."""
    return MappingProxyType({state: VOCABULARY[table][str(state)].official for state in states})


def citizen_words(table: str, state: str, **fields: object) -> str:
    """What the citizen reads. Raises KeyError for a missing state or field."""
    word = VOCABULARY[table][state]
    return (word.citizen or word.official).format_map(fields)


def of_mediation(words: str) -> str:
    """The same words of a mediation by video: it is no reception, and nobody is received in it."""
    return words.replace("接访", "调解")


# What a browser shows by itself; the rest comes with the page.
IN_BROWSERS = ("session", "badge", "line", "tier", "role", "fault", "minutes")


def for_browsers(translate: Callable[[str], str] = str) -> dict[str, dict[str, dict[str, str]]]:
    """The tables that live pages need, each word through `translate`."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for table in IN_BROWSERS:
        found[table] = {}
        for state, word in VOCABULARY[table].items():
            texts = {"official": word.official, "citizen": word.citizen, "short": word.short}
            told = {name: translate(text) for name, text in (texts | {"effect": word.effect}).items() if text}
            found[table][state] = told | ({"icon": word.icon} if table == "badge" else {})
    return found
