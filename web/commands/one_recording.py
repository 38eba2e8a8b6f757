"""What is done with one recording: composed again, exported, fetched back from the archive."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from web.commands.terminal import console, read_settings, stop


def compose(
    folder: Annotated[Path, typer.Argument(help="录像目录 folder of a recording")],
    layout: Annotated[str, typer.Option(help="版式 session, grid, speaker or spotlight")] = "session",
    spotlight: Annotated[str, typer.Option(help="大画面是谁 who is large, name or id (spotlight)")] = "",
    out: Annotated[Path | None, typer.Option(help="写到哪里 file to write")] = None,
) -> None:
    """按另一种版式再合成一次 Compose a sealed recording again; its own film stays as it is."""
    from recordings.film.encoder import CompositionError, make_film
    from recordings.film.plan import CompositionPlan

    path = out or Path(f"{folder.resolve().name}-{layout}.mp4")
    plan = replace(CompositionPlan(), layout=layout, spotlight=spotlight)
    try:
        asyncio.run(make_film(folder, path, plan, lambda text: console.print(text, end="\r")))
    except (CompositionError, OSError) as error:
        stop(f"没有合成：{error}")
    console.print(f"已合成 composed: {path}", soft_wrap=True)


def export(
    recording: Annotated[str, typer.Argument(help="录像编号 id of the recording")],
    target: Annotated[Path, typer.Argument(help="新文件夹，或以 .zip 结尾的文件 new folder, or file.zip")],
    reason: Annotated[str, typer.Option(prompt="导出理由 reason", help="写入审计记录 is logged")],
    since: Annotated[str, typer.Option("--from", help="片段开始 clip from, e.g. 0:12:30")] = "",
    until: Annotated[str, typer.Option("--to", help="片段结束 clip to, e.g. 0:15:00")] = "",
) -> None:
    """刻录导出 Export a recording or a clip of it, with everything needed to play and to verify it."""
    from web.commands.exporting import ExportRefused, export_recording
    from web.pages.export import parse_time

    try:
        span = (parse_time(since or "0"), parse_time(until)) if since or until else None
    except ValueError:
        stop("时间请写成 时:分:秒 (times look like 0:12:30)")
    try:
        size = asyncio.run(export_recording(read_settings(), recording, target, reason, span))
    except ExportRefused as error:
        stop(str(error))
    console.print(f"已导出 exported: {target}（{size} 字节 bytes）", soft_wrap=True, markup=False)


def restore(
    recording: Annotated[str, typer.Argument(help="录像编号 id of the recording")],
) -> None:
    """取回按期移入归档的原件 Fetch an original that aged out back to this machine."""
    from web.commands.restoring import RestoreRefused, restore_original

    try:
        asyncio.run(restore_original(read_settings(), recording))
    except RestoreRefused as error:
        stop(f"没有取回：{error}")
    console.print(f"已取回，与封存清单一致 restored: {recording}")
