"""Looking through the register: by number, name, first letters of a name, words, and by what a case is.

Everything asked is a term of the index, and so is what the actor may see: the rarest term is walked in the
order of time, the others are looked up for each row of it, and nothing sorts or counts the whole register.
A page walks so many rows at most; where that was not enough it says how far back it has looked.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice, product
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cases.casefile import Channel, PetitionCase, PetitionClass, PetitionState
from cases.clock import BEIJING
from cases.cursor import Cursor
from cases.organisations import Organisation
from cases.people import Person
from cases.plans import follow_indexes
from cases.policy import Action, Actor, require
from cases.register.index import PetitionTerm, term_of_number
from cases.register.reach import reaches_of_actor
from cases.register.terms import fold, terms_of_name, terms_of_words
from cases.visibility import visible_petitions

PAGE = 30
# Up to here it is worth counting which term is the rarer one.
FEW = 3000
# Rows of the leading term that one page looks at.
MOST_WALKED = 10_000
# A page may be cut short by what the live rule hides, or by pairs that meet without their word.
AT_ONCE = PAGE + 12
MOST_ROUNDS = 6
MOST_WORDS = 6
MOST_WAYS = 4
_LINES = (
    select(
        PetitionCase.id, PetitionCase.number, PetitionCase.subject, Person.name, Organisation.short_name,
        PetitionCase.channel, PetitionCase.state, PetitionCase.registered_at,
    )
    .join(Person, Person.id == PetitionCase.petitioner_id)
    .join(Organisation, Organisation.id == PetitionCase.custodian_id)
)  # fmt: skip
_NUMBER = re.compile(r"(?:lz)?((?:\d{4}-)?\d{1,7})")
_LETTERS = re.compile(r"[a-z]{1,12}")


@dataclass(frozen=True, slots=True)
class RegisterQuery:
    """What is looked for; empty fields ask nothing. Dates are civil days in Beijing, both included.

    `words` are separated by blanks, all must be there: a case number or its last digits, a part of the
    subject or of the petitioner's name, or first letters of the name's readings.
    """

    words: str = ""
    state: PetitionState | None = None
    channel: Channel | None = None
    class_: PetitionClass | None = None
    custodian_id: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class RegisterLine:
    """A case as a list shows it: names of the petitioner and, in short, of the keeper."""

    id: str
    number: str
    subject: str
    petitioner: str
    custodian: str
    channel: Channel
    state: PetitionState
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class RegisterPage:
    """Up to PAGE cases, newest first.

    `older`: where the next page begins, None on the last one.

    `looked_back_to`: set where the page is short only because it has walked enough; there may be more.
    """

    found: tuple[RegisterLine, ...] = ()
    older: Cursor | None = None
    looked_back_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Walked:
    """Places with every term; `stopped` is the last row that was looked at, None if that was the end."""

    places: tuple[Cursor, ...]
    stopped: Cursor | None = None


async def search_register(
    db: AsyncSession, actor: Actor, query: RegisterQuery, before: Cursor | None = None
) -> RegisterPage:
    """Return one page of the cases that the actor may see. Raises Forbidden."""
    require(actor, Action.SEE_PETITION)
    words = query.words.split()[:MOST_WORDS]
    await follow_indexes(db, True)
    ways = await _rarest_first(db, list(_ways(actor, query, words)))
    found: list[RegisterLine] = []
    for _ in range(MOST_ROUNDS):
        walked = _newest([await _walk(db, query, way, before, AT_ONCE) for way in ways], AT_ONCE)
        # Only the walk: where what is forbidden cannot be helped (a small table has no better way), every
        # plan costs about the same, and of forty cases by their key a million may be read by another.
        await follow_indexes(db, False)
        found += await _load(db, actor, [place.row_id for place in walked.places], words)
        if len(found) > PAGE:
            last = found[PAGE - 1]
            return RegisterPage(tuple(found[:PAGE]), Cursor(last.registered_at, last.id))
        if len(walked.places) < AT_ONCE:
            stopped = walked.stopped
            return RegisterPage(tuple(found), stopped, stopped.at if stopped else None)
        before = walked.places[-1]
        await follow_indexes(db, True)
    return RegisterPage(tuple(found), before, before.at if before else None)


def _ways(actor: Actor, query: RegisterQuery, words: Sequence[str]) -> Iterator[frozenset[str]]:
    """Sets of terms; a case that has all of one of the sets is a candidate."""
    fixed = {f"{kind}:{value}" for kind, value in _kinds(query) if value}
    for reach in reaches_of_actor(actor, Action.SEE_PETITION):
        for way in islice(product(*(_readings(fold(word)) for word in words)), MOST_WAYS):
            yield frozenset({reach}.union(fixed, *way))


def _kinds(query: RegisterQuery) -> Iterator[tuple[str, str | None]]:
    yield "s", query.state
    yield "c", query.channel
    yield "k", query.class_
    yield "h", query.custodian_id


def _readings(word: str) -> list[frozenset[str]]:
    """In which ways a folded word can be meant, as terms."""
    meant = []
    if number := _NUMBER.fullmatch(word):
        meant.append(frozenset({term_of_number(number[1])}))
    if _LETTERS.fullmatch(word):
        meant.append(frozenset({f"y:{word}"}))
    if pairs := terms_of_words(word):
        meant.append(frozenset(pairs))
    elif single := terms_of_name(word):
        meant.append(frozenset(single))
    return meant or [frozenset({f"w:{word}"[:8]})]  # Of signs alone nothing is a term: nothing is found.


def _has(petition: RegisterLine, word: str) -> bool:
    """Whether a case that has the terms of a word has the word; numbers and letters are whole terms."""
    if word in fold(petition.subject) or word in fold(petition.petitioner):
        return True
    if number := _NUMBER.fullmatch(word):
        return "-" not in number[1] or petition.number.casefold().endswith(number[1])
    return _LETTERS.fullmatch(word) is not None


async def _rarest_first(db: AsyncSession, ways: Sequence[frozenset[str]]) -> list[list[str]]:
    """The terms of each way in order, without the ways of which a term is nowhere."""
    terms = sorted(frozenset[str]().union(*ways))
    if not terms:
        return []
    few = FEW if any(len(way) > 1 for way in ways) else 1
    rows = (await db.execute(_counting(len(terms), few), _numbered(terms))).all()
    # Of terms that occur more often than is counted, the rarest took longest to occur so often.
    rarity = {terms[place]: (count, since) for place, count, since in rows if count}
    alive = (way for way in ways if way <= rarity.keys())
    return [sorted(way, key=lambda term: (*rarity[term], term)) for way in alive]


@functools.cache
def _counting(terms: int, few: int) -> CompoundSelect[Any]:
    """Place of each of so many terms, how often it occurs, up to `few`, and since when."""
    return union_all(*(_occurrences(place, few) for place in range(terms)))


def _occurrences(place: int, few: int) -> Select[int, int, datetime]:
    rows = select(PetitionTerm.at).where(PetitionTerm.term == bindparam(f"term_{place}"))
    newest = rows.order_by(PetitionTerm.at.desc(), PetitionTerm.petition_id.desc()).limit(few).subquery()
    return select(literal_column(str(place), Integer), func.count(), func.min(newest.c.at))


def _numbered(terms: Sequence[str]) -> dict[str, str]:
    return {f"term_{place}": term for place, term in enumerate(terms)}


async def _walk(
    db: AsyncSession, query: RegisterQuery, terms: Sequence[str], before: Cursor | None, size: int
) -> _Walked:
    """The newest `size` places that have every term, among MOST_WALKED rows of the first one."""
    shape = len(terms) - 1, query.since is not None, query.until is not None, before is not None
    values = _numbered(terms) | _bounds(query, before) | {"size": size, "most": MOST_WALKED - 1}
    places = tuple(Cursor(row[0], row[1]) for row in await db.execute(_walking(*shape), values))
    if len(places) == size or len(terms) == 1:
        return _Walked(places)
    last = (await db.execute(_beyond_walk(*shape[1:]), values)).first()
    return _Walked(places, Cursor(last[0], last[1]) if last else None)


def _bounds(query: RegisterQuery, before: Cursor | None) -> dict[str, Any]:
    bounds: dict[str, Any] = {}
    if query.since:
        bounds["since"] = _midnight(query.since)
    if query.until:
        bounds["until"] = _midnight(query.until) + timedelta(days=1)
    if before:
        bounds |= {"before_at": before.at, "before_id": before.row_id}
    return bounds


@functools.cache
def _walking(others: int, since: bool, until: bool, before: bool) -> Select[datetime, str]:
    """The walk along `term_0` with so many other terms, and these bounds: `size` places."""
    rows = _rows(since, until, before)
    stretch = rows.limit(_count("most") + 1 if others else _count("size")).subquery()
    found = select(stretch.c.at, stretch.c.petition_id)
    for place in range(1, others + 1):
        other = aliased(PetitionTerm)
        has = select(literal(1)).where(
            other.term == bindparam(f"term_{place}"),
            other.at == stretch.c.at,
            other.petition_id == stretch.c.petition_id,
        )
        # Not EXISTS: PostgreSQL would make a join of it and begin with whichever term it likes.
        found = found.where(has.scalar_subquery().is_not(None))
    return found.order_by(stretch.c.at.desc(), stretch.c.petition_id.desc()).limit(_count("size"))


@functools.cache
def _beyond_walk(since: bool, until: bool, before: bool) -> Select[datetime, str]:
    """The last row that such a walk looks at; none where the walk came to the end."""
    return _rows(since, until, before).offset(_count("most")).limit(1)


def _rows(since: bool, until: bool, before: bool) -> Select[datetime, str]:
    at, place = PetitionTerm.at, PetitionTerm.petition_id
    conditions: list[ColumnElement[bool]] = [PetitionTerm.term == bindparam("term_0")]
    if since:
        conditions.append(at >= bindparam("since"))
    if until:
        conditions.append(at < bindparam("until"))
    if before:
        conditions.append(Cursor.beyond_named("before", at, place))
    return select(at, place).where(*conditions).order_by(at.desc(), place.desc())


def _count(name: str) -> BindParameter[int]:
    return bindparam(name, type_=Integer)


def _newest(walks: Sequence[_Walked], size: int) -> _Walked:
    """The newest of several walks, no further back than all of them have looked."""
    stops = [walk.stopped for walk in walks if walk.stopped is not None]
    stopped = max(stops, key=_order, default=None)
    places = {place for walk in walks for place in walk.places}
    if stopped is not None:
        places = {place for place in places if _order(place) >= _order(stopped)}
    return _Walked(tuple(sorted(places, key=_order, reverse=True)[:size]), stopped)


def _order(place: Cursor) -> tuple[datetime, str]:
    return place.at, place.row_id


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, BEIJING)


async def _load(
    db: AsyncSession, actor: Actor, ids: Sequence[str], words: Sequence[str]
) -> list[RegisterLine]:
    """The cases in their order, without those that the live rule hides or that lack a word."""
    if not ids:
        return []
    query = _LINES.where(PetitionCase.id.in_(ids), visible_petitions(actor))
    cases = {row.id: RegisterLine(*row) for row in await db.execute(query)}
    folded = [fold(word) for word in words]
    ordered = (cases[each] for each in ids if each in cases)
    return [each for each in ordered if all(_has(each, word) for word in folded)]
