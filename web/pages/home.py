"""The first page, the style guide and static files."""

from __future__ import annotations

from aiohttp import web

from cases.policy import ActorKind
from web.http.forms import Form
from web.keys import ACTOR, STATIC
from web.navigation import places_of
from web.rendering import page


async def show(request: web.Request) -> web.StreamResponse:
    """Where citizens begin; an official who has no page of their own is told where their work is done."""
    actor = request.get(ACTOR)
    idle = actor is not None and actor.kind == ActorKind.OFFICIAL and not places_of(actor)
    return page(request, "home.html" if idle else "citizen/home.html", title="视频接访")


async def styleguide(request: web.Request) -> web.StreamResponse:
    """Every component in every state, so that a change is seen before it is in twenty pages."""
    wrong = Form(initial={"phone": "12345"})
    wrong.fail("phone", "请填写正确的手机号，例如 13800138000")
    wrong.fail("subject", "请写一句话说明要反映的事情")
    return page(request, "styleguide.html", {"form": Form(), "wrong": wrong}, title="样式说明")


async def static(request: web.Request) -> web.StreamResponse:
    return request.app[STATIC].respond(request.match_info["build"], request.match_info["name"])


async def favicon(request: web.Request) -> web.StreamResponse:
    return request.app[STATIC].respond("", "icons/bridge.svg")
