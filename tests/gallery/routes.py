"""Which addresses of the service are pages, and whose page a path is: asked of the table of routes itself."""

from __future__ import annotations

import re

from web.http.permissions import Who
from web.routes import TABLE

# What answers GET and is no page; whatever is not named here has to be photographed or is told as missing.
NO_PAGES = {
    # Read by the scripts of a page, or drawn into one.
    "/board/live", "/demo/party/{party}/materials", "/recordings/{recording_id}/composition",
    "/recordings/{recording_id}/desk", "/j/{code}/minutes/phone",
    # Pictures, films and parts of them.
    "/demo/party/{party}/materials/{material_id}/pages/{number}",
    "/cases/{petition_id}/enclosures/{enclosure_id}/pages/{number}",
    "/sessions/{session_id}/materials/{material_id}/pages/{number}",
    "/j/{code}/materials/{material_id}/pages/{number}",
    "/recordings/{recording_id}/tracks/{track}/{piece}",
    "/recordings/{recording_id}/exhibits/{material_id}/{number}",
    # Papers without an ending in their address: PDF, and what was brought as a proof.
    "/cases/{petition_id}/documents/{document_id}/pdf",
    "/cases/{petition_id}/documents/{document_id}/deliveries/{delivery_id}",
    "/supervision/{order_id}/papers/{document_id}",
    "/campaigns/matters/{matter_id}/evidence/{step_id}",
    # Doors that only lead elsewhere.
    "/j/{code}/rate", "/j/{code}/identity/provider", "/j/{code}/identity/proof", "/identity/back",
}  # fmt: skip
FILE = re.compile(r"\.\w+$")
NO_READER = {Who.NOBODY_SPECIAL, Who.PROGRAM, Who.SOCKET}
PAGES = tuple(
    sorted(
        route.path
        for route in TABLE
        if route.method == "GET"
        and route.permission not in NO_READER
        and not FILE.search(route.path)
        and route.path not in NO_PAGES
    )
)
PARAMETER = re.compile(r"\{(\w+)\}")


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(PARAMETER.sub(r"(?P<\1>[^/]+)", path.replace(".", r"\.")))


# As the router does it, the first that fits: /cases/new is no matter called “new”.
PATTERNS = tuple((route.method, route.path, _pattern(route.path)) for route in TABLE)


def route_of(path: str, method: str = "GET") -> tuple[str, dict[str, str]]:
    """The route that answers and what stands in its places; empty where none does."""
    for by, route, pattern in PATTERNS:
        found = by == method and pattern.fullmatch(path)
        if found:
            return route, found.groupdict()
    return "", {}
