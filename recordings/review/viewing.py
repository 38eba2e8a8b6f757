"""What was looked at: the stretches of a film that were played, and the log of who looked, when and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import ForeignKey, Index, String, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, new_id
from cases.errors import Conflict, Forbidden, Invalid
from cases.policy import Action, Actor, Scope, allowed, require
from recordings.recording import Recording, load_recording
from recordings.review.authorship import Authored, authored
from recordings.review.film_time import LONGEST_MS
from recordings.review.replay import RecordingAccess
from recordings.review.view_purpose import ViewPurpose, purpose_of
from scheduling.reach import load_session, scope_of_session
from scheduling.session import Session

MOST_RANGES = 60  # In one report; a page reports every 15 seconds.
MOST_ROWS = 20_000  # For one reason; more than a month of jumping about.
MOST_SHOWN = 1000
Row = TypeVar("Row", RecordingAccess, ViewPurpose, "PlayedRange")
_RANGE = re.compile(r"(\d{1,9})-(\d{1,9})")


@append_only
class PlayedRange(Authored, Base):
    """A stretch of the film that was played, in milliseconds, half open; ``at`` is when it was reported."""

    __tablename__ = "played_ranges"
    __table_args__ = (
        Index("ix_played_ranges_at", "at"),
        Index("ix_played_ranges_organisation_id_at", "organisation_id", "at", "id"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    recording_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("recordings.id"), index=True)
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH))  # the recording's
    purpose_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("view_purposes.id"), index=True)
    from_ms: Mapped[int]
    to_ms: Mapped[int]


@dataclass(frozen=True)
class ViewLog:
    """Everything that is known of who looked at a recording; each newest first."""

    recording: Recording
    session: Session
    openings: Sequence[RecordingAccess]
    purposes: Sequence[ViewPurpose]
    ranges: Sequence[PlayedRange]


async def see_recording(db: AsyncSession, actor: Actor, recording_id: str) -> tuple[Recording, Scope]:
    """A recording the actor may replay, without opening its film. Raises NotFound, Forbidden."""
    recording = await load_recording(db, recording_id)
    scope = await scope_of_session(db, await load_session(db, recording.session_id))
    require(actor, Action.REPLAY, scope)
    return recording, scope


async def note_played(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, typed: str
) -> list[PlayedRange]:
    """Write down stretches a page reports as `from-to` in milliseconds, blank between. Commits.

    Stretches of one report that touch become one row. Raises NotFound, Forbidden ``purpose_required``,
    Invalid ``bad_ranges``, Conflict ``too_many_ranges``.
    """
    recording, _ = await see_recording(db, actor, recording_id)
    purpose = await purpose_of(db, actor, recording_id)
    if purpose is None:
        raise Forbidden("purpose_required", "请先在回放页写明查阅事由，再播放录像。")
    spans = read_ranges(typed)
    count = select(func.count()).select_from(PlayedRange).where(PlayedRange.purpose_id == purpose.id)
    if (await db.scalar(count) or 0) + len(spans) > MOST_ROWS:
        raise Conflict("too_many_ranges", "播放记录太多，请重新登录后再播放。")
    who = await authored(db, clock, actor)
    rows = [
        PlayedRange(
            id=new_id(),
            recording_id=recording_id,
            organisation_id=recording.organisation_id,
            purpose_id=purpose.id,
            from_ms=start,
            to_ms=end,
            **who,
        )  # fmt: skip
        for start, end in spans
    ]
    db.add_all(rows)
    await db.commit()
    return rows


def read_ranges(typed: str) -> list[tuple[int, int]]:
    """Spans in order, those that touch joined. Raises Invalid ``bad_ranges``."""
    parts = typed.split()
    found = [_RANGE.fullmatch(part) if part.isascii() else None for part in parts[: MOST_RANGES + 1]]
    spans = sorted((int(each[1]), int(each[2])) for each in found if each)
    wrong = any(not 0 <= start < end <= LONGEST_MS for start, end in spans)
    if not spans or wrong or len(spans) != len(parts) or len(spans) > MOST_RANGES:
        raise Invalid("bad_ranges", "播放记录的格式不对。", "ranges")
    joined = spans[:1]
    for start, end in spans[1:]:
        if start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


async def list_viewings(db: AsyncSession, actor: Actor, recording_id: str) -> ViewLog:
    """Who looked at a recording, the newest thousand of each kind.

    For leaders, inspectors and archivists of the offices concerned, and for auditors wherever it lies.

    Raises NotFound, Forbidden.
    """
    recording = await load_recording(db, recording_id)
    session = await load_session(db, recording.session_id)
    if not allowed(actor, Action.SEE_AUDIT):
        require(actor, Action.SEE_VIEW_LOG, await scope_of_session(db, session))
    return ViewLog(
        recording,
        session,
        await _newest(db, RecordingAccess, recording_id),
        await _newest(db, ViewPurpose, recording_id),
        await _newest(db, PlayedRange, recording_id),
    )


async def _newest(db: AsyncSession, model: type[Row], recording_id: str) -> Sequence[Row]:
    query = select(model).where(model.recording_id == recording_id).order_by(model.at.desc(), model.id)
    return (await db.scalars(query.limit(MOST_SHOWN))).all()
