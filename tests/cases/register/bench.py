"""`python -m tests.cases.register.bench [COUNT]`, part of `make bench`: officials' pages of a large register.

Fifty people open pages of a real server, each one page after another with PAUSE between them; of every page
the 95th percentile is printed. PostgreSQL holds COUNT cases (1,000,000), SQLite a tenth of them.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from cases.database import Database
from tests.cases.register.scale import READERS, make_places, write_register
from tests.clock import FixedClock
from tests.databases import DatabaseServer, requested_systems
from tests.factories import PASSWORD
from tests.web.conftest import TOKEN
from web.app import create_app
from web.settings import DatabaseSettings, ReceptionSettings, Settings

GOAL = 0.2  # s, at the 95th percentile
USERS = 50
PAUSE = 2.0  # s
SECONDS = 40.0
PAGES = {
    "the newest": "/cases",
    "a page of 2024": "/cases?before=1717200000000000-x",
    "by number": "/cases?search=LZ2026-0001000",
    "by last digits": "/cases?search=5000",
    "by name": "/cases?search=李德福",
    "by surname": "/cases?search=单",
    "by first letters": "/cases?search=ldf",
    "by a word": "/cases?search=供暖不足",
    "by two words": "/cases?search=酒泉路+三个月",
    "two words that never meet": "/cases?search=供暖+路灯",
    "a state and a channel": "/cases?state=accepted&channel=sms",
    "a class and days": "/cases?class=claim&since=2025-01-01&until=2025-02-01",
    "due dates": "/clocks",
    "due dates, overdue": "/clocks?which=overdue",
    "the day's board": "/board",
}


def serve(url: str, state: str, port: multiprocessing.Queue[int]) -> None:
    """The web process, on a port of its own choice."""

    async def run() -> None:
        reception = ReceptionSettings(identity=False)
        settings = Settings(state=Path(state), database=DatabaseSettings(url), reception=reception)
        runner = web.AppRunner(create_app(settings, FixedClock()), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port.put(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


@asynccontextmanager
async def served(url: str, state: Path) -> AsyncIterator[str]:
    context = multiprocessing.get_context("spawn")
    port: multiprocessing.Queue[int] = context.Queue()
    process = context.Process(target=serve, args=(url, str(state), port), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{await asyncio.to_thread(port.get, True, 120)}"
    finally:
        process.terminate()
        process.join(10)


async def signed_in(base: str, username: str) -> aiohttp.ClientSession:
    http = aiohttp.ClientSession(base, cookie_jar=aiohttp.CookieJar(unsafe=True))
    async with http.get("/signin") as answer:
        token = TOKEN.search(await answer.text())
    assert token is not None
    fields = {"csrf_token": token[1], "username": username, "password": PASSWORD}
    async with http.post("/signin", data=fields, headers={"Origin": base}, allow_redirects=False) as answer:
        assert answer.status == 303, await answer.text()
    return http


async def visit(base: str) -> dict[str, list[float]]:
    """Seconds that each page took, as USERS people saw it."""
    people = [await signed_in(base, name) for name in READERS]
    took: dict[str, list[float]] = defaultdict(list)
    end = time.monotonic() + SECONDS

    async def user(number: int) -> None:
        dice, http = random.Random(number), people[number % len(people)]
        await asyncio.sleep(dice.random() * PAUSE)
        while time.monotonic() < end:
            name = dice.choice(list(PAGES))
            began = time.perf_counter()
            async with http.get(PAGES[name]) as answer:
                assert answer.status == 200, (name, answer.status)
                await answer.read()
            took[name].append(time.perf_counter() - began)
            await asyncio.sleep(PAUSE)

    for http in people:  # What is read for the first time is no page's fault.
        for path in PAGES.values():
            async with http.get(path) as answer:
                assert answer.status == 200, (path, answer.status)
    await asyncio.gather(*(user(number) for number in range(USERS)))
    for http in people:
        await http.close()
    return took


async def measure(server: DatabaseServer, system: str, count: int, directory: Path) -> None:
    url = server.create(system)
    database, clock = Database(url), FixedClock()
    began = time.monotonic()
    world = await make_places(database, clock)
    await write_register(database, clock, world, count)
    await database.close()
    print(f"{system}, {count} cases, written in {time.monotonic() - began:.0f} s", flush=True)
    async with served(url, directory / f"state-{system}") as base:
        took = await visit(base)
    pages = sum(len(each) for each in took.values())
    print(f"  {USERS} users, {pages / SECONDS:.0f} pages a second, 95 % within {GOAL * 1000:.0f} ms:")
    for name in PAGES:
        times = sorted(took[name])
        middle, late = statistics.median(times), times[int(len(times) * 0.95)]
        verdict = "met" if late <= GOAL else "MISSED"
        print(f"  {name:28} {len(times):5} {middle * 1000:8.1f} {late * 1000:9.1f} ms  {verdict}", flush=True)
    server.drop(url)


async def main(count: int) -> None:
    """Print a table for each database."""
    directory = Path(tempfile.mkdtemp(prefix="lianxin-register-"))
    server = DatabaseServer(directory)
    for system in requested_systems():
        await measure(server, system, count if system == "postgresql" else count // 10, directory)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
