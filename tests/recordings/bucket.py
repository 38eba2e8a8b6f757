"""A small S3-like server of the tests' own: one bucket in memory, with faults to order."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import Self
from xml.sax.saxutils import escape, unescape

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class Bucket:
    """``fault``: None, ``down`` (503), ``refused`` (403), ``slow`` (no answer) or ``corrupt`` (a bit).

    ``holds``: legal holds by name, as GetObjectLegalHold tells them; what is held cannot be deleted. With
    ``hold_fault`` ``refused`` the key may do everything but hold; with ``ignored`` nothing comes of it.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    fault: str | None = None
    overwritten: int = 0
    holds: dict[str, str] = field(default_factory=dict)
    hold_fault: str | None = None
    _server: TestServer | None = None

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

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        assert "AWS4-HMAC-SHA256" in request.headers["Authorization"]
        if self.fault == "slow":
            await asyncio.sleep(30)
        if self.fault in ("down", "refused"):
            return web.Response(status=503 if self.fault == "down" else 403)
        name = request.match_info["name"].lstrip("/")
        if "legal-hold" in request.query:
            return await self._hold(request, name)
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
        self.headers[name] = dict(request.headers)
        if "x-amz-object-lock-legal-hold" in request.headers:
            self.holds[name] = request.headers["x-amz-object-lock-legal-hold"]
        return web.Response(headers=STAMP)

    async def _hold(self, request: web.Request, name: str) -> web.Response:
        """PutObjectLegalHold and GetObjectLegalHold."""
        assert "content-md5" in request.headers["Authorization"] or request.method == "GET"
        if self.hold_fault == "refused":
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
        if name not in self.objects:
            return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>")
        if request.method == "GET":
            if name not in self.holds:
                code = "NoSuchObjectLockConfiguration"
                return web.Response(status=404, text=f"<Error><Code>{code}</Code></Error>")
            return web.Response(text=f"<LegalHold><Status>{self.holds[name]}</Status></LegalHold>")
        body = await request.read()
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        assert request.headers["Content-MD5"] == digest
        found = re.search(rb"<Status>(ON|OFF)</Status>", body)
        assert found is not None
        if self.hold_fault != "ignored":
            self.holds[name] = found[1].decode()
        return web.Response()

    async def _delete(self, request: web.Request) -> web.Response:
        names = re.findall(r"<Key>([^<]*)</Key>", await request.text())
        rows = ""
        for name in names:
            if self.holds.get(unescape(name)) == "ON":
                told = f"<Key>{name}</Key><Code>AccessDenied</Code><Message>held</Message>"
                rows += f"<Error>{told}</Error>"
            else:
                self.objects.pop(unescape(name), None)
                rows += f"<Deleted><Key>{name}</Key></Deleted>"
        return web.Response(text=f"<DeleteResult>{rows}</DeleteResult>", content_type="application/xml")

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
