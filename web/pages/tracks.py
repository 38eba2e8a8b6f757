"""Replay of the tracks themselves: ten seconds of one track at a time, as soon as a recording has stopped."""

from __future__ import annotations

import json
import re

from aiohttp import web

from cases.errors import Conflict, NotFound
from recordings.playback.pieces import Cut, Piece
from recordings.review.replay import open_originals
from web.http.access import client_address
from web.keys import ACTOR, CLOCK, DATABASE, SETTINGS
from web.pages.replay import refuse_hot_link
from web.replay.film_first import FILM_FIRST
from web.replay.tracks import PIECES, version_of

NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)
MOST_TOLD = 60  # key frames and turns of one piece; a header holds no more


async def piece(request: web.Request) -> web.StreamResponse:
    """`/tracks/{track}/{piece}?lead=1`: 200 with bytes, 204 where nothing was recorded then.

    `head=2`: of the piece its first two seconds alone, and how many frames those are; `after=30`: what
    follows on so many frames.
    """
    refuse_hot_link(request)
    where = request.match_info
    track, number = _number(where["track"]), _number(where["piece"])
    clock, root = request.app[CLOCK], request.app[SETTINGS].recordings_root
    async with request.app[DATABASE].session() as db:
        recording, folder = await open_originals(
            db, clock, request[ACTOR], where["recording_id"], client_address(request), root
        )
    cut = _cut(request)
    try:
        made = await request.app[PIECES].piece(
            folder, recording.started_at, version_of(recording, clock), track, number, cut
        )
    except OSError as error:
        raise Conflict("tracks_unreadable", "原始轨道现在读不出来，请联系管理员。") from error
    if cut.head is None:  # Whoever asks for more has the first picture.
        request.app[FILM_FIRST].asked(request[ACTOR].official_id, recording.id)
    return _answer(made)


def _cut(request: web.Request) -> Cut:
    head, after = (request.query.get(name) for name in ("head", "after"))
    return Cut(request.query.get("lead") == "1", _number(head) if head else None, _number(after or "0"))


def _answer(made: Piece) -> web.Response:
    told = {
        "kind": made.kind,
        "begins": made.begins,
        "start": round(made.start, 3),
        "end": round(made.end, 3),
        "keys": made.keys[-MOST_TOLD:],
        "turns": made.turns[:MOST_TOLD],
        "rest": made.rest,
    }
    headers = {
        "Cache-Control": "private, no-store",
        "Accept-Ranges": "none",
        "X-Piece": json.dumps(told, separators=(",", ":")),
    }
    if not made.body:
        return web.Response(status=204, headers=headers)
    return web.Response(body=made.body, headers=headers | {"Content-Type": made.kind})


def _number(text: str) -> int:
    if not NUMBER.fullmatch(text):
        raise NotFound("no_such_piece", "录像里没有这一段。")
    return int(text)
