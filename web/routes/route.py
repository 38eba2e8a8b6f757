"""One route with its declared permission, and how large its form may be."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp.typedefs import Handler

from web.http.permissions import Permission

# Several texts of 3,000 characters, each nine bytes as a form sends it; a proof of 8 MB with its fields.
LETTER, PROOF = 512 * 1024, 9 * 2**20


@dataclass(frozen=True)
class Route:
    """`ceiling`: bytes of a form that may be larger than others."""

    method: str
    path: str
    handler: Handler
    permission: Permission
    ceiling: int = 0
