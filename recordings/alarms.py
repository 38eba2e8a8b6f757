"""Alarms: what the checks of recordings found wrong, for officials to read, look after and write down.

An alarm and what was remarked on it are rows that only grow. Nothing else follows from an alarm: no file is
deleted, moved or repaired because of a failed check.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Select, String, Text, exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from cases.append_only import append_only
from cases.audit import add_audit
from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, insert_if_absent, new_id, violates
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean_text
from cases.policy import Action, Actor, Scope, allowed, require
from cases.vocabulary import names
from recordings.evidence.verdict import visible
from scheduling.reach import load_session, scope_of_session, visible_sessions
from scheduling.session import Session
from scheduling.transitions import require_transition

LONGEST_REMARK = 2000


class AlarmKind(StrEnum):
    """What is wrong; the stable code of an alarm."""

    CHANGED = "changed"  # A reading found files that are not as they were sealed.
    OVERDUE = "overdue"  # Files that were not read for too long.
    NOT_RECORDED = "not_recorded"  # A session that had to be recorded has no recording.
    NOT_SEALED = "not_sealed"  # A recording failed or waits for its seal for too long.
    FILES_MISSING = "files_missing"  # A row whose files are not there.
    FILES_UNKNOWN = "files_unknown"  # Files without a row.
    DIGEST = "digest"  # Manifest, row and chain do not name the same digests or sizes.
    LENGTH = "length"  # Durations do not fit.
    NOT_ARCHIVED = "not_archived"  # The archive store fails, or a copy in it is not what was written.
    NOT_DESTROYED = "not_destroyed"  # An approved deletion that the archive store does not carry out.
    CHAIN = "chain"  # The chain of an office or its ledger lacks something or was changed.
    STAMP = "stamp"  # A day root waits for its time stamp for too long.


ALARM_KIND_NAMES: Mapping[AlarmKind, str] = {
    AlarmKind.CHANGED: "文件与封存时不一致",
    AlarmKind.OVERDUE: "太久没有校验",
    AlarmKind.NOT_RECORDED: "应录未录",
    AlarmKind.NOT_SEALED: "没有封存",
    AlarmKind.FILES_MISSING: "文件缺失",
    AlarmKind.FILES_UNKNOWN: "文件没有登记",
    AlarmKind.DIGEST: "清单与登记不符",
    AlarmKind.LENGTH: "时长不符",
    AlarmKind.NOT_ARCHIVED: "归档失败",
    AlarmKind.NOT_DESTROYED: "销毁没有完成",
    AlarmKind.CHAIN: "录像链不完整",
    AlarmKind.STAMP: "迟迟没有时间戳",
}


class AlarmState(StrEnum):
    """Where an alarm stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"


ALARM_STATE_NAMES: Mapping[AlarmState, str] = names("alarm", AlarmState)
TRANSITIONS: Mapping[AlarmState, frozenset[AlarmState]] = {
    AlarmState.OPEN: frozenset({AlarmState.ACKNOWLEDGED}),
    AlarmState.ACKNOWLEDGED: frozenset(),
}


@append_only
class AlarmRemark(Base):
    """An official has looked after an alarm and says what was done."""

    __tablename__ = "alarm_remarks"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    alarm_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("alarms.id"), unique=True)
    at: Mapped[datetime]
    official_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), index=True)
    official_name: Mapped[str] = mapped_column(String(256))
    remark: Mapped[str] = mapped_column(Text)


@append_only
class Alarm(Base):
    """One thing that is wrong. ``key`` tells it apart, so that every night finds it but once.

    ``findings``: text, and where known text_en, path, start and end (bytes). An alarm without session is
    about files that belong to no row.
    """

    __tablename__ = "alarms"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    at: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[AlarmKind]
    session_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"), index=True)
    recording_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("recordings.id"))
    place: Mapped[str] = mapped_column(String(1024))
    finding_count: Mapped[int]
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    session: Mapped[Session | None] = relationship(lazy="joined")
    acknowledgement: Mapped[AlarmRemark | None] = relationship(lazy="joined", viewonly=True)

    @property
    def state(self) -> AlarmState:
        """Open until somebody has remarked on it."""
        return AlarmState.OPEN if self.acknowledgement is None else AlarmState.ACKNOWLEDGED


@dataclass(frozen=True)
class Trouble:
    """What a check found, not yet an alarm. ``occasion`` tells a second time from the first."""

    kind: AlarmKind
    place: str
    findings: tuple[dict[str, Any], ...]
    finding_count: int = 0
    session_id: str | None = None
    recording_id: str | None = None
    occasion: str = field(default="")

    def __post_init__(self) -> None:
        """Names of files stand in the place and in the texts; only what can be read is kept."""
        told = tuple(
            {key: visible(said) if isinstance(said, str) else said for key, said in finding.items()}
            for finding in self.findings
        )
        object.__setattr__(self, "findings", told)
        object.__setattr__(self, "place", visible(self.place))

    @property
    def key(self) -> str:
        """SHA-256 (hex) over what is wrong and where."""
        told = (sorted(each for each in finding.items() if each[0] != "text_en") for finding in self.findings)
        said = "\n".join(map(repr, told))
        about = (self.kind, self.session_id or "", self.recording_id or "", self.place, self.occasion, said)
        return hashlib.sha256("\n".join(about).encode(errors="replace")).hexdigest()


