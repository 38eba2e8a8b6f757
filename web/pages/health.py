"""For operators: is the process alive, can it serve, its figures."""

from __future__ import annotations

import logging

from aiohttp import web
from sqlalchemy import text

from web.figures import exposition
from web.keys import DATABASE, SETTINGS
from web.live import media_is_there

logger = logging.getLogger(__name__)


async def alive(request: web.Request) -> web.StreamResponse:
    return web.json_response({"status": "ok"})


async def ready(request: web.Request) -> web.StreamResponse:
    """200 when the database answers and a media worker is connected, else 503 with which one is missing."""
    found = {"database": await _database_answers(request), "media": media_is_there(request.app)}
    status = 200 if all(found.values()) else 503
    return web.json_response({"status": "ok" if status == 200 else "unready", **found}, status=status)


async def authority(request: web.Request) -> web.StreamResponse:
    """The certificate of our own authority, for phones to trust; only while `--lan` uses it."""
    settings = request.app[SETTINGS]
    directory = settings.state / "tls"
    if not settings.web.certificate.startswith(str(directory)):
        raise web.HTTPNotFound
    body = (directory / "authority.pem").read_bytes()
    return web.Response(body=body, content_type="application/x-x509-ca-cert")


async def metrics(request: web.Request) -> web.StreamResponse:
    """Prometheus text. Served to this machine and to configured proxies' networks only."""
    if (request.remote or "") not in ("127.0.0.1", "::1") or "X-Forwarded-For" in request.headers:
        raise web.HTTPNotFound
    return web.Response(
        body=exposition(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )


async def _database_answers(request: web.Request) -> bool:
    try:
        async with request.app[DATABASE].session() as db:
            await db.execute(text("SELECT 1"))
    except Exception:  # noqa: BLE001 - whatever the driver raises, the answer is "no".
        logger.exception("The database does not answer")
        return False
    return True
