"""The first page, the style guide and static files."""

from __future__ import annotations

from aiohttp import web

from web.http.forms import Form
from web.keys import STATIC
from web.rendering import page


async def show(request: web.Request) -> web.StreamResponse:
    return page(request, "home.html", title="视频接访")


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
