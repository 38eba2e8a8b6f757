"""Files of materials, outside the database and encrypted at rest; what is not whole yet lies in parts.

Each file is a 12-byte nonce and AES-256-GCM over the content with the file's place as associated data
(NIST SP 800-38D): a page that is moved to another material does not open. The key lies in a file of its
own; without it nobody reads the materials, so a copy belongs in the office's safe.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cases.errors import Conflict, NotFound

KEY_FILE = "materials-key.hex"
NONCE = 12
# Unfinished uploads of one owner; a further one pushes the oldest out.
MOST_UNFINISHED = 3
_UNFINISHED = re.compile(r"([0-9a-f]{32})-([0-9a-z]{1,32})")
_NAME = re.compile(r"[0-9a-z-]{1,64}")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An upload that lies in parts; `received` bytes are there without a hole."""

    session_id: str
    owner: str
    digest: str
    received: int


class MaterialStore:
    """Given: the folder and the key's file, made at the first need. Blocking; call it in a thread.

    `at` finds both in the state directory.
    """

    @classmethod
    def at(cls, state: Path) -> MaterialStore:
        """The store of an installation."""
        return cls(state / "materials", state / "keys" / KEY_FILE)

    def __init__(self, root: Path, key_file: Path) -> None:
        self._root = root
        self._key_file = key_file

    # Whole files

    def write(self, session_id: str, material_id: str, files: dict[str, bytes]) -> None:
        """Keep the files of a material, all or none, on the disk before this returns."""
        folder = self._folder(session_id, material_id)
        draft = folder.with_name(f".{folder.name}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        for name, content in files.items():
            self._seal(draft / name, f"{session_id}/{material_id}/{name}", content)
        draft.replace(folder)
        _sync_folder(folder.parent)

    def read(self, session_id: str, material_id: str, name: str) -> bytes:
        """One file of a material. Raises NotFound; Conflict `material_damaged` when it was changed."""
        return self._open(
            self._folder(session_id, material_id) / _safe(name), f"{session_id}/{material_id}/{name}"
        )

    def drop(self, session_id: str, material_id: str) -> None:
        """Forget a material whose row was not written."""
        shutil.rmtree(self._folder(session_id, material_id), ignore_errors=True)

    # Parts

    def received(self, session_id: str, owner: str, digest: str) -> int:
        """How many bytes of this upload are here without a hole."""
        return _whole(self._parts(session_id, owner, digest))

    def add_part(self, session_id: str, owner: str, digest: str, offset: int, content: bytes) -> None:
        """Keep a part; the caller has made sure that it follows the last one."""
        folder = self._parts(session_id, owner, digest)
        if not folder.exists():
            self._make_way(folder.parent)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{offset:010d}-{len(content)}"
        self._seal(folder / name, f"{session_id}/{owner}/{digest}/{name}", content)

    def assemble(self, session_id: str, owner: str, digest: str) -> bytes:
        """All parts in order, up to the first hole."""
        folder = self._parts(session_id, owner, digest)
        content = bytearray()
        for name in _names(folder):
            if int(name.split("-")[0]) == len(content):
                content += self._open(folder / name, f"{session_id}/{owner}/{digest}/{name}")
        return bytes(content)

    def unfinished(self) -> list[Unfinished]:
        """Every upload that lies in parts, in the order of its names."""
        found = []
        for folder in sorted((self._root / "unfinished").glob("*/*")):
            named = _UNFINISHED.fullmatch(folder.parent.name)
            if named and folder.is_dir():
                found.append(Unfinished(named[1], named[2], folder.name, _whole(folder)))
        return found

    def standing_since(self, moment: datetime) -> list[Unfinished]:
        """Uploads that have not grown since then, by the times of their files."""
        return [
            each
            for each in self.unfinished()
            if self._parts(each.session_id, each.owner, each.digest).stat().st_mtime <= moment.timestamp()
        ]

    def forget(self, session_id: str, owner: str, digest: str) -> None:
        """Throw the parts of an upload away."""
        shutil.rmtree(self._parts(session_id, owner, digest), ignore_errors=True)

    # Internal

    def _folder(self, session_id: str, material_id: str) -> Path:
        return self._root / _safe(session_id) / _safe(material_id)

    def _parts(self, session_id: str, owner: str, digest: str) -> Path:
        return self._root / "unfinished" / f"{_safe(session_id)}-{_safe(owner)}" / _safe(digest)

    def _make_way(self, uploads: Path) -> None:
        if not uploads.exists():
            return
        oldest_first = sorted(uploads.iterdir(), key=lambda each: each.stat().st_mtime_ns)
        for folder in oldest_first[: max(0, len(oldest_first) - MOST_UNFINISHED + 1)]:
            shutil.rmtree(folder, ignore_errors=True)

    def _seal(self, path: Path, place: str, content: bytes) -> None:
        nonce = os.urandom(NONCE)
        draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
        with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(nonce + self._cipher().encrypt(nonce, content, place.encode()))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def _open(self, path: Path, place: str) -> bytes:
        try:
            sealed = path.read_bytes()
            return self._cipher().decrypt(sealed[:NONCE], sealed[NONCE:], place.encode())
        except FileNotFoundError as error:
            raise NotFound("material_not_found", "没有找到这份材料。") from error
        except (InvalidTag, ValueError) as error:
            raise Conflict("material_damaged", "这份材料的文件已损坏，不能打开。") from error
        except OSError as error:
            raise Conflict("material_unreadable", "这份材料的文件读不出来，请联系系统管理员。") from error

    def _cipher(self) -> AESGCM:
        if not self._key_file.exists():
            self._make_key()
        return AESGCM(bytes.fromhex(self._key_file.read_text("ascii").strip()))

    def _make_key(self) -> None:
        if any(self._root.glob("*/*/page-*")):  # A new key would hide that the old one is missing.
            raise Conflict("material_key_missing", "材料的密钥文件不见了，请联系系统管理员。")
        draft = self._key_file.with_name(f".{KEY_FILE}.{os.urandom(4).hex()}")
        with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(os.urandom(32).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, self._key_file)  # The first of two wins; the other uses its key.
        except FileExistsError:
            pass
        finally:
            draft.unlink()


def _safe(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise NotFound("material_not_found", "没有找到这份材料。")
    return name


def _names(folder: Path) -> list[str]:
    if not folder.exists():
        return []
    return sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))


def _whole(folder: Path) -> int:
    end = 0
    for name in _names(folder):
        offset, length = (int(number) for number in name.split("-"))
        if offset == end:
            end += length
    return end


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
