"""Sign-ins for the security administrator: what succeeded and failed, from where, and what is locked now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry
from cases.clock import Clock
from cases.fields import clean
from cases.people import Official
from cases.policy import Action, Actor, require
from cases.signin import is_locked

PAGE = 50
ACTS = ("sign_in.opened", "sign_in.refused", "sign_in.revoked", "account.unlocked")
LOOKED_BACK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SignInEvent:
    """One line. `cause`: why it failed, as cases/signin.py writes it down."""

    at: datetime
    act: str
    who: str
    address: str
    cause: str = ""


async def list_sign_in_events(
    db: AsyncSession, actor: Actor, username: str = "", before: int | None = None
) -> tuple[list[SignInEvent], int | None]:
    """One page, the newest first, and where the next begins. `username`: of one account."""
    require(actor, Action.GUARD_ACCOUNTS)
    query = select(AuditEntry).where(AuditEntry.action.in_(ACTS)).order_by(AuditEntry.sequence.desc())
    if before is not None:
        query = query.where(AuditEntry.sequence < before)
    name = clean(username).lower()[:64]
    if name:
        known = select(Official.id).where(Official.username == name)
        typed = AuditEntry.detail["username"].as_string() == name
        query = query.where(AuditEntry.object_id.in_(known) | typed)
    rows = (await db.scalars(query.limit(PAGE + 1))).all()
    usernames = await _usernames(db, rows[:PAGE])
    return [_event(row, usernames) for row in rows[:PAGE]], (
        rows[PAGE - 1].sequence if len(rows) > PAGE else None
    )


async def list_locked(db: AsyncSession, clock: Clock, actor: Actor) -> list[str]:
    """Account names that failed within a day and are locked now; locks themselves hold no names."""
    require(actor, Action.GUARD_ACCOUNTS)
    query = select(AuditEntry.detail).where(
        AuditEntry.action == "sign_in.refused", AuditEntry.at > clock.now() - LOOKED_BACK
    )
    names = {str(detail.get("username", "")) for detail in await db.scalars(query.limit(5000))}
    return [name for name in sorted(names) if name and await is_locked(db, clock, name)]


async def _usernames(db: AsyncSession, rows: Sequence[AuditEntry]) -> dict[str, str]:
    ids = {row.object_id for row in rows if row.object_id}
    query = select(Official.id, Official.username).where(Official.id.in_(ids))
    return {official_id: username for official_id, username in await db.execute(query)}


def _event(row: AuditEntry, usernames: dict[str, str]) -> SignInEvent:
    typed = str(row.detail.get("username", ""))
    who = usernames.get(row.object_id or "", typed)
    return SignInEvent(row.at, row.action, who, row.address or "", str(row.detail.get("cause", "")))
