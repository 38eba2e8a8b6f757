"""The papers as data: who writes one, to whom, what it has to say by law, and its national templates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cases.casefile import PetitionState
from cases.documents.kind import DocumentKind
from cases.documents.template import FACTS, FIELDS, Template, read_body
from cases.handling.procedure import RULES, Service, Taker

FILE = Path(__file__).with_name("forms.json")
# A paper that is announced counts as delivered after so many days (Civil Procedure Law, Art. 95).
ANNOUNCED_DAYS = 30


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of paper.

    `word`: its part of the number. `must`: places that no template may lack. `only`: the event without which
    nobody needs it; `states`: while the case is in one of these, where any are named. `optional`: nobody
    waits for it. `prefill`: what a field begins with. `events`: the steps that call for it. `ways`: how it
    may reach its recipient.
    """

    kind: DocumentKind
    title: str
    word: str
    issuer: Taker
    internal: bool
    recipient: str
    must: tuple[str, ...]
    prefill: Mapping[str, str]
    templates: tuple[Template, ...]
    events: frozenset[str]
    only: str = ""
    states: frozenset[PetitionState] = frozenset()
    optional: bool = False

    @property
    def ways(self) -> tuple[Service, ...]:
        """An opinion has to be in writing; offices send one another papers by hand, post or network."""
        if self.internal:
            return (Service.IN_PERSON, Service.POST, Service.ONLINE)
        spoken = "remedies" in self.must
        return tuple(way for way in Service if not (spoken and way is Service.TELEPHONE))


def read_forms(file: Path = FILE) -> Mapping[DocumentKind, Form]:
    """All of them. Raises ValueError, KeyError or Invalid for a file that is not whole."""
    told: dict[str, dict[str, Any]] = json.loads(file.read_text("utf-8"))
    return MappingProxyType({kind: _form(kind, told[kind]) for kind in DocumentKind})


def _form(kind: DocumentKind, told: Mapping[str, Any]) -> Form:
    must = tuple(told["must"])
    templates = tuple(
        Template(
            told["title"],
            read_body("\n".join(each["body"]), must),
            each["version"],
            date.fromisoformat(each["since"]),
        )
        for each in told["versions"]
    )
    if strange := set(must) - set(FACTS) - set(FIELDS) | set(told["prefill"]) - set(FIELDS):
        raise ValueError(f"{kind}: {sorted(strange)}")
    return Form(
        kind, told["title"], told["word"], Taker(told["issuer"]), told["internal"], told["recipient"], must,
        MappingProxyType(told["prefill"]), templates,
        frozenset(rule.event for rule in RULES.values() if kind in rule.makes),
        told.get("only", ""), frozenset(PetitionState(each) for each in told.get("states", ())),
        told.get("optional", False),
    )  # fmt: skip


FORMS = read_forms()
