"""An office with sealed recordings and its ledger on the disk, without a database."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from recordings.evidence.day_root import Leaf, days_of, ledger_of, read_day, write_day
from recordings.evidence.manifest import canonical, moment_text, sha256_hex, write_durably
from recordings.evidence.signing import Signer, load_signer
from recordings.watch.ledger import DESTROYED, DESTRUCTION_FORMAT

OFFICE = {"id": "a" * 32, "name": "城关区信访局", "region_code": "620102"}
FIRST_DAY = date(2024, 11, 2)
NOON = datetime(2024, 11, 2, 4, 0, tzinfo=UTC)
PER_DAY = 2


def recording_id(number: int) -> str:
    return f"{number:x}".rjust(2, "0") + "c" * 30


class Office:
    """``home/recordings``, ``home/keys``, ``home/ledger``; two recordings are sealed on each day."""

    def __init__(self, home: Path) -> None:
        self.home, self.root, self.keys = home, home / "recordings", home / "keys"
        self.directory = ledger_of(self.root, OFFICE["id"])
        self.root.mkdir(parents=True, exist_ok=True)

    @property
    def signer(self) -> Signer:
        return load_signer(self.keys)

    def folder(self, number: int) -> Path:
        return self.root / recording_id(number)

    def digest(self, number: int) -> str:
        return sha256_hex((self.folder(number) / "manifest.json").read_bytes())

    def sealed_at(self, number: int) -> datetime:
        return NOON + timedelta(days=(number - 1) // PER_DAY, minutes=number)

    def fill(self, count: int) -> Office:
        """Seal ``count`` recordings and write the day roots over them."""
        for number in range(1, count + 1):
            self.seal(number, self.digest(number - 1) if number > 1 else None)
        for first in range(1, count + 1, PER_DAY):
            numbers = range(first, min(first + PER_DAY, count + 1))
            leaves = [Leaf(number, recording_id(number), self.digest(number)) for number in numbers]
            self.add_day(FIRST_DAY + timedelta(days=(first - 1) // PER_DAY), leaves)
        return self

    def seal(self, number: int, previous: str | None, **other: Any) -> None:
        content = {
            "format": "lianxin-manifest",
            "version": 1,
            "signing_key": self.signer.fingerprint,
            "sealed_at": moment_text(self.sealed_at(number)),
            "recording": {"id": recording_id(number), "organisation": OFFICE},
            "chain": {"number": number, "previous_manifest_sha256": previous},
            "tracks": [],
        }
        self.write(self.folder(number), content | other)

    def write(self, folder: Path, content: dict[str, Any], signer: Signer | None = None) -> None:
        folder.mkdir(exist_ok=True)
        data = canonical(content)
        (folder / "manifest.json").write_bytes(data)
        (folder / "manifest.sig").write_bytes(canonical((signer or self.signer).sign(data)))

    def edit(self, number: int, signer: Signer | None = None, **changes: Any) -> None:
        """Change a manifest and sign it again."""
        content = json.loads((self.folder(number) / "manifest.json").read_bytes())
        self.write(self.folder(number), content | changes, signer)

    def add_day(self, day: date, leaves: list[Leaf]) -> None:
        before = days_of(self.directory)
        last = read_day(before[-1]) if before else None
        midnight = datetime(day.year, day.month, day.day, 17, tzinfo=UTC)
        facts = {"organisation": OFFICE, "made_at": moment_text(midnight)}
        write_day(self.directory, day, leaves, last, facts, self.signer)

    def destroyed(self, number: int, /, **changes: Any) -> None:
        """The signed statement that a recording was destroyed."""
        when = moment_text(NOON + timedelta(days=4000))
        content = {
            "format": DESTRUCTION_FORMAT, "version": 1, "software": "lianxin 0.1.0",
            "signing_key": self.signer.fingerprint, "organisation": OFFICE,
            "recording_id": recording_id(number), "number": number, "manifest_sha256": self.digest(number),
            "retention": "short", "proposed_by": "赵敏", "proposed_at": when, "approved_by": "王芳",
            "approved_at": when, "destroyed_at": when, "made_at": when,
        }  # fmt: skip
        directory = self.directory / DESTROYED
        directory.mkdir(exist_ok=True)
        data = canonical(content | changes)
        write_durably(directory / f"{number}.json", data)
        write_durably(directory / f"{number}.sig", canonical(self.signer.sign(data)))
