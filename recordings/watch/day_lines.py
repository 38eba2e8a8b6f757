"""Day lines: what an office's ledger says of each day, read and judged now, for a page that shows it.

Reading only; nothing follows from what is found. The nightly check makes the alarms.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from recordings.evidence.attestations import moment_of
from recordings.evidence.day_root import DAY_NAME, DayRoot, LedgerError, days_of, read_day
from recordings.evidence.inclusion import judge_day
from recordings.evidence.keys import KeyRegister
from recordings.evidence.timestamp import TimeStampError, check_token, outlived, time_of
from recordings.watch.day_statement import restored_at


class StampState(StrEnum):
    """How a day root stands with the time-stamping authority."""

    STAMPED = "stamped"  # The token was checked against the authority's certificate.
    UNCHECKED = "unchecked"  # There is a token; no certificate or no openssl to check it with.
    QUEUED = "queued"
    OFF = "off"  # No authority is set.
    WRONG = "wrong"


@dataclass(frozen=True)
class Stamp:
    """``at``: when it was stamped, or since when it waits. ``text``: why it is wrong, or what is more."""

    state: StampState
    at: datetime | None = None
    text: str = ""


@dataclass(frozen=True)
class DayLine:
    """One day of the ledger. ``fault`` is empty when leaves, root, signature and key fit; else why not.

    ``root`` is the Merkle root (hex), ``signer`` the fingerprint of the key that signed.
    """

    name: str
    count: int = 0
    first: int = 0
    last: int = 0
    root: str = ""
    signer: str = ""
    made_at: datetime | None = None
    fault: str = ""
    stamp: Stamp = Stamp(StampState.OFF)
    restored_at: datetime | None = None


@dataclass(frozen=True)
class LedgerGlance:
    """What the names in a ledger tell without opening a file. ``unstamped`` counts days without token."""

    days: int = 0
    last: str = ""
    unstamped: int = 0


def glance(directory: Path) -> LedgerGlance:
    """The ledger of one office by its names alone; nothing where there is none. Raises OSError."""
    try:
        return _glance(directory, directory.stat().st_mtime_ns)
    except (FileNotFoundError, NotADirectoryError):
        return LedgerGlance()


@lru_cache(maxsize=2_000)
def _glance(directory: Path, _changed_ns: int) -> LedgerGlance:
    """Read again when something came or went: ten years of an office are 14,600 names, a page has 30."""
    names = set(os.listdir(directory))
    days = [name.removesuffix(".json") for name in names if DAY_NAME.fullmatch(name)]
    unstamped = sum(f"{day}.tsr" not in names for day in days)
    return LedgerGlance(len(days), max(days, default=""), unstamped)


def read_days(
    directory: Path,
    register: KeyRegister | None,
    authority: Path | None,
    before: date | None,
    limit: int,
) -> tuple[list[DayLine], bool]:
    """So many days older than ``before``, newest first; are there older ones? Blocks.

    ``authority``: certificate of the time-stamping authority, None when none is set.
    """
    found = [path for path in days_of(directory) if before is None or path.stem < before.isoformat()]
    chosen = found[-limit:][::-1]
    return [read_line(path, register, authority) for path in chosen], len(found) > limit


def read_line(path: Path, register: KeyRegister | None, authority: Path | None) -> DayLine:
    """One day, its root computed again and its signature checked. Never raises for what is wrong there."""
    try:
        day = read_day(path)
    except LedgerError as error:
        return DayLine(path.stem, fault=str(error))
    signer, fault = judge_day(day, register)
    numbers = [leaf.number for leaf in day.leaves]
    return DayLine(
        path.stem, len(numbers), numbers[0], numbers[-1], str(day.content["root"]), signer,
        moment_of(day.content.get("made_at")), fault, stamp_of(day, authority),
        moment_of(restored_at(path)),
    )  # fmt: skip


def stamp_of(day: DayRoot, authority: Path | None) -> Stamp:
    """The time stamp of a day, checked where there is something to check it with."""
    try:
        token = day.token_path.read_bytes()
    except OSError:
        waits = Stamp(StampState.QUEUED, moment_of(day.content.get("made_at")))
        return Stamp(StampState.OFF) if authority is None else waits
    try:
        if authority is None:
            return Stamp(StampState.UNCHECKED, time_of(token))
        at = check_token(day.statement, token, authority)
        aged = outlived(day.statement, token, authority, datetime.now(UTC))
        return Stamp(StampState.STAMPED, at, "机构证书此后已到期，加盖时有效，仍然成立" if aged else "")
    except TimeStampError as error:
        if error.cause == "expired":
            return Stamp(StampState.WRONG, None, "不在机构证书的有效期内加盖，不能作证")
        if error.cause == "no_openssl":
            return Stamp(StampState.UNCHECKED, None, str(error))
        return Stamp(StampState.WRONG, None, str(error))
