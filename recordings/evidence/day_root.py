"""Day root: one signed statement for each day on which an office sealed something.

It holds the Merkle root over the manifests of that day and the digest of the office's statement before it,
so that one day vouches for all before. ``<day>.leaves`` beside it has the leaves; the root proves them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from recordings.capture.journal import SOFTWARE
from recordings.evidence.manifest import canonical, sha256_hex, write_durably
from recordings.evidence.merkle import tree_root
from recordings.evidence.signing import ManifestSigner, check_signature

DAY_FORMAT = "lianxin-day-root"
DAY_VERSION = 1
LEDGER = "ledger"
DAY_NAME = re.compile(r"\d{4}-\d\d-\d\d\.json")
_OFFICE = re.compile(r"[0-9A-Za-z_-]{1,64}")
_LEAF = re.compile(r"([1-9]\d{0,17}) ([0-9A-Za-z_-]{1,64}) ([0-9a-f]{64})")


class LedgerError(ValueError):
    """A file of the ledger is missing or not what it must be; the text says it in Chinese."""


@dataclass(frozen=True)
class Leaf:
    """One sealed recording: its number in the office's chain and the digest of its manifest (hex)."""

    number: int
    recording_id: str
    manifest_sha256: str

    @property
    def data(self) -> bytes:
        """What is hashed into the tree: the 32 bytes of the digest."""
        return bytes.fromhex(self.manifest_sha256)


@dataclass(frozen=True)
class DayRoot:
    """A day of the ledger as it was read. ``statement`` is the file's bytes, ``sha256`` their digest."""

    path: Path
    statement: bytes
    content: dict[str, Any]
    leaves: tuple[Leaf, ...]

    @property
    def day(self) -> date:
        return date.fromisoformat(self.content["day"])

    @property
    def sha256(self) -> str:
        return sha256_hex(self.statement)

    @property
    def signature_path(self) -> Path:
        return self.path.with_suffix(".sig")

    @property
    def token_path(self) -> Path:
        """Where the time stamp lies once there is one."""
        return self.path.with_suffix(".tsr")

    def signer(self) -> str | None:
        """Fingerprint of the key that signed it, None when the signature is wrong. Raises Sm2Unavailable."""
        return read_signer(self.statement, self.signature_path, self.content)


def ledger_of(root: Path, organisation_id: str) -> Path:
    """Where an office's ledger lies; ``root`` holds the recording folders. ValueError for what is no id."""
    if not _OFFICE.fullmatch(organisation_id):
        raise ValueError("not an organisation id")
    return root.resolve().parent / LEDGER / organisation_id


def root_of(leaves: Sequence[Leaf]) -> str:
    """The Merkle root (hex) over the leaves in the order of their numbers."""
    return tree_root([leaf.data for leaf in leaves]).hex()


def leaves_text(leaves: Sequence[Leaf]) -> bytes:
    """The file of the leaves: number, recording and digest of each on a line."""
    lines = (f"{leaf.number} {leaf.recording_id} {leaf.manifest_sha256}\n" for leaf in leaves)
    return "".join(lines).encode("ascii")


def write_day(
    directory: Path,
    day: date,
    leaves: Sequence[Leaf],
    before: DayRoot | None,
    facts: dict[str, Any],
    signer: ManifestSigner,
) -> None:
    """Write leaves, signature and statement, in this order: a day counts when its statement is there.

    ``facts``: ``organisation`` and ``made_at``. Raises OSError.
    """
    content = {
        "format": DAY_FORMAT,
        "version": DAY_VERSION,
        "software": SOFTWARE,
        "signing_key": signer.fingerprint,
        "day": day.isoformat(),
        "number": 1 if before is None else before.content["number"] + 1,
        "previous_sha256": None if before is None else before.sha256,
        "first_number": leaves[0].number,
        "last_number": leaves[-1].number,
        "count": len(leaves),
        "root": root_of(leaves),
        **facts,
    }
    statement = canonical(content)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / f"{day.isoformat()}.json"
    write_durably(path.with_suffix(".leaves"), leaves_text(leaves))
    write_durably(path.with_suffix(".sig"), canonical(signer.sign(statement)))
    write_durably(path, statement)


def days_of(directory: Path) -> list[Path]:
    """The statements of an office's ledger, oldest first; none when there is no ledger."""
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if DAY_NAME.fullmatch(path.name))


def read_day(path: Path) -> DayRoot:
    """One day, its root computed anew from the leaves. Raises LedgerError."""
    statement, content = read_statement(path, DAY_FORMAT)
    try:
        text = path.with_suffix(".leaves").read_text("ascii")
        leaves = tuple(_leaves(text))
    except (OSError, ValueError) as error:
        raise LedgerError(f"日根 {path.stem} 的叶子清单读不了：{error}") from error
    try:
        day = DayRoot(path, statement, content, leaves)
        whole = day.day.isoformat() == path.stem and type(content["number"]) is int
        numbers = [leaf.number for leaf in leaves]
        whole = whole and bool(leaves) and all(a < b for a, b in pairwise(numbers))
        stated = [content[name] for name in ("first_number", "last_number", "count")]
        whole = whole and stated == [numbers[0], numbers[-1], len(numbers)]
        if not whole or root_of(leaves) != content["root"]:
            raise LedgerError(f"日根 {path.stem} 与它的叶子清单不符。")
    except LedgerError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise LedgerError(f"日根 {path.stem} 无法解读：{error}") from error
    return day


def read_statement(path: Path, form: str) -> tuple[bytes, dict[str, Any]]:
    """Bytes and content of a canonical statement of version 1. Raises LedgerError."""
    try:
        statement = path.read_bytes()
        content = json.loads(statement)
        if content["format"] != form or content["version"] != 1 or canonical(content) != statement:
            raise ValueError("form")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise LedgerError(f"{path.name} 无法解读：{error}") from error
    return statement, content


def read_signer(statement: bytes, path: Path, content: dict[str, Any], strict: bool = True) -> str | None:
    """Fingerprint of the key whose signature lies at ``path``, if right and as the statement names it.

    ``strict`` False: the statement need not name any. Raises Sm2Unavailable.
    """
    try:
        data = path.read_bytes()
        signature = json.loads(data)
        if canonical(signature) != data:
            return None
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    signer = check_signature(statement, signature if isinstance(signature, dict) else {})
    return signer if signer == content.get("signing_key", None if strict else signer) else None


def _leaves(text: str) -> Iterator[Leaf]:
    if not text.endswith("\n"):
        raise ValueError("cut off")
    for line in text[:-1].split("\n"):
        found = _LEAF.fullmatch(line)
        if found is None:
            raise ValueError(f"line {line[:100]!r}")
        yield Leaf(int(found[1]), found[2], found[3])
