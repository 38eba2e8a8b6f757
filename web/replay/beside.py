"""What stands beside the player of a replay: timeline, chapters, events, desk, gaps, what may be done."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import compress
from pathlib import Path
from typing import Any

from aiohttp import web

from cases.clock import BEIJING
from cases.policy import Action, allowed
from recordings.evidence.manifest_shape import ManifestUnusable, read_manifest
from recordings.film.recomposition import LAYOUT_NAMES
from recordings.review.exhibit_page import holds_exhibits
from recordings.review.replay import ReplayPlan
from scheduling.invitation import Invitation
from scheduling.materials.showing import worth_a_line
from scheduling.reach import scope_of_session
from signaling.quality_history import grade_minutes
from signaling.quality_minutes import list_quality
from signaling.seat import Seat, seats_of_session
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say
from web.pages.original import original_of
from web.replay.desk import build_desk
from web.replay.exhibits import build_exhibits, exhibits_of
from web.replay.film_text import minutes_beside
from web.replay.happenings import Happening, chapters_of, gaps_in, said_in
from web.replay.lane_shapes import LANE_SHAPES, lane_outlines
from web.replay.lanes import build_lanes, film_length
from web.words import gap_cause


@dataclass(frozen=True)
class Sitting:
    """Who took part, also whoever was removed, and what the sealed manifest says; it is empty before."""

    seats: list[tuple[Seat, Invitation]]
    manifest: dict[str, Any]
    gaps: list[Happening]

    @property
    def people(self) -> list[dict[str, Any]]:
        """Shape: participant_id, name, role, tier and organisation of each."""
        return _people(self.seats)


async def read_sitting(request: web.Request, plan: ReplayPlan) -> Sitting:
    """The policy was asked when the plan was made."""
    async with request.app[DATABASE].session() as db:
        seats = await seats_of_session(db, plan.session.id, removed=True)
    manifest = await asyncio.to_thread(_read_manifest, plan.folder) if plan.recording.sealed else {}
    return Sitting(seats, manifest, gaps_in(manifest, plan.recording.started_at))


async def build_beside(request: web.Request, plan: ReplayPlan, sitting: Sitting) -> dict[str, Any]:
    """Values of replay_rest.html."""
    recording, actor, clock = plan.recording, request[ACTOR], request.app[CLOCK]
    async with request.app[DATABASE].session() as db:
        minutes = await list_quality(db, actor, plan.session.id)
        scope = await scope_of_session(db, plan.session)
        original = await original_of(db, recording.id)
        desk = await build_desk(request, db, recording, scope)
        spoken = await minutes_beside(db, actor, plan)
    lanes = await asyncio.to_thread(build_lanes, plan, sitting.people, grade_minutes(minutes), sitting.gaps)
    may_export = allowed(actor, Action.EXPORT_RECORDING, scope)
    names = _names(sitting.seats)
    shown = exhibits_of(plan.events, film_length(plan))
    return {
        "desk": desk,
        "events": _events(plan),
        "lanes": lanes,
        "lane_shapes": LANE_SHAPES,
        "lane_outlines": lane_outlines,
        "chapters": chapters_of(plan.events, recording.started_at, names),
        "exhibits": build_exhibits(
            shown,
            names,
            sitting.manifest,
            lambda sheet: f"/recordings/{recording.id}/exhibits/{sheet.material_id}/{sheet.page}",
        ),
        "exhibits_unsealed": recording.sealed and not holds_exhibits(sitting.manifest),
        "lane_words": [[(start, end, say(words)) for start, end, words in lane.now] for lane in lanes.told],
        "speeches": [{"name": lane.name, "spans": lane.speeches} for lane in lanes.lanes],
        "spoken": spoken,
        "gaps": gaps_of(sitting.manifest),
        "original": original,
        "layouts": LAYOUT_NAMES,
        "spotlights": spotlights_of(sitting.manifest),
        "may_compose": original is None and may_export,
        "may_export": recording.sealed and may_export,
        "now": clock.now(),
    }


def _events(plan: ReplayPlan) -> list[dict[str, Any]]:
    """What happened; steps before the recording are shown without a place to seek to."""
    began = plan.recording.started_at
    told = worth_a_line((event.kind, event.event.data) for event in plan.events)
    return [
        {
            "offset": round(event.seconds, 1) if event.at >= began else None,
            "at": event.at,
            "kind": event.kind,
            "name": event.actor_name or "",
            "texts": said_in(event.event.data),
        }
        for event in compress(plan.events, told)
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
