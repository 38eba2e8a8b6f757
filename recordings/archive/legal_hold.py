"""Legal hold: while one stands, a recording is neither deleted nor aged out, whatever its retention."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, String, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, new_id
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.fields import clean_text
from cases.policy import Action, Actor, require
from recordings.recording import Recording, RecordingState, load_recording
from scheduling.reach import load_session, scope_of_session

REASON_LIMIT = 300


class LegalHold(Base):
    """Who forbade deletion, why, and who let go of it. ``organisation_ids``: the placer's, space between."""

    __tablename__ = "legal_holds"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    recording_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("recordings.id"), index=True)
    reason: Mapped[str] = mapped_column(String(1200))
    placed_at: Mapped[datetime]
    placed_by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    placed_by: Mapped[str] = mapped_column(String(256))
    organisation_ids: Mapped[str] = mapped_column(String(1024))
    lifted_at: Mapped[datetime | None] = mapped_column(default=None)
    lifted_by: Mapped[str | None] = mapped_column(String(256), default=None)
    lifted_reason: Mapped[str | None] = mapped_column(String(1200), default=None)


def clean_reason(reason: str) -> str:
    """The reason; Invalid ``required`` without one."""
    cleaned = clean_text(reason, "reason", "理由", REASON_LIMIT)
    if not cleaned:
        raise Invalid("required", "请填写理由。", "reason")
    return cleaned


async def lock_recording(db: AsyncSession, recording_id: str) -> Recording:
    """The row, held until the transaction ends: a hold and a deletion must not pass each other by."""
    same = update(Recording).where(Recording.id == recording_id).values(size=Recording.size)
    await db.execute(same, execution_options={"synchronize_session": False})
    return await load_recording(db, recording_id)


async def place_hold(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, reason: str, address: str | None
) -> LegalHold:
    """Forbid deletion. Raises NotFound, Forbidden, Invalid, Conflict ``destroyed``."""
    recording = await lock_recording(db, recording_id)
    session = await load_session(db, recording.session_id)
    require(actor, Action.HOLD_RECORDING, await scope_of_session(db, session))
    reason = clean_reason(reason)
    if recording.state is RecordingState.DESTROYED:
        raise Conflict("destroyed", "这份录像已经销毁，或者正在销毁。")
    hold = LegalHold(
        id=new_id(), recording_id=recording_id, reason=reason, placed_at=clock.now(),
        placed_by_id=actor.official_id, placed_by=actor.name,
        organisation_ids=" ".join(sorted(actor.organisation_ids))[:1024],
    )  # fmt: skip
    db.add(hold)
    await db.flush()
    detail = {"reason": reason, "hold_id": hold.id}
    await add_audit(db, clock, actor, "hold.placed", "recording", recording_id, "ok", detail, address)
    await db.commit()
    return hold


async def lift_hold(
    db: AsyncSession, clock: Clock, actor: Actor, hold_id: str, reason: str, address: str | None
) -> LegalHold:
    """Let go of a hold; only an official of the office that placed it.

    Raises NotFound, Forbidden ``hold_of_another``, Invalid, Conflict ``hold_lifted``.
    """
    hold = await db.scalar(select(LegalHold).where(LegalHold.id == hold_id))
    if hold is None:
        raise NotFound("hold_not_found", "没有找到这个保全。")
    recording = await lock_recording(db, hold.recording_id)
    session = await load_session(db, recording.session_id)
    require(actor, Action.HOLD_RECORDING, await scope_of_session(db, session))
    if not actor.organisation_ids & set(hold.organisation_ids.split()):
        raise Forbidden("hold_of_another", "这个保全是其他单位作出的，只有作出的单位可以解除。")
    reason = clean_reason(reason)
    await db.refresh(hold)
    if hold.lifted_at is not None:
        raise Conflict("hold_lifted", "这个保全已经解除。")
    hold.lifted_at, hold.lifted_by, hold.lifted_reason = clock.now(), actor.name, reason
    await db.flush()
    detail = {"reason": reason, "hold_id": hold_id}
    await add_audit(db, clock, actor, "hold.lifted", "recording", recording.id, "ok", detail, address)
    await db.commit()
    return hold


async def holds_of(db: AsyncSession, recording_ids: Sequence[str]) -> dict[str, list[LegalHold]]:
    """The holds that stand of many recordings, oldest first, by recording; without asking the policy."""
    query = select(LegalHold).where(LegalHold.recording_id.in_(recording_ids), LegalHold.lifted_at.is_(None))
    found: dict[str, list[LegalHold]] = {}
    for hold in await db.scalars(query.order_by(LegalHold.placed_at)):
        found.setdefault(hold.recording_id, []).append(hold)
    return found


async def standing_holds(db: AsyncSession, recording_id: str) -> Sequence[LegalHold]:
    """The holds that stand, oldest first; without asking the policy."""
    query = select(LegalHold).where(LegalHold.recording_id == recording_id, LegalHold.lifted_at.is_(None))
    return (await db.scalars(query.order_by(LegalHold.placed_at))).all()