async def raise_alarm(db: AsyncSession, clock: Clock, trouble: Trouble) -> None:
    """Write the alarm in the caller's transaction, unless the very same was raised before."""
    await insert_if_absent(
        db,
        Alarm,
        id=new_id(),
        key=trouble.key,
        at=clock.now(),
        kind=trouble.kind,
        session_id=trouble.session_id,
        recording_id=trouble.recording_id,
        place=trouble.place[:1024],
        finding_count=trouble.finding_count or len(trouble.findings),
        findings=list(trouble.findings),
    )


async def list_alarms(
    db: AsyncSession, actor: Actor, state: AlarmState, limit: int = 100, offset: int = 0
) -> Sequence[Alarm]:
    """Alarms in ``state`` that the actor may see, newest first. Raises Forbidden."""
    require(actor, Action.SEE_ALARMS)
    query = _visible(select(Alarm), actor, state).order_by(Alarm.at.desc(), Alarm.id)
    query = query.options(joinedload(Alarm.session).raiseload("*"))  # A line names no party of the session.
    return (await db.scalars(query.limit(min(limit, 500)).offset(offset))).all()


async def count_alarms(db: AsyncSession, actor: Actor, state: AlarmState = AlarmState.OPEN) -> int:
    """How many there are of what ``list_alarms`` lists. Raises Forbidden."""
    require(actor, Action.SEE_ALARMS)
    return await db.scalar(_visible(select(func.count(Alarm.id)), actor, state)) or 0


def _visible(query: Select[Any], actor: Actor, state: AlarmState) -> Select[Any]:
    """What belongs to no session says nothing of a case: who may see alarms at all sees it."""
    seen = exists().where(
        Session.id == Alarm.session_id,
        PetitionCase.id == Session.petition_id,
        visible_sessions(actor, Action.SEE_ALARMS),
    )
    remarked = select(AlarmRemark.alarm_id)
    done = Alarm.id.in_(remarked) if state is AlarmState.ACKNOWLEDGED else Alarm.id.not_in(remarked)
    return query.where(done, or_(Alarm.session_id.is_(None), seen.correlate(Alarm)))


async def get_alarm(db: AsyncSession, actor: Actor, alarm_id: str) -> Alarm:
    """One alarm with its session and remark. Raises NotFound, also for the unseen, and Forbidden."""
    alarm = await _load_alarm(db, alarm_id)
    require(actor, Action.SEE_ALARMS, await _scope(db, alarm))
    return alarm


async def may_acknowledge(db: AsyncSession, actor: Actor, alarm: Alarm) -> bool:
    """Would ``acknowledge_alarm`` let this actor do it now?"""
    return alarm.state is AlarmState.OPEN and allowed(
        actor, Action.ACKNOWLEDGE_ALARM, await _scope(db, alarm)
    )


async def acknowledge_alarm(
    db: AsyncSession, clock: Clock, actor: Actor, alarm_id: str, remark: str, address: str | None
) -> AlarmRemark:
    """Write down who has looked after an alarm, and what was found or done; commits.

    Raises NotFound, Forbidden, Invalid ``required`` without a remark, Conflict ``bad_transition`` when
    somebody has done so before.
    """
    alarm = await _load_alarm(db, alarm_id)
    require(actor, Action.ACKNOWLEDGE_ALARM, await _scope(db, alarm))
    text = clean_text(remark, "remark", "处理说明", LONGEST_REMARK)
    if not text:
        raise Invalid("required", "请写明核查情况和处理办法。", "remark")
    taken = "这条告警已经有人处理过。"
    require_transition(TRANSITIONS, alarm.state, AlarmState.ACKNOWLEDGED, taken)
    row = AlarmRemark(
        id=new_id(),
        alarm_id=alarm.id,
        at=clock.now(),
        official_id=actor.official_id,
        official_name=actor.name,
        remark=text,
    )
    try:
        db.add(row)
        await db.flush()
    except IntegrityError as error:
        await db.rollback()
        if not violates(error, "uq_alarm_remarks_alarm_id", "alarm_remarks.alarm_id"):
            raise
        raise Conflict("bad_transition", taken) from error
    await add_audit(db, clock, actor, "alarm.acknowledged", "alarm", alarm_id, address=address)
    await db.commit()
    return row


async def _load_alarm(db: AsyncSession, alarm_id: str) -> Alarm:
    query = select(Alarm).where(Alarm.id == alarm_id)
    alarm = await db.scalar(query.execution_options(populate_existing=True))
    if alarm is None:
        raise NotFound("alarm_not_found", NotFound.default_message)
    return alarm


async def _scope(db: AsyncSession, alarm: Alarm) -> Scope | None:
    """That of the session; None for files of nobody, which say nothing of any case."""
    if alarm.session_id is None:
        return None
    return await scope_of_session(db, await load_session(db, alarm.session_id))
