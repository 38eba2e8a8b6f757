"""Reading the audit: who did what to which object and when, for the audit administrator alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cases.audit import AuditEntry, record_audit
from cases.casefile import PetitionCase
from cases.clock import BEIJING, Clock
from cases.fields import clean
from cases.people import Post
from cases.policy import Action, Actor, require

PAGE = 50
BATCH = 1000
MOST_EXPORTED = 100_000
OUTCOME_NAMES: Mapping[str, str] = {"ok": "完成", "refused": "被拒绝", "failed": "失败"}
ADMINISTRATION = frozenset(
    {"account", "audit", "client", "holidays", "official", "organisation", "profile", "retention", "template"}
)
HIDDEN = "…"


@dataclass(frozen=True, slots=True)
class EntryQuery:
    """What is asked for; what is empty is not asked. Days are of Beijing, both included.

    `object_ids`: objects the acts are about, None for any. `organisation_id`: of who acted, or acted on.
    """

    since: date | None = None
    until: date | None = None
    who: str = ""
    action: str = ""
    outcome: str = ""
    organisation_id: str = ""
    object_ids: Collection[str] | None = None


async def find_entries(
    db: AsyncSession, actor: Actor, asked: EntryQuery, before: int | None = None
) -> tuple[Sequence[AuditEntry], int | None]:
    """One page, the newest first, older than sequence `before`, and where the next begins."""
    require(actor, Action.SEE_AUDIT)
    rows = (await db.scalars(_selected(asked, before).limit(PAGE + 1))).all()
    return rows[:PAGE], (rows[PAGE - 1].sequence if len(rows) > PAGE else None)


async def export_entries(
    db: AsyncSession, clock: Clock, actor: Actor, asked: EntryQuery
) -> AsyncIterator[Sequence[AuditEntry]]:
    """What is found, in batches, the newest first, at most MOST_EXPORTED; taking it out is a line, too."""
    require(actor, Action.SEE_AUDIT)
    detail = {name: _told(getattr(asked, name)) for name in asked.__slots__ if getattr(asked, name)}
    entry = await record_audit(db, clock, actor, "audit.exported", "audit", None, detail=detail)
    before, left = None, MOST_EXPORTED
    while left > 0:
        batch = _selected(asked, before, entry.sequence).limit(min(BATCH, left))
        rows = (await db.scalars(batch)).all()
        if not rows:
            return
        yield rows
        before, left = rows[-1].sequence, left - len(rows)


async def list_actions(db: AsyncSession, actor: Actor) -> list[str]:
    """The acts that stand in the log at all, for the list to choose from.

    Each is found from the one before by the index: a log of years has as many steps as kinds of acts.
    """
    require(actor, Action.SEE_AUDIT)
    found: list[str] = []
    while True:
        query = select(AuditEntry.action).order_by(AuditEntry.action).limit(1)
        following = await db.scalar(query.where(AuditEntry.action > found[-1]) if found else query)
        if following is None:
            return found
        found.append(following)


async def find_petition_id(db: AsyncSession, actor: Actor, number: str) -> str | None:
    """Which case has this number; the auditor sees nothing else of it."""
    require(actor, Action.SEE_AUDIT)
    return await db.scalar(select(PetitionCase.id).where(PetitionCase.number == clean(number)[:32]))


def visible_detail(entry: AuditEntry) -> str:
    """What an entry holds beside its names, as one line.

    Of what is no matter of administration the auditor reads codes and numbers and no words: those may be of a
    case.
    """
    shown = entry.detail if entry.object_kind in ADMINISTRATION else _codes(entry.detail)
    return json.dumps(shown, ensure_ascii=False, sort_keys=True) if shown else ""


def _codes(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _codes(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_codes(each) for each in value]
    return value if not isinstance(value, str) or (value.isascii() and " " not in value) else HIDDEN


def _selected(asked: EntryQuery, before: int | None, below: int | None = None) -> Select[AuditEntry]:
    """Older than the entry `before`, of those that were written before `below`.

    What is asked by days comes by time, by the index of it: by sequence a month of two years ago began after
    half a million entries, and what a corrected clock wrote stands elsewhere in it.
    """
    by_days = bool(asked.since or asked.until)
    order = (AuditEntry.at, AuditEntry.sequence) if by_days else (AuditEntry.sequence,)
    query = select(AuditEntry).order_by(*(each.desc() for each in order))
    if below is not None:
        query = query.where(AuditEntry.sequence < below)
    if before is not None and by_days:
        last = aliased(AuditEntry)
        at = select(last.at).where(last.sequence == before).scalar_subquery()
        earlier = or_(AuditEntry.at < at, AuditEntry.sequence < before)
        query = query.where(AuditEntry.at <= at, earlier)
    elif before is not None:
        query = query.where(AuditEntry.sequence < before)
    if asked.since:
        query = query.where(AuditEntry.at >= _midnight(asked.since))
    if asked.until:
        query = query.where(AuditEntry.at < _midnight(asked.until + timedelta(days=1)))
    if asked.who:
        query = query.where(AuditEntry.actor_name.contains(asked.who, autoescape=True))
    if asked.action:
        query = query.where(AuditEntry.action == asked.action)
    if asked.outcome:
        query = query.where(AuditEntry.outcome == asked.outcome)
    if asked.object_ids is not None:
        query = query.where(AuditEntry.object_id.in_(sorted(asked.object_ids)))
    if asked.organisation_id:
        there = select(Post.official_id).where(Post.organisation_id == asked.organisation_id)
        acted_on = AuditEntry.object_id == asked.organisation_id
        query = query.where(or_(AuditEntry.actor_id.in_(there), acted_on))
    return query


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING)


def _told(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else sorted(value)
