"""One round: two rooms talk and are recorded while their media worker is killed; then who seals is killed."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cases.database import Database
from cases.policy import SYSTEM
from media.client import ControlClient
from media.control import AddParticipant, CreateRoom, Publish, StartRecording, StopRecording
from recordings.archive.copies import Archive, ArchiveState, archive_of
from recordings.recording import (
    CompositionState,
    Recording,
    RecordingState,
    load_recording,
    start_recording,
    stop_recording,
)
from scheduling.materials.reading import page_file
from scheduling.materials.showing import SHOWN, TURNED
from scheduling.materials.store import MaterialStore
from scheduling.session_events import append_event
from tests.clock import FixedClock
from tests.disk import AMPLE
from tests.factories import World
from tests.kills.processes import media_worker, recordings_worker
from tests.recordings.exhibiting import jpeg
from tests.recordings.sitting import Sitting
from tests.soak.peer import SoakPeer, Workbench

ROOMS = (("p0", "p1"), ("p0",))  # who sits in each
# What lies on the table of each: a paper of two pages, both of which are shown.
PAPER = "c" * 32
PAGES = {1: jpeg((210, 297), "white"), 2: jpeg((210, 297), "lightgrey")}
# Seconds from the first byte on disk: some at once, while segments begin, most in the midst of talk.
MEDIA_MOMENTS = ((0.35, 0.0, 0.3), (0.65, 0.3, 1.6))
# Seconds from the start of the work: sealing is over soon, the rest takes its time.
SEALER_MOMENTS = ((0.4, 0.0, 0.25), (0.6, 0.25, 3.0))
LEASES = timedelta(minutes=11)  # Longer than any lease of a worker that was killed.
PATIENCE = 120.0


def moment(dice: random.Random, shares: Sequence[tuple[float, float, float]]) -> float:
    """A seeded moment in seconds; each share is (weight, from, to)."""
    ((_, begin, end),) = dice.choices(shares, [share for share, *_ in shares])
    return dice.uniform(begin, end)


@dataclass
class Recorded:
    """One recording of the round, as its row stands."""

    sitting: Sitting
    row: Recording
    seats: tuple[str, ...]
    archive: Archive | None = None

    @property
    def folder(self) -> Path:
        return self.row.folder(self.sitting.root)

    @property
    def finished(self) -> bool:
        archived = self.archive is not None and self.archive.state is ArchiveState.ARCHIVED
        return self.row.playable and self.row.verified_at is not None and archived

    @property
    def stage(self) -> str:
        """What is to be done with it next."""
        if self.row.state is RecordingState.STOPPED:
            return "sealing"
        if self.row.composition is not CompositionState.DONE:
            return "composing"
        return "verifying" if self.row.verified_at is None else "archiving"


class Round:
    """Given: a database with a world in it, a folder, a seed. ``kills``: monotonic ns of each.

    ``stages`` says what was still to be done when each of the recordings workers was killed.
    """

    def __init__(self, database: Database, world: World, folder: Path, seed: int) -> None:
        self.folder = folder
        self.kills: list[int] = []
        self.stages: list[str] = []
        self.recorded: list[Recorded] = []
        self._dice = random.Random(seed)
        self._database = database
        self._world = world
        self._bench = Workbench(seed)
        self._lives = 0

    # Talking

    async def talk(self, kills: int) -> None:
        """Record both rooms through so many deaths of their worker; half of the rounds end with one."""
        peaceful = self._dice.random() < 0.5
        for life in range(max(1, kills + peaceful)):
            await self._live(life < kills)
        for each in self.recorded:
            each.sitting.clock.set(datetime.now(UTC))
            async with self._database.session() as db:
                await stop_recording(db, each.sitting.clock, SYSTEM, each.row.id, "session_closed")

    async def _live(self, kill: bool) -> None:
        """One life of a media worker: everybody comes back, as the pages do."""
        self._lives += 1
        worker, socket = media_worker(self.folder, self._lives)
        await worker.start()
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(worker.kill)
            client = await _connected(socket)
            stack.push_async_callback(client.close)
            if not self.recorded:
                await self._begin()
            written = self._written()
            await asyncio.gather(*(self._enter(client, each, stack) for each in self.recorded))
            await until(lambda: self._written() > written, "nothing is recorded")
            await asyncio.sleep(moment(self._dice, MEDIA_MOMENTS))
            if kill:
                await worker.kill()
                self.kills.append(time.monotonic_ns())
                return
            for each in self.recorded:
                await client.request(StopRecording(room_id=each.row.id, reason="session_closed"))

    def _written(self) -> int:
        diary = self.folder / "diary"
        return diary.stat().st_size if diary.exists() else 0

    async def _begin(self) -> None:
        for seats in ROOMS:
            sitting = Sitting(self._database, FixedClock(), self._world, self.folder / "recordings")
            await sitting.arrange()
            sitting.clock.set(datetime.now(UTC))
            async with self._database.session() as db:
                row = await start_recording(
                    db, sitting.clock, SYSTEM, sitting.session.id, sitting.root, AMPLE
                )
            await self._show(sitting)
            self.recorded.append(Recorded(sitting, row, seats))

    async def _show(self, sitting: Sitting) -> None:
        """Page after page, while it is recorded."""
        files = {page_file(page): content for page, content in PAGES.items()}
        (self.folder / "keys").mkdir(mode=0o700, exist_ok=True)
        MaterialStore.at(self.folder).write(sitting.session.id, PAPER, files)
        for page, content in PAGES.items():
            sitting.clock.advance(seconds=0.01)
            shown = {"page_sha256": hashlib.sha256(content).hexdigest(), "page": page, "pages": len(PAGES)}
            async with sitting.database.session() as db:
                await append_event(
                    db, sitting.clock, sitting.session.id, SHOWN if page == 1 else TURNED,
                    data={"material_id": PAPER, "name": "答复.pdf", **shown},
                )  # fmt: skip

    async def _enter(self, client: ControlClient, each: Recorded, stack: contextlib.AsyncExitStack) -> None:
        room, directory = each.row.id, str(each.folder)
        await client.request(CreateRoom(room_id=room))
        await client.request(StartRecording(room_id=room, recording_id=room, directory=directory))
        for number, seat in enumerate(each.seats):
            await client.request(AddParticipant(room_id=room, participant_id=seat))
            peer = SoakPeer(self._bench, number)
            stack.push_async_callback(peer.close)

            async def ask(_: str, sdp: str, sources: dict[str, Any], seat: str = seat) -> dict[str, Any]:
                publish = Publish(room_id=room, participant_id=seat, offer_sdp=sdp, sources=sources)
                return {"sdp": (await client.request(publish))["answer_sdp"]}

            await peer.publish(ask)

    # Sealing, composing, verifying, archiving

    async def finish(self, kills: int) -> None:
        """Bring the recordings to their end through at most so many deaths of who does it."""
        for life in range(kills + 1):
            worker = recordings_worker(self.folder, str(self._url), LEASES * life)
            await worker.start()
            try:
                if life < kills:
                    await asyncio.sleep(moment(self._dice, SEALER_MOMENTS))
                else:
                    await self._until_finished()
            finally:
                await worker.kill()
            if await self._finished():
                return
            self.stages.append(next(each.stage for each in self.recorded if not each.finished))

    @property
    def _url(self) -> str:
        return self._database.url.render_as_string(hide_password=False)

    async def _finished(self) -> bool:
        """Read the rows again; whether nothing is left to do."""
        async with self._database.session() as db:
            for each in self.recorded:
                each.row = await load_recording(db, each.row.id)
                each.archive = await archive_of(db, each.row.id)
        return all(each.finished for each in self.recorded)

    async def _until_finished(self) -> None:
        end = time.monotonic() + PATIENCE
        while not await self._finished():
            rows = [(each.stage, each.row.state, each.row.trouble) for each in self.recorded]
            assert time.monotonic() < end, f"not finished: {rows}"
            await asyncio.sleep(0.05)


async def _connected(socket: Path) -> ControlClient:
    """A client of a media worker that has just started."""
    async with asyncio.timeout(PATIENCE):
        while True:
            client = ControlClient(str(socket))
            with contextlib.suppress(OSError):
                await client.connect()
                return client
            await asyncio.sleep(0.01)


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition. Raises AssertionError with ``what``."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.005)
