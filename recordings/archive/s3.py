"""An S3-compatible store as archive, by the library obstore; object lock by signed headers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import obstore
from obstore import exceptions as wrong
from obstore.store import S3Store as Bucket

from recordings.archive.s3_hold import S3Holds
from recordings.archive.s3_lock import S3Locks, spelled
from recordings.archive.s3_request import S3Requests
from recordings.archive.s3_versions import S3Versions
from recordings.archive.store import AlreadyWritten, StoreAddress, StoredVersion, StoreError, check_name

CONNECT = timedelta(seconds=10)
ANSWER = timedelta(seconds=120)  # For one object, at most archive_object.PART bytes and a little.


class S3Store:
    """A bucket, or what lies below a prefix of it.

    Writing is conditional (``If-None-Match: *``), each body goes with its SHA-256, and the library tries
    nothing again by itself: pauses and alarms are the archiver's.
    """

    def __init__(self, bucket: str, prefix: str, address: StoreAddress) -> None:
        self._where = (bucket, prefix, address)
        self._plain = self._open({})
        requests = S3Requests(bucket, prefix, address)
        self._holds, self._locks, self._versions = S3Holds(requests), S3Locks(requests), S3Versions(requests)

    @property
    def holds(self) -> bool:
        """Only a bucket with object lock has locks and holds (Amazon S3 User Guide, "Locking objects")."""
        return self._where[2].lock

    def _open(self, headers: dict[str, str]) -> Bucket:
        bucket, prefix, address = self._where
        more: dict[str, Any] = {}
        if address.endpoint:
            more["endpoint"] = address.endpoint
        if address.access_key:
            more |= {"access_key_id": address.access_key, "secret_access_key": address.secret_key}
        return Bucket(
            bucket,
            prefix=prefix or None,
            region=address.region,
            virtual_hosted_style_request=False,
            checksum_algorithm="SHA256",
            conditional_put="etag",
            client_options={
                "allow_http": address.endpoint.startswith("http://"),
                "connect_timeout": CONNECT,
                "timeout": ANSWER,
                "default_headers": headers,
            },
            retry_config={"max_retries": 0, "retry_timeout": ANSWER},
            **more,
        )

    def _locking(self, keep_until: datetime | None, held: bool) -> Bucket:
        """The bucket with the headers that lock what is written (they are signed like all others)."""
        headers = {}
        if keep_until is not None:
            headers["x-amz-object-lock-mode"] = "COMPLIANCE"
            headers["x-amz-object-lock-retain-until-date"] = spelled(keep_until)
        if held:
            headers["x-amz-object-lock-legal-hold"] = "ON"
        return self._open(headers) if headers and self.holds else self._plain

    async def put_new(
        self, name: str, data: bytes, keep_until: datetime | None, held: bool = False
    ) -> None:
        try:
            await obstore.put_async(
                self._locking(keep_until, held), check_name(name), data, mode="create", use_multipart=False
            )
        except wrong.AlreadyExistsError as error:
            raise AlreadyWritten(name) from error
        except (wrong.BaseError, OSError) as error:
            raise _told(error) from error

    async def get(self, name: str) -> bytes:
        try:
            found = await obstore.get_async(self._plain, check_name(name))
            return bytes(await found.bytes_async())
        except (wrong.BaseError, OSError) as error:
            raise _told(error) from error

    async def erase(self, version: StoredVersion) -> None:
        try:
            check_name(version.name)
        except ValueError as error:
            raise StoreError("delete_refused", f"nobody here wrote {version.name!r}") from error
        if not version.id:
            await self._delete(version.name)
            return
        try:
            await self._versions.erase(version)
        except StoreError as error:
            if error.cause != "delete_refused" or version.marker or not self.holds:
                raise
            raise await self._reason(version) or error from error

    async def _delete(self, name: str) -> None:
        try:
            await obstore.delete_async(self._plain, name)
        except (wrong.NotFoundError, FileNotFoundError):
            return
        except (wrong.BaseError, OSError) as error:
            raise _told(error) from error

    async def _reason(self, version: StoredVersion) -> StoreError | None:
        """Why the store keeps a version, where it tells."""
        try:
            if await self._holds.is_set(version.name, version.id):
                return StoreError("still_held", version.name)
            until = await self._locks.until(version.name, version.id)
        except StoreError:
            return None
        return StoreError("still_locked", f"{version.name} until {spelled(until)}") if until else None

    async def versions(self, folder: str) -> list[StoredVersion]:
        found = await self._versions.below(folder)
        return found if found is not None else [StoredVersion(name) for name in await self.names(folder)]

    async def set_hold(self, name: str, on: bool) -> None:
        await self._holds.set(check_name(name), on)

    async def is_held(self, name: str) -> bool:
        return await self._holds.is_set(check_name(name))

    async def lock_until(self, name: str, moment: datetime) -> None:
        await self._locks.lengthen(check_name(name), moment)

    async def locked_until(self, name: str) -> datetime | None:
        return await self._locks.until(check_name(name))

    async def names(self, folder: str) -> list[str]:
        try:
            return sorted(
                [entry["path"] async for batch in obstore.list(self._plain, folder) for entry in batch]
            )
        except (wrong.BaseError, OSError) as error:
            raise _told(error) from error


def _told(error: Exception) -> StoreError:
    """The cause by the kind of the error; its text is for the log and holds no secret."""
    text = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
    if isinstance(error, wrong.NotFoundError | FileNotFoundError):
        return StoreError("missing", text)
    if isinstance(error, wrong.PermissionDeniedError | wrong.UnauthenticatedError):
        return StoreError("store_refused", text)
    return StoreError("store_slow" if "timed out" in str(error).lower() else "store_down", text)
