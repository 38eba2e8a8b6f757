"""Until when an S3-compatible store itself keeps an object (PutObjectRetention, GetObjectRetention).

Compliance mode: nobody, the owner of the bucket among them, makes it shorter or deletes before (Amazon S3
User Guide, "Locking objects with Object Lock"). So it is only ever asked to be longer.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from recordings.archive.s3_request import S3Requests, refusal

REFUSED = "lock_refused"
BODY = (
    '<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<Mode>COMPLIANCE</Mode><RetainUntilDate>{}</RetainUntilDate></Retention>"
)
UNTIL = re.compile(r"<RetainUntilDate>\s*([^<\s]+)\s*</RetainUntilDate>")
NEVER_LOCKED = "NoSuchObjectLockConfiguration"  # The answer about an object that never had a lock.


def spelled(moment: datetime) -> str:
    """As the store writes a moment: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class S3Locks:
    """Given: the signed requests of a bucket."""

    def __init__(self, requests: S3Requests) -> None:
        self._requests = requests

    async def lengthen(self, name: str, until: datetime) -> None:
        """Lock an object until then. Raises StoreError."""
        body = BODY.format(spelled(until)).encode()
        status, text = await self._requests.send("PUT", name, {"retention": ""}, body, REFUSED)
        if status not in (200, 204):
            raise refusal(status, text, REFUSED)

    async def until(self, name: str, version: str = "") -> datetime | None:
        """Until when the store says that it keeps the object; None: it does not. Raises StoreError.

        A lock that its owner may lift (governance mode) counts as none.
        """
        query = {"retention": ""} | ({"versionId": version} if version else {})
        status, text = await self._requests.send("GET", name, query, b"", REFUSED)
        if status == 404 and NEVER_LOCKED in text:
            return None
        found = UNTIL.search(text)
        if status != 200 or found is None:
            raise refusal(status, text, REFUSED)
        if "COMPLIANCE" not in text:
            return None
        try:
            moment = datetime.fromisoformat(found[1])
        except ValueError as error:
            raise refusal(status, text, REFUSED) from error
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
