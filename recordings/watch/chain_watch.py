"""Chain watch: every night the rows of each office are held against its chain, its ledger and its register of
destructions.

Whether a folder holds the manifest its row names is asked by completeness.py for each recording.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, insert_if_absent, new_id
from cases.organisations import Organisation
from recordings.alarms import AlarmKind, Trouble
from recordings.archive.destruction import DestructionProposal, DestructionRecord, ProposalState
from recordings.evidence.day_root import LEDGER, ledger_of
from recordings.evidence.keys import KeyRegister
from recordings.evidence.office_chain import Departed, Link, judge_chain
from recordings.recording import Recording, RecordingState
from recordings.watch.day_statement import missed_days
from recordings.watch.office_check import Ledger, read_ledger

COVERED_WITHIN = timedelta(hours=36)  # A day is over after 24 at most, its root is made soon after.


@append_only
class OfficeCheck(Base):
    """What one night found in the chain and the ledger of one office. ``found`` counts the faults.

    ``links`` are recordings in the chain, ``days`` day roots that hold.
    """

    __tablename__ = "office_checks"
    __table_args__ = (UniqueConstraint("organisation_id", "night"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    night: Mapped[date]
    at: Mapped[datetime]
    links: Mapped[int]
    days: Mapped[int]
    found: Mapped[int]


async def check_chains(
    db: AsyncSession, clock: Clock, root: Path, register: KeyRegister | None, night: date | None = None
) -> list[Trouble]:
    """What is wrong with the chain and the ledger of any office.

    With ``night`` each office's result is written down for it, in the caller's transaction.
    """
    chained = select(Recording.organisation_id).where(Recording.chain_number.is_not(None))
    ledgers = await asyncio.to_thread(_ledgers, root)
    query = select(Organisation.id, Organisation.name).where(
        Organisation.id.in_(chained) | Organisation.id.in_(ledgers)
    )
    found = list[Trouble]()
    for office_id, name in (await db.execute(query.order_by(Organisation.id))).all():
        ledger = await asyncio.to_thread(read_ledger, ledger_of(root, office_id), register)
        links, texts = await _office(db, office_id, ledger, clock.now())
        named = [Path(finding.path).stem for finding in ledger.findings]
        texts += [(text, "") for text in await missed_days(db, office_id, ledger_of(root, office_id), named)]
        if night is not None:
            await insert_if_absent(
                db, OfficeCheck, id=new_id(), organisation_id=office_id, night=night, at=clock.now(),
                links=links, days=len(ledger.days), found=len(texts),
            )  # fmt: skip
        found += [Trouble(AlarmKind.CHAIN, name, (_finding(name, *told),)) for told in texts]
    return found


def _finding(name: str, text: str, text_en: str) -> dict[str, str]:
    return {"text": f"{name}：{text}"} | ({"text_en": f"{name}: {text_en}"} if text_en else {})


def _ledgers(root: Path) -> list[str]:
    return [path.name for path in (root.resolve().parent / LEDGER).glob("*/")]


async def _office(
    db: AsyncSession, office_id: str, ledger: Ledger, now: datetime
) -> tuple[int, list[tuple[str, str]]]:
    """How many recordings stand in the chain, and what is wrong: in Chinese, in English or "" beside it."""
    query = select(
        Recording.id,
        Recording.chain_number,
        Recording.manifest_sha256,
        Recording.previous_manifest_sha256,
        Recording.sealed_at,
        Recording.state,
    ).where(Recording.organisation_id == office_id, Recording.chain_number.is_not(None))
    rows = (await db.execute(query.order_by(Recording.chain_number))).all()
    departed, registered = await _departed(db, office_id)
    links = [
        Link(row.chain_number or 0, row.id, row.manifest_sha256 or "", row.previous_manifest_sha256, row.id)
        for row in rows
        if row.state is not RecordingState.DESTROYED
    ]
    leaves = [leaf for day in ledger.days for leaf in day.leaves]
    texts = [(finding.text_zh, finding.text_en) for finding in ledger.findings]
    texts += [(fault.text_zh, fault.text_en) for fault in judge_chain(links, leaves, departed)]
    for gone in ledger.departed:
        if gone.recording_id not in registered:
            texts.append((f"日根目录里有第 {gone.number} 号的销毁记录，销毁清册里却没有。", ""))
    covered = {leaf.number for leaf in leaves}
    late = [
        row.chain_number
        for row in rows
        if row.chain_number not in covered
        and row.sealed_at is not None
        and now - row.sealed_at > COVERED_WITHIN
    ]
    if late:
        texts.append((f"第 {late[0]} 号起有录像封存一天多以后仍没有列入日根。", ""))
    return len(links), texts


async def _departed(db: AsyncSession, office_id: str) -> tuple[list[Departed], set[str]]:
    """What was destroyed or is being destroyed on two officials' word; and the ids in the register."""
    query = select(
        DestructionRecord.chain_number, DestructionRecord.recording_id, DestructionRecord.manifest_sha256
    ).where(DestructionRecord.organisation_id == office_id, DestructionRecord.chain_number.is_not(None))
    done = [Departed(row[0] or 0, row[1], row[2]) for row in (await db.execute(query)).all()]
    approved = select(DestructionProposal.recording_id).where(
        DestructionProposal.state == ProposalState.APPROVED
    )
    under_way = select(Recording.chain_number, Recording.id, Recording.manifest_sha256).where(
        Recording.organisation_id == office_id,
        Recording.chain_number.is_not(None),
        Recording.state == RecordingState.DESTROYED,
        Recording.id.in_(approved),
    )
    going = [Departed(row[0] or 0, row[1], row[2]) for row in (await db.execute(under_way)).all()]
    registered = {gone.recording_id for gone in done}
    return done + [gone for gone in going if gone.recording_id not in registered], registered
