"""Signature of one request to an S3-compatible store, for what the library obstore has no call for.

AWS Signature Version 4 in the Authorization header, for one whole body in memory (Amazon S3 API Reference,
"Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk").
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
UNRESERVED = "-_.~"


@dataclass(frozen=True)
class Signer:
    """Who signs, and for which region."""

    access_key: str
    secret_key: str = field(repr=False)
    region: str
    service: str = "s3"

    def sign(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, at: datetime
    ) -> dict[str, str]:
        """All headers of the request, the given ones among them; each of them is signed.

        ``url``: absolute, path encoded already, each name in its query at most once.
        """
        parts, day = urlsplit(url), at.astimezone(UTC)
        moment, digest = f"{day:%Y%m%dT%H%M%SZ}", hashlib.sha256(body).hexdigest()
        sent = {"Host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": moment, **headers}
        lines = sorted((name.lower(), " ".join(value.split())) for name, value in sent.items())
        names = ";".join(name for name, _ in lines)
        told = [f"{name}:{value}" for name, value in lines]
        request = "\n".join(
            (method, parts.path or "/", _query(parts.query), *told, "", names, digest)
        )
        scope = f"{day:%Y%m%d}/{self.region}/{self.service}/aws4_request"
        hashed = hashlib.sha256(request.encode()).hexdigest()
        signature = _mac(self._key(day), "\n".join((ALGORITHM, moment, scope, hashed))).hex()
        credential = f"Credential={self.access_key}/{scope}"
        signed = f"{ALGORITHM} {credential},SignedHeaders={names},Signature={signature}"
        return {**sent, "Authorization": signed}

    def _key(self, day: datetime) -> bytes:
        key = f"AWS4{self.secret_key}".encode()
        for part in (f"{day:%Y%m%d}", self.region, self.service, "aws4_request"):
            key = _mac(key, part)
        return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _query(query: str) -> str:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    encoded = ((quote(name, safe=UNRESERVED), quote(value, safe=UNRESERVED)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))
