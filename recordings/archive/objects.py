"""Archived object: a piece of one file of a recording, encrypted so that no chunk can be moved or lost.

AES-256-GCM (NIST SP 800-38D) over chunks; the nonce counts them and marks the last one (the STREAM
construction of Hoang, Reyhanitabar, Rogaway and Vizar, 2015). Each object has a key of its own, derived with
HKDF-SHA256 (RFC 5869) from the session's key. docs/recording-format.md describes the bytes.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from recordings.evidence.manifest import canonical

MAGIC = b"LXARCH1\n"
FORMAT = "lianxin-archive-object"
VERSION = 1
CHUNK = 1 << 20  # bytes of plain text in a chunk
PART = 32 << 20  # bytes of plain text in an object; longer files are several objects
HEADER_CEILING = 16_384
TAG = 16
INFO = b"lianxin-archive-object-1"


class NotAnObject(Exception):
    """The bytes are no archived object, or not the one that was asked for, or were changed."""


@dataclass(frozen=True)
class Piece:
    """Which bytes of which file: ``part`` of ``parts`` from 1, bytes [offset, offset + size) of ``path``.

    ``file_size`` and ``file_sha256`` are of the whole file.
    """

    recording_id: str
    path: str
    part: int
    parts: int
    offset: int
    size: int
    file_size: int
    file_sha256: str


def encrypt(piece: Piece, plain: bytes, key: bytes, wrapped: dict[str, str], salt: bytes) -> bytes:
    """The object. ``key``: 32 bytes of the session, ``wrapped``: it wrapped, ``salt``: 16 fresh bytes."""
    header = canonical(
        {"format": FORMAT, "version": VERSION, "chunk": CHUNK, "salt": salt.hex(), "key": wrapped}
        | {name: getattr(piece, name) for name in piece.__dataclass_fields__}
    )
    cipher, bound = _cipher(key, salt), hashlib.sha256(header).digest()
    chunks = [plain[at : at + CHUNK] for at in range(0, len(plain), CHUNK)] or [b""]
    sealed = [
        cipher.encrypt(_nonce(number, number == len(chunks) - 1), chunk, bound)
        for number, chunk in enumerate(chunks)
    ]
    return b"".join((MAGIC, struct.pack(">I", len(header)), header, *sealed))


def read_header(data: bytes) -> dict[str, Any]:
    """The header, not yet proven: only decrypting proves it. Raises NotAnObject."""
    if data[: len(MAGIC)] != MAGIC or len(data) < len(MAGIC) + 4:
        raise NotAnObject("no archived object")
    (length,) = struct.unpack_from(">I", data, len(MAGIC))
    if length > HEADER_CEILING:
        raise NotAnObject("header too long")
    try:
        header = json.loads(data[len(MAGIC) + 4 :][:length])
    except (ValueError, RecursionError) as error:
        raise NotAnObject("header unreadable") from error
    if not isinstance(header, dict) or (header.get("format"), header.get("version")) != (FORMAT, VERSION):
        raise NotAnObject("unknown format")
    return header


def decrypt(data: bytes, key: bytes) -> tuple[Piece, bytes]:
    """Which piece it is, and its bytes. Raises NotAnObject for any change, cut or reordering."""
    header = read_header(data)
    (length,) = struct.unpack_from(">I", data, len(MAGIC))
    begin = len(MAGIC) + 4 + length
    try:
        piece = Piece(**{name: header[name] for name in Piece.__dataclass_fields__})
        cipher = _cipher(key, bytes.fromhex(header["salt"]))
        bound, step = hashlib.sha256(data[begin - length : begin]).digest(), int(header["chunk"]) + TAG
        if step <= TAG:
            raise NotAnObject("empty chunks")
        places = range(begin, max(len(data), begin + 1), step)
        plain = b"".join(
            cipher.decrypt(_nonce(number, at == places[-1]), data[at : at + step], bound)
            for number, at in enumerate(places)
        )
    except InvalidTag as error:
        raise NotAnObject("changed, or another key") from error
    except (KeyError, TypeError, ValueError) as error:
        raise NotAnObject(f"header: {error}") from error
    if len(plain) != piece.size:
        raise NotAnObject("another length than stated")
    return piece, plain


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, INFO).derive(key))


def _nonce(number: int, last: bool) -> bytes:
    """12 bytes: the chunk's number from 0 in 11 bytes, then 1 for the last chunk, else 0."""
    return number.to_bytes(11, "big") + bytes([last])
