"""Today's board: the day's sessions in four columns, and the part of it that renews itself."""

from __future__ import annotations

import hashlib
from datetime import datetime, time, timedelta

from aiohttp import web

from cases.campaigns.following import count_to_confirm
from cases.clock import BEIJING
from cases.policy import Action, allowed
from recordings.alarms import count_alarms
from web.keys import ACTOR, CLOCK, DATABASE, REGISTRY
from web.rendering import page
from web.views.board import build_board, read_wanted
from web.views.board_memory import BOARDS
from web.words import TIERS


async def show(request: web.Request) -> web.StreamResponse:
    wanted = read_wanted(request)
    async with request.app[DATABASE].session() as db:
        board = await build_board(request, db, wanted)
        sees_alarms = allowed(request[ACTOR], Action.SEE_ALARMS)
        alarms = await count_alarms(db, request[ACTOR]) if sees_alarms else 0
        confirms = allowed(request[ACTOR], Action.CONFIRM_RESOLUTION)
        confirm = await count_to_confirm(db, request[ACTOR]) if confirms else 0
    context = {
        "nav": "board",
        "day": datetime.combine(wanted.day, time(12), BEIJING),
        "previous": wanted.on(wanted.day - timedelta(days=1)),
        "next": wanted.on(wanted.day + timedelta(days=1)),
        "tiers": TIERS,
        "alarms": alarms,
        "confirm": confirm,
    }
    return page(request, "board.html", context | board, title="今日接访")


async def live(request: web.Request) -> web.StreamResponse:
    """What changes on the board, for the page to put in place of its own; 304 while nothing did."""
    memory, now, wanted = request.app[BOARDS], request.app[CLOCK].now(), read_wanted(request)
    reader, held = f"{request[ACTOR].sign_in_id} {wanted.query}", request.headers.get("If-None-Match", "")
    state = (memory.acts, request.app[REGISTRY].pulse())
    if memory.is_fresh(reader, held, now, state):
        return web.Response(status=304, headers={"ETag": held})
    async with request.app[DATABASE].session() as db:
        board = await build_board(request, db, wanted)
    answer = page(request, "board_live.html", board, title="今日接访")
    mark = f'"{hashlib.sha256((answer.text or "").encode()).hexdigest()[:32]}"'
    memory.keep(reader, mark, now, state)
    if held == mark:
        return web.Response(status=304, headers={"ETag": mark})
    answer.headers["ETag"] = mark
    return answer
