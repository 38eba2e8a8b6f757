"""The whole URL table, each route with its declared permission; a file for each part of the house."""

from __future__ import annotations

import functools

from aiohttp import web

from web.http.permissions import CEILINGS, PERMISSIONS, Permission, Who
from web.routes.administration import ADMINISTRATION
from web.routes.cases import CASES
from web.routes.citizens import CITIZENS
from web.routes.community import COMMUNITY
from web.routes.house import HOUSE
from web.routes.receptions import RECEPTIONS
from web.routes.recordings import RECORDINGS
from web.routes.route import Route

__all__ = ["MOUNTED", "TABLE", "Route", "mount_routes"]

TABLE: tuple[Route, ...] = (
    *HOUSE,
    *CASES,
    *COMMUNITY,
    *RECEPTIONS,
    *RECORDINGS,
    *ADMINISTRATION,
    *CITIZENS,
)
# Routes that signaling/routes.py mounts itself.
MOUNTED: dict[tuple[str, str], Permission] = {("GET", "/ws"): Who.SOCKET}


def mount_routes(app: web.Application) -> None:
    resources, permissions = _resources()
    for resource in resources:
        app.router.register_resource(resource)
    app[PERMISSIONS] = dict(permissions)
    app[CEILINGS] = {(route.method, route.path): route.ceiling for route in TABLE if route.ceiling}


@functools.cache
def _resources() -> tuple[tuple[web.AbstractResource, ...], dict[tuple[str, str], Permission]]:
    """The patterns of all addresses with their handlers, which know no application, and who may what.

    Made once for all applications of a process.
    """
    router, declared = web.UrlDispatcher(), dict(MOUNTED)
    for route in TABLE:
        resource = router.add_route(route.method, route.path, route.handler).resource
        assert resource is not None
        declared[(route.method, resource.canonical)] = route.permission
        if route.method == "GET":
            router.add_route("HEAD", route.path, route.handler)
    return tuple(router.resources()), declared
