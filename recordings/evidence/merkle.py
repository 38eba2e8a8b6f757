"""Merkle tree as in RFC 6962 section 2.1: SHA-256, leaves and nodes hashed with different first bytes.

Without that difference a node could be passed off as a leaf. Leaves are given as their data, hashes are
32 bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

HASH = 32  # bytes
_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data)."""
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(_NODE + left + right).digest()


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """Merkle Tree Hash; of no leaves it is SHA-256 of nothing."""
    if not leaves:
        return hashlib.sha256().digest()
    return _root([leaf_hash(leaf) for leaf in leaves])


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes beside the way from leaf ``index`` (from 0) up to the root, lowest first.

    RFC 6962 section 2.1.1. Raises IndexError.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    path, hashes = [], [leaf_hash(leaf) for leaf in leaves]
    while len(hashes) > 1:
        beside = index ^ 1
        if beside < len(hashes):
            path.append(hashes[beside])
        hashes, index = _level(hashes), index // 2
    return path


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that leaf ``index`` of a tree of ``size`` leaves has with this path (RFC 9162, 2.1.3.2).

    Raises ValueError when the path has not the length such a tree calls for.
    """
    if not 0 <= index < size:
        raise ValueError("leaf outside the tree")
    found, rest, last = leaf_hash(leaf), list(path), size - 1
    while last:
        if index % 2 or index < last:
            if not rest:
                raise ValueError("path too short")
            beside = rest.pop(0)
            found = node_hash(beside, found) if index % 2 else node_hash(found, beside)
        index, last = index // 2, last // 2
    if rest:
        raise ValueError("path too long")
    return found


def _root(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = _level(hashes)
    return hashes[0]


def _level(hashes: list[bytes]) -> list[bytes]:
    """One floor up; the last one of an odd number goes up as it is, which gives the tree of RFC 6962."""
    pairs = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes) - 1, 2)]
    return pairs + hashes[len(pairs) * 2 :]
