"""The index finds what reading everything finds: seeded archives, every kind of question, page by page."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import (
    Channel,
    Part,
    PetitionCase,
    PetitionClass,
    PetitionGrant,
    PetitionOrganisation,
    PetitionState,
)
from cases.clock import BEIJING
from cases.cursor import Cursor
from cases.database import Base, Database
from cases.people import Person
from cases.policy import SYSTEM, Action, Actor, Scope, allowed
from cases.register.terms import fold
from recordings.archive import postings, search
from recordings.archive.index import index_due
from recordings.archive.postings import (
    PLACES,
    ArchiveBlock,
    ArchivePlace,
    ArchivePosting,
    add_postings,
    forget_postings,
    packed,
    terms_of,
    unpacked,
)
from recordings.archive.search import ArchiveQuery, search_archive
from recordings.recording import CompositionState, Recording, RecordingState
from scheduling.reach import scopes_of_sessions
from scheduling.session import Session, SessionOrganisation, SessionPart, SessionState
from scheduling.session_events import SessionEvent
from tests.clock import FixedClock
from tests.factories import World

COUNT, QUESTIONS = 100, 80
SEEDS = {"sqlite": 1, "postgresql": 2}
WORDS = ("供暖", "供暖不足", "暖气", "学校", "不足", "电梯坏了", "举报", "ＡＢ座", "a1%_")
NAMES = ("马秀英", "马占海", "王英", "李秀")
KINDS = ("hand.raised", "mark.set", "session.paused")


@dataclass(frozen=True)
class Original:
    """One recording with what a search may ask of it."""

    recording: Recording
    session: Session
    scope: Scope
    name: str
    kinds: frozenset[str]
    texts: tuple[str, ...]

    def answers(self, query: ArchiveQuery) -> bool:
        day = self.recording.started_at.astimezone(BEIJING).date()
        number = self.session.petition.number
        return (
            all(any(fold(word) in text for text in self.texts) for word in query.words.split())
            and query.person in self.name
            and (not query.number or number.endswith(f"-{int(query.number):06d}"))
            and (not query.organisation_id or query.organisation_id in self.scope.organisation_ids)
            and (not query.happened or query.happened in self.kinds)
            and (query.since is None or day >= query.since)
            and (query.until is None or day <= query.until)
        )


async def read_everything(db: AsyncSession) -> list[Original]:
    """The archive from one end to the other, newest first."""
    events: dict[str, list[SessionEvent]] = {}
    for event in await db.scalars(select(SessionEvent)):
        events.setdefault(event.session_id, []).append(event)
    sessions = {each.id: each for each in await db.scalars(select(Session))}
    scopes = await scopes_of_sessions(db, list(sessions.values()))
    rows = []
    newest_first = select(Recording).order_by(Recording.started_at.desc(), Recording.id.desc())
    for recording in await db.scalars(newest_first):
        session, happened = sessions[recording.session_id], events.get(recording.session_id, [])
        said = (session.title, session.petition.subject, *(each.data["text"] for each in happened))
        kinds = frozenset(each.kind for each in happened)
        texts = tuple(fold(each) for each in said)
        name = session.petition.petitioner.name
        rows.append(Original(recording, session, scopes[session.id], name, kinds, texts))
    return rows


async def fill(db: AsyncSession, world: World, seed: int) -> None:
    """COUNT recordings of cases open and confidential, granted, accusing; many begin in the same moment."""
    chance = random.Random(seed)
    offices = [each.id for each in world.organisations.values()]
    officials = [each.id for each in world.officials.values()]
    states = list(PetitionState)
    rows: dict[type[Base], list[dict[str, Any]]] = {}

    def add(model: type[Base], **values: Any) -> None:
        rows.setdefault(model, []).append(values)

    for i in range(COUNT):
        at = datetime.combine(date(2025, 11, 1), time(1), BEIJING) + timedelta(
            days=chance.randrange(200) // 3 * 3
        )
        host, custodian = chance.choice(offices), chance.choice(offices)
        title = "，".join(chance.sample(WORDS, 2))
        confidential = chance.random() < 0.3
        accused = chance.choice(offices) if chance.random() < 0.2 else None
        add(Person, id=f"h{i}", name=chance.choice(NAMES), created_at=at)
        add(
            PetitionCase, id=f"p{i}", number=f"LZ{2025 + i % 2}-{i // 2:06d}", channel=Channel.VIDEO,
            subject=title, description="", class_=PetitionClass.CLAIM, state=chance.choice(states),
            petitioner_id=f"h{i}", custodian_id=custodian, accused_organisation_id=accused,
            confidential=confidential, query_code_hash="", event_count=0, registered_at=at,
        )  # fmt: skip
        add(PetitionOrganisation, petition_id=f"p{i}", organisation_id=custodian, part=Part.CUSTODIAN)
        if chance.random() < 0.4:
            other = chance.choice(offices)
            part = chance.choice([each for each in Part if each is not Part.CUSTODIAN])
            add(PetitionOrganisation, petition_id=f"p{i}", organisation_id=other, part=part)
        for official in chance.sample(officials, 3) if chance.random() < 0.4 else ():
            add(PetitionGrant, petition_id=f"p{i}", official_id=official, granted_at=at)
        add(
            Session, id=f"s{i}", petition_id=f"p{i}", title=title, host_organisation_id=host,
            state=SessionState.CLOSED, starts_at=at, ends_at=at, record=True, event_count=0, created_at=at,
        )  # fmt: skip
        add(SessionOrganisation, session_id=f"s{i}", organisation_id=host, part=SessionPart.HOST)
        for sequence in range(chance.randrange(3)):
            add(
                SessionEvent, id=f"e{i}-{sequence}", session_id=f"s{i}", sequence=sequence + 1, at=at,
                monotonic_ms=0, kind=chance.choice(KINDS), data={"text": chance.choice(WORDS)},
            )  # fmt: skip
        add(
            Recording, id=f"{chance.randrange(1 << 60):015x}", session_id=f"s{i}", petition_id=f"p{i}",
            organisation_id=host, state=RecordingState.SEALED, directory="", started_at=at,
            index_wanted_at=at, size=0, track_count=0, gap_count=0, composition=CompositionState.NONE,
            progress=0, attempts=0,
        )  # fmt: skip
    for model, values in rows.items():
        await db.execute(insert(model), values)
    await db.commit()


def questions(world: World, seed: int) -> Iterator[tuple[Actor, ArchiveQuery]]:
    chance = random.Random(seed)
    actors = [world.actor(key) for key in world.officials]
    askers = [each for each in actors if allowed(each, Action.REPLAY)] + [SYSTEM]

    def maybe(share: float, value: Any) -> Any:
        return value if chance.random() < share else None

    for _ in range(QUESTIONS):
        day = date(2025, 11, 1) + timedelta(days=chance.randrange(220))
        yield (
            chance.choice(askers),
            ArchiveQuery(
                number=maybe(0.15, str(chance.randrange(90))) or "",
                since=maybe(0.2, day),
                until=maybe(0.2, day + timedelta(days=chance.randrange(60))),
                organisation_id=maybe(0.2, chance.choice(list(world.organisations.values())).id) or "",
                person=maybe(0.2, chance.choice(("马", "马秀英", "英", "占海"))) or "",
                words=" ".join(chance.sample((*WORDS, "供暖气", "ab座"), chance.choice((0, 0, 1, 1, 2)))),
                happened=maybe(0.2, chance.choice(KINDS)) or "",
            ),
        )


async def everything(db: AsyncSession, actor: Actor, query: ArchiveQuery) -> list[str]:
    """Every page of a search, one after another."""
    found: list[str] = []
    before: Cursor | None = None
    while True:
        page = await search_archive(db, FixedClock(), actor, query, before)
        found += [each.recording.id for each in page.found]
        assert len(page.found) <= search.PAGE
        if page.older is None:
            return found
        assert page.older != before
        before = page.older


async def test_every_search_finds_what_reading_everything_finds(
    database: Database, database_system: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another archive and other questions on each system: both read every page of every answer.
    seed = SEEDS[database_system]
    # Small, so that pages, dense blocks and the ceiling all come into play.
    for module, name, size in ((search, "PAGE", 4), (search, "CANDIDATES", 5), (search, "MOST_LOOKED_AT", 15),
                               (postings, "DENSE", 4), (postings, "FIRST_BLOCKS", 1)):  # fmt: skip
        monkeypatch.setattr(module, name, size)
    async with database.session() as db:
        await fill(db, world, seed)
        assert await index_due(db, COUNT) == COUNT
        originals = await read_everything(db)
        several = 0
        for actor, query in questions(world, seed):
            asked = [each for each in originals if each.answers(query)]
            expected = [each.recording.id for each in asked if allowed(actor, Action.REPLAY, each.scope)]
            assert await everything(db, actor, query) == expected, (actor.name, query)
            several += len(expected) > 1
    assert several > QUESTIONS / 4  # Else it would prove little.


async def test_what_was_opened_by_name_is_found_the_moment_it_is(database: Database, world: World) -> None:
    async with database.session() as db:
        await fill(db, world, 3)
        await index_due(db, COUNT)
        actor = world.actor("province.reviewer")
        secret = select(Recording.id, Recording.petition_id).join(
            PetitionCase, PetitionCase.id == Recording.petition_id
        )
        hidden = PetitionCase.confidential.is_(True), PetitionCase.accused_organisation_id.is_(None)
        granted = select(PetitionGrant.petition_id).where(PetitionGrant.official_id == actor.official_id)
        row = (await db.execute(secret.where(*hidden, PetitionCase.id.not_in(granted)))).first()
        assert row is not None
        assert row.id not in await everything(db, actor, ArchiveQuery())
        db.add(
            PetitionGrant(
                petition_id=row.petition_id, official_id=actor.official_id, granted_at=FixedClock().now()
            )
        )
        await db.commit()
        assert row.id in await everything(db, actor, ArchiveQuery())
        # A case that turns confidential is hidden at once, whatever the index still says.
        open_ids = set(await everything(db, actor, ArchiveQuery()))
        await db.execute(update(PetitionCase).values(confidential=True))
        await db.commit()
        left = set(await everything(db, actor, ArchiveQuery()))
        assert row.id in left and left < open_ids


async def test_two_that_write_to_one_block_at_once_lose_nothing(database: Database, world: World) -> None:
    async with database.session() as db:
        await fill(db, world, 4)
        ids = list(await db.scalars(select(Recording.id)))[:12]
    at = datetime.combine(date(2026, 1, 5), time(9), BEIJING)

    async def write(recording_id: str) -> None:
        async with database.session() as db:
            for term in ("w:供暖", f"w:{recording_id}"):
                await add_postings(db, recording_id, at, {term, "a:"})
            await db.commit()

    await asyncio.gather(*(write(each) for each in ids))
    async with database.session() as db:
        for each in ids:
            assert set(await terms_of(db, each)) == {"w:供暖", f"w:{each}", "a:"}
        row = await db.scalar(select(ArchivePosting).where(ArchivePosting.term == "w:供暖"))
        assert row is not None and unpacked(row.skipped, row.bits).bit_count() == len(ids)
        assert await db.scalar(select(ArchiveBlock.size)) == len(ids)
        await forget_postings(db, ids[0])
        await db.commit()
        assert await terms_of(db, ids[0]) == {}
        gone = select(func.count()).select_from(ArchivePosting).where(ArchivePosting.term == f"w:{ids[0]}")
        assert await db.scalar(gone) == 0
        places = (await db.scalars(select(ArchivePlace.place))).all()
        assert len({place % PLACES for place in places}) == len(ids)


def test_bits_come_back_as_they_were_and_a_single_one_is_a_byte() -> None:
    for bits in (0, 1, 1 << 7, 1 << 8, 0b1010 << 2000, (1 << 3000) | 1 << 9):
        skipped, stored = packed(bits)
        assert unpacked(skipped, stored) == bits
        assert bits.bit_count() != 1 or len(stored) == 1
