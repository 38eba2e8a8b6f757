"""Archive store: the place outside the recordings disk, behind a small port; a directory is one of them.

An object is written once, whole, under a name that was never used, and is not changed afterwards. Objects
are small enough to be held in memory (``archive_object.PART``), so that every write is one atomic act.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from recordings.capture.journal import sync_directory

Result = TypeVar("Result")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*(/[A-Za-z0-9][A-Za-z0-9._~-]*)*")


class StoreError(Exception):
    """The store did not do what was asked. ``cause`` is a key of ``archive.CAUSES``."""

    def __init__(self, cause: str, text: str = "") -> None:
        self.cause = cause
        super().__init__(text or cause)


class AlreadyWritten(StoreError):
    """An object of that name is there; it was left as it is."""

    def __init__(self, name: str) -> None:
        super().__init__("already_written", name)


@dataclass(frozen=True, order=True, slots=True)
class StoredVersion:
    """One thing that lies under a name; ``id`` is "" where the store knows no versions.

    ``marker``: not an object, but the note of a versioned store that the name was deleted.
    """

    name: str
    id: str = ""
    marker: bool = False


class ArchiveStore(Protocol):
    """Where archived objects lie. Every method may take long and raises StoreError."""

    @property
    def holds(self) -> bool:
        """Whether the store knows locks and legal holds; what asks for either is for those that do."""

    async def put_new(
        self, name: str, data: bytes, keep_until: datetime | None, held: bool = False
    ) -> None:
        """Write an object durably and whole. Raises AlreadyWritten, never overwrites.

        ``keep_until``: the store itself refuses to delete the object before, where it can; ``held``: it
        does so until the hold is lifted, whatever that moment.
        """

    async def set_hold(self, name: str, on: bool) -> None:
        """Put a legal hold on an object, or lift it; doing it twice is doing it once."""

    async def is_held(self, name: str) -> bool:
        """Whether the store itself says that the object has a legal hold."""

    async def lock_until(self, name: str, moment: datetime) -> None:
        """Have the store refuse to delete the object before; never called to make it sooner."""

    async def locked_until(self, name: str) -> datetime | None:
        """Until when the store itself says that it refuses; None: it does not."""

    async def get(self, name: str) -> bytes:
        """The bytes as the store holds them now. StoreError ``missing`` when there is no such object."""

    async def erase(self, version: StoredVersion) -> None:
        """Remove it for good; what is not there is removed already.

        StoreError ``still_locked``, ``still_held`` or ``delete_refused`` where the store keeps it.
        """

    async def versions(self, folder: str) -> list[StoredVersion]:
        """Everything that lies below a folder, older versions and delete markers among it, sorted.

        StoreError ``versions_refused`` where the store does not let it be seen.
        """

    async def names(self, folder: str) -> list[str]:
        """The names of all objects below a folder, sorted."""


def check_name(name: str) -> str:
    """The name itself; ValueError for one that could leave the archive."""
    if not _NAME.fullmatch(name) or len(name) > 512:
        raise ValueError(f"not a name of an archived object: {name!r}")
    return name


class DirectoryStore:
    """A directory, as a rule on another disk or a network drive. Files are made read-only.

    It knows neither locks nor holds: there both are kept by this program alone.
    """

    holds = False

    def __init__(self, root: Path) -> None:
        self.root = root

    async def put_new(
        self, name: str, data: bytes, keep_until: datetime | None, held: bool = False
    ) -> None:
        await self._try(self._put, name, data)

    async def set_hold(self, name: str, on: bool) -> None:
        raise StoreError("hold_refused", "a directory knows no legal holds")

    async def is_held(self, name: str) -> bool:
        return False

    async def lock_until(self, name: str, moment: datetime) -> None:
        raise StoreError("lock_refused", "a directory locks nothing")

    async def locked_until(self, name: str) -> datetime | None:
        return None

    async def get(self, name: str) -> bytes:
        return await self._try(self._get, name)

    async def erase(self, version: StoredVersion) -> None:
        await self._try(self._delete, version.name)

    async def versions(self, folder: str) -> list[StoredVersion]:
        return [StoredVersion(name) for name in await self.names(folder)]

    async def names(self, folder: str) -> list[str]:
        return await self._try(self._names, folder)

    async def _try(self, act: Callable[..., Result], *arguments: object) -> Result:
        try:
            return await asyncio.to_thread(act, *arguments)
        except OSError as error:
            raise StoreError(_cause_of(error), f"{error.strerror or error}") from error

    def _path(self, name: str) -> Path:
        # Never made here: a network drive that is not mounted must not become a folder on this disk.
        if not self.root.is_dir():
            raise StoreError("store_down", f"{self.root.name} is not there")
        return self.root / check_name(name)

    def _put(self, name: str, data: bytes) -> None:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        fd = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o400)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)  # Unlike a rename this never replaces what is there.
        except FileExistsError as error:
            raise AlreadyWritten(name) from error
        finally:
            draft.unlink(missing_ok=True)
        for folder in [path.parent, *path.parent.parents]:
            sync_directory(folder)
            if folder == self.root:
                break

    def _get(self, name: str) -> bytes:
        path = self._path(name)
        with path.open("rb") as file:
            if hasattr(os, "posix_fadvise"):
                # What is compared must come from the disk, not from this machine's memory.
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            return file.read()

    def _names(self, folder: str) -> list[str]:
        found = (path for path in self._path(folder).rglob("*") if path.is_file())
        names = (str(path.relative_to(self.root)) for path in found)
        return sorted(name for name in names if _NAME.fullmatch(name))

    def _delete(self, name: str) -> None:
        path = self._path(name)
        path.unlink(missing_ok=True)
        for folder in PurePosixPath(name).parents:
            if str(folder) == ".":
                break
            try:
                (self.root / folder).rmdir()
            except OSError:
                break


def _cause_of(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "store_full"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "store_refused"
    return "missing" if error.errno == errno.ENOENT else "store_down"


@dataclass(frozen=True)
class StoreAddress:
    """How a store is named in the settings: an absolute path, or ``s3://bucket/prefix`` with its access.

    ``lock``: ask the store to lock each object until its retention ends, and while a legal hold stands
    (S3 Object Lock).
    """

    place: str
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = ""
    lock: bool = False


def open_store(address: StoreAddress) -> ArchiveStore | None:
    """The store of an address; None for an empty one. Nothing is asked of it yet. Raises ValueError."""
    if not address.place:
        return None
    parts = urlsplit(address.place)
    if parts.scheme == "s3" and parts.netloc:
        from recordings.archive.s3 import S3Store

        return S3Store(parts.netloc, parts.path.strip("/"), address)
    path = Path(address.place)
    if parts.scheme or not path.is_absolute():
        raise ValueError("an archive is an absolute path or s3://bucket/prefix")
    return DirectoryStore(path)
