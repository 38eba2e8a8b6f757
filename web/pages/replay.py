"""Replay: the composed picture, events that seek, gaps and the last proof; every opening is written down."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from cases.clock import BEIJING
from cases.errors import Forbidden
from cases.policy import Action, allowed
from recordings.evidence.manifest_shape import ManifestUnusable, read_manifest
from recordings.evidence.proof import Verification, ask_for_verification
from recordings.film.recomposition import LAYOUT_NAMES, composition_text
from recordings.lease import UNCOMPOSED
from recordings.recording import CompositionState, Recording
from recordings.review.replay import ReplayPlan, open_composed, open_manifest, open_replay
from scheduling.invitation import Invitation
from scheduling.sessions import scope_of_session
from signaling.quality_history import grade_minutes
from signaling.quality_minutes import list_quality
from signaling.seat import Seat, seats_of_session
from web.access import client_address
from web.desk import build_desk
from web.film_text import minutes_beside
from web.happenings import chapters_of, gaps_in, said_in
from web.keys import ACTOR, CLOCK, DATABASE, SETTINGS
from web.lane_shapes import LANE_SHAPES, lane_outlines
from web.lanes import build_lanes
from web.pages.original import original_of
from web.pages.signin import see_other
from web.ranges import respond_with_file
from web.rendering import page
from web.track_view import build_tracks
from web.words import date_time, gap_cause

INTACT = ("完整性已校验", "shield", "good")
DAMAGED = ("内容不一致", "warning", "bad")
UNSEALED = ("尚未封存", "clock", "notice")
UNVERIFIED = ("等待校验", "clock", "notice")
WAITING = {
    CompositionState.FAILED: "录像合成没有成功，管理员已收到提示。原始录像完好。",
    CompositionState.RUNNING: "正在合成录像",
}
FINDINGS_SHOWN = 20


async def show(request: web.Request) -> web.StreamResponse:
    clock, root = request.app[CLOCK], request.app[SETTINGS].recordings_root
    recording_id, address = request.match_info["recording_id"], client_address(request)
    async with request.app[DATABASE].session() as db:
        plan = await open_replay(db, clock, request[ACTOR], recording_id, address, root)
        minutes = await list_quality(db, request[ACTOR], plan.session.id)
        seats = await seats_of_session(db, plan.session.id, removed=True)
        scope = await scope_of_session(db, plan.session)
        original = await original_of(db, recording_id)
        desk = await build_desk(request, db, plan.recording, scope)
        spoken = await minutes_beside(db, request[ACTOR], plan)
    recording = plan.recording
    manifest = await asyncio.to_thread(_read_manifest, plan.folder) if recording.sealed else {}
    gaps, people = gaps_in(manifest, recording.started_at), _people(seats)
    lanes = await asyncio.to_thread(build_lanes, plan, people, grade_minutes(minutes), gaps)
    playable = plan.composed is not None or plan.originals
    shows_film = plan.composed is not None and not (plan.originals and request.query.get("view") == "tracks")
    plays = playable and desk["purpose"] is not None
    context = {
        "nav": "cases",
        "recording": recording,
        "petition_id": recording.petition_id,
        "title": plan.session.title,
        "has_video": plays,
        "shows_film": plays and shows_film,
        "has_film": plan.composed is not None,
        "has_tracks": plan.originals,
        "tracks": await build_tracks(request, plan, people, gaps) if plays and not shows_film else None,
        "asks_purpose": playable and desk["purpose"] is None,
        "desk": desk,
        "video_url": f"/recordings/{recording.id}/composed.mp4",
        "waiting_text": WAITING.get(recording.composition, "录像正在等待封存和合成"),
        "events": _events(plan),
        "lanes": lanes,
        "lane_shapes": LANE_SHAPES,
        "lane_outlines": lane_outlines,
        "chapters": chapters_of(plan.events, recording.started_at, _names(seats)),
        "lane_words": [[list(span) for span in lane.now] for lane in lanes.lanes],
        "speeches": [{"name": lane.name, "spans": lane.speeches} for lane in lanes.lanes],
        "spoken": spoken,
        "gaps": gaps_of(manifest),
        "original": original,
        "layouts": LAYOUT_NAMES,
        "spotlights": spotlights_of(manifest),
        "composing": {
            "running": recording.composition in UNCOMPOSED,
            "text": composition_text(recording, clock),
        },
        "may_compose": original is None and allowed(request[ACTOR], Action.EXPORT_RECORDING, scope),
        "now": clock.now(),
        "may_export": recording.sealed and allowed(request[ACTOR], Action.EXPORT_RECORDING, scope),
        **_proof(recording, plan.verification),
    }
    return page(request, "replay.html", context, title=f"回放：{plan.session.title}")


async def verify(request: web.Request) -> web.StreamResponse:
    """Have the files read again; the recordings worker does it, the page shows when it has."""
    recording_id = request.match_info["recording_id"]
    async with request.app[DATABASE].session() as db:
        await ask_for_verification(
            db, request.app[CLOCK], request[ACTOR], recording_id, client_address(request)
        )
    return see_other(f"/recordings/{recording_id}#proof-title")


async def composed(request: web.Request) -> web.StreamResponse:
    refuse_hot_link(request)
    recording_id, root = request.match_info["recording_id"], request.app[SETTINGS].recordings_root
    async with request.app[DATABASE].session() as db:
        path = await open_composed(
            db, request.app[CLOCK], request[ACTOR], recording_id, client_address(request), root
        )
    return await respond_with_file(request, path, "video/mp4", recording_id[:16])


async def manifest(request: web.Request) -> web.StreamResponse:
    recording_id, root = request.match_info["recording_id"], request.app[SETTINGS].recordings_root
    async with request.app[DATABASE].session() as db:
        path = await open_manifest(
            db, request.app[CLOCK], request[ACTOR], recording_id, client_address(request), root
        )
    return await respond_with_file(request, path, "application/json", recording_id[:16])


def refuse_hot_link(request: web.Request) -> None:
    """A film is shown on our own pages; an address set into somebody else's page or letter opens nothing.

    Browsers say where a request comes from (Fetch Metadata, section 2.4); who sends nothing is no browser.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("hot_link", "录像只能在回放页面里播放。请登录后从案件进入回放。")


