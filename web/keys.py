"""Keys under which the composition root keeps what it built, and what guards keep on a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from cases.clock import Clock
from cases.database import Database
from cases.policy import Actor
from web.http.limits import RateLimits
from web.http.static_files import StaticFiles
from web.settings import Settings

if TYPE_CHECKING:
    from scheduling.afterwards.rating_sums import RatingSums
    from scheduling.afterwards.session_trend import Trend
    from signaling.registry import RoomRegistry
    from web.rendering import Renderer

SETTINGS = web.AppKey("settings", Settings)
DATABASE = web.AppKey("database", Database)
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
LIMITS = web.AppKey("limits", RateLimits)
STATIC = web.AppKey("static", StaticFiles)
RENDERER: web.AppKey[Renderer] = web.AppKey("renderer")
REGISTRY: web.AppKey[RoomRegistry] = web.AppKey("registry")
TREND: web.AppKey[Trend] = web.AppKey("trend")
RATING_SUMS: web.AppKey[RatingSums] = web.AppKey("rating_sums")
SERVER_KEY = web.AppKey("server_key", bytes)  # A secret; the others are names of what was built.

REQUEST_ID = web.RequestKey("request_id", str)
ACTOR = web.RequestKey("actor", Actor)
FRAMING = web.RequestKey("framing", str)  # "parent" may frame our pages, "child" may be framed by us.
