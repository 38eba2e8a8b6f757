"""`python -m tests.cases.register.bench [COUNT] [--cost]`, part of `make bench`: officials' pages of a large
register.

First each page is opened again and again by one person: what it costs the web process, in CPU and statements.
Then fifty people open pages of a real server, each one page after another with PAUSE between them; of every
page the 95th percentile is printed. PostgreSQL holds COUNT cases (1,000,000), SQLite a tenth of them. With
`--cost` only the first part, which is worth something on a busy machine, too.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
from aiohttp import web
from sqlalchemy import event

from cases.database import Database
from tests.cases.register.desks import write_desks
from tests.cases.register.scale import READERS, make_places, write_register
from tests.clock import FixedClock
from tests.clusters import LARGE_SETTINGS
from tests.databases import DatabaseServer, requested_systems
from tests.factories import PASSWORD
from tests.statements import of_a_request
from tests.web.conftest import TOKEN
from web.app import create_app
from web.keys import DATABASE
from web.processes.server import settle
from web.setting_groups import DatabaseSettings, ReceptionSettings
from web.settings import Settings
from web.tending import duty_notices

GOAL = 0.2  # s, at the 95th percentile
USERS = 50
PAUSE = 2.0  # s
SECONDS = 40.0
TIMES = 20  # that one page is opened for its cost
CASE = re.compile(r'href="/cases/([0-9a-z]{32})"')
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
    "what the board asks again": "/board/live",
    "a case": "/cases/{case}",
    "supervision": "/supervision",
    "notices": "/supervision/notices",
    "the week": "/calendar",
    "bookings": "/bookings",
    "alarms": "/alarms",
    "recordings": "/recordings",
    "figures": "/figures",
    "figures, receptions": "/figures/receptions",
    "mediations": "/mediation",
    "mediations, over": "/mediation?which=over",
    "campaigns": "/campaigns",
    "one's own campaigns": "/campaigns/mine",
    "supervision, listed": "/supervision/listed",
    "messages": "/messages",
    "requests": "/requests",
    "ratings": "/ratings",
    "outbox": "/outbox",
    "the rota": "/rota",
    "figures of cases": "/figures/cases?count=registered",
    "figures of districts": "/figures/districts",
    "figures of handling": "/figures/handling",
    "figures of satisfaction": "/figures/satisfaction",
    "topics": "/figures/topics",
    "the big screen": "/figures/screen",
    "the archive": "/archive",
    "the log": "/administration/audit",
    "the log of a month": "/administration/audit?since=2025-01-01&until=2025-01-31",
    "the log of a case": "/administration/audit?case=LZ2026-0001000",
    "who watched": "/audit/recordings",
    "imports": "/imports",
}


@dataclass(frozen=True)
class Spent:
    """What the web process has used since it began: seconds of CPU, statements."""

    cpu: float
    statements: int

    def since(self, before: Spent) -> Spent:
        return Spent(self.cpu - before.cpu, self.statements - before.statements)


class Served:
    """A web process, by its address and by what it says of itself. Owned: our end of the pipe."""

    def __init__(self, base: str, pipe: Connection) -> None:
        self.base = base
        self._pipe = pipe

    async def spent(self) -> Spent:
        self._pipe.send(None)
        return Spent(*await asyncio.to_thread(self._pipe.recv))


def serve(url: str, state: str, pipe: Connection) -> None:
    """The web process: tells its port, of its own choice, and what it spent as often as it is asked."""

    async def run() -> None:
        reception = ReceptionSettings(identity=False)
        settings = Settings(state=Path(state), database=DatabaseSettings(url), reception=reception)
        app = create_app(settings, FixedClock())
        # A register that was written in one go has a hundred thousand reminders to tell in its first hour.
        app.cleanup_ctx.remove(duty_notices.tell)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        settle()
        statements = 0

        def count(*_: object) -> None:
            nonlocal statements
            statements += of_a_request()

        def tell() -> None:
            pipe.recv()
            pipe.send((time.process_time(), statements))

        event.listen(app[DATABASE].engine.sync_engine, "before_cursor_execute", count)
        asyncio.get_running_loop().add_reader(pipe.fileno(), tell)
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


@asynccontextmanager
async def served(url: str, state: Path) -> AsyncIterator[Served]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(url, str(state), theirs), daemon=True)
    process.start()
    try:
        yield Served(f"http://127.0.0.1:{await asyncio.to_thread(ours.recv)}", ours)
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


class Reader:
    """Somebody signed in, with the addresses of the pages that he may open."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.paths: dict[str, str] = {}

    async def look_round(self) -> None:
        """Open every page once; what one of his role may not open is left out."""
        async with self.http.get("/cases") as answer:
            case = CASE.search(await answer.text())
        for name, pattern in PAGES.items():
            path = pattern.format(case=case[1] if case else "0" * 32)
            async with self.http.get(path) as answer:
                assert answer.status in (200, 403) or not case, (path, answer.status)
                if answer.status == 200:
                    self.paths[name] = path

    async def open(self, name: str) -> int:
        """How many bytes came."""
        async with self.http.get(self.paths[name]) as answer:
            assert answer.status == 200, (name, answer.status)
            return len(await answer.read())


