"""`lianxin demo` in a folder of its own, and its people at their desks: whose pages are photographed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import BrowserContext

from tests.scenarios.browsers import until
from tests.scenarios.service import free_port, is_ready
from web.demo.people import PASSWORD
from web.demo.prepare import RECEPTION, SITTING

SEEDED, RECORDED = 300, 240  # Seconds; the finished reception is really held, which takes one minute.


@dataclass(frozen=True)
class Demonstration:
    base: str
    state: Path

    def links(self) -> list[tuple[str, str]]:
        """Who was invited, and the path of the link with its secret."""
        found = []
        for name in (RECEPTION, SITTING):
            kept = self.state / "run" / name
            if kept.exists():
                found += [(row[1], row[2]) for row in json.loads(kept.read_text("utf-8"))["links"]]
        return found

    async def seat(self, context: BrowserContext, username: str) -> None:
        """Signed in, as officials sign in."""
        page = await context.new_page()
        await page.goto(self.base + "/signin")
        await page.fill("#username", username)
        await page.fill("#password", PASSWORD)
        async with page.expect_navigation():
            await page.locator("main form button").click()
        await page.close()


@asynccontextmanager
async def demonstration(state: Path) -> AsyncIterator[Demonstration]:
    """Seeded where that was not done yet; a folder that is kept is ready at once the next time."""
    state.mkdir(parents=True, exist_ok=True)
    port = free_port(socket.SOCK_STREAM)
    environment = {"LIANXIN_STATE": str(state), "LIANXIN_MEDIA_PORT": str(free_port(socket.SOCK_DGRAM))}
    with (state / "service.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "web.cli", "demo", "--port", str(port)),
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
        )
    made = Demonstration(f"http://127.0.0.1:{port}", state)
    try:
        await until(lambda: is_ready(made.base), SEEDED, "the demonstration answers", every=1)
        with suppress(AssertionError):  # The other pages are worth looking at without a film.
            films = state / "recordings"
            await until(lambda: any(films.rglob("*.mp4")), RECORDED, "a reception was recorded", every=1)
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 30)
