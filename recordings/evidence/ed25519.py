"""Ed25519 (RFC 8032): the signatures this service makes unless told otherwise."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = "Ed25519"


class Ed25519Key:
    """A private key read from PEM; ValueError when the file holds something else."""

    algorithm = ALGORITHM

    def __init__(self, path: Path) -> None:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{path.name} holds no Ed25519 key")
        self._key = key
        self.public_key = key.public_key().public_bytes_raw()

    def sign_bytes(self, data: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(data)


def generate() -> bytes:
    """A new private key as PEM (PKCS #8, not encrypted: the file's mode protects it)."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def verify(public_key: bytes, signature: bytes, data: bytes) -> bool:
    """Is it the signature over these bytes? ValueError for what is no public key."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)
    except InvalidSignature:
        return False
    return True
