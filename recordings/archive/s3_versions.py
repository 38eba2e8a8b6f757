"""Versions of a bucket: what a deletion leaves behind where it only puts a marker on top.

On a versioned bucket, and each with object lock is one, a plain DELETE writes a delete marker and keeps every
byte (Amazon S3 User Guide, "Deleting object versions from a versioning-enabled bucket"). So everything that
lies below a folder is listed with its versions (ListObjectVersions) and deleted version by version.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import unescape

from recordings.archive.s3_request import S3Requests, refusal
from recordings.archive.store import StoredVersion

REFUSED = "versions_refused"
DELETING = "delete_refused"
ENTRY = re.compile(r"<(Version|DeleteMarker)>(.*?)</\1>", re.DOTALL)
PAGES = 10_000  # A list that never ends is no list.


class S3Versions:
    """Given: the signed requests of a bucket."""

    def __init__(self, requests: S3Requests) -> None:
        self._requests = requests

    async def below(self, folder: str) -> list[StoredVersion] | None:
        """Every version and delete marker below a folder; None where the store knows no versions at all.

        Raises StoreError.
        """
        found: list[StoredVersion] = []
        after: dict[str, str] = {}
        for _ in range(PAGES):
            query = {"prefix": f"{self._requests.prefix}{folder}/", "versions": ""} | after
            status, text = await self._requests.send("GET", None, query, b"", REFUSED)
            # A store without the call says so, or answers as if only the objects had been asked for.
            if status == 501 or (status == 200 and "<ListVersionsResult" not in text):
                return None
            if status != 200:
                raise refusal(status, text, REFUSED)
            found += [self._version(*each) for each in ENTRY.findall(text)]
            if _one(text, "IsTruncated") != "true":
                return sorted(found, key=lambda each: (each.name, each.id))
            after = {"key-marker": _one(text, "NextKeyMarker")}
            if version := _one(text, "NextVersionIdMarker"):
                after["version-id-marker"] = version
        raise refusal(200, "the list of versions never ends", REFUSED)

    async def erase(self, version: StoredVersion) -> None:
        """Delete this version for good; one that is not there is gone already. Raises StoreError."""
        query = {"versionId": version.id}
        status, text = await self._requests.send("DELETE", version.name, query, b"", DELETING)
        if status not in (200, 204) and not (status == 404 and "NoSuchBucket" not in text):
            raise refusal(status, text, DELETING)

    def _version(self, kind: str, entry: str) -> StoredVersion:
        name = _one(entry, "Key").removeprefix(self._requests.prefix)
        return StoredVersion(name, _one(entry, "VersionId"), kind == "DeleteMarker")


def _one(text: str, tag: str) -> str:
    found = re.search(f"<{tag}>([^<]*)</{tag}>", text)
    return unescape(found[1], {"&quot;": '"', "&apos;": "'"}) if found else ""