def _proof(recording: Recording, last: Verification | None) -> dict[str, Any]:
    """Badge, sentence and details of the last verification; nothing is said that was not read."""
    proof: dict[str, Any] = {
        "integrity": UNVERIFIED if recording.sealed else UNSEALED,
        "integrity_text": "录像结束后自动封存：计算每一段的摘要，写入清单并签名。",
        "findings": [],
        "proof": None,
        "sealed": recording.sealed,
        "verifying": recording.sealed and recording.verification_wanted_at is not None,
    }
    if recording.sealed:
        proof["integrity_text"] = "录像已封存，还没有校验。合成之后自动校验一次。"
    if last is None:
        return proof
    good = f"{date_time(last.at)} 重新计算了每一段的摘要，与封存清单一致，签名有效。"
    bad = f"{date_time(last.at)} 校验：文件与封存时不一致。请停止使用，并联系档案员。"
    more = last.finding_count - FINDINGS_SHOWN
    return proof | {
        "integrity": INTACT if last.intact else DAMAGED,
        "integrity_text": good if last.intact else bad,
        "findings": [finding["text"] for finding in last.findings[:FINDINGS_SHOWN]]
        + ([f"还有 {more} 处。"] if more > 0 else []),
        "proof": {
            "sha256": last.manifest_sha256 or "—",
            "fingerprint": last.fingerprint,
            "segments": last.segments,
            "size": last.size,
            "seconds": last.took_ms / 1000,
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
            "texts": said_in(event.event.data),
        }
        for event in plan.events
        if event.kind.partition(".")[0] not in ("link", "invitation", "speech")
    ]


def _names(seats: list[tuple[Seat, Invitation]]) -> dict[str, str]:
    return {seat.id: invitation.display_name for seat, invitation in seats}


def _people(seats: list[tuple[Seat, Invitation]]) -> list[dict[str, Any]]:
    return [
        {
            "participant_id": seat.id,
            "name": invitation.display_name,
            "role": str(invitation.role),
            "tier": str(invitation.tier) if invitation.tier else None,
            "organisation": invitation.organisation.name if invitation.organisation else None,
        }
        for seat, invitation in seats
    ]


def _read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest, or nothing where none can be read: what is wrong with it, its verification says."""
    try:
        return read_manifest(folder)
    except (OSError, ManifestUnusable):
        return {}


def spotlights_of(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """(participant id, name) of everybody who has a picture in the sealed recording."""
    seen = {track["participant_id"] for track in manifest.get("tracks", ()) if track["source"] == "camera"}
    people = manifest.get("participants", ())
    return [(p["participant_id"], p.get("name") or "未署名") for p in people if p["participant_id"] in seen]


def gaps_of(manifest: dict[str, Any]) -> list[dict[str, str]]:
    """Gaps of every track with who, when and why; what cannot be read is left out."""
    names = {item.get("participant_id"): item.get("name", "") for item in manifest.get("participants", [])}
    found = []
    for track in manifest.get("tracks", []):
        for gap in track.get("gaps", []):
            who = str(names.get(track.get("participant_id"), "") or track.get("source", ""))
            found.append({"who": who, "when": _span(gap), "cause": gap_cause(str(gap.get("cause", "")))})
    return found


def _span(gap: dict[str, Any]) -> str:
    texts = [str(gap.get(name, "")) for name in ("from", "to")]
    try:
        start, end = (
            datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(BEIJING) for text in texts
        )
    except (ValueError, OverflowError):
        return "—"
    seconds = (end - start) / timedelta(seconds=1)
    return f"{start:%H:%M:%S} 起 {seconds:.1f} 秒"
