"""One file with correct Range semantics (RFC 9110 section 14): 200, 206, 416, If-Range, HEAD."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from aiohttp import web

CHUNK = 256 * 1024
SINGLE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Unsatisfiable(ValueError):
    """The range lies outside the file."""


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """[start, end) of a single range, or None for the whole file.

    A malformed header or several ranges are ignored, as the RFC permits. Raises Unsatisfiable.
    """
    match = SINGLE.fullmatch(header.strip()) if header else None
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if not first:  # The last n bytes.
        if int(last) == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - int(last)), size
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return start, min(int(last) + 1, size) if last else size


async def respond_with_file(request: web.Request, path: Path, kind: str, tag: str) -> web.StreamResponse:
    """Send `path`; `tag` is a strong validator of its content. Raises HTTPNotFound, also for a symlink."""
    try:
        descriptor = await asyncio.to_thread(os.open, path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise web.HTTPNotFound from error
    try:
        return await _send(request, descriptor, kind, f'"{tag}"')
    finally:
        os.close(descriptor)


async def _send(request: web.Request, descriptor: int, kind: str, tag: str) -> web.StreamResponse:
    size = os.fstat(descriptor).st_size
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Content-Type": kind,
        "Cache-Control": "private, no-store",
    }
    wanted = request.headers.get("Range")
    if request.headers.get("If-Range", tag) != tag:
        wanted = None
    try:
        part = parse_range(wanted, size)
    except Unsatisfiable:
        return web.Response(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    start, end = part or (0, size)
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    response = web.StreamResponse(status=206 if part else 200, headers=headers)
    response.content_length = end - start
    await response.prepare(request)
    if request.method != "HEAD":
        await _copy(response, descriptor, start, end)
    await response.write_eof()
    return response


async def _copy(response: web.StreamResponse, descriptor: int, start: int, end: int) -> None:
    while start < end:
        data = await asyncio.to_thread(os.pread, descriptor, min(CHUNK, end - start), start)
        if not data:
            return
        await response.write(data)
        start += len(data)
