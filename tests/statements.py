"""SQL compiled once per run, not once per test.

SQLAlchemy keeps what it compiled per engine and dialect, and every test has an engine of its own. In the
program there is one engine for the whole life of a process, so this is closer to it, and it saves a sixth of
the processor time of all tests with a database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

import cases.database


def share_compiled_statements() -> Iterator[None]:
    """While it is open, engines for the same driver share one dialect and one cache of statements."""
    known: dict[str, Dialect] = {}
    compiled: LRUCache[Any, Any] = LRUCache(2000)

    def create(url: URL, **options: Any) -> AsyncEngine:
        engine = create_async_engine(url, **options)
        dialect = known.setdefault(url.drivername, engine.dialect)
        # Only a dialect that was connected once knows its server.
        if getattr(dialect, "server_version_info", None) is None:
            known[url.drivername] = engine.dialect
        else:
            engine.sync_engine.dialect = dialect
        engine.sync_engine.update_execution_options(compiled_cache=compiled)
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cases.database, "create_async_engine", create)
        yield


def of_a_request() -> bool:
    """Is the statement that is just being run one that a page asks, and not the program by itself?"""
    task = asyncio.current_task()
    return task is not None and "RequestHandler" in getattr(task.get_coro(), "__qualname__", "")
