"""Completeness: every night each closed session is held against recording, files, digests and durations.

What was never written has no digest that could be wrong; only the list of sessions knows that it is missing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from sqlalchemy import String, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.clock import BEIJING, Clock
from cases.database import ID_LENGTH, Base, insert_if_absent, new_id
from recordings.alarms import AlarmKind, Trouble, raise_alarm
from recordings.archive.copies import aged_out
from recordings.evidence.exhibits import EXHIBITS
from recordings.evidence.keys import KeyRegister, read_register
from recordings.lease import SEALED, UNCOMPOSED
from recordings.recording import LIVE, Recording, RecordingState
from recordings.watch.chain_watch import check_chains
from recordings.watch.holdings import NAMED, Holding, look_into, unknown_folders, without_segments
from recordings.watch.patrol import PERIOD
from scheduling.session import OVER, Session
from scheduling.session_events import SessionEvent

logger = logging.getLogger(__name__)

NIGHT = time(2, 0)  # Beijing; nobody is being received then.
SETTLED = timedelta(minutes=10)  # after its end a session's rows stand still
SEALED_WITHIN = timedelta(hours=1)
READ_WITHIN = timedelta(days=1)  # what somebody has asked for
SLACK = timedelta(seconds=60)
SLACK_SHARE = 0.02  # of a film's length
BATCH = 200
SIGNED = "minutes.signed"  # With that the recording may end, whenever the session is closed.


@append_only
class CompletenessCheck(Base):
    """One night's check. ``night`` is the Beijing day on which it was due; ``found`` counts the troubles."""

    __tablename__ = "completeness_checks"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    night: Mapped[date] = mapped_column(unique=True)
    at: Mapped[datetime]
    ended_at: Mapped[datetime]
    sessions: Mapped[int]
    recordings: Mapped[int]
    found: Mapped[int]


@dataclass(frozen=True)
class Sitting:
    """A session that is over. ``until`` is when its recording was allowed to end."""

    id: str
    opened_at: datetime
    until: datetime
    record: bool


def night_of(now: datetime) -> date:
    """The Beijing day of the newest night whose check is due."""
    local = now.astimezone(BEIJING)
    return local.date() if local.time() >= NIGHT else local.date() - timedelta(days=1)


async def check_when_due(
    db: AsyncSession, clock: Clock, root: Path, period: timedelta = PERIOD, keys: Path | None = None
) -> bool:
    """Check everything unless this night's check was made; commits. True when it was made now.

    ``keys``: the file that says which key was good when.
    """
    night = night_of(clock.now())
    if await db.scalar(select(CompletenessCheck.id).where(CompletenessCheck.night == night)):
        return False
    register = await asyncio.to_thread(read_register, keys) if keys is not None else None
    await check_completeness(db, clock, root, period, register)
    return True


async def last_check(db: AsyncSession) -> CompletenessCheck | None:
    """The newest check; None before the first night."""
    return await db.scalar(select(CompletenessCheck).order_by(CompletenessCheck.night.desc()).limit(1))


async def check_completeness(
    db: AsyncSession,
    clock: Clock,
    root: Path,
    period: timedelta = PERIOD,
    register: KeyRegister | None = None,
) -> Sequence[Trouble]:
    """Hold all sessions against their recordings and folders, and each office's chain against its ledger;
    raise what is new as alarms; commits.

    Interrupted, it is made again from the beginning: nothing is raised twice.
    """
    began, night, found = clock.now(), night_of(clock.now()), list[Trouble]()
    sessions = recordings = 0
    after: str | None = ""
    while after is not None:
        sittings, rows, after = await _next_batch(db, began, after)
        gone = await aged_out(db, [row.id for row in rows])  # What the archive alone keeps.
        held = await asyncio.to_thread(_look, root, rows)
        digests = await _digests_before(db, rows)
        for sitting in sittings:
            own = [row for row in rows if row.session_id == sitting.id]
            found += judge_sitting(sitting, own)
            for row in own:
                holding = without_segments(held[row.id]) if row.id in gone else held[row.id]
                found += judge_recording(row, holding, digests.get(row.id), began, period)
        sessions, recordings = sessions + len(sittings), recordings + len(rows)
        await db.rollback()  # Nobody waits for the write lock while the next folders are looked into.
    found += await _unknown(db, root, began)
    found += await check_chains(db, clock, root, register, night)
    for trouble in found:
        await raise_alarm(db, clock, trouble)
    await insert_if_absent(
        db,
        CompletenessCheck,
        id=new_id(),
        night=night,
        at=began,
        ended_at=clock.now(),
        sessions=sessions,
        recordings=recordings,
        found=len(found),
    )
    await db.commit()
    if found:
        logger.error("Recordings are not complete: %d findings", len(found))
    return found


