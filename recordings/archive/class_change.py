"""How many years a retention class is: as the settings say, until an administrator changes it.

What is sealed already keeps at least the time it was promised: a longer class makes its time longer, a
shorter one leaves it. Before its time a recording goes by nobody's change of a table, and after it by the
proposal and the approval of two officials (recordings/archive/destruction.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, UniqueConstraint, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean_subject
from cases.policy import Action, Actor, require
from recordings.archive.copies import Archive, ArchiveState
from recordings.archive.retention import LONGEST_YEARS, RetentionClass
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
    require(actor, Action.CONFIGURE)
    query = select(RetentionChange).order_by(RetentionChange.made_at.desc(), RetentionChange.version.desc())
    return (await db.scalars(query)).all()


async def count_held(db: AsyncSession, actor: Actor) -> dict[str, int]:
    """How many archived recordings each class has."""
    require(actor, Action.CONFIGURE)
    query = select(Archive.retention, func.count()).where(Archive.state.not_in(GONE))
    return {code: count for code, count in await db.execute(query.group_by(Archive.retention))}


async def preview_change(db: AsyncSession, actor: Actor, settings: Classes, code: str, years: str) -> Held:
    """What a change would do to what is archived; nothing is kept. Raises as ``change_class``."""
    require(actor, Action.CONFIGURE)
    klass = await _read(db, settings, code, years)
    try:
        return await _lengthen(db, klass)
    finally:
        await db.rollback()


@atomic
async def change_class(
    db: AsyncSession, clock: Clock, actor: Actor, settings: Classes, code: str, years: str,
    reason: str, seen: int,
) -> Held:  # fmt: skip
    """Give a class other years and commit. ``seen``: the version that the page showed, or 0.

    Raises NotFound ``class_not_found``, Invalid at ``years``, ``reason``; Conflict ``retention_moved``.
    """
    require(actor, Action.CONFIGURE)
    before = (await classes_in_force(db, settings)).get(code)
    klass = await _read(db, settings, code, years)
    reason = clean_subject(reason, "reason", "依据")
    newest = select(func.max(RetentionChange.version)).where(RetentionChange.code == code)
    if (await db.scalar(newest) or 0) != seen:
        raise _moved()
    row = RetentionChange(
        id=new_id(), code=code, version=seen + 1, years=klass.years, reason=reason,
        made_at=clock.now(), official_name=actor.name,
    )  # fmt: skip
    db.add(row)
    try:
        await db.flush()
    except IntegrityError as error:
        raise _moved() from error
    held = await _lengthen(db, klass)
    detail = {
        "code": code, "before": {"years": before.years if before else 0}, "after": {"years": klass.years},
        "longer": held.longer, "left": held.left, "reason": reason,
    }  # fmt: skip
    await add_audit(db, clock, actor, "retention.changed", "retention", row.id, detail=detail)
    await db.commit()
    return held


async def _read(db: AsyncSession, settings: Classes, code: str, years: str) -> RetentionClass:
    if code not in settings:
        raise NotFound("class_not_found", "没有这个保管期限。")
    typed = years.strip()
    if not (typed.isascii() and typed.isdigit() and int(typed[:9]) <= LONGEST_YEARS):
        raise Invalid("bad_years", f"年数是 0 到 {LONGEST_YEARS} 的整数，0 表示永久。", "years")
    klass = RetentionClass(code, int(typed))
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
        for archive, started in rows:
            until = klass.keep_until(started)
            if archive.keep_until is not None and (until is None or until > archive.keep_until):
                archive.keep_until, longer = until, longer + 1
        await db.flush()


def _moved() -> Conflict:
    return Conflict("retention_moved", "别人刚刚改过这个期限，请刷新页面再看。")
