"""What each child process of the supervisor runs."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from web.http.guards import AccessLogger
from web.processes.loading import loading
from web.settings import Settings

if TYPE_CHECKING:
    from recordings.archive.settings import ArchiverSettings
    from recordings.watch.stamping import StampSettings

logger = logging.getLogger(__name__)
# Objects made between two looks at the youngest of them, and every how many looks older ones are taken in.
GARBAGE_LOOKED_FOR = (10_000, 20, 50)


def base_url(settings: Settings) -> str:
    """How people on this machine or network reach the pages."""
    if settings.web.public_url:
        return settings.web.public_url.rstrip("/")
    host = settings.web.host
    if host in ("0.0.0.0", "::"):
        from web.processes.tls import lan_addresses

        host = next(iter(lan_addresses()), "127.0.0.1")
    scheme = "https" if settings.web.certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.web.port}"


def run_web(settings: Settings) -> None:
    """Serve pages, API and signaling until SIGTERM."""
    asyncio.run(_serve_pages(settings))


def settle() -> None:
    """What the start has loaded stays for good: it is looked through for garbage once, and then no more.

    A look at all of it takes a tenth of a second and longer, and everybody's page waits for that.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_LOOKED_FOR)


async def _serve_pages(settings: Settings) -> None:
    with loading():
        from cases.register.terms import load_readings
        from web.app import create_app, tls_context

        load_readings()
    runner = web.AppRunner(
        create_app(settings),
        access_log_class=AccessLogger,
        handle_signals=False,
        keepalive_timeout=30,
        shutdown_timeout=3,
        max_line_size=8190,
    )
    await runner.setup()
    site: web.BaseSite
    if settings.web.listen_descriptor >= 0:
        listener = socket.socket(fileno=settings.web.listen_descriptor)
        site = web.SockSite(runner, listener, ssl_context=tls_context(settings))
    else:
        site = web.TCPSite(runner, settings.web.host, settings.web.port, ssl_context=tls_context(settings))
    try:
        await site.start()
        settle()
        await _until_told()
    finally:
        await runner.cleanup()


def run_recordings(settings: Settings) -> None:
    """Seal and compose until SIGTERM."""
    asyncio.run(_seal_and_compose(settings))


async def _seal_and_compose(settings: Settings) -> None:
    with loading():
        from cases.clock import SystemClock
        from cases.database import Database
        from recordings.archive.archiver import run_archiver
        from recordings.settings import RecordingsSettings
        from recordings.worker import run_recordings_worker
        from scheduling.materials.store import MaterialStore
        from signaling.seat import seats_of_session

    database = Database(settings.database_url)
    wanted = RecordingsSettings(
        settings.recordings_root,
        settings.state / "keys",
        settings.recordings.poll_seconds,
        timedelta(days=settings.recordings.verify_days),
        spill=settings.spill_root,
        materials=MaterialStore.at(settings.state),
        stamps=_stamps(settings),
    )
    work = asyncio.create_task(run_recordings_worker(database, SystemClock(), wanted, seats_of_session))
    copying = asyncio.create_task(run_archiver(database, SystemClock(), archiver_settings(settings)))
    told = asyncio.create_task(_until_told())
    try:
        await asyncio.wait({work, copying, told}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (work, copying, told):
            task.cancel()
        await asyncio.gather(work, copying, told, return_exceptions=True)
        await database.close()


def _stamps(settings: Settings) -> StampSettings | None:
    from recordings.evidence.timestamp_http import HttpAuthority
    from recordings.watch.stamping import StampSettings

    stamps = settings.stamps
    return (
        StampSettings(HttpAuthority(stamps.authority), Path(stamps.certificate)) if stamps.authority else None
    )


def archiver_settings(settings: Settings) -> ArchiverSettings:
    """What the archiver is given by the settings."""
    from recordings.archive.key import KEY_FILE
    from recordings.archive.retention import read_classes
    from recordings.archive.settings import ArchiverSettings
    from recordings.archive.store import StoreAddress, open_store

    archive = settings.archive
    address = StoreAddress(
        archive.store,
        archive.endpoint,
        archive.region,
        archive.access_key,
        archive.secret_key,
        archive.lock,
    )
    return ArchiverSettings(
        root=settings.recordings_root,
        key_file=Path(archive.key_file) if archive.key_file else settings.state / "keys" / KEY_FILE,
        store=open_store(address),
        retention=archive.retention,
        classes=read_classes(archive.classes),
        local_days=archive.local_days,
        poll_seconds=archive.poll_seconds,
        verify_period=timedelta(days=settings.recordings.verify_days),
    )


async def _until_told() -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()