async def _next_batch(
    db: AsyncSession, now: datetime, after: str
) -> tuple[list[Sitting], Sequence[Recording], str | None]:
    query = select(Session.id, Session.opened_at, Session.closed_at, Session.record).where(
        Session.id > after,
        Session.state.in_(OVER),
        Session.opened_at.is_not(None),
        Session.closed_at < now - SETTLED,
    )
    over = (await db.execute(query.order_by(Session.id).limit(BATCH))).all()
    ids = [row.id for row in over]
    signed = select(SessionEvent.session_id, func.max(SessionEvent.at).label("at")).where(
        SessionEvent.session_id.in_(ids), SessionEvent.kind == SIGNED
    )
    ends = {row.session_id: row.at for row in await db.execute(signed.group_by(SessionEvent.session_id))}
    sittings = [
        Sitting(row.id, row.opened_at, min(row.closed_at, ends.get(row.id, row.closed_at)), row.record)
        for row in over
    ]
    mine = select(Recording).where(Recording.session_id.in_(ids))
    rows = (await db.scalars(mine.order_by(Recording.started_at))).all()
    return sittings, rows, ids[-1] if len(ids) == BATCH else None


def _look(root: Path, rows: Sequence[Recording]) -> dict[str, Holding]:
    return {row.id: look_into(row.folder(root)) for row in rows}


async def _digests_before(db: AsyncSession, rows: Sequence[Recording]) -> dict[str, str | None]:
    """By recording: the digest of the manifest before it in the chain of its office."""
    offices = {row.organisation_id for row in rows if row.chain_number is not None}
    numbers = {row.chain_number - 1 for row in rows if row.chain_number is not None}
    query = select(Recording.organisation_id, Recording.chain_number, Recording.manifest_sha256).where(
        Recording.organisation_id.in_(offices), Recording.chain_number.in_(numbers)
    )
    known = {(row[0], row[1]): row[2] for row in await db.execute(query)}
    return {
        row.id: known.get((row.organisation_id, row.chain_number - 1))
        for row in rows
        if row.chain_number is not None
    }


async def _unknown(db: AsyncSession, root: Path, now: datetime) -> list[Trouble]:
    known = {Path(directory).name for directory in await db.scalars(select(Recording.directory))}
    found = await asyncio.to_thread(lambda: list(unknown_folders(root, known, now - SEALED_WITHIN)))
    return [
        Trouble(
            AlarmKind.FILES_UNKNOWN,
            name,
            ({"text": f"录像目录 {name} 里有 {files} 个文件，共 {size} 字节，但没有对应的录像登记。"},),
        )
        for name, files, size in found
    ]


# Deciding, without any input or output


def judge_sitting(sitting: Sitting, rows: Sequence[Recording]) -> Iterator[Trouble]:
    """Was the session recorded at all, and from its beginning to its end?"""
    if not sitting.record:
        return
    if not rows:
        text = f"接访 {_span(sitting.opened_at, sitting.until)} 应当录音录像，但没有任何录像。"
        yield Trouble(AlarmKind.NOT_RECORDED, "", ({"text": text},), session_id=sitting.id)
        return
    holes, reached = list[tuple[datetime, datetime]](), sitting.opened_at
    for row in rows:
        if row.started_at - reached > SLACK:
            holes.append((reached, row.started_at))
        reached = max(reached, row.stopped_at or sitting.until)
    if sitting.until - reached > SLACK:
        holes.append((reached, sitting.until))
    texts = [f"接访进行中，{_span(*hole)}（{_length(*hole)}）没有录像。" for hole in holes]
    if texts:
        yield Trouble(AlarmKind.LENGTH, "", tuple({"text": text} for text in texts), session_id=sitting.id)


def judge_recording(
    row: Recording, held: Holding, before: str | None, now: datetime, period: timedelta
) -> Iterator[Trouble]:
    """Do row, files, digests and durations of one recording of a session that is over belong together?"""
    if row.state is RecordingState.DESTROYED:
        return  # By two officials; the register says what it was.
    if row.state not in SEALED:
        yield from _unsealed(row, now)
        return
    for kind, texts in (
        (AlarmKind.FILES_MISSING, list(_missing(held))),
        (AlarmKind.DIGEST, list(_digests(row, held, before))),
        (AlarmKind.LENGTH, list(_lengths(row, held))),
        (AlarmKind.OVERDUE, list(_overdue(row, now, period))),
    ):
        if texts:
            yield _trouble(row, kind, *texts)


def _trouble(row: Recording, kind: AlarmKind, *texts: str) -> Trouble:
    findings = tuple({"text": text} for text in texts)
    return Trouble(kind, row.directory, findings, session_id=row.session_id, recording_id=row.id)


