"""Signing of manifests and other statements: Ed25519, or SM2 where the office asks for it.

A software key proves that nothing was changed after sealing by anyone without the key. It is not a
certified product in the sense of GB/T 39786-2021.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Protocol

from recordings.evidence import ed25519, sm2
from recordings.evidence.digests import sm3_hex
from recordings.evidence.keys import KEY_FILE, PrivateKey, active_key

__all__ = ["KEY_FILE", "ManifestSigner", "Signer", "check_signature", "fingerprint_of", "load_signer"]

SIGNATURE_FORMAT = "lianxin-signature"


class ManifestSigner(Protocol):
    """Signs the bytes of a manifest."""

    fingerprint: str

    def sign(self, manifest: bytes) -> dict[str, Any]:
        """Content of manifest.sig: algorithm, public key, fingerprint, signature, digests signed."""


def fingerprint_of(public_key: bytes) -> str:
    """SHA-256 of the raw public key, hex; this is what an office publishes."""
    return hashlib.sha256(public_key).hexdigest()


class Signer:
    """Puts what a key signs into the form of the signature files."""

    def __init__(self, key: PrivateKey) -> None:
        self._key = key
        self.fingerprint = fingerprint_of(key.public_key)

    def sign(self, manifest: bytes) -> dict[str, Any]:
        return {
            "format": SIGNATURE_FORMAT,
            "version": 1,
            "algorithm": self._key.algorithm,
            "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
            "manifest_sm3": sm3_hex(manifest),
            "public_key": self._key.public_key.hex(),
            "fingerprint": self.fingerprint,
            "signature": self._key.sign_bytes(manifest).hex(),
        }


def load_signer(directory: Path) -> Signer:
    """A signer with the key that is in use now; the first key is made at the first call.

    Load it anew for each piece of work, so that a rotation is noticed. Raises RegisterError.
    """
    return Signer(active_key(directory))


def check_signature(manifest: bytes, signature: dict[str, Any]) -> str | None:
    """Fingerprint of the key that signed these bytes, or None when the signature is not right.

    Nothing in the statement may be false or spelled in another way, also what the key does not cover.
    Raises Sm2Unavailable for an SM2 signature on a machine that cannot check it.
    """
    verifiers = {ed25519.ALGORITHM: ed25519.verify, sm2.ALGORITHM: sm2.verify}
    try:
        verify = verifiers[signature["algorithm"]]
        public = bytes.fromhex(signature["public_key"])
        value = bytes.fromhex(signature["signature"])
        true = {
            "format": SIGNATURE_FORMAT,
            "version": 1,
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
        good = verify(public, value, manifest)
    except (KeyError, TypeError, ValueError):
        return None
    return fingerprint_of(public) if good else None
