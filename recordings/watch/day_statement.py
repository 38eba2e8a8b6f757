"""Day statements: the database keeps each signed day root beside its file, so that a lost file is missed.

The row has the statement and its signature byte for byte; the leaves are the rows of the recordings. What is
restored from them is the same file as before, proven by its root and signature, and leaves a mark. Files
that are wrong are moved aside, never deleted.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, insert_if_absent, new_id
from cases.policy import SYSTEM
from recordings.evidence.day_root import Leaf, LedgerError, days_of, leaves_text, ledger_of, read_day, root_of
from recordings.evidence.manifest import canonical, moment_text, sha256_hex, write_durably
from recordings.evidence.sm2 import Sm2Unavailable
from recordings.recording import Recording

RESTORED = ".restored"  # The mark beside a day whose files were written again.
RESTORED_FORMAT = "lianxin-restored"
COMMAND = "lianxin ledger restore"


@append_only
class DayStatement(Base):
    """One day root as it was signed. ``sha256`` (hex) is of the statement."""

    __tablename__ = "day_statements"
    __table_args__ = (UniqueConstraint("organisation_id", "day"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    day: Mapped[date]
    noted_at: Mapped[datetime]
    sha256: Mapped[str] = mapped_column(String(64))
    statement: Mapped[str] = mapped_column(Text)
    signature: Mapped[str] = mapped_column(Text)


@dataclass(frozen=True)
class Restored:
    """One day that was written again, or could not be: then ``trouble`` says why, in Chinese."""

    day: str
    trouble: str = ""


async def note_days(db: AsyncSession, clock: Clock, organisation_id: str, directory: Path) -> int:
    """Take in the days that no row knows; returns how many. In the caller's transaction.

    Raises LedgerError when a day that a row knows has no file: nothing is written in its place.
    """
    query = select(DayStatement.day).where(DayStatement.organisation_id == organisation_id)
    known = {day.isoformat() for day in await db.scalars(query)}
    paths = await asyncio.to_thread(days_of, directory)
    lost = sorted(known - {path.stem for path in paths})
    if lost:
        raise LedgerError(f"日根 {lost[0]} 等 {len(lost)} 天的文件不在磁盘上，请运行 {COMMAND} 恢复。")
    noted = 0
    for path in paths:
        if path.stem in known:
            continue
        found = await asyncio.to_thread(_signed_day, path)
        if found is None:
            continue  # The nightly check says what is wrong with it.
        statement, signature = found
        await insert_if_absent(
            db, DayStatement, id=new_id(), organisation_id=organisation_id,
            day=date.fromisoformat(path.stem), noted_at=clock.now(), sha256=sha256_hex(statement),
            statement=statement.decode(), signature=signature.decode(),
        )  # fmt: skip
        noted += 1
    return noted


async def missed_days(
    db: AsyncSession, organisation_id: str, directory: Path, named: Sequence[str]
) -> list[str]:
    """What files and rows do not agree on, in words; of the days in ``named`` other words were said."""
    query = select(DayStatement.day, DayStatement.sha256).where(
        DayStatement.organisation_id == organisation_id
    )
    rows = {day.isoformat(): digest for day, digest in (await db.execute(query)).all()}
    found = await asyncio.to_thread(_digests, directory, list(rows))
    texts = []
    for day, digest in sorted(rows.items()):
        if found[day] is None:
            texts.append(f"日根 {day} 的文件丢失，数据库里有登记；可以用 {COMMAND} 恢复。")
        elif found[day] != digest and day not in named:
            texts.append(f"日根 {day} 不是当初登记的那一份；可以用 {COMMAND} 恢复。")
    return texts


async def restore_days(db: AsyncSession, clock: Clock, organisation_id: str, root: Path) -> list[Restored]:
    """Write again every day of an office whose files are gone or not as the row has them; commits.

    ``root`` holds the recording folders. Raises OSError.
    """
    directory = ledger_of(root, organisation_id)
    query = select(DayStatement).where(DayStatement.organisation_id == organisation_id)
    done = []
    for row in (await db.scalars(query.order_by(DayStatement.day))).all():
        if await asyncio.to_thread(_whole, directory, row):
            continue
        leaves = await _leaves(db, row)
        done.append(await asyncio.to_thread(_restore, directory, row, leaves, clock.now()))
    told = [one.day for one in done if not one.trouble]
    if told:
        detail = {"days": ", ".join(told)}
        await add_audit(db, clock, SYSTEM, "ledger.restored", "organisation", organisation_id, detail=detail)
        await db.commit()
    return done


def restored_at(path: Path) -> str | None:
    """When the files of the day at ``path`` were restored, as the mark says; None when they never were."""
    try:
        mark = json.loads(path.with_suffix(RESTORED).read_bytes())
        return str(mark["restored_at"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "?"


async def _leaves(db: AsyncSession, row: DayStatement) -> list[Leaf]:
    """What the recordings' rows say of a day; its root tells whether that is right."""
    content = json.loads(row.statement)
    query = select(Recording.chain_number, Recording.id, Recording.manifest_sha256).where(
        Recording.organisation_id == row.organisation_id,
        Recording.chain_number.between(content["first_number"], content["last_number"]),
        Recording.manifest_sha256.is_not(None),
    )
    rows = (await db.execute(query.order_by(Recording.chain_number))).all()
    return [Leaf(row[0] or 0, row[1], row[2] or "") for row in rows]


def _restore(directory: Path, row: DayStatement, leaves: Sequence[Leaf], now: datetime) -> Restored:
    day = row.day.isoformat()
    if not leaves or root_of(leaves) != json.loads(row.statement)["root"]:
        return Restored(day, "录像登记与日根不符，不能恢复：登记被改过，或者缺少录像。")
    path = directory / f"{day}.json"
    files = {
        path.with_suffix(".leaves"): leaves_text(leaves),
        path.with_suffix(".sig"): row.signature.encode(),
        path: row.statement.encode(),
    }
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    wrong = {file: data for file, data in files.items() if _bytes(file) != data}
    for file in wrong:
        if file.exists():
            file.rename(file.with_name(f"{file.name}.damaged-{now:%Y%m%dT%H%M%SZ}"))
    mark = {
        "format": RESTORED_FORMAT, "version": 1, "restored_at": moment_text(now), "from": "database",
        "files": sorted(file.name for file in wrong),
    }  # fmt: skip
    write_durably(path.with_suffix(RESTORED), canonical(mark))  # First: no restored day is without it.
    for file, data in wrong.items():
        write_durably(file, data)
    return Restored(day)


def _whole(directory: Path, row: DayStatement) -> bool:
    path = directory / f"{row.day.isoformat()}.json"
    try:
        day = read_day(path)
    except LedgerError:
        return False
    return day.sha256 == row.sha256 and _bytes(day.signature_path) == row.signature.encode()


def _signed_day(path: Path) -> tuple[bytes, bytes] | None:
    """Statement and signature of a day that is as it must be; None of another."""
    try:
        day = read_day(path)
        signed = day.signer() is not None
    except (LedgerError, Sm2Unavailable):
        return None
    return (day.statement, day.signature_path.read_bytes()) if signed else None


def _digests(directory: Path, days: Sequence[str]) -> Mapping[str, str | None]:
    read = {day: _bytes(directory / f"{day}.json") for day in days}
    return {day: None if data is None else sha256_hex(data) for day, data in read.items()}


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
