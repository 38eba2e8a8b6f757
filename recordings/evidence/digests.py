"""Digests: SHA-256 and SM3 of the same bytes, read once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cryptography.hazmat.primitives import hashes

BLOCK = 1 << 20  # bytes for which the manifest holds a digest of their own
_STEP = 1 << 18  # Small enough to stay in the processor's cache from one digest to the other.


class Digest(Protocol):
    """What hashlib's objects and ours have in common."""

    def update(self, data: Any, /) -> None: ...

    def hexdigest(self) -> str: ...


class _LibrarySm3:
    """SM3 of the library ``cryptography``, for machines whose OpenSSL came without it."""

    def __init__(self) -> None:
        self._hash = hashes.Hash(hashes.SM3())

    def update(self, data: Any, /) -> None:
        self._hash.update(data)

    def hexdigest(self) -> str:
        return self._hash.finalize().hex()


def new_sm3() -> Digest:
    """An SM3 digest (GB/T 32905-2016, 256 bits) to be filled."""
    if "sm3" in hashlib.algorithms_available:
        return hashlib.new("sm3")
    return _LibrarySm3()


def sm3_hex(data: bytes) -> str:
    digest = new_sm3()
    digest.update(data)
    return digest.hexdigest()


@dataclass
class DoubleDigest:
    """SHA-256 and SM3 of everything that was added."""

    sha256: Digest = field(default_factory=hashlib.sha256)
    sm3: Digest = field(default_factory=new_sm3)

    def add(self, data: Any) -> None:
        """``data`` is bytes or a view of them; each part is taken by both while it is in the cache."""
        with memoryview(data) as view:
            for start in range(0, len(view), _STEP):
                part = view[start : start + _STEP]
                self.sha256.update(part)
                self.sm3.update(part)
                part.release()

    def found(self) -> dict[str, Any]:
        return {"sha256": self.sha256.hexdigest(), "sm3": self.sm3.hexdigest()}


def digests(data: Any) -> dict[str, Any]:
    """``sha256``, ``sm3`` and ``blocks_sha256`` of a segment, as the manifest holds them."""
    double, blocks = DoubleDigest(), []
    for start in range(0, len(data), BLOCK):
        part = data[start : start + BLOCK]
        double.add(part)
        blocks.append(hashlib.sha256(part).hexdigest())
    return {**double.found(), "blocks_sha256": blocks}


def block_digests(data: Any) -> list[str]:
    """SHA-256 of each block; needed only where the digest of the whole is not as it should be."""
    return [hashlib.sha256(data[at : at + BLOCK]).hexdigest() for at in range(0, len(data), BLOCK)]


def whole_digests(data: Any) -> dict[str, Any]:
    """``sha256`` and ``sm3`` of all of it."""
    double = DoubleDigest()
    double.add(data)
    return double.found()


def file_digests(path: Path) -> dict[str, Any]:
    """``sha256`` and ``sm3`` of a file, read once; OSError when it cannot be read."""
    double = DoubleDigest()
    with path.open("rb") as file:
        while part := file.read(BLOCK):
            double.add(part)
    return double.found()
