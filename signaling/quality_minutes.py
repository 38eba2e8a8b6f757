"""Quality on record: one row for each participant and minute, both ends, both directions, packed."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.database import ID_LENGTH, Base, new_id
from cases.policy import Action, Actor, require
from scheduling.reach import load_session, scope_of_session
from signaling.quality import Minute

# A minute of both ends and directions is at most 4 x 60 rows of 8 figures: about 12 KB before packing.
LARGEST_UNPACKED = 64 * 1024


@append_only
class QualityMinute(Base):
    """`packed` is zlib over JSON: {"path", "browser": {"up": rows, "down": rows}, "worker": the same}.

    A row is [second of the minute, loss, round trip, jitter, kbit/s, width, height, frames], see
    docs/protocol.md, `quality`.
    """

    __tablename__ = "quality_minutes"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"), index=True)
    participant_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    at: Mapped[datetime]
    packed: Mapped[bytes] = mapped_column(LargeBinary)


@dataclass(frozen=True)
class MeasuredMinute:
    """A minute as it was measured; `rows` has the shape of `QualityMinute.packed` without the path."""

    participant_id: str
    at: datetime
    path: str
    rows: dict[str, dict[str, list[list[int]]]]


async def add_minutes(db: AsyncSession, session_id: str, minutes: Iterable[Minute]) -> None:
    """Write them in one commit."""
    db.add_all(
        QualityMinute(
            id=new_id(), session_id=session_id, participant_id=minute.participant_id, at=minute.at,
            packed=_pack(minute),
        )
        for minute in minutes
    )  # fmt: skip
    await db.commit()


async def list_quality(db: AsyncSession, actor: Actor, session_id: str) -> list[MeasuredMinute]:
    """For the replay: everything measured in a session, in order. Raises NotFound, Forbidden."""
    session = await load_session(db, session_id)
    require(actor, Action.REPLAY, await scope_of_session(db, session))
    query = select(QualityMinute).where(QualityMinute.session_id == session_id)
    rows = (await db.scalars(query.order_by(QualityMinute.at, QualityMinute.participant_id))).all()
    return await asyncio.to_thread(lambda: [_unpack(row) for row in rows])


def _pack(minute: Minute) -> bytes:
    body = {"path": minute.path} | {str(origin): rows for origin, rows in minute.rows.items()}
    return zlib.compress(json.dumps(body, separators=(",", ":")).encode())


def _unpack(row: QualityMinute) -> MeasuredMinute:
    body: dict[str, Any] = json.loads(zlib.decompressobj().decompress(row.packed, LARGEST_UNPACKED))
    path = str(body.pop("path"))
    return MeasuredMinute(row.participant_id, row.at, path, body)
