"""Legal hold on one object of an S3-compatible store (PutObjectLegalHold, GetObjectLegalHold)."""

from __future__ import annotations

import re

from recordings.archive.s3_request import S3Requests, refusal

REFUSED = "hold_refused"
BODY = '<LegalHold xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>{}</Status></LegalHold>'
STATUS = re.compile(r"<Status>\s*(ON|OFF)\s*</Status>")
NEVER_HELD = "NoSuchObjectLockConfiguration"  # The answer about an object that never had a hold.


class S3Holds:
    """Given: the signed requests of a bucket."""

    def __init__(self, requests: S3Requests) -> None:
        self._requests = requests

    async def set(self, name: str, on: bool) -> None:
        """Put or lift the hold of an object. Raises StoreError."""
        body = BODY.format("ON" if on else "OFF").encode()
        status, text = await self._requests.send("PUT", name, {"legal-hold": ""}, body, REFUSED)
        if status not in (200, 204):
            raise refusal(status, text, REFUSED)

    async def is_set(self, name: str, version: str = "") -> bool:
        """Whether the store says now that the object (this version of it) is held. Raises StoreError."""
        query = {"legal-hold": ""} | ({"versionId": version} if version else {})
        status, text = await self._requests.send("GET", name, query, b"", REFUSED)
        if status == 404 and NEVER_HELD in text:
            return False
        found = STATUS.search(text)
        if status != 200 or found is None:
            raise refusal(status, text, REFUSED)
        return found[1] == "ON"
