"""Encoder: the composition of one folder in a process of its own, at low priority.

A decoder that dies of hostile bytes, hangs or eats memory takes this process with it and nobody else.
``python -m recordings.film.encoder FOLDER OUT PLAN`` writes one JSON object per line: progress, then result.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recordings.capture.journal import sync_directory
from recordings.child import HOME, NICE, die_with_parent
from recordings.evidence.manifest_shape import ManifestUnusable, read_manifest
from recordings.film.composition import compose
from recordings.film.plan import CompositionPlan, span_of

MODULE = "recordings.film.encoder"
SHORTEST_LIMIT = 300.0  # seconds any composition may take
LIMIT_FACTOR = 4.0  # and how many times its own length

Report = Callable[[float], Awaitable[None]]


class CompositionError(Exception):
    """The composition ended without a film; the text says why."""


async def encode(
    folder: Path, out: Path, plan: CompositionPlan, seconds: float, report: Report
) -> dict[str, Any]:
    """Compose in a child process; ``report`` hears numbers from 0 to 1. Raises CompositionError.

    Cancelling kills the child. ``seconds`` is the length of the recording, for the time limit.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", MODULE, str(folder), str(out), json.dumps(asdict(plan)),
        cwd=HOME,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(max(SHORTEST_LIMIT, seconds * LIMIT_FACTOR)):
            return await _follow(process, report)
    except TimeoutError as error:
        raise CompositionError("合成超时") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def make_film(folder: Path, out: Path, plan: CompositionPlan, say: Callable[[str], None]) -> None:
    """Compose a sealed folder to ``out``, which only a whole film replaces; ``say`` hears of the progress.

    Raises CompositionError, also for what is no sealed recording.
    """
    try:
        seconds = span_of(read_manifest(folder)).seconds
    except ManifestUnusable as error:
        raise CompositionError(f"{folder} 不是已封存的录像：{error}") from error
    except OSError as error:
        raise CompositionError(f"{folder} 不是已封存的录像") from error
    draft, began = out.with_name(f".{out.name}.{os.getpid()}.mp4"), time.monotonic()

    async def report(share: float) -> None:
        say(progress_text(share, time.monotonic() - began))

    try:
        await encode(folder, draft, plan, seconds, report)
        with draft.open("rb") as film:
            os.fsync(film.fileno())
        draft.replace(out)
        sync_directory(out.resolve().parent)
    finally:
        draft.unlink(missing_ok=True)


def progress_text(share: float, took: float) -> str:
    """How far it is and, once that can be told, how long it will still take; ``took`` in seconds."""
    text = f"已合成 {int(share * 100)}%"
    if share < 0.01:
        return text
    left = round(took * (1 - share) / share)
    return f"{text}，约剩 {left // 60} 分 {left % 60:02d} 秒" if left >= 60 else f"{text}，约剩 {left} 秒"


async def _follow(process: asyncio.subprocess.Process, report: Report) -> dict[str, Any]:
    assert process.stdout is not None and process.stderr is not None
    errors = asyncio.create_task(_tail(process.stderr))
    result: dict[str, Any] | None = None
    async for line in process.stdout:
        message = json.loads(line)
        if "progress" in message:
            await report(float(message["progress"]))
        else:
            result = message
    code = await process.wait()
    trouble = await errors
    if code or result is None:
        raise CompositionError(trouble.strip().splitlines()[-1] if trouble.strip() else f"退出码 {code}")
    return result


async def _tail(stream: asyncio.StreamReader) -> str:
    """The last few kilobytes of what the child complained about."""
    kept = b""
    while part := await stream.read(4096):
        kept = (kept + part)[-4096:]
    return kept.decode(errors="replace")


def main(folder: str, out: str, plan: str) -> None:
    """Entry point of the child."""
    die_with_parent()
    os.nice(NICE)
    gc.freeze()
    gc.disable()  # Millions of numbers and packets, and nothing among them that refers to itself.
    told = time.monotonic()

    def progress(share: float) -> None:
        nonlocal told
        if time.monotonic() - told >= 1.0:
            told = time.monotonic()
            print(json.dumps({"progress": share}), flush=True)

    try:
        result = compose(Path(folder), Path(out), CompositionPlan(**json.loads(plan)), progress)
    except (ValueError, OSError) as error:
        sys.exit(str(error))  # In the words of whoever refused; the rest is a fault and keeps its traceback.
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4])
