"""One file with correct Range semantics (RFC 9110 sections 13 and 14): 200, 206, 304, 412, 416, HEAD."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from pathlib import Path

from aiohttp import web

CHUNK = 256 * 1024
# Names of units are case-insensitive (14.1); only ASCII digits are digits.
SINGLE = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE)
LARGEST_DIGITS = 18  # Positions beyond are beyond every file.


class Unsatisfiable(ValueError):
    """The range lies outside the file."""


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """[start, end) of a single range, or None for the whole file.

    A malformed header or several ranges are ignored, as the RFC permits (14.2). Raises Unsatisfiable.
    """
    match = SINGLE.fullmatch(_one_of_list(header)) if header else None
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = (_position(digits) for digits in match.groups())
    if first is None:  # The last n bytes; of an empty file all there is, which no Content-Range can say.
        if not last:
            raise Unsatisfiable
        return (max(0, size - last), size) if size else None
    if last is not None and last < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return first, size if last is None else min(last + 1, size)


def _one_of_list(header: str) -> str:
    """The header without the empty elements that a list may have (5.6.1.2)."""
    unit, equals, ranges = header.strip(" \t").partition("=")
    return unit + equals + ",".join(part for part in ranges.split(",") if part.strip(" \t"))


def _position(digits: str) -> int | None:
    """None where there are no digits; large decimals are anticipated (14.1.2)."""
    digits = digits.lstrip("0") or digits[:1]
    return int(digits[:LARGEST_DIGITS] + "0" * (len(digits) > LARGEST_DIGITS)) if digits else None


def names_tag(header: str, tag: str, weak: bool) -> bool:
    """Is ``tag`` among the validators of a precondition, by weak or by strong comparison (8.8.3.2)?"""
    named = [part.strip(" \t") for part in header.split(",")]
    return header.strip() == "*" or tag in named or (weak and f"W/{tag}" in named)


async def respond_with_file(request: web.Request, path: Path, kind: str, tag: str) -> web.StreamResponse:
    """Send `path`; with size and time of the file `tag` is a strong validator of its content.

    Raises HTTPNotFound, also for a symlink and for what is no file.
    """
    try:
        descriptor = await asyncio.to_thread(_open, path)
    except (OSError, ValueError) as error:
        raise web.HTTPNotFound from error
    try:
        found = os.fstat(descriptor)
        return await _send(request, descriptor, kind, f'"{tag}-{found.st_size:x}-{found.st_mtime_ns:x}"')
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    """A regular file, never a link; a pipe is not waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"not a regular file: {path}")
    return descriptor


async def _send(request: web.Request, descriptor: int, kind: str, tag: str) -> web.StreamResponse:
    found = _place(request, os.fstat(descriptor).st_size, kind, tag)
    if isinstance(found, web.Response):
        return found
    start, end, status, headers = found
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = end - start
    await response.prepare(request)
    if request.method != "HEAD" and await _copy(response, descriptor, start, end) < end:
        # Fewer bytes than were announced: only the end of the connection tells the other side.
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def respond_with_bytes(request: web.Request, content: bytes, kind: str, tag: str) -> web.Response:
    """Send `content`, of which `tag` is a strong validator."""
    found = _place(request, len(content), kind, f'"{tag}"')
    if isinstance(found, web.Response):
        return found
    start, end, status, headers = found
    return web.Response(body=content[start:end], status=status, headers=headers)


def _place(
    request: web.Request, size: int, kind: str, tag: str
) -> web.Response | tuple[int, int, int, dict[str, str]]:
    """Start and end of what is sent, with status and headers; an answer where nothing is."""
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Content-Type": kind,
        "Cache-Control": "private, no-store",
    }
    if refusal := _precondition(request, tag):
        return web.Response(status=refusal, headers=headers)
    try:
        part = parse_range(_wanted(request, tag), size)
    except Unsatisfiable:
        return web.Response(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    start, end = part or (0, size)
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return start, end, 206 if part else 200, headers


def _precondition(request: web.Request, tag: str) -> int | None:
    """412 or 304 where a precondition ends the request (13.2.2); we have no dates to compare."""
    match, none_match = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if match is not None and not names_tag(match, tag, weak=False):
        return 412
    return 304 if none_match is not None and names_tag(none_match, tag, weak=True) else None


def _wanted(request: web.Request, tag: str) -> str | None:
    """The Range header that counts: of GET alone (14.2), given once, and of this very content (13.1.5)."""
    headers = request.headers.getall("Range", [])
    if request.method != "GET" or len(headers) != 1 or request.headers.get("If-Range", tag) != tag:
        return None
    return headers[0]


async def _copy(response: web.StreamResponse, descriptor: int, start: int, end: int) -> int:
    """Returns how far it came: the file may have been cut meanwhile."""
    while start < end:
        data = await asyncio.to_thread(os.pread, descriptor, min(CHUNK, end - start), start)
        if not data:
            break
        await response.write(data)
        start += len(data)
    return start
