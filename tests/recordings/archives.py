"""A large archive, written by the database itself: one recording each twenty minutes, back into the past.

`python -m tests.recordings.archive_bench 100000` prints how long each kind of search takes on each database.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from cases.cursor import Cursor
from cases.database import Database
from cases.organisations import OrganisationKind, Tier
from cases.policy import Actor, ActorKind, PostRef, Role
from recordings.archive.index import EVERY
from recordings.archive.postings import (
    PLACES,
    ArchiveBlock,
    ArchivePlace,
    ArchivePosting,
    block_of,
    packed,
)
from recordings.archive.search import ArchiveQuery, search_archive
from tests.clock import FixedClock

DISTRICTS = 60
BEGIN = 1_784_682_000  # 22 July 2026, 01:00 UTC.
CONFIDENTIAL = 50  # One in so many.
# Term and which recordings hold it, by their running number i.
TERMS: tuple[tuple[Callable[[int], str], Callable[[int], bool]], ...] = (
    (lambda i: EVERY, lambda i: True),
    (lambda i: "w:供暖", lambda i: i % 3 == 0),
    (lambda i: "w:暖不", lambda i: i % 3 == 0),
    (lambda i: "w:不足", lambda i: i % 2 == 0),
    (lambda i: "w:足学", lambda i: i % 3 == 1),  # Never as 足学: it only looks like 不足学校.
    (lambda i: "w:电梯", lambda i: i % 1000 == 7),
    (lambda i: "w:学校", lambda i: i % 3 == 1),
    (lambda i: "w:举报", lambda i: i % CONFIDENTIAL == 0),
    (lambda i: "p:马", lambda i: i % 5 == 0),
    (lambda i: "p:马秀", lambda i: i % 500 == 5),
    (lambda i: f"o:o{i % DISTRICTS}", lambda i: True),
    (lambda i: f"v:o{i % DISTRICTS}", lambda i: i % CONFIDENTIAL != 0),
    (lambda i: f"r:{620200 + i % DISTRICTS}", lambda i: i % CONFIDENTIAL != 0),
    (lambda i: "r:6202", lambda i: i % CONFIDENTIAL != 0),
    (lambda i: "r:62", lambda i: i % CONFIDENTIAL != 0),
    (lambda i: "k:hand.raised", lambda i: i % 2 == 1),
)


async def write_postings(connection: AsyncConnection, count: int) -> None:
    """The index of `count` recordings, as the worker would have written it."""
    sizes: dict[int, int] = {}
    places, postings = [], {}
    for i in reversed(range(count)):
        at = datetime.fromtimestamp(BEGIN - i * 1200, UTC)
        block = block_of(at)
        bit = sizes.get(block, 0)
        sizes[block] = bit + 1
        places.append({"place": block * PLACES + bit, "block": block, "at": at, "recording_id": f"r{i}"})
        for term, holds in TERMS:
            if holds(i):
                key = (term(i), block)
                postings[key] = postings.get(key, 0) | 1 << bit
    rows = []
    for (name, block), bits in postings.items():
        skipped, stored = packed(bits)
        rows.append({"term": name, "block": block, "skipped": skipped, "bits": stored})
    blocks = [{"block": block, "size": size} for block, size in sizes.items()]
    for model, values in ((ArchiveBlock, blocks), (ArchivePlace, places), (ArchivePosting, rows)):
        for begin in range(0, len(values), 5000):
            await connection.execute(insert(model), values[begin : begin + 5000])


async def write_archive(database: Database, count: int) -> None:
    """`count` sealed recordings of 60 districts `o0` to `o59` with region codes 620100 and up."""
    postgresql = database.url.drivername.startswith("postgresql")
    moment = f"{BEGIN} - i * 1200"
    at = (
        f"to_timestamp({moment})"
        if postgresql
        else f"strftime('%Y-%m-%d %H:%M:%S.000000', {moment}, 'unixepoch')"
    )
    rows = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {}) {} FROM n"
    every = count - 1
    host = f"'o' || (i % {DISTRICTS})"
    number = "'LZ' || (2021 + i % 6) || '-' || substr('00000' || i, length('00000' || i) - 5)"
    plan = [
        (DISTRICTS - 1, "organisations (id, region_code, name, short_name, tier, kind)",
         f"SELECT {host}, '' || (620200 + i), '区' || i, '区' || i, 'district', 'petition_office'"),
        (99, "people (id, name, created_at)", f"SELECT 'h' || i, '马秀英' || i, {at}"),
        (every, "petitions (id, number, channel, subject, description, class, state, petitioner_id, "
         "custodian_id, confidential, query_code_hash, event_count, registered_at)",
         f"SELECT 'p' || i, {number}, 'video', '供暖不足', '', 'claim', 'handling', 'h' || (i % 100), "
         f"{host}, i % {CONFIDENTIAL} = 0, '', 0, {at}"),
        (every, "petition_organisations (petition_id, organisation_id, part)",
         f"SELECT 'p' || i, {host}, 'custodian'"),
        (every, "sessions (id, petition_id, title, host_organisation_id, state, starts_at, ends_at, record, "
         "event_count, created_at)",
         f"SELECT 's' || i, 'p' || i, '供暖不足', {host}, 'closed', {at}, {at}, true, 0, {at}"),
        (every, "session_organisations (session_id, organisation_id, part)",
         f"SELECT 's' || i, {host}, 'host'"),
        (every, "recordings (id, session_id, petition_id, organisation_id, state, directory, started_at, "
         "size, track_count, gap_count, composition, progress, attempts)",
         f"SELECT 'r' || i, 's' || i, 'p' || i, {host}, 'sealed', '', {at}, 0, 0, 0, 'done', 0, 0"),
        (every, "archive_passages (recording_id, place, kind, who, text)",
         "SELECT 'r' || i, 0, 'title', '', CASE WHEN i % 1000 = 7 THEN '电梯停了，供暖不足，学校' "
         "ELSE '供暖不足，学校' END"),
    ]  # fmt: skip
    async with database.engine.begin() as connection:
        for last, into, values in plan:
            await connection.execute(text(f"INSERT INTO {into} {rows.format(last, values)}"))
        await write_postings(connection, count)
        await connection.execute(text("ANALYZE"))


ROUNDS = 3


def reviewer(organisation_id: str, code: str, tier: Tier) -> Actor:
    post = PostRef(Role.REVIEWER, organisation_id, code, tier, OrganisationKind.PETITION_OFFICE)
    return Actor(ActorKind.OFFICIAL, "某人", "official", (post,))


PROVINCE = reviewer("province", "62", Tier.PROVINCE)
DISTRICT = reviewer("o7", "620207", Tier.DISTRICT)
STRANGER = reviewer("elsewhere", "63", Tier.PROVINCE)
ONE_DAY = {"since": date(2026, 7, 1), "until": date(2026, 7, 1)}
# Name, who asks, what, and whether there is something to be found.
SEARCHES = (
    ("everything", PROVINCE, ArchiveQuery(), True),
    ("a district's", DISTRICT, ArchiveQuery(), True),
    ("nobody's", STRANGER, ArchiveQuery(), False),
    ("a common word", PROVINCE, ArchiveQuery(words="供暖不足"), True),
    ("a common word of a stranger", STRANGER, ArchiveQuery(words="供暖不足"), False),
    ("a rare word", PROVINCE, ArchiveQuery(words="电梯"), True),
    ("two words that never meet", PROVINCE, ArchiveQuery(words="电梯 学校"), True),
    ("two common words that never meet", PROVINCE, ArchiveQuery(words="供暖 学校"), False),
    ("a number", PROVINCE, ArchiveQuery(number="2345"), True),
    ("a name", PROVINCE, ArchiveQuery(person="马秀"), True),
    ("a surname in a district", DISTRICT, ArchiveQuery(person="马"), False),
    ("an office", PROVINCE, ArchiveQuery(organisation_id="o7"), True),
    ("what happened", DISTRICT, ArchiveQuery(happened="hand.raised"), True),
    ("what never happened", PROVINCE, ArchiveQuery(happened="session.failed"), False),
    ("a number nobody has", PROVINCE, ArchiveQuery(number="999999"), False),
    ("a word that may not be seen", PROVINCE, ArchiveQuery(words="举报"), False),
    ("pairs that are not the word", PROVINCE, ArchiveQuery(words="不足学校"), False),
    ("a person of an office", PROVINCE, ArchiveQuery(organisation_id="o5", person="马秀"), True),
    ("one day", PROVINCE, ArchiveQuery(**ONE_DAY), True),
    ("a common word on one day", PROVINCE, ArchiveQuery(words="供暖不足", **ONE_DAY), True),
    ("a day without any", PROVINCE, ArchiveQuery(words="供暖不足", until=date(2020, 1, 1)), False),
    (
        "all of it at once",
        PROVINCE,
        ArchiveQuery("", date(2023, 1, True), date(2025, 1, True), "o27", "马", "供暖"),
        False,
    ),
)


def last_page(count: int) -> Cursor:
    """Where the last page of `count` recordings begins."""
    return Cursor(datetime.fromtimestamp(BEGIN - (count - 20) * 1200, UTC), "r")


async def measure(database: Database) -> list[tuple[str, float, int, bool]]:
    """Search in every way: name, seconds of the best of ROUNDS, how many were found, should any be."""
    measured = []
    for name, actor, query, expected in SEARCHES:
        best, found = float("inf"), 0
        for _ in range(ROUNDS):
            async with database.session() as db:
                started = time.perf_counter()
                found = len((await search_archive(db, FixedClock(), actor, query)).found)
                best = min(best, time.perf_counter() - started)
        measured.append((name, best, found, expected))
    return measured
