"""The live rooms of this process as a cleanup context, and how /ws is mounted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from scheduling.materials.store import MaterialStore
from signaling.registry import RoomRegistry
from signaling.relays import Relays
from signaling.routes import mount
from web.figures import ROOMS, TASKS
from web.http.access import own_origin, rules_of
from web.keys import CLOCK, DATABASE, REGISTRY, SETTINGS


async def live_rooms(app: web.Application) -> AsyncIterator[None]:
    """Given: database, clock, settings. Owned: the registry with its links to the media workers."""
    settings = app[SETTINGS]
    sockets = [str(settings.media_socket(number)) for number in range(settings.media_workers)]
    registry = RoomRegistry(
        app[DATABASE], app[CLOCK], sockets, settings.recordings_root, MaterialStore.at(settings.state),
        settings.gauge, rules_of(settings),
    )  # fmt: skip
    registry.relays = Relays(settings.media.turn_urls, settings.media.turn_secret)
    app[REGISTRY] = registry
    ROOMS.set_function(lambda: len(registry.rooms))
    TASKS.set_function(lambda: len(asyncio.all_tasks()))
    await registry.start()
    yield
    await registry.close()


def mount_signaling(app: web.Application) -> None:
    """Add GET /ws; its Origin must be exactly ours."""
    mount(app, lambda request: request.app[REGISTRY], lambda request: [own_origin(request)])


def media_is_there(app: web.Application) -> bool:
    """Does at least one media worker answer?"""
    return any(link.connected for link in app[REGISTRY].workers.links)
