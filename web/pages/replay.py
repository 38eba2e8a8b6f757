"""Replay: the composed picture, events that seek, gaps and the proof; every opening is written down."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from cases.clock import BEIJING
from recordings.manifest import MANIFEST_FILE
from recordings.recording import CompositionState, RecordingState
from recordings.replay import ReplayPlan, open_composed, open_manifest, open_replay
from recordings.verification import Verdict, verify_folder
from web.access import client_address
from web.keys import ACTOR, CLOCK, DATABASE
from web.ranges import respond_with_file
from web.rendering import page

INTACT = ("完整性已校验", "shield", "good")
DAMAGED = ("内容不一致", "warning", "bad")
UNSEALED = ("尚未封存", "clock", "notice")
WAITING = {
    CompositionState.FAILED: "录像合成没有成功，管理员已收到提示。原始录像完好。",
    CompositionState.RUNNING: "正在合成录像",
}


async def show(request: web.Request) -> web.StreamResponse:
    actor, clock = request[ACTOR], request.app[CLOCK]
    async with request.app[DATABASE].session() as db:
        plan = await open_replay(
            db, clock, actor, request.match_info["recording_id"], client_address(request)
        )
    recording, folder = plan.recording, Path(plan.recording.directory)
    sealed = recording.state in (RecordingState.SEALED, RecordingState.ARCHIVED)
    verdict = await asyncio.to_thread(verify_folder, folder) if sealed else None
    manifest = await asyncio.to_thread(_read_manifest, folder) if sealed else {}
    context = {
        "nav": "cases",
        "recording": recording,
        "petition_id": recording.petition_id,
        "title": plan.session.title,
        "has_video": plan.composed is not None,
        "video_url": f"/recordings/{recording.id}/composed.mp4",
        "waiting_text": WAITING.get(recording.composition, "录像正在等待封存和合成"),
        "events": _events(plan),
        "gaps": _gaps(manifest),
        "now": clock.now(),
        **_proof(verdict),
    }
    return page(request, "replay.html", context, title=f"回放：{plan.session.title}")


async def composed(request: web.Request) -> web.StreamResponse:
    recording_id = request.match_info["recording_id"]
    async with request.app[DATABASE].session() as db:
        path = await open_composed(
            db, request.app[CLOCK], request[ACTOR], recording_id, client_address(request)
        )
    found = await asyncio.to_thread(path.stat)
    tag = f"{recording_id[:16]}-{found.st_size:x}-{found.st_mtime_ns:x}"
    return await respond_with_file(request, path, "video/mp4", tag)


async def manifest(request: web.Request) -> web.StreamResponse:
    recording_id = request.match_info["recording_id"]
    async with request.app[DATABASE].session() as db:
        path = await open_manifest(
            db, request.app[CLOCK], request[ACTOR], recording_id, client_address(request)
        )
    return web.Response(body=await asyncio.to_thread(path.read_bytes), content_type="application/json")


def _proof(verdict: Verdict | None) -> dict[str, Any]:
    """Badge, sentence and details of the verification that was just made, on the files as they are now."""
    if verdict is None:
        return {
            "integrity": UNSEALED,
            "integrity_text": "录像结束后自动封存：计算每一段的摘要，写入清单并签名。",
            "findings": [],
            "manifest": None,
        }
    good = "刚刚重新计算了每一段的摘要，与封存清单一致，签名有效。"
    bad = "文件与封存时不一致。请停止使用，并联系档案员。"
    return {
        "integrity": INTACT if verdict.intact else DAMAGED,
        "integrity_text": good if verdict.intact else bad,
        "findings": [finding.text_zh for finding in verdict.findings],
        "manifest": {
            "sha256": verdict.manifest_sha256 or "—",
            "fingerprint": verdict.fingerprint,
            "segments": verdict.segments,
            "size": verdict.size,
        },
    }


def _events(plan: ReplayPlan) -> list[dict[str, Any]]:
    """What happened; steps before the recording are shown without a place to seek to."""
    began = plan.recording.started_at
    return [
        {
            "offset": round(event.seconds, 1) if event.at >= began else None,
            "at": event.at,
            "kind": event.kind,
            "name": event.actor_name or "",
        }
        for event in plan.events
        if event.kind.partition(".")[0] not in ("link", "invitation")
    ]


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / MANIFEST_FILE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _gaps(manifest: dict[str, Any]) -> list[dict[str, str]]:
    """Gaps of every track with who, when and why; what cannot be read is left out."""
    names = {item.get("participant_id"): item.get("name", "") for item in manifest.get("participants", [])}
    found = []
    for track in manifest.get("tracks", []):
        for gap in track.get("gaps", []):
            who = names.get(track.get("participant_id"), "") or str(track.get("source", ""))
            found.append({"who": who, "when": _span(gap), "cause": _cause(str(gap.get("cause", "")))})
    return found


CAUSES = {
    "worker_killed": "录制进程中断，随后恢复",
    "torn_tail": "中断时最后一条没有写完",
    "damaged": "文件损坏",
    "queue_full": "写入来不及",
    "disk_full": "磁盘已满",
    "disk_error": "磁盘故障",
}


def _cause(code: str) -> str:
    return CAUSES.get(code, "画面或声音中断" if code.startswith("track_ended") else code)


def _span(gap: dict[str, Any]) -> str:
    texts = [str(gap.get(name, "")) for name in ("from", "to")]
    try:
        start, end = (
            datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(BEIJING) for text in texts
        )
    except ValueError:
        return "—"
    seconds = (end - start) / timedelta(seconds=1)
    return f"{start:%H:%M:%S} 起 {seconds:.1f} 秒"
