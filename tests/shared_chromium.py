"""One Chromium for all tests of a process that look at pages: a context of its own for each is enough.

Half of what it takes to have a browser is its start (1.3 s of processor time; 0.65 s for one that runs). What
Playwright holds of it belongs to one event loop, and every test has a loop of its own; so it is started on a
loop in a thread, by Playwright and with its switches, and each test connects. Contexts end with a connection.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Error, async_playwright

from tests.scenarios.browsers import chromium


class SharedChromium:
    """Started when it is first asked for, and again should it be gone. Owned: the thread and the browser."""

    def __init__(self) -> None:
        self._port = 0
        self._over: threading.Event | None = None
        self._thread: threading.Thread | None = None

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Browser]:
        """The browser as a test holds it; nothing of the test is left in it afterwards."""
        async with async_playwright() as playwright:
            try:
                browser = await playwright.chromium.connect_over_cdp(self._address())
            except Error:  # An earlier test may have ended it.
                self.close()
                browser = await playwright.chromium.connect_over_cdp(self._address())
            try:
                yield browser
            finally:
                await browser.close()

    def close(self) -> None:
        """End it, if it runs."""
        if self._over is not None and self._thread is not None:
            self._over.set()
            self._thread.join(20)
        self._port, self._over, self._thread = 0, None, None

    def _address(self) -> str:
        if self._thread is None:
            self._port, self._over = free_port(), threading.Event()
            started: Future[None] = Future()
            self._thread = threading.Thread(target=self._run, args=(started, self._over), daemon=True)
            self._thread.start()
            started.result(60)
        return f"http://127.0.0.1:{self._port}"

    def _run(self, started: Future[None], over: threading.Event) -> None:
        async def live() -> None:
            async with chromium(port=self._port):
                started.set_result(None)
                await asyncio.to_thread(over.wait)

        try:
            asyncio.run(live())
        except Exception as error:
            if not started.done():
                started.set_exception(error)


def free_port() -> int:
    """A TCP port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
