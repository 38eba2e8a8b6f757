"""A small S3-like server of the tests' own: one bucket in memory, with faults to order."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self
from xml.sax.saxutils import escape, unescape

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class Bucket:
    """``fault``: None, ``down`` (503), ``refused`` (403), ``slow`` (no answer) or ``corrupt`` (a bit).

    ``holds``: legal holds by name, as GetObjectLegalHold tells them; what is held cannot be deleted. With
    ``hold_fault`` ``refused`` the key may do everything but hold; with ``ignored`` nothing comes of it.
    ``locks``: until when by name, which is never made sooner, and nothing is deleted before ``now``;
    ``lock_fault`` as for holds. ``older``: with ``versioned``, what lies under each name, the oldest first,
    as version and bytes (None: a delete marker); ``version_fault`` ``refused``: nobody lists or deletes
    them, ``ignored``: what is deleted stays. Lists of versions have ``page`` entries.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    fault: str | None = None
    overwritten: int = 0
    holds: dict[str, str] = field(default_factory=dict)
    hold_fault: str | None = None
    locks: dict[str, datetime] = field(default_factory=dict)
    lock_fault: str | None = None
    versioned: bool = False
    older: dict[str, list[tuple[str, bytes | None]]] = field(default_factory=dict)
    version_fault: str | None = None
    page: int = 3
    now: datetime | None = None
    _server: TestServer | None = None
    _count: int = 0

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/bucket{name:.*}", self._answer)
        self._server = TestServer(app, host="127.0.0.1")
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        await self._server.close()

    @property
    def endpoint(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.port}"

    def mark_deleted(self, name: str) -> None:
        """Somebody deletes it past the program, as a versioned bucket does it: nothing is gone."""
        self.objects.pop(name)
        self.older[name].append((self._next(), None))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        assert "AWS4-HMAC-SHA256" in request.headers["Authorization"]
        if self.fault == "slow":
            await asyncio.sleep(30)
        if self.fault in ("down", "refused"):
            return web.Response(status=503 if self.fault == "down" else 403)
        name = request.match_info["name"].lstrip("/")
        for query, answer in (("legal-hold", self._hold), ("retention", self._lock)):
            if query in request.query:
                return await answer(request, name)
        if self.versioned and ("versions" in request.query or request.method == "DELETE"):
            return self._of_versions(request, name)
        if request.method == "PUT":
            return await self._put(request, name)
        if request.method == "POST" and "delete" in request.query:
            return await self._delete(request)
        if request.method == "GET" and not name:
            return self._list(request.query.get("prefix", ""))
        if name not in self.objects:
            return web.Response(status=404)
        return web.Response(body=self.objects[name], headers=STAMP)

    async def _put(self, request: web.Request, name: str) -> web.Response:
        body = await request.read()
        stated = base64.b64decode(request.headers["x-amz-checksum-sha256"])
        assert stated == hashlib.sha256(body).digest()
        if name in self.objects:
            if request.headers.get("If-None-Match") == "*":
                return web.Response(status=412)
            self.overwritten += 1
        if self.fault == "corrupt":
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
        self.objects[name] = body
        self.older.setdefault(name, []).append((self._next(), body))
        self.headers[name] = dict(request.headers)
        if "x-amz-object-lock-legal-hold" in request.headers:
            self.holds[name] = request.headers["x-amz-object-lock-legal-hold"]
        if "x-amz-object-lock-retain-until-date" in request.headers and self.lock_fault is None:
            until = request.headers["x-amz-object-lock-retain-until-date"]
            self.locks[name] = datetime.fromisoformat(until)
        return web.Response(headers=STAMP)

    async def _hold(self, request: web.Request, name: str) -> web.Response:
        """PutObjectLegalHold and GetObjectLegalHold."""
        body = await self._read_signed(request)
        if self.hold_fault == "refused":
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
        if name not in self.older:
            return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>")
        if request.method == "GET":
            if name not in self.holds:
                return web.Response(status=404, text=NO_LOCK)
            return web.Response(text=f"<LegalHold><Status>{self.holds[name]}</Status></LegalHold>")
        found = re.search(rb"<Status>(ON|OFF)</Status>", body)
        assert found is not None
        if self.hold_fault != "ignored":
            self.holds[name] = found[1].decode()
        return web.Response()

    async def _lock(self, request: web.Request, name: str) -> web.Response:
        """PutObjectRetention and GetObjectRetention; compliance mode is never shortened."""
        body = await self._read_signed(request)
        if self.lock_fault == "refused":
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
        if request.method == "GET":
            if name not in self.locks:
                return web.Response(status=404, text=NO_LOCK)
            until = f"<RetainUntilDate>{self.locks[name]:%Y-%m-%dT%H:%M:%S}.000Z</RetainUntilDate>"
            return web.Response(text=f"<Retention><Mode>COMPLIANCE</Mode>{until}</Retention>")
        found = re.search(rb"<Mode>COMPLIANCE</Mode><RetainUntilDate>([^<]+)</RetainUntilDate>", body)
        assert found is not None
        until = datetime.fromisoformat(found[1].decode())
        if name in self.locks and until < self.locks[name]:
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
        if self.lock_fault != "ignored":
            self.locks[name] = until
        return web.Response()

    async def _read_signed(self, request: web.Request) -> bytes:
        assert "content-md5" in request.headers["Authorization"] or request.method == "GET"
        body = await request.read()
        if request.method == "PUT":
            digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
            assert request.headers["Content-MD5"] == digest
        return body

    async def _delete(self, request: web.Request) -> web.Response:
        names = re.findall(r"<Key>([^<]*)</Key>", await request.text())
        rows = ""
        for name in names:
            if self._kept(unescape(name)):
                told = f"<Key>{name}</Key><Code>AccessDenied</Code><Message>held</Message>"
                rows += f"<Error>{told}</Error>"
            else:
                self.objects.pop(unescape(name), None)
                self.older.pop(unescape(name), None)
                rows += f"<Deleted><Key>{name}</Key></Deleted>"
        return web.Response(text=f"<DeleteResult>{rows}</DeleteResult>", content_type="application/xml")

    def _of_versions(self, request: web.Request, name: str) -> web.Response:
        """ListObjectVersions, and DeleteObject of one version; a plain one only adds a marker."""
        if self.version_fault == "refused":
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
        if request.method == "GET":
            return self._list_versions(request)
        version = request.query.get("versionId")
        if version is None:
            self.mark_deleted(name)
            return web.Response(status=204)
        kept = [each for each in self.older.get(name, []) if each[0] != version]
        whole = (version, None) not in self.older.get(name, [])
        if whole and self._kept(name):
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
        if self.version_fault != "ignored":
            self.older[name] = kept
            if not kept:
                self.older.pop(name)
            if not kept or kept[-1][1] is None:
                self.objects.pop(name, None)
        return web.Response(status=204)

    def _list_versions(self, request: web.Request) -> web.Response:
        prefix = request.query["prefix"]
        found = [
            (name, version, body)
            for name, versions in sorted(self.older.items())
            if name.startswith(prefix)
            for version, body in versions
        ]
        after = request.query.get("key-marker"), request.query.get("version-id-marker")
        places = [place for place, (name, version, _) in enumerate(found, 1) if (name, version) == after]
        begin = places[0] if places else 0
        shown, more = found[begin : begin + self.page], len(found) > begin + self.page
        rows = "".join(
            f"<{kind}><Key>{escape(name)}</Key><VersionId>{version}</VersionId></{kind}>"
            for name, version, body in shown
            for kind in ("DeleteMarker" if body is None else "Version",)
        )
        if more:
            name, version, _ = shown[-1]
            rows += f"<NextKeyMarker>{escape(name)}</NextKeyMarker>"
            rows += f"<NextVersionIdMarker>{version}</NextVersionIdMarker>"
        rows += f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>"
        text = f"<ListVersionsResult>{rows}</ListVersionsResult>"
        return web.Response(text=text, content_type="application/xml")

    def _kept(self, name: str) -> bool:
        locked = self.now is not None and name in self.locks and self.locks[name] > self.now
        return self.holds.get(name) == "ON" or locked

    def _next(self) -> str:
        self._count += 1
        return f"v+{self._count}/{'x' * 5}="  # What needs encoding in an address.

    def _list(self, prefix: str) -> web.Response:
        rows = "".join(
            f"<Contents><Key>{escape(name)}</Key><Size>{len(body)}</Size>"
            '<LastModified>2026-11-22T00:00:00Z</LastModified><ETag>"x"</ETag></Contents>'
            for name, body in sorted(self.objects.items())
            if name.startswith(prefix)
        )
        text = f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        return web.Response(text=text, content_type="application/xml")


STAMP = {"ETag": '"x"', "Last-Modified": "Sun, 22 Nov 2026 00:00:00 GMT"}
NO_LOCK = "<Error><Code>NoSuchObjectLockConfiguration</Code></Error>"