def _unsealed(row: Recording, now: datetime) -> Iterator[Trouble]:
    if row.state is RecordingState.FAILED:
        why = "没有收到任何音视频" if row.trouble == "nothing_recorded" else row.trouble or "原因不明"
        yield _trouble(row, AlarmKind.NOT_SEALED, f"录像失败，没有封存：{why}。")
    elif row.state in LIVE:
        yield _trouble(row, AlarmKind.NOT_SEALED, "接访已经结束，录像却没有停止。")
    elif row.stopped_at is not None and now - row.stopped_at > SEALED_WITHIN:
        yield _trouble(row, AlarmKind.NOT_SEALED, f"录像于 {_moment(row.stopped_at)} 停止，至今没有封存。")


def _missing(held: Holding) -> Iterator[str]:
    if not held.exists:
        yield "整个录像目录不在磁盘上。"
    elif held.manifest_sha256 is None:
        yield "封存清单不在磁盘上，或者无法读取。"
    for name in held.missing[:NAMED]:
        yield f"缺少出示的材料 {name}。" if name.startswith(f"{EXHIBITS}/") else f"缺少分段 {name}。"
    if len(held.missing) > NAMED:
        yield f"另外还缺少 {len(held.missing) - NAMED} 个分段。"


def _digests(row: Recording, held: Holding, before: str | None) -> Iterator[str]:
    if held.manifest_sha256 is None:
        return
    if held.manifest_sha256 != row.manifest_sha256:
        yield "封存清单不是封存时登记的那一份。"
    if not held.readable:
        yield "封存清单无法解读。"
        return
    if (held.recording_id, held.session_id) != (row.id, row.session_id):
        yield "封存清单属于另一份录像。"
    if (held.tracks, held.size) != (row.track_count, row.size):
        yield f"清单列有 {held.tracks} 路、{held.size} 字节，登记的是 {row.track_count} 路、{row.size} 字节。"
    if row.chain_number is not None and not held.previous_sha256 == row.previous_manifest_sha256 == before:
        yield f"录像链在第 {row.chain_number} 号断开：前一份清单的摘要不符。"
    for name in held.resized[:NAMED]:
        shown = name.startswith(f"{EXHIBITS}/")
        yield f"出示的材料 {name} 的大小与清单不符。" if shown else f"分段 {name} 的大小与清单不符。"
    if len(held.resized) > NAMED:
        yield f"另外还有 {len(held.resized) - NAMED} 个分段的大小与清单不符。"


def _lengths(row: Recording, held: Holding) -> Iterator[str]:
    if row.stopped_at is None:
        yield "没有登记录像的结束时间。"
        return
    stopped_at = held.jumps.ended(row.stopped_at)  # However the clock was set meanwhile.
    whole = stopped_at - row.started_at
    began = row.active_at or row.started_at
    if held.first_at is not None and held.first_at - began > SLACK:
        yield f"开头 {_length(began, held.first_at)}（{_span(began, held.first_at)}）没有声音和画面。"
    if held.last_at is not None and stopped_at - held.last_at > SLACK:
        rest = held.last_at, stopped_at
        yield f"结尾 {_length(*rest)}（{_span(*rest)}）没有声音和画面。"
    if held.last_at is not None and held.last_at - stopped_at > SLACK:
        yield f"文件的内容到 {_moment(held.last_at)} 为止，晚于登记的结束时间 {_moment(stopped_at)}。"
    slack = max(SLACK, whole * SLACK_SHARE)
    if row.composed_ms is not None and whole - timedelta(milliseconds=row.composed_ms) > slack:
        yield f"合成录像长 {row.composed_ms // 1000} 秒，录像长 {round(whole.total_seconds())} 秒。"


def _overdue(row: Recording, now: datetime, period: timedelta) -> Iterator[str]:
    read_at = row.verified_at or row.sealed_at
    if read_at is not None and now - read_at > period:
        yield f"自 {_moment(read_at)} 以来没有校验，超过了 {period.days} 天。"
    wanted = row.verification_wanted_at
    if wanted is not None and row.composition not in UNCOMPOSED and now - wanted > READ_WITHIN:
        yield f"{_moment(wanted)} 要求的校验一直没有完成。"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"


def _span(begin: datetime, end: datetime) -> str:
    return f"{_moment(begin)} 至 {end.astimezone(BEIJING):%H:%M:%S}"


def _length(begin: datetime, end: datetime) -> str:
    minutes, seconds = divmod(round((end - begin).total_seconds()), 60)
    return f"{minutes} 分 {seconds} 秒" if minutes else f"{seconds} 秒"
