"""Events leave the house here: the sender behind the port of the queue, and the task that sends."""

from __future__ import annotations

import asyncio
import functools
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver

from cases.errors import Invalid
from cases.intake.receivers import Receivers
from cases.intake.webhook_queue import WebhookError, due_webhooks, forget_events, send_events
from web.figures import WEBHOOKS
from web.keys import CLOCK, DATABASE, SETTINGS
from web.settings import Settings
from web.tending.messages import MESSENGER

logger = logging.getLogger(__name__)
EVERY = 2.0  # Seconds between two looks.
TIDY = 3600.0  # Seconds between two looks at what may be forgotten.
PARALLEL = 8  # Receivers that are sent to at the same time; a slow one keeps only itself.
PATIENCE = 10.0  # Seconds until an answer.
RECEIVERS = web.AppKey("receivers", Receivers)


class PermittedResolver(AbstractResolver):
    """Names to addresses, none but permitted ones: what a name means may change after it was looked at."""

    def __init__(self, receivers: Receivers) -> None:
        self._receivers = receivers
        self._resolver = ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
        found = await self._resolver.resolve(host, port, family)
        permitted = [each for each in found if self._receivers.permits(each["host"])]
        if not permitted:
            raise WebhookError("这个网段不在允许推送的名单里")
        return permitted

    async def close(self) -> None:
        await self._resolver.close()


@functools.cache
def system_authorities() -> ssl.SSLContext:
    """Whom the system trusts: read when the first event goes out, which in most offices is never."""
    return ssl.create_default_context()


class HttpSender:
    """Posts events; follows no redirect and reads no answer beyond its status.

    Given: where events may go, and the authorities that sign receivers (none: the system's).
    """

    def __init__(self, receivers: Receivers, authority: str = "", patience: float = PATIENCE) -> None:
        self._receivers = receivers
        self._patience = aiohttp.ClientTimeout(total=patience)
        self._tls = ssl.create_default_context(cafile=authority) if authority else None

    async def send(self, address: str, headers: Mapping[str, str], body: bytes) -> str:
        try:
            self._receivers.check(address)  # What is permitted may be less than on the day it was entered.
            tls = self._tls or system_authorities()
            connector = aiohttp.TCPConnector(resolver=PermittedResolver(self._receivers), ssl=tls)
            async with (
                aiohttp.ClientSession(connector=connector, timeout=self._patience) as http,
                http.post(address, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                status = answer.status
        except Invalid as error:
            raise WebhookError(error.message) from error
        except TimeoutError as error:
            raise WebhookError("对方没有及时答复") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error.__cause__, WebhookError):
                raise error.__cause__ from error
            raise WebhookError(f"连不上对方（{type(error).__name__}）") from error
        if 300 <= status < 400:
            raise WebhookError(f"对方答复 {status}，不跟随转向")
        if status // 100 != 2:
            raise WebhookError(f"对方答复 {status}")
        return str(status)


def receivers_of(settings: Settings) -> Receivers:
    """Where the operator lets events go."""
    return Receivers.of(settings.webhooks.plain_hosts, settings.webhooks.networks)


async def tell(app: web.Application) -> AsyncIterator[None]:
    """Given: database, clock, settings, messenger. Owned: the task that sends, ended with the process."""
    app[RECEIVERS] = receivers_of(app[SETTINGS])
    sender = HttpSender(app[RECEIVERS], app[SETTINGS].webhooks.authority)
    task = asyncio.create_task(_tell_on(app, sender), name="webhooks")
    yield
    task.cancel()
    await asyncio.wait({task})


async def send_round(app: web.Application, sender: HttpSender) -> int:
    """One look: what waits for each receiver that may be tried; returns how many events left."""
    async with app[DATABASE].session() as db:
        due = await due_webhooks(db, app[CLOCK])
    turn = asyncio.Semaphore(PARALLEL)
    opened = app[MESSENGER].secrets.envelope.open

    async def one(webhook_id: str) -> int:
        async with turn, app[DATABASE].session() as db:
            return await send_events(db, app[CLOCK], opened, sender, webhook_id)

    left = sum(await asyncio.gather(*(one(each) for each in due)))
    WEBHOOKS.inc(left)
    return left


async def _tell_on(app: web.Application, sender: HttpSender) -> None:
    loop = asyncio.get_running_loop()
    tidied = loop.time()
    while True:
        left = 0
        try:
            left = await send_round(app, sender)
            if loop.time() - tidied > TIDY:
                tidied = loop.time()
                async with app[DATABASE].session() as db:
                    await forget_events(db, app[CLOCK])
        except Exception:  # noqa: BLE001 - the next round tries again; a database may be away for a while.
            logger.exception("Events could not be sent to other systems")
        await asyncio.sleep(0.1 if left else EVERY)
