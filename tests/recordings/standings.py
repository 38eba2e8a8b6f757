"""The evidence of a large archive: a reading of each recording, each office's nights, who looked at what.

`python -m tests.recordings.archive_bench 100000` prints how long each page of 链与时间戳 and 调阅审计 takes
on each database.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from cases.cursor import Cursor
from cases.database import Database
from cases.organisations import OrganisationKind, Tier
from cases.policy import Actor, ActorKind, PostRef, Role
from recordings.evidence.day_root import ledger_of
from recordings.review.view_audit import AuditQuery, audited_offices, list_views
from recordings.watch.day_lines import glance
from recordings.watch.standing import list_standing, office_standing
from tests.clock import FixedClock
from tests.recordings.archives import BEGIN, DISTRICTS, write_archive

NIGHTS = 365
DAYS = 3_650  # of an office's ledger: ten years
UNSEEN = "o59"  # Nobody ever looked at a recording of this office.
NEVER = 11  # One recording in so many was not read since it was sealed.
# Those that plans are asked about, and what they are joined with.
JUDGED = (
    *("organisations", "petitions", "sessions", "recordings", "verifications", "office_checks"),
    *("recording_accesses", "view_purposes", "played_ranges"),
)
HARMED = 97  # One in so many was not as sealed at its last reading.

Call = Callable[[AsyncSession], Awaitable[Any]]


def official(role: Role) -> Actor:
    """Somebody of the province."""
    post = PostRef(role, "province", "62", Tier.PROVINCE, OrganisationKind.PETITION_OFFICE)
    return Actor(ActorKind.OFFICIAL, "某人", "official", (post,))


LEADER, AUDITOR = official(Role.LEADER), official(Role.AUDITOR)


async def write_readings(database: Database, count: int) -> None:
    """`count` recordings of `write_archive`, sealed in the chains of their offices and read when they ended.

    Every reading, opening, reason and played stretch is a row of its own.
    """
    await write_archive(database, count)
    postgresql = database.url.drivername.startswith("postgresql")
    moment = f"{BEGIN} - i * 1200"
    at = (
        f"to_timestamp({moment})"
        if postgresql
        else f"strftime('%Y-%m-%d %H:%M:%S.000000', {moment}, 'unixepoch')"
    )
    night = "DATE '2025-07-22' + i" if postgresql else "date('2025-07-22', '+' || i || ' days')"
    numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
    seen = f"FROM n WHERE 'o' || (i % {DISTRICTS}) <> '{UNSEEN}'"
    office = f"'o' || (i % {DISTRICTS})"
    who = f"{at}, '马秀英' || (i % 100), '某办'"
    plan = [
        (count, "verifications (id, recording_id, at, took_ms, intact, exit_code, segments, size, "
         "finding_count, findings)",
         f"SELECT 'v' || i, 'r' || i, {at}, 5, i % {HARMED} <> 7, 0, 4, 1000, 0, '[]' FROM n "
         f"WHERE i % {NEVER} <> 3"),
        (NIGHTS, "office_checks (id, organisation_id, night, at, links, days, found)",
         f"SELECT o.id || '-' || i, o.id, {night}, {at}, 1, 1, 0 FROM n, organisations o"),
        (count, "recording_accesses (id, recording_id, organisation_id, at, purpose, actor_kind, actor_name)",
         f"SELECT 'a' || i, 'r' || i, {office}, {at}, CASE WHEN i % 5000 = 3 THEN 'export' ELSE 'replay' "
         f"END, 'official', '马秀英' || (i % 100) {seen}"),
        (count, "view_purposes (id, recording_id, organisation_id, sign_in_id, kind, words, at, by, office)",
         f"SELECT 'u' || i, 'r' || i, {office}, 's' || i, 'minutes', '', {who} {seen}"),
        (count, "played_ranges (id, recording_id, organisation_id, purpose_id, from_ms, to_ms, at, by, "
         "office)",
         f"SELECT 'l' || i, 'r' || i, {office}, 'u' || i, 0, 15000, {who} {seen}"),
    ]  # fmt: skip
    sealed = (
        "UPDATE recordings SET sealed_at = started_at, size = 1000000, "
        f"chain_number = CAST(substr(id, 2) AS INTEGER) / {DISTRICTS} + 1, verified_at = CASE WHEN "
        f"CAST(substr(id, 2) AS INTEGER) % {NEVER} = 3 THEN NULL ELSE started_at END"
    )
    async with database.engine.begin() as connection:
        await connection.execute(text(sealed))
        for last, into, values in plan:
            await connection.execute(text(f"INSERT INTO {into} {numbers.format(last - 1)} {values}"))
    if postgresql:  # What its autovacuum does in an office, and first in full: other tests left empty pages.
        async with database.engine.connect() as connection:
            free = await connection.execution_options(isolation_level="AUTOCOMMIT")
            for thoroughly in ("VACUUM (FULL)", "VACUUM (ANALYZE)"):
                await free.execute(text(f"{thoroughly} {', '.join(JUDGED)}"))


def write_days(root: Path) -> Path:
    """The names of ten years of day roots of an office; the pages of the list read no more of them."""
    directory = ledger_of(root, "o7")
    directory.mkdir(parents=True)
    for day in range(DAYS):
        name = datetime.fromtimestamp(BEGIN - day * 86_400, UTC).date().isoformat()
        for suffix in ("json", "sig", "leaves", "tsr"):
            (directory / f"{name}.{suffix}").touch()
    return directory


def pages(count: int) -> dict[str, Call]:
    """Name and what is asked of the database by one page."""
    clock = FixedClock()
    end = Cursor(datetime.fromtimestamp(BEGIN - (count - 100) * 1200, UTC), "a5")

    async def second(db: AsyncSession) -> Any:
        _, place = await list_standing(db, clock, LEADER)
        return await list_standing(db, clock, LEADER, place)

    def views(before: Cursor | None = None, **asked: Any) -> Call:
        return lambda db: list_views(db, AUDITOR, AuditQuery(**asked), before)

    return {
        "chain: first page": lambda db: list_standing(db, clock, LEADER),
        "chain: first and second page": second,
        "chain: one office": lambda db: office_standing(db, clock, LEADER, "o7"),
        "audit: offices to choose": lambda db: audited_offices(db, AUDITOR),
        "audit: first page": views(),
        "audit: last page": views(end),
        "audit: one office": views(organisation_id="o7"),
        "audit: one office, last page": views(end, organisation_id="o7"),
        "audit: an office nobody looked at": views(organisation_id=UNSEEN),
        "audit: one person": views(person="马秀英77"),
        "audit: a person who is not there": views(person="王"),
        "audit: exports": views(act="export"),
        "audit: an act nobody did": views(act="proof"),
    }


def measure_days(root: Path) -> tuple[float, float]:
    """Seconds of the first glance at a ledger of ten years, and of the next one."""
    directory, times = write_days(root), []
    for _ in range(2):
        started = time.perf_counter()
        glance(directory)
        times.append(time.perf_counter() - started)
    return times[0], times[1]
