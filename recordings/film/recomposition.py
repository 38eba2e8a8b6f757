"""Recomposition: the film of a sealed recording is made again in another layout; the one there plays on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import Clock
from cases.errors import Conflict, Invalid
from cases.policy import Action, Actor, require
from recordings.archive.copies import aged_out
from recordings.evidence.manifest_shape import ManifestUnusable, read_manifest
from recordings.film.direction import GRID, SESSION, SPEAKER, SPOTLIGHT, find_person
from recordings.film.encoder import progress_text
from recordings.lease import UNCOMPOSED
from recordings.recording import CompositionState, Recording, load_recording
from scheduling.reach import load_session, scope_of_session

LAYOUT_NAMES: Mapping[str, str] = {
    SESSION: "按接访时的画面",
    GRID: "各方一样大",
    SPEAKER: "谁说话谁大",
    SPOTLIGHT: "突出一位",
}


async def ask_for_composition(
    db: AsyncSession,
    clock: Clock,
    actor: Actor,
    recording_id: str,
    layout: str,
    address: str | None,
    spotlight: str = "",
    root: Path = Path(),
) -> Recording:
    """Have the film made again as ``layout``; the recordings worker does it; commits.

    ``spotlight``: the participant id of who is large in the layout of that name; ``root`` holds the recording
    folders. Raises NotFound, Forbidden, Invalid ``bad_layout`` or ``bad_spotlight``, Conflict
    ``not_sealed``, ``composing`` (one at a time) or ``original_aged_out``.
    """
    recording = await load_recording(db, recording_id)
    session = await load_session(db, recording.session_id)
    require(actor, Action.EXPORT_RECORDING, await scope_of_session(db, session))
    if layout not in LAYOUT_NAMES:
        raise Invalid("bad_layout", "没有这种版式，请重新选择。", "layout")
    if not recording.sealed:
        raise Conflict("not_sealed", "录像还没有封存，不能合成。")
    if recording.composition in UNCOMPOSED:
        raise Conflict("composing", "这份录像正在合成，请等它完成。")
    if await aged_out(db, [recording_id]):
        raise Conflict("original_aged_out", "原件已按期移入归档，请先取回原件，再重新合成。")
    chosen = None
    if layout == SPOTLIGHT:
        chosen = await asyncio.to_thread(_person_in, recording.folder(root), spotlight)
    recording.layout, recording.composition = layout, CompositionState.WAITING
    recording.spotlight = chosen
    recording.progress, recording.attempts, recording.trouble = 0, 0, None
    recording.composing_at = None
    await add_audit(
        db, clock, actor, "recording.composition_asked", "recording", recording_id,
        detail={"layout": layout} | ({"spotlight": chosen} if chosen else {}), address=address,
    )  # fmt: skip
    await db.commit()
    return recording


def _person_in(folder: Path, participant_id: str) -> str:
    """Blocks. Raises Invalid ``bad_spotlight`` for nobody of this recording."""
    try:
        return find_person(read_manifest(folder), participant_id)
    except (OSError, ManifestUnusable, ValueError) as error:
        raise Invalid("bad_spotlight", "请选择录像里的一位，把画面突出给他。", "spotlight") from error


async def see_composition(db: AsyncSession, actor: Actor, recording_id: str) -> Recording:
    """The row for whoever may replay it. Raises NotFound, Forbidden."""
    recording = await load_recording(db, recording_id)
    session = await load_session(db, recording.session_id)
    require(actor, Action.REPLAY, await scope_of_session(db, session))
    return recording


def composition_text(recording: Recording, clock: Clock) -> str:
    """How far the film is, and how long it will still take, in words."""
    if recording.composition is CompositionState.RUNNING and recording.composing_at is not None:
        took = (clock.now() - recording.composing_at).total_seconds()
        return progress_text(recording.progress / 1000, took)
    if recording.composition in UNCOMPOSED:
        return "正在排队，等待合成"
    return (
        "合成没有成功，原有的成片和原件都完好"
        if recording.composition is CompositionState.FAILED
        else "已合成"
    )
