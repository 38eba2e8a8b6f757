"""Replay: the composed picture, events that seek, gaps and the last proof; every opening is written down."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from markupsafe import Markup

from cases.errors import Forbidden
from recordings.evidence.proof import Verification, ask_for_verification
from recordings.film.recomposition import composition_text
from recordings.lease import UNCOMPOSED
from recordings.recording import CompositionState, Recording
from recordings.review.replay import ReplayPlan, open_composed, open_manifest, open_replay
from recordings.review.view_purpose import PURPOSES, purpose_of
from web.http.access import client_address
from web.http.ranges import respond_with_file
from web.keys import ACTOR, CLOCK, DATABASE, SETTINGS
from web.pages.signin import see_other
from web.rendering import page, page_in_two, part
from web.replay.beside import build_beside, read_sitting
from web.replay.desk import asked_moment, asked_second, mark_of
from web.replay.film_first import FILM_FIRST
from web.replay.lanes import film_length
from web.replay.tracks import build_tracks, find_tracks
from web.words import date_time, finding_words

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
    """The player at once; what stands beside it is read while the film is on its way."""
    clock, root = request.app[CLOCK], request.app[SETTINGS].recordings_root
    recording_id, address = request.match_info["recording_id"], client_address(request)
    async with request.app[DATABASE].session() as db:
        plan = await open_replay(db, clock, request[ACTOR], recording_id, address, root)
        purpose = await purpose_of(db, request[ACTOR], recording_id)
        mark = await mark_of(db, request[ACTOR])
    playable = plan.composed is not None or plan.originals
    plays = playable and purpose is not None
    shows_film = plan.composed is not None and not (plan.originals and request.query.get("view") == "tracks")
    sitting, tracks = None, None
    if plays and not shows_film:
        sitting, catalogue = await asyncio.gather(read_sitting(request, plan), find_tracks(request, plan))
        second = asked_second(request.query.get("t", ""))
        tracks = build_tracks(request, plan, catalogue, sitting.people, sitting.gaps, second)
    context = _shell(request, plan) | {
        "has_video": plays,
        "asks_purpose": playable and not plays,
        "shows_film": shows_film,
        "tracks": tracks,
        "mark": mark,
    }

    async def rest() -> str:
        if plays and (shows_film or (tracks and tracks.get("first"))):
            await request.app[FILM_FIRST].wait(request, request[ACTOR].official_id, recording_id)
        beside = await build_beside(request, plan, sitting or await read_sitting(request, plan))
        return part(request, "replay_rest.html", context | beside)

    title = f"回放：{plan.session.title}"
    if plays:
        return await page_in_two(request, "replay.html", context, rest, title=title)
    return page(request, "replay.html", context | {"rest": Markup(await rest())}, title=title)  # noqa: S704


def _shell(request: web.Request, plan: ReplayPlan) -> dict[str, Any]:
    """What the page says before anything beside the player is read."""
    recording = plan.recording
    return {
        "nav": "cases",
        "recording": recording,
        "petition_id": recording.petition_id,
        "title": plan.session.title,
        "has_film": plan.composed is not None,
        "has_tracks": plan.originals,
        "duration": film_length(plan),
        "purposes": PURPOSES,
        "asked_moment": asked_moment(request.query.get("t", "")),
        "video_url": f"/recordings/{recording.id}/composed.mp4",
        "waiting_text": WAITING.get(recording.composition, "录像正在等待封存和合成"),
        "composing": {
            "running": recording.composition in UNCOMPOSED,
            "text": composition_text(recording, request.app[CLOCK]),
        },
        **_proof(recording, plan.verification),
    }


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
    request.app[FILM_FIRST].asked(request[ACTOR].official_id, recording_id)
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
        "findings": [finding_words(finding) for finding in last.findings[:FINDINGS_SHOWN]]
        + ([f"还有 {more} 处。"] if more > 0 else []),
        "proof": {
            "sha256": last.manifest_sha256 or "—",
            "fingerprint": last.fingerprint,
            "segments": last.segments,
            "size": last.size,
            "seconds": last.took_ms / 1000,
        },
    }
