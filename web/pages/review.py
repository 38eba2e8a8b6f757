"""The review of a recording: answers to the checklist, second review, findings; forms in, the desk shows."""

from __future__ import annotations

from aiohttp import web

from recordings.review.film_time import read_moment, read_stretch
from recordings.review.finding import NewFinding, add_finding, decide_finding, remedy_finding
from recordings.review.review import answer_item, move_review
from web.http.access import client_address
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.desk import back


async def answer(request: web.Request) -> web.StreamResponse:
    form, recording_id = Form(await request.post()), request.match_info["recording_id"]
    async with request.app[DATABASE].session() as db:
        await answer_item(
            db, request.app[CLOCK], request[ACTOR], recording_id, form.typed("item"), form.typed("outcome"),
            read_moment(form.typed("since"), "since"), form.typed("words"), client_address(request),
        )  # fmt: skip
    return back(recording_id)


async def move(request: web.Request) -> web.StreamResponse:
    form, recording_id = Form(await request.post()), request.match_info["recording_id"]
    async with request.app[DATABASE].session() as db:
        await move_review(
            db, request.app[CLOCK], request[ACTOR], recording_id, form.typed("state"), form.typed("words"),
            client_address(request),
        )  # fmt: skip
    return back(recording_id)


async def find(request: web.Request) -> web.StreamResponse:
    form, recording_id = Form(await request.post()), request.match_info["recording_id"]
    stretch = read_stretch(form.typed("since"), form.typed("until"))
    kind, words, office, due_on = (
        form.typed(name) for name in ("kind", "words", "organisation_id", "due_on")
    )
    async with request.app[DATABASE].session() as db:
        await add_finding(
            db, request.app[CLOCK], request[ACTOR], recording_id,
            NewFinding(kind, stretch, words, office, due_on), client_address(request),
        )  # fmt: skip
    return back(recording_id)


async def remedy(request: web.Request) -> web.StreamResponse:
    form, where = Form(await request.post()), request.match_info
    async with request.app[DATABASE].session() as db:
        await remedy_finding(
            db, request.app[CLOCK], request[ACTOR], where["recording_id"], where["finding_id"],
            form.typed("words"), client_address(request),
        )  # fmt: skip
    return back(where["recording_id"])


async def decide(request: web.Request) -> web.StreamResponse:
    form, where = Form(await request.post()), request.match_info
    async with request.app[DATABASE].session() as db:
        await decide_finding(
            db, request.app[CLOCK], request[ACTOR], where["recording_id"], where["finding_id"],
            form.typed("state"), form.typed("words"), client_address(request),
        )  # fmt: skip
    return back(where["recording_id"])
