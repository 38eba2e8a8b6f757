"""Legal hold on one object of an S3-compatible store (PutObjectLegalHold, GetObjectLegalHold).

The library obstore has no call for it, so these two requests are signed and sent here. A store asks for an
access key of its own settings: without one there is nothing to sign with, and the hold is told as refused.
"""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import quote

import aiohttp
from yarl import URL

from cases.clock import Clock, SystemClock
from recordings.archive.aws_signature import UNRESERVED, Signer
from recordings.archive.store import StoreAddress, StoreError

SECONDS = aiohttp.ClientTimeout(total=30, sock_connect=10)
BODY = '<LegalHold xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>{}</Status></LegalHold>'
STATUS = re.compile(r"<Status>\s*(ON|OFF)\s*</Status>")
NEVER_HELD = "NoSuchObjectLockConfiguration"  # The answer about an object that never had a hold.


class S3Holds:
    """Given: bucket, prefix, address, clock (the store refuses a request that is signed far from now)."""

    def __init__(self, bucket: str, prefix: str, address: StoreAddress, clock: Clock | None = None) -> None:
        endpoint = address.endpoint.rstrip("/") or f"https://s3.{address.region}.amazonaws.com"
        place = "/".join(part for part in (bucket, prefix) if part)
        self._base = f"{endpoint}/{quote(place, safe=UNRESERVED + '/')}"
        self._signer = Signer(address.access_key, address.secret_key, address.region)
        self._clock = clock or SystemClock()

    async def set(self, name: str, on: bool) -> None:
        """Put or lift the hold of an object. Raises StoreError."""
        body = BODY.format("ON" if on else "OFF").encode()
        digest = hashlib.md5(body, usedforsecurity=False).digest()  # The store asks for it (RFC 1864).
        headers = {"Content-Type": "application/xml", "Content-MD5": base64.b64encode(digest).decode()}
        status, text = await self._send("PUT", name, headers, body)
        if status not in (200, 204):
            raise _refused(status, text)

    async def is_set(self, name: str) -> bool:
        """Whether the store says now that the object is held. Raises StoreError."""
        status, text = await self._send("GET", name, {}, b"")
        if status == 404 and NEVER_HELD in text:
            return False
        found = STATUS.search(text)
        if status != 200 or found is None:
            raise _refused(status, text)
        return found[1] == "ON"

    async def _send(self, method: str, name: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        if not self._signer.access_key:
            raise StoreError("hold_refused", "a legal hold needs an access key in the settings")
        url = f"{self._base}/{name}?legal-hold"  # Names of objects need no encoding (check_name).
        signed = self._signer.sign(method, url, headers, body, self._clock.now())
        try:
            async with (
                aiohttp.ClientSession(timeout=SECONDS) as session,
                session.request(
                    method, URL(url, encoded=True), headers=signed, data=body or None, allow_redirects=False
                ) as answer,
            ):
                return answer.status, (await answer.read()).decode(errors="replace")
        except TimeoutError as error:
            raise StoreError("store_slow", f"{method} legal-hold: no answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise StoreError("store_down", str(error) or type(error).__name__) from error


def _refused(status: int, text: str) -> StoreError:
    told = f"HTTP {status} {' '.join(text.split())[:200]}"
    if status == 404 and "NoSuchBucket" not in text:
        return StoreError("missing", told)
    return StoreError("store_down" if status >= 500 and status != 501 else "hold_refused", told)
