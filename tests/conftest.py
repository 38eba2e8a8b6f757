"""Fixtures for every package: `database` (SQLite and PostgreSQL), `db`, `clock` and the office `world`."""

from __future__ import annotations

import contextlib
import gc
import importlib
import pickle
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from playwright.async_api import Browser, expect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import QueuePool

from cases import passwords, petitions
from cases.database import Database
from tests import databases
from tests.clock import FixedClock
from tests.clusters import Rows, find_binaries
from tests.databases import VARIABLE, DatabaseServer, missing_reason, requested_systems
from tests.factories import CHEAP_HASH, CHEAP_HASHER, World, make_world
from tests.shared_chromium import SharedChromium
from tests.statements import share_compiled_statements
from tests.turns import give_way

# Playwright's own five seconds are too few for a page that shares two cores with other browsers.
expect.set_options(timeout=20_000)
# New objects before somebody looks for waste among them, and how often before that is among older ones.
WASTE = (20_000, 20, 20)


def pytest_report_header() -> list[str]:
    """Say at the top of the run on which databases it runs."""
    lines = [f"databases: {', '.join(requested_systems())} (restrict with {VARIABLE}=sqlite)"]
    reason = missing_reason()
    if reason is not None:
        lines.append(f"!!! {reason} Its half of the database tests is SKIPPED.")
    elif "postgresql" in requested_systems():
        lines.append(f"postgresql: private server from {find_binaries()}")
    return lines


def pytest_collection(session: pytest.Session) -> None:
    """While tests are collected everything that is made stays: looking for waste was a fourth of the time."""
    gc.disable()
    begin_with_its_share(session.config)


def begin_with_its_share(config: pytest.Config) -> None:
    """Of several processes each reads other files first, then all of them in their order, as it must.

    What is new is compiled and has its assertions rewritten by whoever comes first, and twice as long as all
    the rest takes that: side by side in one order, every process did it for every file.
    """
    worker = getattr(config, "workerinput", None)
    if worker is None or [Path(each).resolve() for each in config.args] != [Path(__file__).parent]:
        return
    number, count = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
    root = Path(__file__).parent.parent
    for path in sorted(Path(__file__).parent.rglob("test_*.py"))[number::count]:
        # A file that cannot be read is told by whoever collects it.
        with contextlib.suppress(Exception):
            importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))


def pytest_collection_finish() -> None:
    """What was collected is no waste for the rest of the run, so nobody looks through it again.

    Nor is most of what every test makes: looking after each 700 objects took up to a tenth of the time.
    """
    gc.freeze()
    gc.set_threshold(*WASTE)
    gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Where files are given out to several processes: see tests/turns.py."""
    if hasattr(item.config, "workerinput"):
        give_way(item.location[0])


@pytest.fixture(scope="session", autouse=True)
def compiled_statements() -> Iterator[None]:
    """Every statement is compiled once."""
    yield from share_compiled_statements()


@pytest.fixture(scope="session", autouse=True)
def dear_passwords() -> Iterator[tuple[PasswordHasher, str]]:
    """No test spends a fifth of a second on a password; returns the hasher and the decoy of the program."""
    dear = passwords.HASHER, passwords.DECOY
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", CHEAP_HASHER)
        patch.setattr(passwords, "DECOY", CHEAP_HASH)
        yield dear


@pytest.fixture(scope="session", autouse=True)
def dear_codes() -> Iterator[int]:
    """Nor a hundredth of one on the query code of each case; returns what the program spends."""
    dear = petitions.CODE_COST
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(petitions, "CODE_COST", 2)
        yield dear


@pytest.fixture(scope="session")
def shared_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In which the processes of a run keep what they need only once."""
    one_of_several = hasattr(request.config, "workerinput")  # Their folders lie side by side.
    base = tmp_path_factory.getbasetemp()
    return base.parent if one_of_several else base


@pytest.fixture(scope="session", autouse=True)
def one_demonstration(shared_folder: Path) -> Iterator[None]:
    """The demo day of the services that tests start is made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "SHARED", shared_folder)
        yield


@pytest.fixture(scope="session", autouse=True)
def kept_scripts(shared_folder: Path) -> Iterator[None]:
    """Playwright's own program, which each test with a browser starts, is compiled once: a third of that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NODE_COMPILE_CACHE", str(shared_folder / "scripts"))
        yield


@pytest.fixture(scope="session")
def database_server(
    shared_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseServer]:
    """The place databases come from; PostgreSQL starts when it is first asked for."""
    server = DatabaseServer(tmp_path_factory.mktemp("databases"), shared_folder)
    yield server
    server.close()


@pytest.fixture(scope="session")
def faces(shared_folder: Path) -> Path:
    """The small face of letters takes seconds to be cut out: once for all services of a run."""
    folder = shared_folder / "faces"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(params=requested_systems())
def database_system(request: pytest.FixtureRequest) -> str:
    """Each requested system in turn; PostgreSQL is skipped loudly where it cannot run."""
    system: str = request.param
    if system == "postgresql" and (reason := missing_reason()) is not None:
        pytest.skip(reason)
    return system


@pytest.fixture
async def database(database_server: DatabaseServer, database_system: str) -> AsyncIterator[Database]:
    """A migrated database of its own for one test, on each system."""
    url = database_server.create(database_system)
    database = Database(url)
    yield database
    await database.close()
    database_server.drop(url)


@pytest.fixture
async def db(database: Database) -> AsyncIterator[AsyncSession]:
    """One session on `database`."""
    async with database.session() as db:
        yield db


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at 09:00 on a Wednesday in Beijing."""
    return FixedClock()


@pytest.fixture(scope="session")
def kept_worlds() -> dict[tuple[str, datetime], tuple[bytes, Path | Rows]]:
    """Of each system and beginning: the world and its rows, as the first test made them that needed it."""
    return {}


@pytest.fixture
async def world(
    database: Database,
    database_server: DatabaseServer,
    database_system: str,
    clock: FixedClock,
    kept_worlds: dict[tuple[str, datetime], tuple[bytes, Path | Rows]],
) -> World:
    """A small office world: see tests.factories.World. Its rows are copied, its objects are its own."""
    url, which = database.url.render_as_string(hide_password=False), (database_system, clock.now())
    pool = database.engine.pool
    fresh = isinstance(pool, QueuePool) and not pool.checkedin() and not pool.checkedout()
    if fresh and which in kept_worlds:
        objects, rows = kept_worlds[which]
        database_server.lay(url, rows)
        return World(*pickle.loads(objects))
    async with database.session() as db:
        made = await make_world(db, clock)
    if fresh:
        kept_worlds[which] = pickle.dumps((made.organisations, made.officials)), database_server.keep(url)
    return made


@pytest.fixture(scope="session")
def shared_chromium() -> Iterator[SharedChromium]:
    """Started when a page is first looked at."""
    shared = SharedChromium()
    yield shared
    shared.close()


@pytest.fixture
async def chrome(shared_chromium: SharedChromium) -> AsyncIterator[Browser]:
    """A headless Chromium as one test sees it; whoever asks for it is marked `needs_chromium`."""
    async with shared_chromium.connected() as browser:
        yield browser
