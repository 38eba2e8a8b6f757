"""Package (刻录导出): files with one signed list of them, written as a folder or as a stream of ZIP bytes.

What lies in a package is decided elsewhere (recordings.export). Here every file is read once: its digest
is taken while it is passed on, and the list of files, its signature and the check list come last.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recordings.capture.journal import sync_directory
from recordings.evidence.manifest import canonical, sha256_hex
from recordings.evidence.signing import ManifestSigner
from recordings.packages.zipstream import ZipStream, zip_length

PACKAGE_FORMAT = "lianxin-package"
PACKAGE_VERSION = 1
PACKAGE_FILE = "package.json"
PACKAGE_SIGNATURE = "package.sig"
CHECKSUMS_FILE = "SHA256SUMS"
LAST_FILES = (PACKAGE_FILE, PACKAGE_SIGNATURE, CHECKSUMS_FILE)
CHUNK = 1 << 20
_UNSAFE = re.compile(r"[^0-9A-Za-z-]+")


class PackageError(Exception):
    """The package could not be written; the text says why, in Chinese."""


@dataclass(frozen=True)
class PackageFile:
    """One file of a package: ``path`` below its root, and where the bytes are or the bytes themselves."""

    path: str
    source: Path | bytes

    @property
    def size(self) -> int:
        """Bytes. Raises OSError."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.lstat().st_size

    def chunks(self) -> Iterator[bytes]:
        """The bytes in pieces. Raises OSError, also where a link has taken the place of the file."""
        if isinstance(self.source, bytes):
            yield self.source
            return
        descriptor = os.open(self.source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            while data := file.read(CHUNK):
                yield data


@dataclass
class Package:
    """``name`` is the folder's name inside a ZIP; ``facts`` (no floats) stand in package.json."""

    name: str
    files: tuple[PackageFile, ...]
    facts: dict[str, Any]
    signer: ManifestSigner
    sha256: str | None = field(default=None, init=False)  # of package.json, once it was written

    def contents(self) -> Iterator[tuple[str, int, Iterator[bytes]]]:
        """Path, size and bytes of every file in order; each must be read to its end before the next.

        Raises PackageError when a file cannot be read or changes while it is read.
        """
        listed: list[dict[str, Any]] = []
        for file in self.files:
            size = _size(file)
            entry: dict[str, Any] = {"path": file.path, "size": size}
            yield file.path, size, _counted(file, entry)
            listed.append(entry)
        for path, data in self._last(listed):
            yield path, len(data), iter((data,))

    def _last(self, listed: list[dict[str, Any]]) -> list[tuple[str, bytes]]:
        head = {"format": PACKAGE_FORMAT, "version": PACKAGE_VERSION}
        statement = canonical(head | self.facts | {"files": listed})
        signature = canonical(self.signer.sign(statement))
        self.sha256 = sha256_hex(statement)
        checks = checksums(listed, statement, signature)
        return list(zip(LAST_FILES, (statement, signature, checks), strict=True))

    def length(self) -> int:
        """Bytes of the ZIP that ``zip_package`` will give. Raises PackageError."""
        sizes = [(file.path, _size(file)) for file in self.files]
        listed = [{"path": path, "size": size, "sha256": "0" * 64} for path, size in sizes]
        sizes += [(path, len(data)) for path, data in self._last(listed)]
        self.sha256 = None
        return zip_length([(f"{self.name}/{path}", size) for path, size in sizes])


def _size(file: PackageFile) -> int:
    try:
        return file.size
    except OSError as error:
        raise PackageError(f"文件 {file.path} 读不出来：{error.strerror}") from error


def _counted(file: PackageFile, entry: dict[str, Any]) -> Iterator[bytes]:
    digest, size = hashlib.sha256(), 0
    try:
        for data in file.chunks():
            digest.update(data)
            size += len(data)
            yield data
    except OSError as error:
        raise PackageError(f"文件 {file.path} 读不出来：{error.strerror}") from error
    if size != entry["size"]:
        raise PackageError(f"文件 {file.path} 在导出时被改动，请重新导出。")
    entry["sha256"] = digest.hexdigest()


def checksums(listed: list[dict[str, Any]], statement: bytes, signature: bytes) -> bytes:
    """The check list for ``sha256sum -c``: every file but the list itself."""
    lines = [f"{entry['sha256']}  {entry['path']}\n" for entry in listed]
    lines += [f"{sha256_hex(statement)}  {PACKAGE_FILE}\n", f"{sha256_hex(signature)}  {PACKAGE_SIGNATURE}\n"]
    return "".join(lines).encode()


def package_name(number: str, day: str, recording_id: str, kind: str = "package") -> str:
    """A name of ASCII letters, digits and hyphens, whatever ``number`` holds; at most 64 (Joliet)."""
    plain = _UNSAFE.sub("-", number).strip("-")[:24] or "recording"
    return f"lianxin-{kind}-{plain}-{day}-{_UNSAFE.sub('', recording_id)[:8]}"


def zip_package(package: Package) -> Iterator[bytes]:
    """The package as the bytes of a ZIP file, nothing held in memory but one piece. Raises PackageError."""
    stream = ZipStream(package.facts["made_at"])
    for path, size, chunks in package.contents():
        yield from stream.add(f"{package.name}/{path}", size, chunks)
    yield stream.end()


def write_zip(package: Package, target: Path) -> int:
    """Write ``target`` whole or not at all; returns its size. Raises PackageError, OSError."""
    if target.exists():
        raise PackageError(f"{target} 已经存在，请换一个名字。")
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with draft.open("xb") as file:
            for data in zip_package(package):
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(target.parent)
    return target.stat().st_size


def write_folder(package: Package, target: Path) -> int:
    """Write the folder ``target`` whole or not at all; returns its bytes. Raises PackageError, OSError."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise PackageError(f"{target} 已经存在，并且不是空目录，请换一个名字。")
    draft, written = target.with_name(f".{target.name}.{os.getpid()}"), 0
    draft.mkdir()
    try:
        for path, size, chunks in package.contents():
            (draft / path).parent.mkdir(parents=True, exist_ok=True)
            with (draft / path).open("xb") as file:
                for data in chunks:
                    file.write(data)
                file.flush()
                os.fsync(file.fileno())
            written += size
        if target.exists():
            target.rmdir()
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    sync_directory(target.parent)
    return written
