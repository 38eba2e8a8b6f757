"""The film is made again in another layout; the one there plays on, also when the worker is killed."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cases.errors import Conflict, Forbidden, Invalid
from cases.policy import SYSTEM
from recordings import composer
from recordings.evidence.verification import verify_folder
from recordings.film.plan import CompositionPlan
from recordings.film.recomposition import ask_for_composition, composition_text
from recordings.recording import CompositionState
from tests.recordings.sitting import Sitting
from tests.recordings.test_worker import make_worker, nothing, reload


async def test_another_layout_replaces_the_film_only_when_it_is_whole(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, worker, plans = await sitting.record(2.0), make_worker(sitting), list[str]()
    encode = composer.encode

    async def noted(folder: Path, out: Path, plan: CompositionPlan, *more: Any) -> dict[str, Any]:
        plans.append(plan.layout)
        return await encode(folder, out, plan, *more)

    monkeypatch.setattr(composer, "encode", noted)

    async def ask(layout: str, actor: object = SYSTEM) -> None:
        async with sitting.database.session() as db:
            await ask_for_composition(db, sitting.clock, actor, recording.id, layout, None)  # type: ignore[arg-type]

    with pytest.raises(Conflict, match="没有封存"):
        await ask("grid")
    for _ in range(3):
        await worker.work_once()
        sitting.clock.advance(seconds=1)
    folder = recording.folder(sitting.root)
    first = hashlib.sha256((folder / "composed.mp4").read_bytes()).hexdigest()
    for wrong in ("sideways", "spotlight"):  # Nobody is named.
        with pytest.raises(Invalid):
            await ask(wrong)
    with pytest.raises(Forbidden):
        await ask("grid", sitting.world.actor("chengguan.receptionist"))
    await ask("grid")
    with pytest.raises(Conflict, match="正在合成"):
        await ask("grid")
    waiting = await reload(sitting, recording)
    assert (waiting.composition, waiting.playable) == (CompositionState.WAITING, True)
    assert composition_text(waiting, sitting.clock) == "正在排队，等待合成"

    # Killed in the midst: nothing is put in its place, a successor makes it.
    task = asyncio.create_task(worker.work_once())
    for _ in range(3000):
        if list(folder.glob(".composed.*")):
            break
        await asyncio.sleep(0.01)
    with monkeypatch.context() as patch:
        patch.setattr(worker, "_lay_down", nothing)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    half = await reload(sitting, recording)
    assert (half.composition, half.playable) == (CompositionState.RUNNING, True)
    assert hashlib.sha256((folder / "composed.mp4").read_bytes()).hexdigest() == first
    half.progress, half.composing_at = 250, sitting.clock.now()
    sitting.clock.advance(seconds=40)
    assert composition_text(half, sitting.clock) == "已合成 25%，约剩 2 分 00 秒"
    assert await make_worker(sitting).work_once()
    done = await reload(sitting, recording)
    assert (done.composition, done.layout, done.playable) == (CompositionState.DONE, "grid", True)
    assert json.loads((folder / "composed.json").read_bytes())["sha256"] == done.composed_sha256
    assert plans == ["session", "grid", "grid"]
    assert verify_folder(folder).intact and not list(folder.glob(".composed.*"))
