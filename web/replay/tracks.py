"""What the player of the tracks is told: parties, their tracks, gaps; and the maker of their pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from aiohttp import web

from cases.clock import Clock
from recordings.film.layout import standing
from recordings.playback.catalogue import Catalogue
from recordings.playback.pieces import PieceMaker, piece_at
from recordings.playback.window import PIECE
from recordings.recording import Recording
from recordings.review.replay import ReplayPlan
from web.keys import CLOCK
from web.language import say
from web.replay.happenings import Happening
from web.words import ROLES

PIECES = web.AppKey("pieces", PieceMaker)
# For so long the last bytes of a recording that has just stopped may still be on their way to the disk.
SETTLING = timedelta(seconds=5)
STRANGER = "其他参加人"
MOST_GAPS = 2000
HEAD = 2  # seconds from the one that is shown: as much as is fetched before the first picture


async def keep_piece_maker(app: web.Application) -> AsyncIterator[None]:
    """Owned: the maker and its threads."""
    app[PIECES] = PieceMaker()
    yield
    app[PIECES].close()


def version_of(recording: Recording, clock: Clock) -> str:
    """Another one whenever the files may have changed."""
    if recording.manifest_sha256 is not None:
        return recording.manifest_sha256
    since = clock.now() - (recording.stopped_at or clock.now())
    return "stopped" if since > SETTLING else f"stopping {since.total_seconds():.1f}"


async def find_tracks(request: web.Request, plan: ReplayPlan) -> Catalogue | None:
    """Which tracks there are; None where the originals cannot be read."""
    version = version_of(plan.recording, request.app[CLOCK])
    try:
        return await request.app[PIECES].catalogue(plan.folder, plan.recording.started_at, version)
    except OSError:
        return None


def build_tracks(
    request: web.Request, plan: ReplayPlan, catalogue: Catalogue | None,
    people: Sequence[Mapping[str, Any]], gaps: Sequence[Happening], second: float,
) -> dict[str, Any]:  # fmt: skip
    """What the player of the tracks is told: addresses, parties in the order of their tiers, and gaps.

    What it will show first, at `second`, is begun to be made; `first` is the address of the first picture.
    """
    if catalogue is None:
        return {"parties": []}
    parties, recording = _parties(catalogue, people), plan.recording
    version = version_of(recording, request.app[CLOCK])
    request.app[PIECES].foresee(catalogue, version, [party["id"] for party in parties], second)
    address = f"/recordings/{recording.id}/tracks"
    return {
        "address": address,
        "first": _first(catalogue, address, parties, second),
        "piece": PIECE,
        "head": HEAD,
        "seconds": max(plan.duration, 0.0),
        "parties": parties,
        "gaps": _gaps(gaps),
    }


def _first(
    catalogue: Catalogue, address: str, parties: Sequence[Mapping[str, Any]], second: float
) -> str | None:
    """As the player asks for it (static/js/replay/tracks/feed.js); None where there is no picture then."""
    for party in parties:
        for track in party["tracks"]:
            if track["source"] == "camera" and track["start"] <= second <= track["end"]:
                number = piece_at(catalogue, second)
                head = int(second - number * PIECE) + HEAD
                more = f"&head={head}" if head < PIECE else ""
                return f"{address}/{track['number']}/{number}?lead=1{more}"
    return None


def _part(person: Mapping[str, Any]) -> str:
    role = say(ROLES.get(person.get("role") or "", ""))
    return " ".join(each for each in (person.get("organisation"), role) if each)


def _parties(catalogue: Catalogue, people: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    known = {str(person["participant_id"]): dict(person) for person in people}
    present = list(dict.fromkeys(track.participant_id for track in catalogue.tracks))
    seated = [known.get(who, {"participant_id": who, "name": STRANGER}) for who in present]
    return [
        {
            "id": person["participant_id"],
            "name": person["name"],
            "part": _part(person),
            "tracks": [
                {
                    "number": track.number,
                    "source": track.source,
                    "start": round(track.start, 3),
                    "end": round(track.end, 3),
                }
                for track in catalogue.of(person["participant_id"])
            ],
        }
        for person in sorted(seated, key=standing)
    ]


def _gaps(gaps: Sequence[Happening]) -> dict[str, list[tuple[float, float, str]]]:
    """Participant id to (from, until, cause in words), in order."""
    found: dict[str, list[tuple[float, float, str]]] = {}
    for gap in sorted(gaps, key=lambda gap: gap.start)[:MOST_GAPS]:
        found.setdefault(gap.who, []).append((round(gap.start, 1), round(gap.end, 1), gap.words))
    return found
