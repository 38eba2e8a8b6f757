"""The two kinds of worker that are killed, as real processes: `python -m tests.kills.processes WHAT JSON`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from recordings.child import die_with_parent
from recordings.film.plan import CompositionPlan
from scheduling.sessions.invitations import Invitation
from tests.media.workers import free_port
from tests.recordings.sitting import SeatStandIn

ROOT = Path(__file__).resolve().parents[2]
SMALL = CompositionPlan(width=640, height=360, fps=10, preset="ultrafast")
ROLL_SECONDS = 0.8  # So that kills also meet the turn from one segment to the next.
START_TIMEOUT = 60.0


class Killable:
    """One process. `start` returns when it is at work, `kill` when it is no more."""

    def __init__(self, what: str, **settings: Any) -> None:
        self._command = (sys.executable, "-m", "tests.kills.processes", what, json.dumps(settings))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_TIMEOUT):
            assert await self._process.stdout.readline() == b"ready\n", f"{self._command[3]} did not start"

    async def kill(self) -> None:
        """SIGKILL: nothing in it has a chance to do anything more."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None


def media_worker(folder: Path, life: int) -> tuple[Killable, Path]:
    """The media worker of one life, and its control socket."""
    socket = folder / f"media.{life}.sock"
    return Killable("media", socket=str(socket), port=free_port(), diary=str(folder / "diary")), socket


def recordings_worker(folder: Path, url: str, ahead: timedelta) -> Killable:
    """Seals, composes, verifies, archives, by a clock so far ``ahead`` that no dead one's lease runs."""
    return Killable("recordings", folder=str(folder), url=url, ahead=ahead.total_seconds())


async def seats(db: AsyncSession, session_id: str) -> Sequence[tuple[Any, Invitation]]:
    """Host and petitioner sit on the seats `p0` and `p1`."""
    rows = (await db.scalars(select(Invitation).where(Invitation.session_id == session_id))).all()
    names = {"host": "p0", "petitioner": "p1"}
    return [(SeatStandIn(names[str(row.role)]), row) for row in rows]


def run_media(socket: str, port: int, diary: str) -> None:
    from media.config import MediaConfig
    from media.worker import run_worker
    from recordings.capture.recorder import JournalRecorderFactory
    from tests.kills.witness import WitnessedDisk

    print("ready", flush=True)
    factory = JournalRecorderFactory(WitnessedDisk(Path(diary)), roll_seconds=ROLL_SECONDS)
    config = MediaConfig(port=port, addresses=("127.0.0.1",), socket_path=socket, log_level="error")
    run_worker(config, factory)


async def run_recordings(folder: str, url: str, ahead: float) -> None:
    from cases.database import Database
    from recordings.archive.archiver import run_archiver
    from recordings.archive.key import KEY_FILE
    from recordings.archive.settings import ArchiverSettings
    from recordings.archive.store import DirectoryStore
    from recordings.settings import RecordingsSettings
    from recordings.worker import run_recordings_worker
    from scheduling.materials.store import MaterialStore

    class AheadClock:
        def now(self) -> datetime:
            return datetime.now(UTC) + timedelta(seconds=ahead)

    root = Path(folder)
    settings = RecordingsSettings(
        root / "recordings", root / "keys", poll_seconds=0.02, plan=SMALL, materials=MaterialStore.at(root)
    )
    store = DirectoryStore(root / "store")
    copying = ArchiverSettings(root / "recordings", root / "keys" / KEY_FILE, store, poll_seconds=0.05)
    database = Database(url)
    print("ready", flush=True)
    await asyncio.gather(
        run_recordings_worker(database, AheadClock(), settings, seats),
        run_archiver(database, AheadClock(), copying),
    )


if __name__ == "__main__":
    die_with_parent()
    given = json.loads(sys.argv[2])
    if sys.argv[1] == "media":
        run_media(**given)
    else:
        asyncio.run(run_recordings(**given))
