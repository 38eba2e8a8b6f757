"""Bodies and lines that nothing of ours sends: each is refused with words, and none is our own trouble."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from tests.web.conftest import TOKEN, House
from tests.web.test_api import MATTER, ask
from tests.web.test_api_bounds import token_for

FORM = "application/x-www-form-urlencoded"
FILES = 'multipart/form-data; boundary="x"'
PROOF = f"/campaigns/matters/{'0' * 32}/steps/report"  # A page that takes a file.
PART = b'--x\r\nContent-Disposition: form-data; name="subject"\r\n'


@pytest.mark.parametrize(
    ("path", "kind", "body", "status"),
    [
        ("/petition", f"{FORM}; charset=nope", b"subject=a", 415),
        ("/petition", f"{FORM}; charset=rot13", b"subject=a", 415),
        ("/petition", f"{FORM}; charset=utf-16", b"subject=a", 415),
        ("/petition", FORM, b"subject=\xff\xfe", 400),
        ("/petition", FORM, b"&a=1" * 5_000, 413),
        ("/petition", FILES, PART + b"\r\na\r\n--x--\r\n", 415),
        (PROOF, "multipart/form-data", b"x", 400),
        (PROOF, FILES, b"--x\r\nbroken", 400),
        (PROOF, FILES, b"--x\r\n\r\na\r\n--x--\r\n", 400),
        (PROOF, FILES, PART + b"Content-Type: text/plain; charset=nope\r\n\r\na\r\n--x--\r\n", 400),
        (PROOF, "multipart/mixed; boundary=x", b"--x\r\n\r\na\r\n--x--\r\n", 415),
        ("/progress", "application/json; charset=nope", b"{}", 415),
        ("/inbound/sms", "application/json; charset=nope", b"{}", 415),
        ("/api/v1/cases", "application/json; charset=rot13", b"{}", 415),
    ],
)
async def test_a_body_nobody_can_read_is_refused_with_words(
    house: House, path: str, kind: str, body: bytes, status: int
) -> None:
    browser = house.browser() if path != PROOF else await house.official("chengguan.receptionist")
    headers: dict[str, Any] = {"Content-Type": kind}
    if token := TOKEN.search(await (await browser.get("/book")).text()):
        headers["X-CSRF-Token"] = token.group(1)
    answer = await browser.post(path, body, headers=headers)
    assert answer.status == status, await answer.text()
    told = (await answer.json())["error"]["message"] if "json" in answer.content_type else await answer.text()
    assert re.search("请|不接受", told) and "系统出了点问题" not in told


async def test_a_line_that_is_no_http_leaves_no_code_in_the_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """An app that does not escape what it opens sends such lines; the server's trace would quote them."""
    caplog.set_level("INFO")
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write("GET /j/geheim-1234/好?phone=13800000000 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert (await reader.readline()).split()[1] == b"400"
    writer.close()
    assert "malformed request" in caplog.text
    assert "geheim" not in caplog.text
    assert "13800000000" not in caplog.text


@pytest.mark.parametrize("odd", ["\0", "\ud800", "\u202e"])
async def test_a_program_is_told_what_it_may_not_send(house: House, odd: str) -> None:
    """JSON can write what no database and no answer can hold (RFC 8259, section 8.2)."""
    token = await token_for(house)
    for told in (MATTER | {"external_id": f"a{odd}b"}, MATTER | {odd: "x"}):
        status, problem, _ = await ask(house, token, told=told)
        assert (status, problem["code"] in ("required", "unknown_field")) == (422, True), problem
    answer = await house.browser().post("/inbound/sms", b"{}", headers={"X-Nonce": "\udcff"})
    assert answer.status < 500


async def test_bytes_in_a_header_are_no_key(house: House) -> None:
    for line in (b"Authorization: Bearer \xff\xfe", b"Cookie: lianxin=\xff", b"Accept-Language: \xff"):
        reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
        writer.write(b"GET /api/v1/cases HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n\r\n")
        assert (await reader.readline()).split()[1] == b"401", line
        writer.close()
