"""Signing of manifests: Ed25519 now; another algorithm (SM2) fits behind ``ManifestSigner``.

A software key proves that nothing was changed after sealing by anyone without the key. It is not a
certified product in the sense of GB/T 39786-2021.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from recordings.digests import sm3_hex

SIGNATURE_FORMAT = "lianxin-signature"
KEY_FILE = "manifest-ed25519.pem"


class ManifestSigner(Protocol):
    """Signs the bytes of a manifest."""

    def sign(self, manifest: bytes) -> dict[str, Any]:
        """Content of manifest.sig: algorithm, public key, fingerprint, signature, digest signed."""


def fingerprint_of(public_key: bytes) -> str:
    """SHA-256 of the raw 32-byte public key, hex; this is what an office publishes."""
    return hashlib.sha256(public_key).hexdigest()


class Ed25519Signer:
    """Ed25519 (RFC 8032) with a key kept in a file of mode 0600."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key().public_bytes_raw()
        self.fingerprint = fingerprint_of(self.public_key)

    def sign(self, manifest: bytes) -> dict[str, Any]:
        return {
            "format": SIGNATURE_FORMAT,
            "version": 1,
            "algorithm": "Ed25519",
            "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
            "manifest_sm3": sm3_hex(manifest),
            "public_key": self.public_key.hex(),
            "fingerprint": self.fingerprint,
            "signature": self._key.sign(manifest).hex(),
        }


def load_signer(directory: Path) -> Ed25519Signer:
    """The signer of this installation; its key is made at the first call."""
    path = directory / KEY_FILE
    if not path.exists():
        _create_key(path)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path.name} holds no Ed25519 key")
    return Ed25519Signer(key)


def _create_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    data = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # The first of two processes wins; the other uses its key.
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def check_signature(manifest: bytes, signature: dict[str, Any]) -> str | None:
    """Fingerprint of the key that signed these bytes, or None when the signature is not right.

    Nothing in the statement may be false or spelled in another way, also what the key does not cover.
    """
    try:
        public = bytes.fromhex(signature["public_key"])
        value = bytes.fromhex(signature["signature"])
        true = {
            "format": SIGNATURE_FORMAT,
            "version": 1,
            "algorithm": "Ed25519",
            "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
            "public_key": public.hex(),
            "fingerprint": fingerprint_of(public),
            "signature": value.hex(),
        }
        if any(signature[name] != stated for name, stated in true.items()):
            return None
        # Recordings that were sealed by the first version state no SM3.
        if "manifest_sm3" in signature and signature["manifest_sm3"] != sm3_hex(manifest):
            return None
        Ed25519PublicKey.from_public_bytes(public).verify(value, manifest)
    except (InvalidSignature, KeyError, TypeError, ValueError):
        return None
    return fingerprint_of(public)
