"""Composing again in another layout: the order, and how far it is."""

from __future__ import annotations

from aiohttp import web

from recordings.film.recomposition import ask_for_composition, composition_text, see_composition
from recordings.lease import UNCOMPOSED
from web.http.access import client_address
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, SETTINGS
from web.pages.signin import see_other


async def order(request: web.Request) -> web.StreamResponse:
    form, recording_id = Form(await request.post()), request.match_info["recording_id"]
    async with request.app[DATABASE].session() as db:
        await ask_for_composition(
            db, request.app[CLOCK], request[ACTOR], recording_id, form.typed("layout")[:32],
            client_address(request), form.typed("spotlight")[:64], request.app[SETTINGS].recordings_root,
        )  # fmt: skip
    return see_other(f"/recordings/{recording_id}#composing-title")


async def progress(request: web.Request) -> web.StreamResponse:
    """JSON for the page: {text, running, film}; ``film``: there is one to look at."""
    async with request.app[DATABASE].session() as db:
        recording = await see_composition(db, request[ACTOR], request.match_info["recording_id"])
    said = {
        "text": composition_text(recording, request.app[CLOCK]),
        "running": recording.composition in UNCOMPOSED,
        "film": recording.playable,
    }
    return web.json_response(said, headers={"Cache-Control": "private, no-store"})
