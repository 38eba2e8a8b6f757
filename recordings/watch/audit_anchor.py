"""Anchors of the audit: each day its head is signed and kept as a file, with the digest of the day before.

Who can write to the database can write the whole chain anew, digests and all. What was signed outside of it
tells: up to that line it was this chain. The key is the one that seals recordings.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import CHAIN, AuditEntry, AuditHead
from cases.clock import BEIJING, Clock
from recordings.capture.journal import SOFTWARE
from recordings.evidence.day_root import DAY_NAME, LedgerError, read_signer, read_statement
from recordings.evidence.keys import KeyRegister
from recordings.evidence.manifest import canonical, moment_text, sha256_hex, write_durably
from recordings.evidence.signing import ManifestSigner

logger = logging.getLogger(__name__)

ANCHORS = "audit"
ANCHOR_FORMAT = "lianxin-audit-head"


@dataclass(frozen=True)
class AnchorFault:
    """One anchor that is wrong: ``code`` for programs, the text in Chinese; ``sequence``: up to which row."""

    code: str
    day: str
    text: str
    sequence: int | None = None


def anchors_of(root: Path) -> Path:
    """Where the anchors lie; ``root`` holds the recording folders."""
    return root.resolve().parent / ANCHORS


async def anchor_audit(db: AsyncSession, clock: Clock, directory: Path, signer: ManifestSigner) -> bool:
    """Sign the head of the audit unless this was done today, in Beijing. Raises OSError.

    After an anchor that cannot be read none follows: `lianxin verify-audit` says what is wrong with it.
    """
    day = clock.now().astimezone(BEIJING).date()
    head = await db.get(AuditHead, CHAIN, populate_existing=True)
    if head is None:
        return False
    facts = {"sequence": head.sequence, "digest": head.digest, "made_at": moment_text(clock.now())}
    try:
        return await asyncio.to_thread(_write, directory, day, facts, signer)
    except LedgerError as error:
        logger.error("The audit is not anchored: %s", error)
        return False


def _write(directory: Path, day: date, facts: dict[str, Any], signer: ManifestSigner) -> bool:
    paths = _paths(directory)
    if paths and paths[-1].stem >= day.isoformat():
        return False
    before = read_statement(paths[-1], ANCHOR_FORMAT)[0] if paths else None
    statement = canonical(
        {
            "format": ANCHOR_FORMAT,
            "version": 1,
            "software": SOFTWARE,
            "signing_key": signer.fingerprint,
            "day": day.isoformat(),
            "previous_sha256": None if before is None else sha256_hex(before),
            **facts,
        }
    )
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / f"{day.isoformat()}.json"
    write_durably(path.with_suffix(".sig"), canonical(signer.sign(statement)))
    write_durably(path, statement)
    return True


async def check_anchors(
    db: AsyncSession, directory: Path, register: KeyRegister | None = None
) -> tuple[int, list[AnchorFault]]:
    """How many anchors there are, and what is wrong with them or with the lines they vouch for."""
    faults: list[AnchorFault] = []
    previous: str | None = None
    paths = await asyncio.to_thread(_paths, directory)
    for path in paths:
        try:
            statement, content = await asyncio.to_thread(read_statement, path, ANCHOR_FORMAT)
            signer = await asyncio.to_thread(read_signer, statement, path.with_suffix(".sig"), content)
            sequence, digest = int(content["sequence"]), str(content["digest"])
            if content["previous_sha256"] != previous:
                faults.append(AnchorFault("anchor_missing", path.stem, "它之前的一份签名不见了或者被换过。"))
        except (LedgerError, KeyError, TypeError, ValueError) as error:
            faults.append(AnchorFault("anchor_unreadable", path.stem, f"读不了：{error}"))
            continue
        previous = sha256_hex(statement)
        if signer is None or (register is not None and register.find(signer) is None):
            faults.append(AnchorFault("anchor_signature", path.stem, "签名不对，或者不是登记的密钥所签。"))
            continue
        found = await db.scalar(select(AuditEntry.digest).where(AuditEntry.sequence == sequence))
        if sequence and found != digest:
            told = f"第 {sequence} 条和当天签名的不一致：到这一条为止，审计记录被整体改写过。"
            faults.append(AnchorFault("rewritten", path.stem, told, sequence))
    return len(paths), faults


def _paths(directory: Path) -> list[Path]:
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if DAY_NAME.fullmatch(path.name))
