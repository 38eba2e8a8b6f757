"""What the processes of a service hold: memory, tasks, sockets, descriptors, threads, files in passing."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from media.client import ControlClient
from media.control import ControlError, Statistics
from tests.scenarios.service import Service

# A process that has run so much of the time says something about memory.
LEAST_SAMPLES = 10
DATABASE_FILES = ("lianxin.db", "lianxin.db-wal", "lianxin.db-shm")
# Of files: a pool of five connections, each with the database and its log.
LARGEST_POOL = 10
LAZY_THREADS = 2
# Of a media worker that has recorded nothing yet: writer, forcer, watchdog, and what opens and closes files.
FIRST_RECORDING_THREADS = 4
IDLE = 0.02  # of a core


@dataclass(frozen=True)
class Held:
    """Of one process at one moment. `tasks` are those of its event loop."""

    descriptors: int
    sockets: int
    threads: int
    tasks: int
    links: Counter[str] = field(default_factory=Counter, compare=False)


@dataclass
class Ledger:
    """Samples memory by process; `holdings` are compared before and after."""

    service: Service
    temporary: Path
    memory: dict[tuple[str, int], list[tuple[float, float]]] = field(default_factory=dict)

    def processes(self) -> dict[str, int]:
        """Name to number: web, media 0, media 1, recordings."""
        found = {}
        for number in children(self.service.process.pid):
            words = Path(f"/proc/{number}/cmdline").read_bytes().decode().split("\0")
            if "media-worker" in words:
                found[f"media {words[words.index('media-worker') + 1]}"] = number
            elif "recordings-worker" in words:
                found["recordings"] = number
            elif "web" in words:
                found["web"] = number
        return found

    def sample(self) -> None:
        """Resident memory of each process now."""
        for name, number in self.processes().items():
            try:
                size = resident_megabytes(number)
            except (OSError, ProcessLookupError):
                continue  # It has just been killed.
            self.memory.setdefault((name, number), []).append((time.monotonic(), size))

    async def holdings(self) -> dict[str, Held]:
        found = {}
        for name, number in self.processes().items():
            links = [os.readlink(path) for path in descriptors(number)]
            sockets = sum(link.startswith("socket:") for link in links)
            threads = len(list(Path(f"/proc/{number}/task").iterdir()))
            tasks = await self._tasks(name)
            named = Counter(link.partition(":[")[0].rpartition("/")[2] for link in links)
            found[name] = Held(len(links), sockets, threads, tasks, named)
        return found

    async def _tasks(self, name: str) -> int:
        if name == "web":
            async with aiohttp.ClientSession() as http, http.get(self.service.base + "/metrics") as answer:
                text = await answer.text()
            line = next(line for line in text.splitlines() if line.startswith("lianxin_tasks "))
            return round(float(line.split()[1]))
        if name.startswith("media"):
            path = self.service.settings.media_socket(int(name.split()[1]))
            async with ControlClient(str(path)) as client:
                return int((await client.request(Statistics()))["worker"]["tasks"])
        return 0

    async def rooms(self) -> int:
        """Rooms that the media workers hold; a worker that has not come back yet counts as one."""
        count = 0
        for number in range(self.service.settings.media_workers):
            try:
                async with ControlClient(str(self.service.settings.media_socket(number))) as client:
                    count += len((await client.request(Statistics()))["rooms"])
            except (OSError, ControlError):
                count += 1
        return count

    def files(self) -> int:
        """Files in the folders for what passes: temporary ones and sockets."""
        folders = (self.temporary, self.service.settings.state / "run")
        return sum(path.is_file() or path.is_socket() for folder in folders for path in folder.rglob("*"))


def growth(samples: list[tuple[float, float]]) -> tuple[float, float, float] | None:
    """Median of the second fifth and of the last, in MB, and the growth; None for a life too short."""
    if len(samples) < LEAST_SAMPLES:
        return None
    sizes = [size for _, size in samples]
    fifth = len(sizes) // 5
    early, late = statistics.median(sizes[fifth : 2 * fifth]), statistics.median(sizes[-fifth:])
    return early, late, late / early - 1


def course(samples: list[tuple[float, float]], parts: int = 10) -> list[float]:
    """The median of each part of a life in MB: what levels off is no leak."""
    sizes = [size for _, size in samples]
    ends = [round(part * len(sizes) / parts) for part in range(parts + 1)]
    return [statistics.median(sizes[a:b]) for a, b in zip(ends, ends[1:], strict=False) if b > a]


def leaks(before: dict[str, Held], after: dict[str, Held]) -> list[str]:
    """What a process holds more of than before, in words; a pool of database connections may have grown."""
    found = []
    for name, old in before.items():
        new = after.get(name, old)
        linked = new.links - old.links
        pool = min(sum(linked[part] for part in DATABASE_FILES), LARGEST_POOL)
        # The recorder's writer, and what opens and closes recordings: begun with the first one after a kill.
        # The recordings worker's pool gets a thread whenever more is done at once than ever before.
        lazy = LAZY_THREADS if name.startswith(("media", "recordings")) else 0
        if name.startswith("media") and old.threads == 1:
            lazy = FIRST_RECORDING_THREADS
        allowed = {"descriptors": pool, "threads": max(pool, lazy)}
        for what in ("descriptors", "sockets", "threads", "tasks"):
            had, has = getattr(old, what), getattr(new, what)
            if has - had > allowed.get(what, 0):
                found.append(f"{name}: {had} -> {has} {what} {dict(linked)}")
    return found


def children(parent: int) -> list[int]:
    return [int(n) for n in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def descriptors(number: int) -> list[Path]:
    return [path for path in Path(f"/proc/{number}/fd").iterdir() if path.is_symlink()]


def cpu_seconds(number: int) -> float:
    """User and system time of all threads of a process so far (proc(5))."""
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def is_idle(number: int, seconds: float) -> bool:
    """Whether a process has next to nothing to do for so long, and has set no other one to work.

    What encodes a recording is a process of its own: whoever waits for it needs no processor, but holds
    the pipes to it.
    """
    before = cpu_seconds(number)
    if children(number):
        return False
    await asyncio.sleep(seconds)
    return not children(number) and cpu_seconds(number) - before <= IDLE * seconds


def resident_megabytes(number: int) -> float:
    """Resident memory in MB (10^6 octets). Raises ProcessLookupError."""
    for line in Path(f"/proc/{number}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ProcessLookupError(f"process {number} has no memory any more")
