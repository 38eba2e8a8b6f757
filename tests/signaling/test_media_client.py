"""A link to a media worker ends when it is told to, whatever moment it is told in."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from signaling.media_client import WorkerLink
from tests.signaling.fake_worker import FakeWorker


class Nobody:
    """Listens and does nothing."""

    async def worker_came(self, link: WorkerLink, rooms: dict[str, object]) -> None: ...

    def worker_said(self, link: WorkerLink, event: object) -> None: ...

    async def worker_lost(self, link: WorkerLink) -> None: ...


@pytest.mark.parametrize("turns", range(60))
async def test_closing_ends_the_link_whatever_it_waits_for(turns: int) -> None:
    """The moment of closing goes through connecting, both questions of the greeting, and listening."""
    with tempfile.TemporaryDirectory(prefix="lx") as folder:
        worker = FakeWorker(str(Path(folder) / "s"))
        await worker.start()
        link = WorkerLink(worker.path, Nobody())
        link.start()
        for _ in range(turns):
            await asyncio.sleep(0)
        await asyncio.wait_for(link.close(), 5)
        assert not link.connected
        await worker.kill()
