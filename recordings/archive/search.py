"""Archive search: recordings by case number, date, office, person and words, newest first.

Everything asked is a term of the index, and so is what the actor may see (terms_of_scope): the rarest term
is walked in the order of time, the others are looked up for each row of it, and no search sorts or counts
the whole archive. What comes out is held against the live rule before it is shown, so that an index that
lags behind hides and never reveals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cases.casefile import OWNING_PARTS, PetitionCase, PetitionOrganisation
from cases.clock import BEIJING, Clock
from cases.cursor import Cursor
from cases.errors import Invalid
from cases.fields import clean
from cases.organisations import Organisation
from cases.petitions import NUMBER_PREFIX
from cases.plans import follow_indexes
from cases.policy import Action, Actor, ActorKind, require, visible_organisation_ids, visible_prefixes
from cases.visibility import open_to, reachable_organisations
from recordings.archive.index import (
    ArchivePassage,
    ArchiveTerm,
    fold,
    term_of_event,
    term_of_office,
    term_of_region,
    terms_of_name,
    terms_of_words,
)
from recordings.recording import Recording
from scheduling.session import Session, SessionOrganisation

PAGE = 30
FIRST_YEAR = 2020  # No recording is older than the first reception by video.
# Up to here it is worth counting which term is the rarer one.
FEW = 3000
MOST_TERMS = 24
# A page may be cut short by what the live rule hides; so many times it is filled up.
MOST_ROUNDS = 8
MOST_CANDIDATES = 500
HITS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class ArchiveQuery:
    """What is looked for; empty fields ask nothing. Dates are civil days in Beijing, both included.

    `number` is a whole case number or its last digits; `words` are separated by blanks, all must occur;
    `happened` holds event kinds of which one must have occurred.
    """

    number: str = ""
    since: date | None = None
    until: date | None = None
    organisation_id: str = ""
    person: str = ""
    words: str = ""
    happened: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where the words were found; `seconds` is None in the title."""

    seconds: float | None
    kind: str
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """One recording of the archive: session's title, case's number, who received, where it says so."""

    recording: Recording
    title: str
    number: str
    office: str
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class ArchivePage:
    """Up to PAGE recordings, newest first; `older` is where the next page begins, None on the last."""

    found: tuple[Found, ...] = field(default=())
    older: Cursor | None = None


async def search_archive(
    db: AsyncSession, clock: Clock, actor: Actor, query: ArchiveQuery, before: Cursor | None = None
) -> ArchivePage:
    """Return one page of what the actor may replay. Raises Forbidden, Invalid at the field."""
    require(actor, Action.REPLAY)
    terms = _terms(query)
    await follow_indexes(db, True)
    asked = await _rarest_first(db, terms)
    petitions = await _petitions(db, clock, query.number)
    words = [fold(word) for word in query.words.split()]
    found: list[Found] = []
    size = 2 * PAGE  # The live rule may hide some of them.
    for _ in range(MOST_ROUNDS):
        await follow_indexes(db, True)
        candidates = await _candidates(db, actor, query, asked, petitions, before, size)
        await follow_indexes(db, False)
        permitted = await _permitted(db, actor, [place.row_id for place in candidates])
        rows = await _load(db, [place for place in candidates if place.row_id in permitted], words)
        found += rows
        if len(found) > PAGE:
            last = found[PAGE - 1].recording
            return ArchivePage(tuple(found[:PAGE]), Cursor(last.started_at, last.id))
        if len(candidates) < size:
            return ArchivePage(tuple(found))
        before = candidates[-1]
        size = min(size * 4, MOST_CANDIDATES)
    return ArchivePage(tuple(found), before)


