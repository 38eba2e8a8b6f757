"""View audit: who looked at which recording of any office, when and why; for auditors alone.

Three kinds of rows are read as one list: a reason that was stated, a stretch that was played, and an
opening (page, manifest, proof, export). Each of them only grows. No case content: the recording stands
there by its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from cases.clock import BEIJING
from cases.cursor import Cursor
from cases.organisations import Organisation
from cases.policy import Action, Actor, require
from recordings.recording import Recording
from recordings.review.replay import RecordingAccess
from recordings.review.view_purpose import ViewPurpose
from recordings.review.viewing import PlayedRange

PAGE = 50
Viewing = RecordingAccess | ViewPurpose | PlayedRange
ACTS: Mapping[str, str] = {
    "purpose": "写明查阅事由",
    "played": "播放",
    "replay": "打开回放页",
    "manifest": "查看封存清单",
    "proof": "下载日根证明",
    "export": "导出",
}


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What is looked for; empty fields ask nothing. Dates are civil days in Beijing, both included.

    ``organisation_id`` is the office whose recording it is, ``person`` a part of the viewer's name.
    """

    since: date | None = None
    until: date | None = None
    organisation_id: str = ""
    person: str = ""
    act: str = ""


@dataclass(frozen=True, slots=True)
class ViewLine:
    """One thing that somebody did. ``act`` is a key of ACTS; a stretch has its ends in milliseconds."""

    row_id: str
    at: datetime
    act: str
    recording_id: str
    office: str
    who: str
    post: str
    address: str
    reason: str
    from_ms: int | None = None
    to_ms: int | None = None


async def list_views(
    db: AsyncSession, actor: Actor, query: AuditQuery, before: Cursor | None = None
) -> tuple[list[ViewLine], Cursor | None]:
    """So many lines, newest first, and where the next page begins; None at the end. Raises Forbidden."""
    require(actor, Action.SEE_AUDIT)
    lines = list[ViewLine]()
    # Each log gives its newest by its index; together they are at most three pages.
    if query.act != "purpose" and query.act != "played":
        lines += await _openings(db, query, before)
    if query.act in ("", "purpose"):
        lines += await _purposes(db, query, before)
    if query.act in ("", "played"):
        lines += await _ranges(db, query, before)
    lines.sort(key=lambda line: (line.at, line.row_id), reverse=True)
    kept = lines[:PAGE]
    return kept, Cursor(kept[-1].at, kept[-1].row_id) if len(lines) > PAGE else None


async def audited_offices(db: AsyncSession, actor: Actor) -> dict[str, str]:
    """Id and name of the offices that have recordings. Raises Forbidden."""
    require(actor, Action.SEE_AUDIT)
    query = select(Organisation.id, Organisation.name).where(
        Organisation.id.in_(select(Recording.organisation_id))
    )
    rows = await db.execute(query.order_by(Organisation.region_code, Organisation.id))
    return {row.id: row.name for row in rows}


async def _openings(db: AsyncSession, query: AuditQuery, before: Cursor | None) -> list[ViewLine]:
    one = RecordingAccess
    found = select(one, Organisation.name)
    found = _narrowed(found, query, before, one, one.actor_name)
    if query.act:
        found = found.where(one.purpose == query.act)
    return [
        ViewLine(
            row.id, row.at, row.purpose, row.recording_id, office, row.actor_name, "", row.address or "",
            row.reason or "",
        )
        for row, office in await db.execute(found)
    ]  # fmt: skip


async def _purposes(db: AsyncSession, query: AuditQuery, before: Cursor | None) -> list[ViewLine]:
    one = ViewPurpose
    found = select(one, Organisation.name)
    found = _narrowed(found, query, before, one, one.by)
    return [
        ViewLine(
            row.id, row.at, "purpose", row.recording_id, office, row.by, row.office, row.address or "",
            row.text,
        )
        for row, office in await db.execute(found)
    ]  # fmt: skip


async def _ranges(db: AsyncSession, query: AuditQuery, before: Cursor | None) -> list[ViewLine]:
    one = PlayedRange
    found = select(one, ViewPurpose, Organisation.name).join(ViewPurpose, ViewPurpose.id == one.purpose_id)
    found = _narrowed(found, query, before, one, one.by)
    return [
        ViewLine(
            row.id, row.at, "played", row.recording_id, office, row.by, row.office, why.address or "",
            why.text, row.from_ms, row.to_ms,
        )
        for row, why, office in await db.execute(found)
    ]  # fmt: skip


def _narrowed(
    found: Any, query: AuditQuery, before: Cursor | None, one: type[Viewing], who: InstrumentedAttribute[str]
) -> Any:
    """One page of one log, newest first: what is asked, after where the page before ended."""
    # An outer join, or SQLite goes through all of every office, one after another, and sorts what it finds.
    found = found.outerjoin(Organisation, Organisation.id == one.organisation_id)
    if query.since:
        found = found.where(one.at >= _midnight(query.since))
    if query.until:
        found = found.where(one.at < _midnight(query.until + timedelta(days=1)))
    if query.organisation_id:
        found = found.where(one.organisation_id == query.organisation_id)
    if query.person:
        found = found.where(who.contains(query.person, autoescape=True))
    if before is not None:
        found = found.where(before.beyond(one.at, one.id))
    return found.order_by(one.at.desc(), one.id.desc()).limit(PAGE + 1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BEIJING)
