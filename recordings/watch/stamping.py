"""Stamping: day roots that have no time stamp yet wait on the disk until the authority gives one.

The queue is the ledger itself: a statement without a token beside it. At most CEILING statements of an
office wait; of more, the oldest are no longer asked for, since each stamp over a later day vouches, by the
chain of the days, for all before it as well. Nothing is ever removed. After a failure the round ends and
there is a pause; how long is on the disk too, so that a worker that starts anew keeps to it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from recordings.alarms import AlarmKind, Trouble, raise_alarm
from recordings.archive.copies import pause_after
from recordings.evidence.attestations import moment_of
from recordings.evidence.day_root import days_of
from recordings.evidence.manifest import canonical, moment_text, write_durably
from recordings.evidence.timestamp import TimeStampAuthority, TimeStampError, check_answer, make_request

logger = logging.getLogger(__name__)

CEILING = 400  # days of an office, more than a year
ROUND = 20  # requests in one go
OVERDUE = timedelta(days=1)
STATE_FILE = "stamping.json"
TOKEN = ".tsr"


@dataclass(frozen=True)
class StampSettings:
    """``certificate``: PEM file of the authority's root and what lies between."""

    authority: TimeStampAuthority
    certificate: Path


async def stamp_waiting(clock: Clock, ledgers: Path, settings: StampSettings) -> int:
    """Ask for the stamps that are missing, oldest first; returns how many came. Raises OSError."""
    state = await asyncio.to_thread(_read_state, ledgers)
    next_try = moment_of(state.get("next_try_at"))
    if next_try is not None and next_try > clock.now():
        return 0
    stamped = 0
    for path in (await asyncio.to_thread(waiting, ledgers))[:ROUND]:
        try:
            await _stamp(path, settings)
        except TimeStampError as error:
            attempts = min(int(state.get("attempts", 0)), 1000) + 1 if not stamped else 1
            logger.warning("No time stamp for %s (%s): %s", path.stem, error.cause, error)
            pause = clock.now() + pause_after(attempts)
            state = {"attempts": attempts, "next_try_at": moment_text(pause), "cause": error.cause}
            await asyncio.to_thread(write_durably, ledgers / STATE_FILE, canonical(state))
            return stamped
        stamped += 1
    if stamped:
        (ledgers / STATE_FILE).unlink(missing_ok=True)
    return stamped


def waiting(ledgers: Path) -> list[Path]:
    """The statements to be stamped, oldest first."""
    found = [path for directory in ledgers.glob("*/") for path in _unstamped(directory)[-CEILING:]]
    return sorted(found, key=lambda path: (path.name, path.parent.name))


async def watch_stamps(db: AsyncSession, clock: Clock, ledgers: Path) -> list[Trouble]:
    """Raise an alarm for each statement that has waited for longer than a day; commits."""
    found = await asyncio.to_thread(_overdue, ledgers, clock.now())
    for trouble in found:
        await raise_alarm(db, clock, trouble)
    await db.commit()
    return found


async def _stamp(path: Path, settings: StampSettings) -> None:
    statement = await asyncio.to_thread(path.read_bytes)
    request = await asyncio.to_thread(make_request, statement)
    answer = await settings.authority.stamp(request)
    at = await asyncio.to_thread(check_answer, request, answer, settings.certificate)
    await asyncio.to_thread(write_durably, path.with_suffix(TOKEN), answer)
    logger.info("Day root %s was stamped at %s", path.stem, moment_text(at))


def _unstamped(directory: Path) -> list[Path]:
    return [path for path in days_of(directory) if not path.with_suffix(TOKEN).exists()]


def _overdue(ledgers: Path, now: datetime) -> list[Trouble]:
    found = []
    for path in waiting(ledgers):
        try:
            content = json.loads(path.read_bytes())
            made_at, name = moment_of(content["made_at"]), str(content["organisation"]["name"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue  # What cannot be read is an alarm of the nightly check.
        if made_at is not None and now - made_at > OVERDUE:
            text = f"{name} {path.stem} 的日根一天多仍没有取得时间戳，请检查时间戳机构的地址、证书和网络。"
            found.append(Trouble(AlarmKind.STAMP, name, ({"text": text},)))
    return found


def _read_state(ledgers: Path) -> dict[str, Any]:
    """How often it failed and when to try again; it only sets the pace, so what is unreadable is nothing."""
    try:
        state = json.loads((ledgers / STATE_FILE).read_bytes())
        return state if isinstance(state, dict) and type(state.get("attempts")) is int else {}
    except (OSError, ValueError, RecursionError):
        return {}
