"""Export (刻录导出): the page that asks for the reason, and the package as a stream of ZIP bytes."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import av
from aiohttp import web

from cases.errors import Conflict, Invalid
from cases.policy import Actor
from recordings.evidence.signing import load_signer
from recordings.packages.clip import ClipError
from recordings.packages.export import (
    Export,
    begin_export,
    build_package,
    clean_reason,
    finish_export,
    see_export,
)
from recordings.packages.package import Package, PackageError, zip_package
from web.http.access import client_address
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, RENDERER, SETTINGS
from web.package_minutes import minutes_of_package
from web.package_page import PackagePages
from web.rendering import page

logger = logging.getLogger(__name__)
MOST_AT_ONCE = 2  # One export reads the disk as fast as it can; recording comes first.
PIECE = 1 << 20
EXPORTS = web.AppKey("exports", asyncio.Semaphore)


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form())


async def submit(request: web.Request) -> web.StreamResponse:
    """Log the export and send the package; what was typed wrong comes back with the page."""
    form, recording_id = Form(await request.post()), request.match_info["recording_id"]
    reason, span = form.take("reason", clean_reason), _span(form)
    if form.errors:
        return await _page(request, form, 422)
    places = request.app[EXPORTS]
    if places.locked():
        raise Conflict("export_busy", "另外的导出正在进行，请过几分钟再试。")
    async with places:
        clock, root = request.app[CLOCK], request.app[SETTINGS].recordings_root
        filing = request.app[SETTINGS].archive.filing
        actor, address = request[ACTOR], client_address(request)
        try:
            async with request.app[DATABASE].session() as db:
                export = await begin_export(
                    db, clock, actor, recording_id, reason, address, root, span, filing
                )
                signer = await asyncio.to_thread(load_signer, request.app[SETTINGS].state / "keys")
                minutes = await minutes_of_package(db, clock, actor, export, signer)
        except Invalid as error:
            form.fail(error.field or "reason", error.message)
            return await _page(request, form, 422)
        with tempfile.TemporaryDirectory(prefix="lianxin-export-") as room:
            pages = PackagePages(request.app[RENDERER], minutes)
            make = partial(build_package, export, signer, pages, Path(room))
            return await _send(request, actor, export, make)


async def _send(
    request: web.Request, actor: Actor, export: Export, make: Callable[[], Package]
) -> web.StreamResponse:
    try:
        package = await asyncio.to_thread(make)
        length = await asyncio.to_thread(package.length)
    except (ClipError, PackageError) as error:
        raise Conflict("export_failed", str(error)) from error
    except (OSError, ValueError, KeyError, TypeError, IndexError, av.FFmpegError) as error:
        logger.warning("Recording %s cannot be exported: %s", export.recording.id, error)
        raise Conflict("export_unreadable", "录像文件读不出来，不能导出。请先校验这份录像。") from error
    headers = {
        "Content-Type": "application/zip",
        "Content-Disposition": f'attachment; filename="{package.name}.zip"',
        "Cache-Control": "private, no-store",
    }
    response = web.StreamResponse(headers=headers)
    response.content_length = length
    await response.prepare(request)
    try:
        pieces = zip_package(package)
        piece = await asyncio.to_thread(_gather, pieces)
        while piece:
            following = await asyncio.to_thread(_gather, pieces)
            if not following:  # Nobody has the whole of a package whose export is not written down.
                async with request.app[DATABASE].session() as db:
                    await finish_export(
                        db, request.app[CLOCK], actor, export, package, client_address(request)
                    )
            await response.write(piece)
            piece = following
    except PackageError as error:
        # The length was promised: a connection that ends early tells the browser that the file is not whole.
        logger.warning("Export of recording %s broke off: %s", export.recording.id, error)
        response.force_close()
        if request.transport is not None:
            request.transport.close()
        return response
    await response.write_eof()
    return response


def _gather(pieces: Iterator[bytes]) -> bytes:
    """The next bytes, at least PIECE of them where there are so many; empty at the end."""
    found, size = [], 0
    for piece in pieces:
        found.append(piece)
        size += len(piece)
        if size >= PIECE:
            break
    return b"".join(found)


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    recording_id = request.match_info["recording_id"]
    async with request.app[DATABASE].session() as db:
        recording, session, verification = await see_export(db, request[ACTOR], recording_id)
    context = {
        "nav": "cases",
        "recording": recording,
        "title": session.title,
        "form": form,
        "size": recording.size + (recording.composed_size or 0),
        "verification": verification,
    }
    return page(request, "export.html", context, title=f"刻录导出：{session.title}", status=status)


def _span(form: Form) -> tuple[float, float] | None:
    """The range of a clip; None where both fields are empty."""
    ends = []
    for name in ("since", "until"):
        typed = form.values[name] = form.typed(name).strip()[:20]
        try:
            ends.append(parse_time(typed) if typed else None)
        except ValueError:
            form.fail(name, "请按 时:分:秒 填写，例如 0:12:30")
            ends.append(None)
    since, until = ends
    if until is None:
        if since is not None and "until" not in form.errors:
            form.fail("until", "请填写片段的结束时间")
        return None
    return since or 0.0, until


def parse_time(text: str) -> float:
    """Seconds of `1:02:03`, `2:03` or `123`. ValueError for anything else."""
    parts = text.replace("：", ":").split(":")
    if len(parts) > 3 or not all(part.isascii() and part.isdigit() and len(part) <= 5 for part in parts):
        raise ValueError("no time")
    numbers = [int(part) for part in parts]
    if any(number > 59 for number in numbers[1:]):
        raise ValueError("no time")
    seconds = 0.0
    for number in numbers:
        seconds = seconds * 60 + number
    return seconds
