"""The composition root: builds everything once, hands it down, closes it in the opposite order."""

from __future__ import annotations

import asyncio
import logging
import secrets
import ssl
from collections.abc import AsyncIterator

from aiohttp import web

from cases.administration.deadline_version import load_rules
from cases.administration.holidays import load_holidays
from cases.clock import Clock, SystemClock
from cases.database import Database
from cases.register.index import index_missing
from scheduling.afterwards.rating_sums import RatingSums
from scheduling.afterwards.session_trend import Trend
from web.http import guards
from web.http.flash import ONCE, OnceBook
from web.http.limits import RateLimits
from web.http.malformed import keep_out_of_the_log
from web.http.static_files import static_files
from web.http.turns import TURNS, Turns
from web.keys import CLOCK, DATABASE, LIMITS, RATING_SUMS, RENDERER, SERVER_KEY, SETTINGS, STATIC, TREND
from web.live import live_rooms, mount_signaling
from web.minutes.live_strokes import LIVE_STROKES, LiveStrokes
from web.oidc import Journeys
from web.pages.enclosures import keep_enclosures
from web.pages.export import EXPORTS, MOST_AT_ONCE
from web.pages.materials import keep_materials
from web.pages.provider import JOURNEYS
from web.rendering import Renderer
from web.replay.film_first import FILM_FIRST, FilmFirst
from web.replay.tracks import keep_piece_maker
from web.routes import mount_routes
from web.settings import Settings
from web.tending import counted_months, duty_notices, forgetting, importing, upload_watch, webhooks
from web.tending.messages import sending
from web.tending.session_notices import keeping
from web.views.board_memory import BOARDS, BoardMemory

logger = logging.getLogger(__name__)
BODY_CEILING = 64 * 1024  # Forms and JSON; parts of materials have their own in web/pages/materials.py.


def create_app(settings: Settings, clock: Clock | None = None) -> web.Application:
    """The web process as an aiohttp application; opens nothing before it is started."""
    settings.prepare_directories()
    keep_out_of_the_log()
    app = web.Application(
        middlewares=[guards.answer_trouble, guards.check_origin, guards.check_permission],
        client_max_size=BODY_CEILING,
    )
    app[SETTINGS] = settings
    app[CLOCK] = clock or SystemClock()
    app[TREND] = Trend(app[CLOCK])
    app[RATING_SUMS] = RatingSums(app[CLOCK])
    app[LIMITS] = RateLimits()
    app[ONCE] = OnceBook()
    app[TURNS] = Turns()
    app[BOARDS] = BoardMemory()
    app[EXPORTS] = asyncio.Semaphore(MOST_AT_ONCE)
    app[LIVE_STROKES] = LiveStrokes()
    app[STATIC] = static_files()
    app[JOURNEYS] = Journeys()
    app[FILM_FIRST] = FilmFirst()
    app[RENDERER] = Renderer()
    app[SERVER_KEY] = server_key(settings)
    app.on_response_prepare.append(guards.add_security_headers)
    app.cleanup_ctx.append(open_database)
    app.cleanup_ctx.append(sending)
    app.cleanup_ctx.append(keeping)
    app.cleanup_ctx.append(keep_materials)
    app.cleanup_ctx.append(keep_enclosures)
    app.cleanup_ctx.append(upload_watch.tend)
    app.cleanup_ctx.append(forgetting.forget)
    app.cleanup_ctx.append(importing.enter_rows)
    app.cleanup_ctx.append(duty_notices.tell)
    app.cleanup_ctx.append(webhooks.tell)
    app.cleanup_ctx.append(counted_months.count)
    app.cleanup_ctx.append(live_rooms)
    app.cleanup_ctx.append(keep_piece_maker)
    mount_routes(app)
    mount_signaling(app)
    return app


async def open_database(app: web.Application) -> AsyncIterator[None]:
    """Given: settings. Owned: the database of this program's schema, every case in its index."""
    database = Database(app[SETTINGS].database_url)
    await database.migrate()
    async with database.session() as db:
        await index_missing(db)
        await load_holidays(db)
        await load_rules(db)
    app[DATABASE] = database
    yield
    await database.close()


def server_key(settings: Settings) -> bytes:
    """What this server signs and seals with: form tokens, cookies, codes on their way. Outlives a restart."""
    path = settings.state / "keys" / "form.key"
    if not path.exists():
        fresh = path.with_suffix(".new")
        fresh.write_bytes(secrets.token_bytes(32))
        fresh.chmod(0o600)
        fresh.replace(path)
    return path.read_bytes()


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """TLS 1.2 or newer with the configured certificate; None for plain HTTP."""
    if not settings.web.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.web.certificate, settings.web.key)
    return context
