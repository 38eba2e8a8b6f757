"""The audit log: who did what to which object, when, from where, with which result. It only grows.

Every row carries the digest of the row before it, so that a row that was changed, taken out, put in or
moved is found (cases/audit_check.py) even when somebody went round the program and its triggers; who writes
the whole chain anew is found by the heads that are signed each day (recordings/watch/audit_anchor.py).

There is one chain for all offices, and it is appended within the act's own transaction: an act without its
line, or a line without its act, cannot be. Writers take turns at one row, the head, from `add_audit`, which
is called last, to the commit. SQLite has one writer anyway; on PostgreSQL that is the time of one commit.
Lines sealed later by a task would spare that turn, but until then they could be changed unseen.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, String, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, abandon, insert_if_absent, new_id
from cases.fields import clean
from cases.policy import Actor

GENESIS = "0" * 64
ONE_REFUSAL = timedelta(minutes=1)
CHAIN = 1  # There is one chain; its head is row 1 of audit_heads.


@append_only
class AuditEntry(Base):
    """One act. `sequence` has no gaps; `digest` is SHA-256 over the row and the digest before it (hex)."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_action_sequence", "action", "sequence"),
        Index("ix_audit_entries_object_kind_sequence", "object_kind", "sequence"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    sequence: Mapped[int] = mapped_column(unique=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), index=True)
    actor_name: Mapped[str] = mapped_column(String(256))
    action: Mapped[str] = mapped_column(String(64))
    object_kind: Mapped[str] = mapped_column(String(32))
    object_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), index=True)
    outcome: Mapped[str] = mapped_column(String(32))
    detail: Mapped[dict[str, Any]]
    address: Mapped[str | None] = mapped_column(String(64))
    previous_digest: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))

    def compute_digest(self, sequence: int | None = None) -> str:
        """Return the SHA-256 (hex) that `digest` must hold; with `sequence`, if it stood at that place."""
        place = self.sequence if sequence is None else sequence
        fields = (
            self.previous_digest, self.id, place, self.at.isoformat(), self.actor_kind, self.actor_id,
            self.actor_name, self.action, self.object_kind, self.object_id, self.outcome, self.detail,
            self.address,
        )  # fmt: skip
        text = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


class AuditHead(Base):
    """The end of the chain; updating it is what makes writers take turns."""

    __tablename__ = "audit_heads"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))


async def add_audit(
    db: AsyncSession, clock: Clock, actor: Actor, action: str, object_kind: str, object_id: str | None,
    outcome: str = "ok", detail: dict[str, Any] | None = None, address: str | None = None,
) -> AuditEntry:  # fmt: skip
    """Append an entry inside the caller's transaction. Call it last: it holds the chain until the commit."""
    await insert_if_absent(db, AuditHead, id=CHAIN, sequence=0, digest=GENESIS)
    advance = update(AuditHead).where(AuditHead.id == CHAIN).values(sequence=AuditHead.sequence + 1)
    sequence, previous = (await db.execute(advance.returning(AuditHead.sequence, AuditHead.digest))).one()
    entry = AuditEntry(
        id=new_id(), sequence=sequence, at=clock.now(), actor_kind=str(actor.kind),
        actor_id=actor.official_id or actor.invitation_id, actor_name=clean(actor.name), action=action,
        object_kind=object_kind, object_id=object_id, outcome=outcome, detail=_plain(detail or {}),
        address=clean(address)[:64] if address else None, previous_digest=previous,
    )  # fmt: skip
    entry.digest = entry.compute_digest()
    db.add(entry)
    await db.execute(update(AuditHead).where(AuditHead.id == CHAIN).values(digest=entry.digest))
    await db.flush()
    return entry


async def record_audit(
    db: AsyncSession, clock: Clock, actor: Actor, action: str, object_kind: str, object_id: str | None,
    outcome: str = "ok", detail: dict[str, Any] | None = None, address: str | None = None,
) -> AuditEntry:  # fmt: skip
    """Append an entry and commit. `action` is `noun.participle`, `outcome` ok, refused or failed."""
    entry = await add_audit(db, clock, actor, action, object_kind, object_id, outcome, detail, address)
    await db.commit()
    return entry


async def note_refusal(
    db: AsyncSession, clock: Clock, actor: Actor, action: str, object_kind: str, object_id: str,
    detail: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write down and commit that something was refused which a page does not offer.

    What the caller has written so far is abandoned: the refused act leaves nothing but this line. The same
    from the same actor within a minute is written once: a flood must not fill the chain.
    """
    await abandon(db)
    since = clock.now() - ONE_REFUSAL
    query = select(AuditEntry.id).where(
        AuditEntry.object_id == object_id, AuditEntry.action == action, AuditEntry.at > since,
        AuditEntry.actor_id == (actor.official_id or actor.invitation_id),
    )  # fmt: skip
    if await db.scalar(query.limit(1)) is None:
        await record_audit(db, clock, actor, action, object_kind, object_id, "refused", detail)


def _plain(detail: dict[str, Any]) -> dict[str, Any]:
    """Return `detail` with every text on one line, so that nothing can forge a second log line."""
    return {key: _plain_value(value) for key, value in detail.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _plain(value)
    return clean(value) if isinstance(value, str) else value
