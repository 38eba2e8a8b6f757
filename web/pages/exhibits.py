"""A page of a document that was shown, for the replay: whole, or small for a list."""

from __future__ import annotations

import asyncio
import re

from aiohttp import web

from cases.errors import NotFound
from recordings.review.exhibit_page import GONE, make_small, open_exhibit
from web.http.access import client_address
from web.http.ranges import respond_with_bytes
from web.keys import ACTOR, CLOCK, DATABASE, SETTINGS
from web.pages.materials import STORE
from web.pages.replay import refuse_hot_link

NUMBER = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
MATERIAL = re.compile(r"[0-9a-z]{1,64}", re.ASCII)


async def picture(request: web.Request) -> web.StreamResponse:
    """`/exhibits/{material}/{number}?small=1`."""
    refuse_hot_link(request)
    where = request.match_info
    async with request.app[DATABASE].session() as db:
        found = await open_exhibit(
            db, request.app[CLOCK], request[ACTOR], where["recording_id"], client_address(request),
            request.app[SETTINGS].recordings_root, request.app[STORE], *_wanted(where),
        )  # fmt: skip
    if request.query.get("small") == "1":
        found = await asyncio.to_thread(make_small, found)
    return respond_with_bytes(request, found.content, found.media_type, found.sha256)


def _wanted(where: web.UrlMappingMatchInfo) -> tuple[str, int]:
    if not NUMBER.fullmatch(where["number"]) or not MATERIAL.fullmatch(where["material_id"]):
        raise NotFound("no_such_exhibit", GONE)
    return where["material_id"], int(where["number"])