def replayable(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on Recording, joined with PetitionCase, that agrees with Action.REPLAY."""
    if actor.kind is ActorKind.SYSTEM:
        return true()
    reach = reachable_organisations(actor, Action.REPLAY)
    seated = exists().where(
        SessionOrganisation.session_id == Recording.session_id, SessionOrganisation.organisation_id.in_(reach)
    )
    owned = exists().where(
        PetitionOrganisation.petition_id == Recording.petition_id,
        PetitionOrganisation.organisation_id.in_(reach),
        PetitionOrganisation.part.in_(sorted(OWNING_PARTS)),
    )
    return and_(open_to(actor), or_(seated, owned))


async def _permitted(db: AsyncSession, actor: Actor, ids: Sequence[str]) -> set[str]:
    query = select(Recording.id).join(PetitionCase, PetitionCase.id == Recording.petition_id)
    return set(await db.scalars(query.where(Recording.id.in_(ids), replayable(actor))))


def _reach_terms(actor: Actor) -> list[str] | None:
    """Terms of which a recording has one if the actor may see it; None for the program itself."""
    if actor.kind is ActorKind.SYSTEM:
        return None
    prefixes = visible_prefixes(actor, Action.REPLAY)
    widest = [code for code in prefixes if not any(code != up and code.startswith(up) for up in prefixes)]
    own = [term_of_office(each) for each in visible_organisation_ids(actor, Action.REPLAY)]
    return [term_of_region(code) for code in widest] + own


async def _count(db: AsyncSession, term: str) -> int:
    """How many recordings have the term, counted up to FEW."""
    source = select(ArchiveTerm.recording_id).where(ArchiveTerm.term == term).limit(FEW)
    return await db.scalar(select(func.count()).select_from(source.subquery())) or 0


def _terms(query: ArchiveQuery) -> list[str]:
    terms: set[str] = set()
    for word in query.words.split():
        of_word = terms_of_words(word)
        if not of_word:
            raise Invalid("word_too_short", "每个词至少两个字，例如「供暖」。", "words")
        terms |= of_word
    if clean(query.person):
        of_name = terms_of_name(query.person)
        pairs = {term for term in of_name if len(term) > len("p:x")}
        if not of_name:
            raise Invalid("bad_person", "请填写姓名中的字。", "person")
        terms |= pairs or of_name
    if query.organisation_id:
        terms.add(term_of_office(query.organisation_id))
    if query.happened:
        terms.add(term_of_event(query.happened))
    return sorted(terms)


async def _rarest_first(db: AsyncSession, terms: list[str]) -> list[str]:
    counts: dict[str, int] = {}
    for term in terms[:MOST_TERMS]:
        counts[term] = await _count(db, term)
        if counts[term] == 0:
            return [term]
    return sorted(counts, key=lambda term: counts[term])


async def _petitions(db: AsyncSession, clock: Clock, typed: str) -> Sequence[str] | None:
    """Ids of the cases of this number or of these last digits; None when no number was asked for."""
    number = fold(typed).upper().replace(" ", "")
    if not number:
        return None
    if number.isascii() and number.isdigit() and len(number) <= 6:
        year = clock.now().astimezone(BEIJING).year
        numbers = [f"{NUMBER_PREFIX}{each}-{int(number):06d}" for each in range(FIRST_YEAR, year + 1)]
    else:
        numbers = [number[:32]]
    return (await db.scalars(select(PetitionCase.id).where(PetitionCase.number.in_(numbers)))).all()


async def _candidates(
    db: AsyncSession,
    actor: Actor,
    query: ArchiveQuery,
    asked: list[str],
    petitions: Sequence[str] | None,
    before: Cursor | None,
    size: int,
) -> list[Cursor]:
    """The newest `size` that have every term asked for and one of the actor's reach."""
    reach = _reach_terms(actor)
    if petitions is not None or reach is None:
        return await _walk(db, query, [], asked, petitions, before, size)
    places: set[Cursor] = set()
    for own in reach:  # One for most officials; the rarer of word and reach leads.
        terms = await _rarest_first(db, [*asked[:1], own])
        terms += [term for term in (own, *asked) if term not in terms]
        places.update(await _walk(db, query, terms[:1], terms[1:], None, before, size))
    return sorted(places, key=lambda place: (place.at, place.row_id), reverse=True)[:size]


async def _walk(
    db: AsyncSession,
    query: ArchiveQuery,
    leading: list[str],
    others: list[str],
    petitions: Sequence[str] | None,
    before: Cursor | None,
    size: int,
) -> list[Cursor]:
    """Walk the leading term, or without one the recordings themselves, back in time."""
    leader = aliased(ArchiveTerm)
    at: Any = leader.at if leading else Recording.started_at
    place: Any = leader.recording_id if leading else Recording.id
    conditions: list[ColumnElement[bool]] = [leader.term == term for term in leading]
    if petitions is not None:
        conditions.append(Recording.petition_id.in_(petitions))
    for term in others:
        other = aliased(ArchiveTerm)
        conditions.append(exists().where(other.term == term, other.at == at, other.recording_id == place))
    if query.since:
        conditions.append(at >= _midnight(query.since))
    if query.until:
        conditions.append(at < _midnight(query.until) + timedelta(days=1))
    if before is not None:
        conditions.append(before.beyond(at, place))
    statement = select(at, place).where(*conditions).order_by(at.desc(), place.desc()).limit(size)
    return [Cursor(row[0], row[1]) for row in await db.execute(statement)]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, BEIJING)


async def _load(db: AsyncSession, places: Sequence[Cursor], words: Sequence[str]) -> tuple[Found, ...]:
    """The rows of a page in its order, without those that hold the pairs but not the words."""
    ids = [place.row_id for place in places]
    query = select(Recording, Session.title, PetitionCase.number, Organisation.short_name)
    query = query.join(Session, Session.id == Recording.session_id)
    query = query.join(PetitionCase, PetitionCase.id == Recording.petition_id)
    query = query.join(Organisation, Organisation.id == Recording.organisation_id)
    rows = {row[0].id: row for row in await db.execute(query.where(Recording.id.in_(ids)))}
    texts = await _passages(db, ids) if words else {}
    found = []
    for recording_id in ids:
        passages = texts.get(recording_id, [])
        folded = [fold(each.text) for each in passages]
        if all(any(word in text for text in folded) for word in words):
            hits = [
                Hit(None if each.ms is None else each.ms / 1000, each.kind, each.who, each.text)
                for each, text in zip(passages, folded, strict=True)
                if any(word in text for word in words)
            ]
            # A moment says more than the title.
            hits.sort(key=lambda hit: (hit.seconds is None, hit.seconds or 0.0))
            found.append(Found(*rows[recording_id], tuple(hits[:HITS_SHOWN])))
    return tuple(found)


async def _passages(db: AsyncSession, ids: Sequence[str]) -> dict[str, list[ArchivePassage]]:
    query = select(ArchivePassage).where(ArchivePassage.recording_id.in_(ids))
    texts: dict[str, list[ArchivePassage]] = {}
    for each in await db.scalars(query.order_by(ArchivePassage.recording_id, ArchivePassage.place)):
        texts.setdefault(each.recording_id, []).append(each)
    return texts
