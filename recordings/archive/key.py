"""Archive keys: one for each session, kept wrapped; the key that wraps them lies in a file of its own.

Whoever has the archive and that file can read it without the database: each object carries its session's
wrapped key. Without the file nobody can, so a copy of it belongs in the office's safe.
"""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ForeignKey, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, insert_if_absent
from recordings.archive.store import StoreError

KEY_FILE = "archive-key.hex"
ALGORITHM = "AES-256-GCM"


@append_only
class ArchiveKey(Base):
    """The wrapped key of one session: ``nonce`` (12 bytes) and ``wrapped`` (48 bytes) in hex."""

    __tablename__ = "archive_keys"

    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"), primary_key=True)
    master: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(24))
    wrapped: Mapped[str] = mapped_column(String(96))
    created_at: Mapped[datetime]

    def statement(self) -> dict[str, str]:
        """What goes into the header of an object."""
        return {
            "algorithm": ALGORITHM,
            "master": self.master,
            "session_id": self.session_id,
            "nonce": self.nonce,
            "wrapped": self.wrapped,
        }


class MasterKey:
    """The key that wraps the others. ``name`` is SHA-256 over it with a prefix, so that it tells nothing."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 32:
            raise ValueError("a master key has 32 bytes")
        self._cipher = AESGCM(secret)
        self.name = hashlib.sha256(b"lianxin-archive-master" + secret).hexdigest()

    def wrap(self, session_id: str, key: bytes, nonce: bytes) -> bytes:
        """48 bytes, bound to the session."""
        return self._cipher.encrypt(nonce, key, session_id.encode())

    def unwrap(self, statement: dict[str, Any]) -> bytes:
        """The 32 bytes of a session's key. StoreError ``key_missing`` when it was wrapped by another."""
        try:
            nonce, wrapped = bytes.fromhex(statement["nonce"]), bytes.fromhex(statement["wrapped"])
            return self._cipher.decrypt(nonce, wrapped, str(statement["session_id"]).encode())
        except (InvalidTag, KeyError, TypeError, ValueError) as error:
            raise StoreError("key_missing", "wrapped by another master key") from error


def load_master(path: Path, create: bool) -> MasterKey:
    """Read the key file (64 hexadecimal digits, mode 0600); with ``create`` it is made when it is missing.

    Raises StoreError ``key_missing``: never make a new one where objects depend on the old.
    """
    try:
        if create and not path.exists():
            _create(path)
        return MasterKey(bytes.fromhex(path.read_text("ascii").strip()))
    except (OSError, ValueError) as error:
        raise StoreError("key_missing", str(error)) from error


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(os.urandom(32).hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # The first of two processes wins; the other uses its key.
    except FileExistsError:
        pass
    finally:
        draft.unlink()


async def key_of_session(
    db: AsyncSession, clock: Clock, path: Path, session_id: str
) -> tuple[bytes, ArchiveKey]:
    """The session's key and its row, made at the first call; commits. Raises StoreError ``key_missing``."""
    depended_on = await db.scalar(select(ArchiveKey.session_id).limit(1)) is not None
    master = load_master(path, create=not depended_on)
    if await db.get(ArchiveKey, session_id) is None:
        key, nonce = os.urandom(32), os.urandom(12)
        wrapped = master.wrap(session_id, key, nonce)
        await insert_if_absent(
            db, ArchiveKey, session_id=session_id, master=master.name, nonce=nonce.hex(),
            wrapped=wrapped.hex(), created_at=clock.now(),
        )  # fmt: skip
        await db.commit()
    row = await db.get_one(ArchiveKey, session_id, populate_existing=True)
    return master.unwrap(row.statement()), row
