"""Acts: what was done with a recording since it was sealed, as the metadata's 管理活动 tell it.

Looking at it is no act of management and stays in the house, in the audit of viewings.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.custody import handings_of
from recordings.archive.copies import Archive, archive_of
from recordings.archive.destruction import DestructionProposal
from recordings.archive.legal_hold import LegalHold
from recordings.evidence.proof import Verification
from recordings.recording import Recording
from recordings.review.replay import RecordingAccess

PROGRAM = "系统"
# Of readings and exports the newest so many; four readings a year make this 25 years.
MOST_OF_A_KIND = 100


class Act(NamedTuple):
    """``what`` is the word of 管理行为, ``remark`` the reason or the result."""

    at: datetime
    who: str
    what: str
    remark: str


async def acts_of(db: AsyncSession, recording: Recording) -> tuple[Act, ...]:
    """Everything that is known, in its order."""
    archive = await archive_of(db, recording.id)
    found = _of_recording(recording) + ([] if archive is None else _of_archive(archive))
    found += await _readings(db, recording.id)
    found += await _holds(db, recording.id)
    found += await _proposals(db, recording.id)
    found += await _exports(db, recording.id)
    found += await _handings(db, recording.petition_id)
    return tuple(sorted(found, key=lambda act: act.at))


def _of_recording(recording: Recording) -> list[Act]:
    told = (
        (recording.sealed_at, "封存", "计算摘要、写入清单并签名"),
        (recording.composed_at, "格式转换", "由原始轨道合成 MP4"),
    )
    return _by_program(told)


def _of_archive(archive: Archive) -> list[Act]:
    told = (
        (archive.archived_at, "归档", "写入归档存储，读回比对一致"),
        (archive.local_removed_at, "移出", "归档再次核对后，本机不再保留原件"),
        (archive.restored_at, "取回", "原件从归档存储取回本机"),
    )
    return _by_program(told)


def _by_program(told: Iterable[tuple[datetime | None, str, str]]) -> list[Act]:
    return [Act(at, PROGRAM, what, remark) for at, what, remark in told if at is not None]


async def _readings(db: AsyncSession, recording_id: str) -> list[Act]:
    query = select(Verification).where(Verification.recording_id == recording_id)
    rows = await db.scalars(query.order_by(Verification.at.desc()).limit(MOST_OF_A_KIND))
    return [
        Act(row.at, PROGRAM, "完整性检测", "完整" if row.intact else f"发现 {row.finding_count} 处不一致")
        for row in rows
    ]


async def _holds(db: AsyncSession, recording_id: str) -> list[Act]:
    found = []
    for row in await db.scalars(select(LegalHold).where(LegalHold.recording_id == recording_id)):
        found.append(Act(row.placed_at, row.placed_by, "依法保全", row.reason))
        if row.lifted_at is not None:
            found.append(Act(row.lifted_at, row.lifted_by or "", "解除保全", row.lifted_reason or ""))
    return found


async def _proposals(db: AsyncSession, recording_id: str) -> list[Act]:
    query = select(DestructionProposal).where(DestructionProposal.recording_id == recording_id)
    found = []
    for row in await db.scalars(query):
        found.append(Act(row.proposed_at, row.proposed_by, "提出销毁", row.reason))
        if row.decided_at is not None:
            found.append(Act(row.decided_at, row.decided_by or "", "审批销毁", row.decision or ""))
    return found


async def _handings(db: AsyncSession, petition_id: str) -> list[Act]:
    """Of the case, and with it of its recordings: the whole way, also from before this one was made."""
    return [
        Act(row.at, row.actor_name, "移交", f"由{row.data['from']}移交{row.data['to']}：{row.data['reason']}")
        for row in await handings_of(db, petition_id)
    ]


async def _exports(db: AsyncSession, recording_id: str) -> list[Act]:
    query = select(RecordingAccess).where(
        RecordingAccess.recording_id == recording_id, RecordingAccess.purpose == "export"
    )
    rows = await db.scalars(query.order_by(RecordingAccess.at.desc()).limit(MOST_OF_A_KIND))
    return [Act(row.at, row.actor_name, "导出", row.reason or "") for row in rows]
