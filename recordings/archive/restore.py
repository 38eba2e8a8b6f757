"""Restoring: archived objects back to the files they were, byte for byte, or a clear reason why not."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from recordings.archive.key import MasterKey
from recordings.archive.objects import NotAnObject, Piece, decrypt, read_header
from recordings.archive.store import ArchiveStore, StoreError, check_name
from recordings.capture.journal import sync_directory


class Stored(Protocol):
    """An entry of the index, or a row of ``archive_objects``: both name the same things."""

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def part(self) -> int: ...
    @property
    def parts(self) -> int: ...
    @property
    def file_size(self) -> int: ...
    @property
    def sha256(self) -> str: ...
    @property
    def stored_sha256(self) -> str: ...


class Readable(Protocol):
    """Of a store what restoring asks for."""

    async def get(self, name: str) -> bytes:
        """The bytes of an object. Raises StoreError."""


class Patient:
    """A store of which each object comes within the time allowed for one."""

    def __init__(self, store: ArchiveStore, seconds: float) -> None:
        self._store = store
        self._seconds = seconds

    async def get(self, name: str) -> bytes:
        """The bytes of an object. Raises StoreError, ``store_slow`` after that time."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._store.get(name)
        except TimeoutError as error:
            raise StoreError("store_slow", name) from error


@dataclass(frozen=True)
class IndexEntry:
    """One object in ``index.json``."""

    name: str
    path: str
    part: int
    parts: int
    file_size: int
    sha256: str
    stored_size: int
    stored_sha256: str


def read_index(data: bytes) -> list[IndexEntry]:
    """The entries of an ``index.json``. Raises NotAnObject."""
    try:
        found: Mapping[str, Any] = json.loads(data)
        entries = [IndexEntry(**entry) for entry in found["objects"]]
        for entry in entries:
            check_name(entry.name)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise NotAnObject(f"index: {error}") from error
    return entries


async def prove_objects(store: ArchiveStore, objects: Iterable[Stored], seconds: float) -> None:
    """Read every object again and compare its digest. Raises StoreError for the first that differs."""
    for stored in objects:
        try:
            async with asyncio.timeout(seconds):
                data = await store.get(stored.name)
        except TimeoutError as error:
            raise StoreError("store_slow", stored.name) from error
        if hashlib.sha256(data).hexdigest() != stored.stored_sha256:
            raise StoreError("corrupted", f"{stored.name} is not what was written")


async def restore_files(
    store: Readable, objects: Iterable[Stored], master: MasterKey, recording_id: str, target: Path
) -> int:
    """Write the files below ``target``, which must not hold them yet; returns how many bytes.

    Raises StoreError (store, or ``corrupted``), NotAnObject (changed bytes, another key or order), OSError.
    """
    total = 0
    ordered = sorted(objects, key=lambda stored: (stored.path, stored.part))
    for path, pieces in groupby(ordered, key=lambda stored: stored.path):
        total += await _restore_file(store, list(pieces), master, recording_id, safe_path(target, path))
    return total


async def _restore_file(
    store: Readable, pieces: list[Stored], master: MasterKey, recording_id: str, path: Path
) -> int:
    first = pieces[0]
    if [stored.part for stored in pieces] != list(range(1, first.parts + 1)):
        raise NotAnObject(f"{first.path}: a part is missing")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, size = hashlib.sha256(), 0
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("xb") as file:
            for stored in pieces:
                data = await store.get(stored.name)
                piece, plain = await asyncio.to_thread(_open, data, master)
                if piece != _expected(stored, recording_id, size, len(plain)):
                    raise NotAnObject(f"{stored.name} holds another piece")
                await asyncio.to_thread(file.write, plain)
                digest.update(plain)
                size += len(plain)
            await asyncio.to_thread(os.fsync, file.fileno())
        if (size, digest.hexdigest()) != (first.file_size, first.sha256):
            raise NotAnObject(f"{first.path} is not the file that was archived")
        os.link(draft, path)  # Never replaces a file that is there.
    finally:
        draft.unlink(missing_ok=True)
    path.chmod(0o600)
    sync_directory(path.parent)
    return size


def _open(data: bytes, master: MasterKey) -> tuple[Piece, bytes]:
    return decrypt(data, master.unwrap(read_header(data).get("key") or {}))


def _expected(stored: Stored, recording_id: str, offset: int, size: int) -> Piece:
    return Piece(
        recording_id, stored.path, stored.part, stored.parts, offset, size, stored.file_size, stored.sha256
    )


def safe_path(target: Path, path: str) -> Path:
    """Where a file of the index goes; NotAnObject for a path that would leave the folder."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or any(part in ("..", ".") or "\\" in part for part in parts):
        raise NotAnObject(f"hostile path {path!r}")
    return target.joinpath(*parts)
