"""How many years a retention class is: as the settings say, until two administrators change it.

One proposes and another lets it take effect (cases/administration/rule_proposal.py); no change goes below
the shortest period that office archives know.

What is sealed already keeps at least the time it was promised: a longer class makes its time longer, a
shorter one leaves it; the archive store locks what lies in it for as long (store_lock.py). Before its time a
recording goes by nobody's change of a table, and after it by the proposal and the approval of two officials
(recordings/archive/destruction.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, UniqueConstraint, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.administration.rule_proposal import (
    RuleKind,
    RuleProposal,
    add_proposal,
    get_proposal,
    note_decision,
    settle_proposal,
)
from cases.append_only import append_only
from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.policy import Action, Actor, require
from cases.second_person import Decision
from recordings.archive.copies import Archive, ArchiveState
from recordings.archive.retention import LEAST_YEARS, LONGEST_YEARS, RetentionClass
from recordings.archive.store_lock import doubt_locks
from recordings.recording import Recording

BATCH = 500
GONE = (ArchiveState.DESTROYING, ArchiveState.DESTROYED)
Classes = Mapping[str, RetentionClass]


@append_only
class RetentionChange(Base):
    """One change of a class; ``years`` 0 is for ever. The highest ``version`` of a code holds."""

    __tablename__ = "retention_changes"
    __table_args__ = (UniqueConstraint("code", "version"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(32))
    version: Mapped[int]
    years: Mapped[int]
    reason: Mapped[str] = mapped_column(String(800))
    made_at: Mapped[datetime]
    official_name: Mapped[str] = mapped_column(String(256))


@dataclass(frozen=True, slots=True)
class Held:
    """How many archived recordings a class has, and how many of them a change made longer or left."""

    recordings: int
    longer: int
    left: int


async def classes_in_force(db: AsyncSession, settings: Classes) -> Classes:
    """The classes of the settings with the years that hold now."""
    changes = (await db.scalars(select(RetentionChange).order_by(RetentionChange.version))).all()
    changed = {row.code: RetentionClass(row.code, row.years) for row in changes if row.code in settings}
    return {**settings, **changed}


async def list_changes(db: AsyncSession, actor: Actor) -> Sequence[RetentionChange]:
    """All changes, the newest first."""
    require(actor, Action.SEE_RULES)
    query = select(RetentionChange).order_by(RetentionChange.made_at.desc(), RetentionChange.version.desc())
    return (await db.scalars(query)).all()


async def count_held(db: AsyncSession, actor: Actor) -> dict[str, int]:
    """How many archived recordings each class has."""
    require(actor, Action.SEE_RULES)
    query = select(Archive.retention, func.count()).where(Archive.state.not_in(GONE))
    return {code: count for code, count in await db.execute(query.group_by(Archive.retention))}


async def preview_change(db: AsyncSession, actor: Actor, settings: Classes, code: str, years: str) -> Held:
    """What a change would do to what is archived; nothing is kept. Raises as ``propose_change``."""
    require(actor, Action.SEE_RULES)
    klass = await _read(db, settings, code, years)
    try:
        return await _lengthen(db, klass)
    finally:
        await db.rollback()


@atomic
async def propose_change(
    db: AsyncSession, clock: Clock, actor: Actor, settings: Classes, code: str, years: str, why: str
) -> RuleProposal:
    """Propose other years for a class and commit.

    Raises NotFound ``class_not_found``, Invalid at ``years``, ``reason``; Conflict ``rule_proposed``.
    """
    require(actor, Action.CONFIGURE)
    klass = await _read(db, settings, code, years)
    row = await add_proposal(db, clock, actor, RuleKind.RETENTION, code, {"years": klass.years}, why)
    await db.commit()
    return row


@atomic
async def decide_change(
    db: AsyncSession, clock: Clock, actor: Actor, settings: Classes, proposal_id: str, decision: Decision,
    reason: str = "",
) -> Held | None:  # fmt: skip
    """Let it take effect, refuse it, or take it back; commits. None unless it takes effect.

    Raises NotFound, Forbidden ``own_proposal``, Invalid at ``reason``, ``years``; Conflict ``rule_decided``,
    ``retention_moved``.
    """
    require(actor, Action.SEE_RULES)
    row = await get_proposal(db, actor, proposal_id)
    kept = await settle_proposal(db, clock, actor, row, decision, reason)
    held = None
    if decision is Decision.CONFIRMED:
        held = await _carry_out(db, clock, actor, settings, row)
    await note_decision(db, clock, actor, row, decision, kept)
    await db.commit()
    return held


async def _carry_out(
    db: AsyncSession, clock: Clock, actor: Actor, settings: Classes, proposal: RuleProposal
) -> Held:
    code = proposal.subject
    klass = await _read(db, settings, code, str(proposal.content["years"]))
    before = (await classes_in_force(db, settings))[code]
    newest = select(func.max(RetentionChange.version)).where(RetentionChange.code == code)
    row = RetentionChange(
        id=new_id(), code=code, version=(await db.scalar(newest) or 0) + 1, years=klass.years,
        reason=proposal.why, made_at=clock.now(), official_name=f"{proposal.proposed_by}、{actor.name}",
    )  # fmt: skip
    db.add(row)
    try:
        await db.flush()
    except IntegrityError as error:
        raise Conflict("retention_moved", "别人刚刚改过这个期限，请刷新页面再看。") from error
    held = await _lengthen(db, klass)
    detail = {
        "code": code, "before": {"years": before.years}, "after": {"years": klass.years},
        "longer": held.longer, "left": held.left, "reason": proposal.why,
    }  # fmt: skip
    await add_audit(db, clock, actor, "retention.changed", "retention", row.id, detail=detail)
    return held


async def _read(db: AsyncSession, settings: Classes, code: str, years: str) -> RetentionClass:
    if code not in settings:
        raise NotFound("class_not_found", "没有这个保管期限。")
    typed = years.strip()
    if not (typed.isascii() and typed.isdigit() and int(typed[:9]) <= LONGEST_YEARS):
        raise Invalid("bad_years", f"年数是 0 到 {LONGEST_YEARS} 的整数，0 表示永久。", "years")
    klass = RetentionClass(code, int(typed))
    if 0 < klass.years < LEAST_YEARS:
        words = f"最短 {LEAST_YEARS} 年，这是机关档案最短的保管期限；0 表示永久。"
        raise Invalid("below_least", words, "years")
    if (await classes_in_force(db, settings))[code] == klass:
        raise Invalid("unchanged", "和现在的年数一样。", "years")
    return klass


async def _lengthen(db: AsyncSession, klass: RetentionClass) -> Held:
    count = longer = 0
    after = ""
    while True:
        query = select(Archive, Recording.started_at).join(Recording, Recording.id == Archive.recording_id)
        query = query.where(Archive.retention == klass.code, Archive.state.not_in(GONE), Archive.id > after)
        rows = (await db.execute(query.order_by(Archive.id).limit(BATCH))).all()
        if not rows:
            return Held(count, longer, count - longer)
        after, count = rows[-1][0].id, count + len(rows)
        changed = []
        for archive, started in rows:
            until = klass.keep_until(started)
            if archive.keep_until is not None and (until is None or until > archive.keep_until):
                archive.keep_until = until
                changed.append(archive.recording_id)
        await db.flush()
        await doubt_locks(db, changed)
        longer += len(changed)
