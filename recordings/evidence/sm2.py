"""SM2 with SM3 (GB/T 32918.2) by the ``openssl`` program, since the library ``cryptography`` has no SM2.

A software key is no certified product: GB/T 39786-2021 wants a signing server or a card at level 3, which
fits behind the same two functions.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from recordings.evidence.openssl import last_line, run_openssl

ALGORITHM = "SM2-with-SM3"
# The signer's name that goes into the digest; GM/T 0009-2012 section 10 gives this one as the default.
_IDENTITY = "distid:1234567812345678"
# SubjectPublicKeyInfo of an uncompressed point on the SM2 curve (1.2.156.10197.1.301), up to the point.
_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
_POINT = 65
_HALF = 32  # bytes of r and of s


class Sm2Unavailable(OSError):
    """The openssl program is missing or was built without SM2."""


class Sm2Key:
    """A private key in a PEM file; it stays there, openssl reads it for each signature."""

    algorithm = ALGORITHM

    def __init__(self, path: Path) -> None:
        self._path = path
        self.public_key = _point(_openssl("pkey", "-in", str(path), "-pubout", "-outform", "DER"))

    def sign_bytes(self, data: bytes) -> bytes:
        """64 bytes, r and s; the DER that openssl makes is now longer, now shorter."""
        der = _openssl("dgst", "-sm3", "-sign", str(self._path), "-sigopt", _IDENTITY, data=data)
        return b"".join(number.to_bytes(_HALF) for number in decode_dss_signature(der))


def available() -> bool:
    """Does the openssl program offer SM2?"""
    try:
        generate()
    except Sm2Unavailable:
        return False
    return True


def generate() -> bytes:
    """A new private key as PEM. Raises Sm2Unavailable."""
    return _openssl("genpkey", "-algorithm", "SM2")


def verify(public_key: bytes, signature: bytes, data: bytes) -> bool:
    """Is it the signature over these bytes? ValueError for no public key; Sm2Unavailable."""
    if len(public_key) != _POINT or public_key[0] != 4:
        raise ValueError("not a point of 65 bytes")
    if len(signature) != 2 * _HALF:
        return False
    der = encode_dss_signature(int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:]))
    with tempfile.TemporaryDirectory(prefix="lianxin-sm2-") as name:
        key, value = Path(name) / "key.der", Path(name) / "signature"
        key.write_bytes(_PREFIX + public_key)
        value.write_bytes(der)
        command = ["dgst", "-sm3", "-verify", str(key), "-keyform", "DER", "-sigopt", _IDENTITY]
        done = _run([*command, "-signature", str(value)], data)
    if b"Verified OK" in done.stdout:
        return True
    if b"erification" in done.stdout + done.stderr:
        return False
    if available():
        raise ValueError("not a point on the curve")
    raise Sm2Unavailable(last_line(done.stderr))


def _point(der: bytes) -> bytes:
    if len(der) != len(_PREFIX) + _POINT or not der.startswith(_PREFIX):
        raise ValueError("not an SM2 key")
    return der[len(_PREFIX) :]


def _openssl(*arguments: str, data: bytes = b"") -> bytes:
    done = _run(list(arguments), data)
    if done.returncode:
        raise Sm2Unavailable(last_line(done.stderr))
    return done.stdout


def _run(arguments: list[str], data: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return run_openssl(arguments, data)
    except OSError as error:
        raise Sm2Unavailable(str(error)) from error
