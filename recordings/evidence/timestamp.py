"""Time stamps (RFC 3161): somebody else's clock signs a digest; requested and checked by the openssl program.

The authority is told a digest and nothing else.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from recordings.evidence.manifest import sha256_hex
from recordings.evidence.openssl import last_line, run_openssl

LARGEST_ANSWER = 1 << 16  # bytes; a token with its certificates has about 6,000
_TIME = re.compile(rb"^Time stamp: (\w{3} [ \d]\d \d\d:\d\d:\d\d)(\.\d+)? (\d{4}) GMT$", re.MULTILINE)
_OUTDATED = re.compile(rb"certificate has expired|certificate is not yet valid")


class TimeStampError(Exception):
    """No time stamp, or none that counts.

    ``cause``: ``away``, ``refused``, ``wrong``, ``expired`` (the authority's certificate was not valid at
    the time that is asked for) or ``no_openssl``.
    """

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(text)
        self.cause = cause


class TimeStampAuthority(Protocol):
    """Whoever stamps."""

    async def stamp(self, request: bytes) -> bytes:
        """DER of TimeStampReq to DER of TimeStampResp, at most LARGEST_ANSWER. Raises TimeStampError."""


def make_request(statement: bytes) -> bytes:
    """DER of a request over the SHA-256 of ``statement``, with a nonce, asking for the certificate.

    Blocks. Raises TimeStampError.
    """
    return _openssl("-query", "-digest", sha256_hex(statement), "-sha256", "-cert")


def check_answer(request: bytes, answer: bytes, certificate: Path) -> datetime:
    """When the stamp was given, if the answer is to this very request and of the authority trusted now.

    ``certificate``: PEM of the authority's root and what lies between. Blocks. Raises TimeStampError.
    """
    with _files(request=request, answer=answer) as room:
        files = ["-queryfile", f"{room}/request", "-in", f"{room}/answer"]
        _openssl("-verify", *files, *_trusting(certificate))
    return time_of(answer)


def check_token(statement: bytes, token: bytes, certificate: Path) -> datetime:
    """When ``statement`` was stamped; the certificates need to have been valid at that time only.

    ``token`` is the answer of the authority as it came. Blocks. Raises TimeStampError.
    """
    at = time_of(token)
    with _files(token=token) as room:
        files = ["-digest", sha256_hex(statement), "-in", f"{room}/token"]
        _openssl("-verify", *files, *_trusting(certificate), "-attime", str(int(at.timestamp())))
    return at


def outlived(statement: bytes, token: bytes, certificate: Path, now: datetime) -> bool:
    """Tell whether a certificate behind a stamp that holds has expired by ``now``. Blocks.

    The stamp holds on: it was given before, and each later day root, whose stamp has a newer certificate,
    has this one's digest in its chain. Raises TimeStampError for what ``check_token`` refuses.
    """
    with _files(token=token) as room:
        files = ["-digest", sha256_hex(statement), "-in", f"{room}/token"]
        try:
            _openssl("-verify", *files, *_trusting(certificate), "-attime", str(int(now.timestamp())))
        except TimeStampError as error:
            if error.cause != "expired":
                raise
            return True
    return False


def time_of(answer: bytes) -> datetime:
    """The time that stands in an answer, whoever signed it. Raises TimeStampError."""
    if not 0 < len(answer) <= LARGEST_ANSWER:
        raise TimeStampError("wrong", f"an answer of {len(answer)} bytes")
    with _files(answer=answer) as room:
        found = _TIME.search(_openssl("-reply", "-in", f"{room}/answer", "-text"))
    if found is None:
        raise TimeStampError("refused", "the answer holds no time stamp")
    text = b" ".join((found[1], found[3])).decode()
    return datetime.strptime(text, "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)


def _trusting(certificate: Path) -> list[str]:
    if not certificate.is_file():
        raise TimeStampError("wrong", f"no certificate at {certificate}")
    return ["-CAfile", str(certificate), "-untrusted", str(certificate)]


@contextmanager
def _files(**contents: bytes) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="lianxin-ts-") as room:
        for name, data in contents.items():
            (Path(room) / name).write_bytes(data)
        yield room


def _openssl(*arguments: str) -> bytes:
    try:
        done = run_openssl(["ts", *arguments])
    except OSError as error:
        raise TimeStampError("no_openssl", str(error)) from error
    if done.returncode and _OUTDATED.search(done.stderr):
        raise TimeStampError("expired", "the certificate was not valid at that time")
    if done.returncode:
        raise TimeStampError("wrong", last_line(done.stderr))
    return done.stdout
