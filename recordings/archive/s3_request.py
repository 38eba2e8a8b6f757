"""Signed requests to an S3-compatible store for what the library obstore has no call for.

Legal holds, retention and versions are asked for here. A store asks for an access key of its own settings:
without one there is nothing to sign with, and the request is told as refused.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from urllib.parse import quote

import aiohttp
from yarl import URL

from cases.clock import Clock, SystemClock
from recordings.archive.aws_signature import UNRESERVED, Signer
from recordings.archive.store import StoreAddress, StoreError

SECONDS = aiohttp.ClientTimeout(total=30, sock_connect=10)


class S3Requests:
    """Given: bucket, prefix, address, clock (the store refuses a request that is signed far from now)."""

    def __init__(self, bucket: str, prefix: str, address: StoreAddress, clock: Clock | None = None) -> None:
        endpoint = address.endpoint.rstrip("/") or f"https://s3.{address.region}.amazonaws.com"
        self.prefix = f"{prefix}/" if prefix else ""  # Before the names of our objects in the bucket.
        self._bucket = f"{endpoint}/{quote(bucket, safe=UNRESERVED)}"
        self._signer = Signer(address.access_key, address.secret_key, address.region)
        self._clock = clock or SystemClock()

    async def send(
        self, method: str, name: str | None, query: Mapping[str, str], body: bytes, refused: str
    ) -> tuple[int, str]:
        """Status and text of the answer; `name` None asks about the bucket, `query` is in plain characters.

        Raises StoreError ``store_slow``, ``store_down``, and `refused` where there is no key to sign with.
        """
        if not self._signer.access_key:
            raise StoreError(refused, "this needs an access key in the settings")
        # Names of objects need no encoding (check_name), a prefix may.
        path = "" if name is None else f"/{quote(self.prefix + name, safe=UNRESERVED + '/')}"
        headers = {}
        if body:
            digest = hashlib.md5(body, usedforsecurity=False).digest()  # The store asks for it (RFC 1864).
            headers = {"Content-Type": "application/xml", "Content-MD5": base64.b64encode(digest).decode()}
        plain = "&".join(f"{key}={value}" if value else key for key, value in query.items())
        sent = "&".join(
            f"{key}={quote(value, safe=UNRESERVED)}" if value else key for key, value in query.items()
        )
        where = self._bucket + path
        signed = self._signer.sign(method, f"{where}?{plain}", headers, body, self._clock.now())
        try:
            async with (
                aiohttp.ClientSession(timeout=SECONDS) as session,
                session.request(
                    method, URL(f"{where}?{sent}", encoded=True), headers=signed, data=body or None,
                    allow_redirects=False,
                ) as answer,
            ):  # fmt: skip
                return answer.status, (await answer.read()).decode(errors="replace")
        except TimeoutError as error:
            raise StoreError("store_slow", f"{method} {plain[:60]}: no answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise StoreError("store_down", str(error) or type(error).__name__) from error


def refusal(status: int, text: str, refused: str) -> StoreError:
    """What an answer that is no success means; `refused`: the cause where the store said no."""
    told = f"HTTP {status} {' '.join(text.split())[:200]}"
    if status == 404 and "NoSuchBucket" not in text:
        return StoreError("missing", told)
    return StoreError("store_down" if status >= 500 and status != 501 else refused, told)
