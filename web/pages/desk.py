"""The reviewer's desk: the reason for viewing, what was played, notes; forms in, and one fragment out."""

from __future__ import annotations

from aiohttp import web

from recordings.review.film_time import Stretch, read_stretch
from recordings.review.note import correct_note, withdraw_note, write_note
from recordings.review.view_purpose import state_purpose
from recordings.review.viewing import note_played, see_recording
from web.http.access import client_address
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.signin import see_other
from web.rendering import page
from web.replay.desk import asked_moment, build_desk


async def show(request: web.Request) -> web.StreamResponse:
    """The desk alone, for the page to put in place of its own after a form; not an opening of the film."""
    recording_id = request.match_info["recording_id"]
    async with request.app[DATABASE].session() as db:
        recording, scope = await see_recording(db, request[ACTOR], recording_id)
        desk = await build_desk(request, db, recording, scope)
    return page(request, "replay_desk.html", {"desk": desk}, title="评阅")


async def purpose(request: web.Request) -> web.StreamResponse:
    form, recording_id = Form(await request.post()), request.match_info["recording_id"]
    async with request.app[DATABASE].session() as db:
        await state_purpose(
            db, request.app[CLOCK], request[ACTOR], recording_id, form.typed("kind"), form.typed("words"),
            client_address(request),
        )  # fmt: skip
    moment = asked_moment(form.typed("t"))
    return see_other(f"/recordings/{recording_id}" + (f"?t={moment}" if moment else ""))


async def played(request: web.Request) -> web.StreamResponse:
    form, recording_id = Form(await request.post()), request.match_info["recording_id"]
    async with request.app[DATABASE].session() as db:
        await note_played(db, request.app[CLOCK], request[ACTOR], recording_id, form.typed("ranges"))
    return web.Response(status=204)


async def write(request: web.Request) -> web.StreamResponse:
    form, recording_id = Form(await request.post()), request.match_info["recording_id"]
    async with request.app[DATABASE].session() as db:
        await write_note(
            db, request.app[CLOCK], request[ACTOR], recording_id, _stretch(form), form.typed("words"),
            client_address(request),
        )  # fmt: skip
    return back(recording_id)


async def correct(request: web.Request) -> web.StreamResponse:
    form, where = Form(await request.post()), request.match_info
    clock, actor, address = request.app[CLOCK], request[ACTOR], client_address(request)
    recording_id, note_id = where["recording_id"], where["note_id"]
    async with request.app[DATABASE].session() as db:
        if form.typed("act") == "withdraw":
            await withdraw_note(db, clock, actor, recording_id, note_id, address)
        else:
            stretch, words = _stretch(form), form.typed("words")
            await correct_note(db, clock, actor, recording_id, note_id, stretch, words, address)
    return back(recording_id)


def back(recording_id: str) -> web.Response:
    return see_other(f"/recordings/{recording_id}#desk")


def _stretch(form: Form) -> Stretch:
    return read_stretch(form.typed("since"), form.typed("until"))
