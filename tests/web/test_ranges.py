"""Range requests (RFC 9110 section 14) on a file behind the real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from web.ranges import Unsatisfiable, parse_range, respond_with_file

CONTENT = bytes(range(256)) * 4
SIZE = len(CONTENT)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, None),
        ("bytes=0-", (0, SIZE)),
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=1000-99999", (1000, SIZE)),
        ("bytes=-24", (SIZE - 24, SIZE)),
        ("bytes=-99999", (0, SIZE)),
        ("bytes=20-10", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("items=0-1", None),
        ("bytes=a-b", None),
        ("bytes=1.5-2", None),
        ("bytes=" + "9" * 400 + "-", None),
    ],
)
def test_parse(header: str | None, wanted: tuple[int, int] | None) -> None:
    assert parse_range(header, SIZE) == wanted


@pytest.mark.parametrize("header", ["bytes=1024-", "bytes=99999-100000", "bytes=-0"])
def test_outside_the_file(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        parse_range(header, SIZE)


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    path = tmp_path / "film.mp4"
    path.write_bytes(CONTENT)
    (tmp_path / "link.mp4").symlink_to(path)

    async def serve(request: web.Request) -> web.StreamResponse:
        return await respond_with_file(request, tmp_path / request.match_info["name"], "video/mp4", "tag1")

    app = web.Application()
    app.router.add_get("/{name}", serve)
    server = TestServer(app)
    await server.start_server()
    yield f"http://127.0.0.1:{server.port}/"
    await server.close()


@pytest.mark.parametrize(
    ("headers", "status", "body", "content_range"),
    [
        ({}, 200, CONTENT, None),
        ({"Range": "bytes=10-19"}, 206, CONTENT[10:20], f"bytes 10-19/{SIZE}"),
        ({"Range": "bytes=-4"}, 206, CONTENT[-4:], f"bytes {SIZE - 4}-{SIZE - 1}/{SIZE}"),
        ({"Range": "bytes=9999-"}, 416, b"", f"bytes */{SIZE}"),
        ({"Range": "bytes=0-3", "If-Range": '"tag1"'}, 206, CONTENT[:4], f"bytes 0-3/{SIZE}"),
        ({"Range": "bytes=0-3", "If-Range": '"old"'}, 200, CONTENT, None),
        ({"Range": "bytes=0-1,4-5"}, 200, CONTENT, None),
    ],
)
async def test_answers(
    url: str, headers: dict[str, str], status: int, body: bytes, content_range: str | None
) -> None:
    async with aiohttp.ClientSession() as http, http.get(url + "film.mp4", headers=headers) as answer:
        assert answer.status == status
        assert await answer.read() == body
        assert answer.headers.get("Content-Range") == content_range
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["ETag"] == '"tag1"'


async def test_head_has_the_length_and_no_body(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.head(url + "film.mp4") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Length"] == str(SIZE)
        assert await answer.read() == b""


@pytest.mark.parametrize("name", ["link.mp4", "none.mp4"])
async def test_no_symlink_is_followed(url: str, name: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(url + name) as answer:
        assert answer.status == 404
