"""C0: what we say about accessibility and about personal data, for everybody."""

from __future__ import annotations

from aiohttp import web

from web.rendering import page


async def accessibility(request: web.Request) -> web.StreamResponse:
    return page(request, "citizen/accessibility.html", {"organisation_name": ""}, title="无障碍说明")


async def privacy(request: web.Request) -> web.StreamResponse:
    return page(request, "citizen/privacy.html", {"organisation_name": ""}, title="个人信息保护")
