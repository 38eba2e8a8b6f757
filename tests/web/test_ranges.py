"""Range requests (RFC 9110 section 14) on a file behind the real server."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDict

from web.http.ranges import Unsatisfiable, parse_range, respond_with_file

CONTENT = bytes(range(256)) * 4
SIZE = len(CONTENT)
LONG = 64 << 20  # bytes; more than all buffers between the two sides
STAMP = 1_795_311_000_000_000_000
TAG = f'"tag1-{SIZE:x}-{STAMP:x}"'


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, None),
        ("", None),
        ("bytes=0-", (0, SIZE)),
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=1000-99999", (1000, SIZE)),
        ("bytes=1000-" + "9" * 400, (1000, SIZE)),
        ("bytes=" + "0" * 400 + "1-3", (1, 4)),
        ("bytes=-24", (SIZE - 24, SIZE)),
        ("bytes=-99999", (0, SIZE)),
        ("bytes=-" + "9" * 5000, (0, SIZE)),
        ("Bytes=10-19", (10, 20)),
        ("BYTES=-1", (SIZE - 1, SIZE)),
        ("bytes=10-19,", (10, 20)),
        ("bytes= ,, 10-19 , ", (10, 20)),
        ("bytes=20-10", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes", None),
        ("=0-1", None),
        ("bytes=0-1,5-6", None),
        ("bytes=" + ",".join(["0-"] * 1000), None),
        ("items=0-1", None),
        ("bytes=a-b", None),
        ("bytes=0x0-0x9", None),
        ("bytes=1.5-2", None),
        ("bytes=--5", None),
        ("bytes=+1-2", None),
        ("bytes=1-2-3", None),
        ("bytes=1 - 2", None),
        ("bytes:0-1", None),
        ("bytes =0-1", None),
        ("bytes=\u0661-\u0662", None),
        ("bytes=\uff11-\uff12", None),
        ("bytes=\x000-1", None),
        ("none", None),
    ],
)
def test_parse(header: str | None, wanted: tuple[int, int] | None) -> None:
    assert parse_range(header, SIZE) == wanted


@pytest.mark.parametrize(
    "header",
    ["bytes=1024-", "bytes=99999-100000", "bytes=-0", "bytes=-000", "bytes=" + "9" * 400 + "-"],
)
def test_outside_the_file(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        parse_range(header, SIZE)


def test_of_an_empty_file_there_is_no_part() -> None:
    assert parse_range("bytes=-5", 0) is None
    for header in ("bytes=0-", "bytes=0-0", "bytes=-0"):
        with pytest.raises(Unsatisfiable):
            parse_range(header, 0)


def test_twenty_thousand_hostile_headers() -> None:
    """Whatever is asked for: nothing, a part within the file, or a clear refusal."""
    seeded = random.Random(20_261_122)
    pieces = (
        "bytes",
        "Bytes",
        "=",
        "-",
        ",",
        " ",
        "\t",
        "0",
        "9",
        "1023",
        "1024",
        "999" * 40,
        "\x00",
        "\u0663",
        ";",
    )
    parts = 0
    for _ in range(20_000):
        header = seeded.choice(("bytes=", "")) + "".join(seeded.choices(pieces, k=seeded.randrange(1, 9)))
        with suppress(Unsatisfiable):
            found = parse_range(header, SIZE)
            assert found is None or 0 <= found[0] < found[1] <= SIZE, header
            parts += found is not None
    assert parts > 50


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    path = tmp_path / "film.mp4"
    path.write_bytes(CONTENT)
    os.utime(path, ns=(STAMP, STAMP))
    (tmp_path / "link.mp4").symlink_to(path)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    with (tmp_path / "long.mp4").open("wb") as file:
        file.truncate(LONG)

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
        ({"Range": "bytes=-0"}, 416, b"", f"bytes */{SIZE}"),
        ({"Range": "bytes=0-3", "If-Range": TAG}, 206, CONTENT[:4], f"bytes 0-3/{SIZE}"),
        ({"Range": "bytes=0-3", "If-Range": '"old"'}, 200, CONTENT, None),
        ({"Range": "bytes=0-3", "If-Range": f"W/{TAG}"}, 200, CONTENT, None),
        ({"Range": "bytes=0-3", "If-Range": "Sun, 22 Nov 2026 01:30:00 GMT"}, 200, CONTENT, None),
        ({"Range": "bytes=9999-", "If-Range": '"old"'}, 200, CONTENT, None),
        ({"Range": "bytes=0-1,4-5"}, 200, CONTENT, None),
        ({"Range": "bytes=5-2"}, 200, CONTENT, None),
        ({"Range": "seconds=0-1"}, 200, CONTENT, None),
        ({"Range": "bytes=0-3", "If-Match": TAG}, 206, CONTENT[:4], f"bytes 0-3/{SIZE}"),
        ({"Range": "bytes=0-3", "If-Match": f'W/{TAG}, "old"'}, 412, b"", None),
        ({"Range": "bytes=0-3", "If-None-Match": f'"old", W/{TAG}'}, 304, b"", None),
        ({"Range": "bytes=0-3", "If-None-Match": '"old"'}, 206, CONTENT[:4], f"bytes 0-3/{SIZE}"),
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
        assert answer.headers["ETag"] == TAG


async def test_two_range_headers_are_none(url: str) -> None:
    headers = CIMultiDict([("Range", "bytes=0-3"), ("Range", "bytes=4-7")])
    async with aiohttp.ClientSession() as http, http.get(url + "film.mp4", headers=headers) as answer:
        assert (answer.status, await answer.read()) == (200, CONTENT)


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-3"}, {"Range": "bytes=9999-"}])
async def test_head_has_the_length_and_no_body(url: str, headers: dict[str, str]) -> None:
    """Ranges are defined for GET alone (RFC 9110 section 14.2)."""
    async with aiohttp.ClientSession() as http, http.head(url + "film.mp4", headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Length"] == str(SIZE)
        assert "Content-Range" not in answer.headers
        assert await answer.read() == b""


@pytest.mark.parametrize("name", ["link.mp4", "none.mp4", "folder.mp4", "pipe.mp4", "a%00b", "x" * 300])
async def test_what_is_no_file_of_its_own_is_not_there(url: str, name: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(url + name) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(("header", "status"), [("", 200), ("bytes=0-", 416), ("bytes=-5", 200)])
async def test_an_empty_file(url: str, header: str, status: int) -> None:
    headers = {"Range": header} if header else {}
    async with aiohttp.ClientSession() as http, http.get(url + "empty.mp4", headers=headers) as answer:
        assert (answer.status, await answer.read()) == (status, b"")


async def test_who_asks_for_less_gets_the_next_part_of_the_same_file(url: str) -> None:
    """A player that seeks: every part of a connection is what it says it is."""
    async with aiohttp.ClientSession() as http:
        whole = b""
        for start in range(0, SIZE, 100):
            header = {"Range": f"bytes={start}-{start + 99}", "If-Range": TAG}
            async with http.get(url + "film.mp4", headers=header) as answer:
                assert answer.status == 206
                whole += await answer.read()
    assert whole == CONTENT


async def test_a_file_that_is_cut_meanwhile_ends_the_connection(url: str, tmp_path: Path) -> None:
    """The other side must not take the next answer for the rest of this one."""
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientPayloadError):
            async with http.get(url + "long.mp4") as answer:
                await answer.content.readexactly(1000)
                os.truncate(tmp_path / "long.mp4", 5000)
                while await answer.content.readany():
                    pass
        async with http.get(url + "film.mp4", headers={"Range": "bytes=0-3"}) as answer:
            assert (answer.status, await answer.read()) == (206, CONTENT[:4])
