"""Which earlier cases a case may repeat: the same person (number, phone) and the same matter (its words).

A repeat is the same person with the same matter (domain.md 3.4). What is found is a suggestion with its
reasons for a clerk who may join the histories; it is kept nowhere, ranks nobody, and says nothing of people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.intake.matter import PetitionParty
from cases.people import Person
from cases.policy import Actor
from cases.visibility import visible_petitions

SAME_PERSON, SAME_PHONE = "同一个身份证号", "同一个电话"
SAME_MATTER = "事项的字词大多相同"
ALIKE = 0.5  # Share of two-character words that two texts have in common (Jaccard), at least.
AROUND = timedelta(days=180)
LOOKED_AT = 300  # Cases of one office whose words are compared.
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An earlier case and why it may be the same."""

    petition: PetitionCase
    reasons: tuple[str, ...] = field(default=())


async def suggest(db: AsyncSession, actor: Actor, petition: PetitionCase) -> Sequence[Suggestion]:
    """Cases the actor sees that may be the same, the newest first. The caller has asked the policy."""
    found: dict[str, tuple[PetitionCase, list[str]]] = {}
    for reason, ids in await _of_same_people(db, petition):
        query = select(PetitionCase).where(PetitionCase.id.in_(ids), visible_petitions(actor))
        for other in await db.scalars(query.order_by(PetitionCase.registered_at.desc()).limit(SHOWN * 2)):
            found.setdefault(other.id, (other, []))[1].append(reason)
    for other in await _same_matter_nearby(db, actor, petition):
        found.setdefault(other.id, (other, []))[1].append(SAME_MATTER)
    for other, reasons in found.values():
        if SAME_MATTER not in reasons and alike(_whole(petition), _whole(other)):
            reasons.append(SAME_MATTER)
    told = [Suggestion(other, tuple(dict.fromkeys(reasons))) for other, reasons in found.values()]
    told.sort(key=lambda each: each.petition.registered_at, reverse=True)
    return told[:SHOWN]


def alike(one: str, other: str) -> bool:
    """Whether two texts share at least half of their two-character words."""
    return _share(_words(one), _words(other))


def _share(first: set[str], second: set[str]) -> bool:
    return bool(first and second) and len(first & second) >= ALIKE * len(first | second)


def _words(text: str) -> set[str]:
    letters = "".join(char for char in text.lower() if char.isalnum())
    return {letters[place : place + 2] for place in range(len(letters) - 1)}


def _whole(petition: PetitionCase) -> str:
    return f"{petition.subject} {petition.description[:1000]}"


async def _of_same_people(db: AsyncSession, petition: PetitionCase) -> list[tuple[str, list[str]]]:
    """Reasons with ids of other cases. The petitioner, representatives and the represented count alike."""
    parties = select(Person).join(PetitionParty, PetitionParty.person_id == Person.id)
    others = (await db.scalars(parties.where(PetitionParty.petition_id == petition.id))).all()
    people = [petition.petitioner, *others]
    marks = {person.id_mark for person in people if person.id_mark}
    phones = {person.phone for person in people if person.phone}
    told: list[tuple[str, list[str]]] = []
    for reason, column, values in ((SAME_PERSON, Person.id_mark, marks), (SAME_PHONE, Person.phone, phones)):
        if not values:
            continue
        # One after the other, each by its index: asked in one, the database reads every case there is.
        known = (await db.scalars(select(Person.id).where(column.in_(values)).limit(LOOKED_AT))).all()
        asked = select(PetitionCase.id).where(PetitionCase.petitioner_id.in_(known))
        beside = select(PetitionParty.petition_id).where(PetitionParty.person_id.in_(known))
        ids = set(await db.scalars(union_all(asked, beside))) - {petition.id}
        if ids:
            told.append((reason, sorted(ids)))
    return told


async def _same_matter_nearby(
    db: AsyncSession, actor: Actor, petition: PetitionCase
) -> Sequence[PetitionCase]:
    """Cases of the same office from about the same time whose subjects are alike, SHOWN at most."""
    at = petition.registered_at
    # Of hundreds only the words are looked at: as whole cases they take ten times as long as all the page.
    query = select(PetitionCase.id, PetitionCase.subject).where(
        PetitionCase.custodian_id == petition.custodian_id,
        PetitionCase.id != petition.id,
        PetitionCase.registered_at.between(at - AROUND, at + AROUND),
        visible_petitions(actor),
    )
    words = _words(petition.subject)
    rows = await db.execute(query.order_by(PetitionCase.registered_at.desc()).limit(LOOKED_AT))
    alike_ids = [other_id for other_id, subject in rows if _share(words, _words(subject))][:SHOWN]
    if not alike_ids:
        return []
    return (await db.scalars(select(PetitionCase).where(PetitionCase.id.in_(alike_ids)))).all()
