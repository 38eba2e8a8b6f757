"""Messages leave the house here: the gateways behind the port of the outbox, and the task that sends."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
from aiohttp import web

from scheduling.arrival.identity import Secrets
from scheduling.notices.delivering import deliver_notices
from scheduling.notices.gateway import Envelope, Gateway, GatewayError, Message
from web.keys import CLOCK, DATABASE, SERVER_KEY, SETTINGS
from web.settings import Settings

logger = logging.getLogger(__name__)
EVERY = 2.0  # Seconds between two looks; whoever queues a message wakes the task at once.
MOST_SHOWN = 100
SHOWN_WITHIN = 12.0  # Seconds: SQLite lets a writer wait for ten.
PATIENCE = aiohttp.ClientTimeout(total=10)


class ShownGateway:
    """The demonstration's: nothing leaves; the text stands on the outbox page, in the terminal, and on the
    page that waits for it: whoever tries it out has no such telephone."""

    keeps_text = True

    def __init__(self) -> None:
        # The last text for each number; a demonstration knows a handful.
        self.shown: dict[str, str] = {}
        self._news = asyncio.Event()

    async def send(self, message: Message) -> None:
        if len(self.shown) >= MOST_SHOWN:
            self.shown.clear()
        self.shown[message.recipient] = message.text
        self._news.set()
        logger.warning("短信 SMS → %s：%s", message.recipient, message.text)

    async def until_shown(self, recipient: str) -> str:
        """The last message to this number as soon as there is one; nothing after SHOWN_WITHIN seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SHOWN_WITHIN):
                while recipient not in self.shown:
                    self._news.clear()
                    await self._news.wait()
        return self.shown.get(recipient, "")


class HttpGateway:
    """Posts {id, channel, to, text} as JSON with a bearer token; 2xx means taken over.

    The id is the same when a message is sent again, so that the other side can leave out doubles.
    """

    keeps_text = False

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token

    async def send(self, message: Message) -> None:
        body = {"id": message.id, "channel": message.channel, "to": message.recipient, "text": message.text}
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            async with (
                aiohttp.ClientSession(timeout=PATIENCE) as http,
                http.post(self._url, json=body, headers=headers, allow_redirects=False) as answer,
            ):
                if answer.status // 100 != 2:
                    raise GatewayError(f"短信网关答复 {answer.status}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise GatewayError(f"连不上短信网关（{type(error).__name__}）") from error


class Messenger:
    """What pages need for messages: the secrets of codes and drafts, whether anything can be sent, a bell."""

    def __init__(self, server_key: bytes, gateway: Gateway | None) -> None:
        self.gateway = gateway
        envelope = Envelope(base64.urlsafe_b64encode(_derived(server_key, b"outbox")))
        self.secrets = Secrets(_derived(server_key, b"identity codes"), envelope)
        self._bell = asyncio.Event()

    @property
    def works(self) -> bool:
        return self.gateway is not None

    def ring(self) -> None:
        """Something was queued."""
        self._bell.set()

    async def rung(self) -> None:
        """Until something was queued, or it is time to look again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY):
                await self._bell.wait()
        self._bell.clear()


MESSENGER = web.AppKey("messenger", Messenger)


def make_messenger(settings: Settings, server_key: bytes) -> Messenger:
    gateway: Gateway | None = None
    if settings.notices.gateway:
        gateway = HttpGateway(settings.notices.gateway, settings.notices.token)
    elif settings.demo:
        gateway = ShownGateway()
    return Messenger(server_key, gateway)


async def sending(app: web.Application) -> AsyncIterator[None]:
    """Given: database, clock, messenger. Owned: the task that sends, ended with the process."""
    app[MESSENGER] = make_messenger(app[SETTINGS], app[SERVER_KEY])
    task = asyncio.create_task(_send_on(app))
    yield
    task.cancel()
    await asyncio.wait({task})


async def _send_on(app: web.Application) -> None:
    messenger = app[MESSENGER]
    while True:
        try:
            async with app[DATABASE].session() as db:
                envelope = messenger.secrets.envelope
                await deliver_notices(db, app[CLOCK], envelope, messenger.gateway)
        except Exception:  # noqa: BLE001 - the next round tries again; a database may be away for a while.
            logger.exception("The outbox could not be worked through")
        await messenger.rung()


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.new(key, purpose, hashlib.sha256).digest()
