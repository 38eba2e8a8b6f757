"""Archive search: recordings by case number, date, office, person and words, newest first.

Everything asked is a term of the index, and so is what the actor may see (terms_of_scope): where the bits of
all of them meet (recordings/archive/postings.py) lies what was looked for, and no search sorts or counts the
whole archive. What comes out is held against the live rule before it is shown, so that an index that lags
behind hides and never reveals.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import OWNING_PARTS, PetitionCase, PetitionGrant, PetitionOrganisation
from cases.clock import BEIJING, Clock
from cases.cursor import Cursor
from cases.errors import Invalid
from cases.fields import clean
from cases.organisations import Organisation
from cases.petitions import NUMBER_PREFIX
from cases.policy import Action, Actor, ActorKind, require, visible_organisation_ids, widest_prefixes
from cases.register.terms import fold, term_of_office, term_of_region, terms_of_name, terms_of_words
from cases.visibility import open_to, reachable_organisations
from recordings.archive.index import (
    EVERY,
    ArchivePassage,
    term_of_event,
    term_of_reader,
)
from recordings.archive.postings import ArchivePlace, Wanted, between, holding, walk
from recordings.recording import Recording
from scheduling.reach import not_sealed_apart
from scheduling.session import Session, SessionOrganisation

PAGE = 30
FIRST_YEAR = 2020  # No recording is older than the first reception by video.
# Looked at together: a page, and a few that the live rule may hide.
CANDIDATES = 45
# Texts of so many are read for one page at most.
MOST_LOOKED_AT = 540
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
    """Return one page of what the actor may replay. Raises Forbidden, Invalid at the field.

    A page that is not full and yet names `older` looked at MOST_LOOKED_AT recordings: they hold the pairs
    of the words and not the words, or what hides them is younger than the index.
    """
    require(actor, Action.REPLAY)
    wanted = Wanted(
        terms=_terms(query) or [EVERY],
        reach=_reach_terms(actor),
        besides=await _granted(db, actor),
        since=_midnight(query.since) if query.since else None,
        until=_midnight(query.until) + timedelta(days=1) if query.until else None,
        before=before,
    )
    petitions = await _petitions(db, clock, query.number)
    words = [fold(word) for word in query.words.split()]
    found: list[Found] = []
    looked_at = 0
    walked = walk(db, wanted, CANDIDATES) if petitions is None else _numbered(db, wanted, petitions)
    async with aclosing(walked):
        async for candidates in walked:
            for begin in range(0, len(candidates), CANDIDATES):
                some = candidates[begin : begin + CANDIDATES]
                found += await _found(db, actor, some, words)
                if len(found) > PAGE:
                    last = found[PAGE - 1].recording
                    return ArchivePage(tuple(found[:PAGE]), Cursor(last.started_at, last.id))
                looked_at += len(some)
                if looked_at >= MOST_LOOKED_AT:
                    return ArchivePage(tuple(found), some[-1])
    return ArchivePage(tuple(found))


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
    return and_(open_to(actor), or_(seated, owned), _not_sealed_apart(actor))


def _not_sealed_apart(actor: Actor) -> ColumnElement[bool]:
    of = exists().where(Session.id == Recording.session_id, not_sealed_apart(actor))
    return of.correlate(Recording)


async def _permitted(db: AsyncSession, actor: Actor, ids: Sequence[str]) -> set[str]:
    query = select(Recording.id).join(PetitionCase, PetitionCase.id == Recording.petition_id)
    return set(await db.scalars(query.where(Recording.id.in_(ids), replayable(actor))))


def _reach_terms(actor: Actor) -> list[str] | None:
    """Terms of which an open recording has one if the actor may see it; None for the program itself."""
    if actor.kind is ActorKind.SYSTEM:
        return None
    own = [term_of_reader(each) for each in visible_organisation_ids(actor, Action.REPLAY)]
    return [term_of_region(code) for code in widest_prefixes(actor, Action.REPLAY)] + own


async def _granted(db: AsyncSession, actor: Actor) -> Sequence[int]:
    """Places of the recordings of cases that were opened to the actor by name."""
    if actor.official_id is None:
        return ()
    query = select(ArchivePlace.place).join(Recording, Recording.id == ArchivePlace.recording_id)
    query = query.join(PetitionGrant, PetitionGrant.petition_id == Recording.petition_id)
    return (await db.scalars(query.where(PetitionGrant.official_id == actor.official_id))).all()


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


async def _numbered(
    db: AsyncSession, wanted: Wanted, petitions: Sequence[str]
) -> AsyncGenerator[list[Cursor], None]:
    """Yield the recordings of some cases that are wanted, newest first; the live rule says who sees them."""
    query = select(Recording.started_at, Recording.id, ArchivePlace.place)
    query = query.outerjoin(ArchivePlace, ArchivePlace.recording_id == Recording.id)
    query = query.where(Recording.petition_id.in_(petitions))
    query = query.where(*between(wanted, Recording.started_at, Recording.id))
    query = query.order_by(Recording.started_at.desc(), Recording.id.desc())
    rows = (await db.execute(query)).all()
    asked = [term for term in wanted.terms if term != EVERY]
    held = await holding(db, asked, [row.place for row in rows if row.place is not None]) if asked else None
    yield [Cursor(row.started_at, row.id) for row in rows if held is None or row.place in held]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, BEIJING)


async def _found(
    db: AsyncSession, actor: Actor, places: Sequence[Cursor], words: Sequence[str]
) -> list[Found]:
    """Those that hold the words themselves and that the actor may replay, in their order."""
    ids = [place.row_id for place in places]
    hits = await _hits(db, ids, words) if words else dict.fromkeys(ids, ())
    permitted = await _permitted(db, actor, list(hits)) if hits else set()
    query = select(Recording, Session.title, PetitionCase.number, Organisation.short_name)
    query = query.join(Session, Session.id == Recording.session_id)
    query = query.join(PetitionCase, PetitionCase.id == Recording.petition_id)
    query = query.join(Organisation, Organisation.id == Recording.organisation_id)
    query = query.where(Recording.id.in_(permitted))
    rows = {row[0].id: row for row in await db.execute(query)} if permitted else {}
    return [Found(*rows[each], hits[each][:HITS_SHOWN]) for each in ids if each in rows]


async def _hits(db: AsyncSession, ids: Sequence[str], words: Sequence[str]) -> dict[str, tuple[Hit, ...]]:
    """Where the words stand, by recording, of those that hold all of them. The database reads the texts."""
    compared = func.coalesce(ArchivePassage.folded, ArchivePassage.text)
    columns = (ArchivePassage.recording_id, ArchivePassage.ms, ArchivePassage.kind, ArchivePassage.who)
    says = or_(*(compared.contains(word, autoescape=True) for word in words))
    query = select(*columns, ArchivePassage.text).where(ArchivePassage.recording_id.in_(ids), says)
    texts: dict[str, list[Any]] = {}
    for row in await db.execute(query.order_by(ArchivePassage.recording_id, ArchivePassage.place)):
        texts.setdefault(row.recording_id, []).append(row)
    found: dict[str, tuple[Hit, ...]] = {}
    for recording_id, passages in texts.items():
        folded = [fold(each.text) for each in passages]
        if all(any(word in text for text in folded) for word in words):
            hits = [Hit(None if p.ms is None else p.ms / 1000, p.kind, p.who, p.text) for p in passages]
            # A moment says more than the title.
            hits.sort(key=lambda hit: (hit.seconds is None, hit.seconds or 0.0))
            found[recording_id] = tuple(hits)
    return found
