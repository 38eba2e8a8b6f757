"""Fixtures of the page tests: a real server on a real database, and browsers that are not signed in yet."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import BrowserContext

from cases.database import Database
from tests.clock import FixedClock
from tests.factories import PASSWORD, World
from web.app import create_app
from web.http.access import SIGN_IN_COOKIE
from web.http.guards import AccessLogger
from web.setting_groups import DatabaseSettings, ReceptionSettings, RecordingsSettings
from web.settings import Settings

TOKEN = re.compile(r'name="csrf_token" value="([^"]*)"')


class Browser:
    """A client with cookies that sends Origin as browsers do; never follows redirects by itself."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def get(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        return await self._ask("GET", path, **options)

    async def post(self, path: str, data: Any = None, **options: Any) -> aiohttp.ClientResponse:
        headers = {"Origin": self.base} | options.pop("headers", {})
        headers = {name: value for name, value in headers.items() if value is not None}
        return await self._ask("POST", path, data=data, headers=headers, **options)

    async def send(self, page: str, to: str, **fields: Any) -> aiohttp.ClientResponse:
        """Open `page`, take its form token, post `fields` with it."""
        token = TOKEN.search(await (await self.get(page)).text())
        return await self.post(to, {"csrf_token": token.group(1) if token else "", **fields})

    async def sign_in(self, username: str, password: str = PASSWORD) -> aiohttp.ClientResponse:
        return await self.send("/signin", "/signin", username=username, password=password)

    async def state_purpose(self, recording_id: str, kind: str = "procedure", words: str = "") -> int:
        """Say why a recording is played; without this there is no film. Returns the status, 303 when kept."""
        to = f"/recordings/{recording_id}/purpose"
        return (await self.send("/", to, kind=kind, words=words)).status

    def cookie(self, name: str) -> str:
        return next((cookie.value for cookie in self.http.cookie_jar if cookie.key == name), "")

    async def _ask(self, method: str, path: str, **options: Any) -> aiohttp.ClientResponse:
        answer = await self.http.request(method, self.base + path, allow_redirects=False, **options)
        await answer.read()
        return answer


@dataclass
class House:
    """The running server. Owned: the server and the browsers that were opened."""

    server: TestServer
    settings: Settings
    database: Database
    clock: FixedClock
    world: World
    browsers: list[Browser] = field(default_factory=list)

    def browser(self) -> Browser:
        made = Browser(f"http://127.0.0.1:{self.server.port}")
        self.browsers.append(made)
        return made

    async def official(self, key: str) -> Browser:
        """A browser signed in as the official of this key of the world."""
        browser = self.browser()
        answer = await browser.sign_in(self.world.officials[key].username)
        assert answer.status == 303, await answer.text()
        return browser

    async def seat(self, context: BrowserContext, key: str) -> Browser:
        """Signs a real browser in as the official of this key, and returns the client it shares that with.

        No page is opened for it: two would cost half a second of processor time. tests/web/test_axe.py
        fills in the form.
        """
        signed_in = await self.official(key)
        cookie = signed_in.cookie(SIGN_IN_COOKIE)
        await context.add_cookies([{"name": SIGN_IN_COOKIE, "value": cookie, "url": signed_in.base}])
        return signed_in


@pytest.fixture
async def house(
    database: Database, clock: FixedClock, world: World, tmp_path: Path, faces: Path
) -> AsyncIterator[House]:
    """The whole web process but for the media worker."""
    state = tmp_path / "var"
    state.mkdir(mode=0o700)
    (state / "faces").symlink_to(faces)
    url = database.url.render_as_string(hide_password=False)
    # Who people are is asked for in the tests that are about it (tests/web/test_identity.py).
    reception = ReceptionSettings(identity=False)
    settings = Settings(
        state=state,
        database=DatabaseSettings(url),
        reception=reception,
        recordings=RecordingsSettings(least_free_share=0),
    )
    server = TestServer(create_app(settings, clock), host="127.0.0.1")
    await server.start_server(access_log_class=AccessLogger)
    made = House(server, settings, database, clock, world)
    yield made
    for browser in made.browsers:
        await browser.http.close()
    await server.close()