async def weigh(server: Served, people: list[Reader]) -> None:
    """Print what each page costs the web process, one request at a time."""
    print(f"  {'':28} {'CPU ms':>8} {'statements':>11} {'kB':>6}")
    for name in (each for each in PAGES if any(each in person.paths for person in people)):
        openers = [each for each in people if name in each.paths]
        before, size = await server.spent(), 0
        for _ in range(TIMES):
            for person in openers:
                size += await person.open(name)
        spent, count = (await server.spent()).since(before), TIMES * len(openers)
        cpu, statements = spent.cpu / count * 1000, spent.statements / count
        print(f"  {name:28} {cpu:8.1f} {statements:11.1f} {size / count / 1000:6.1f}", flush=True)


async def visit(people: list[Reader]) -> dict[str, list[float]]:
    """Seconds that each page took, as USERS people saw it."""
    took: dict[str, list[float]] = defaultdict(list)
    end = time.monotonic() + SECONDS

    async def user(number: int) -> None:
        dice, person = random.Random(number), people[number % len(people)]
        await asyncio.sleep(dice.random() * PAUSE)
        while time.monotonic() < end:
            name = dice.choice(list(person.paths))
            began = time.perf_counter()
            await person.open(name)
            took[name].append(time.perf_counter() - began)
            await asyncio.sleep(PAUSE)

    await asyncio.gather(*(user(number) for number in range(USERS)))
    return took


async def measure(server: DatabaseServer, system: str, count: int, directory: Path, cost_only: bool) -> None:
    url = server.create(system)
    database, clock = Database(url), FixedClock()
    began = time.monotonic()
    world = await make_places(database, clock)
    await write_register(database, clock, world, count)
    await write_desks(database, clock, world)
    await database.close()
    print(f"{system}, {count} cases, written in {time.monotonic() - began:.0f} s", flush=True)
    async with served(url, directory / f"state-{system}") as web_process:
        people = [Reader(await signed_in(web_process.base, name)) for name in READERS]
        for person in people:  # What is read for the first time is no page's fault.
            await person.look_round()
        await weigh(web_process, people)
        if not cost_only:
            report(await visit(people))
        for person in people:
            await person.http.close()
    server.drop(url)


def report(took: dict[str, list[float]]) -> None:
    """A line for each page."""
    pages = sum(len(each) for each in took.values())
    print(f"  {USERS} users, {pages / SECONDS:.0f} pages a second, 95 % within {GOAL * 1000:.0f} ms:")
    for name in (each for each in PAGES if took[each]):
        times = sorted(took[name])
        middle, late = statistics.median(times), times[int(len(times) * 0.95)]
        verdict = "met" if late <= GOAL else "MISSED"
        print(f"  {name:28} {len(times):5} {middle * 1000:8.1f} {late * 1000:9.1f} ms  {verdict}", flush=True)


async def main(count: int, cost_only: bool) -> None:
    """Print tables for each database."""
    directory = Path(tempfile.mkdtemp(prefix="lianxin-register-"))
    server = DatabaseServer(directory, settings=LARGE_SETTINGS)
    for system in requested_systems():
        cases = count if system == "postgresql" else count // 10
        await measure(server, system, cases, directory, cost_only)
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.cases.register.bench", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=1_000_000, help="cases in PostgreSQL")
    parser.add_argument("--cost", action="store_true", help="only what each page costs the web process")
    options = parser.parse_args()
    asyncio.run(main(options.count, options.cost))
