"""What a route asks of the person: an Action of the policy, or one of a few who need none."""

from __future__ import annotations

from enum import StrEnum

from aiohttp import web

from cases.policy import Action


class Who(StrEnum):
    NOBODY_SPECIAL = "nobody_special"  # Health, figures, static files: not even the cookie is read.
    EVERYONE = "everyone"
    SIGNED_IN = "signed_in"
    LINK = "link"  # The handler asks for the link's cookie; without it the link page answers.
    SOCKET = "socket"  # The ticket in the first message decides (signaling/admission.py).
    PROGRAM = "program"  # Another system: no cookie is read, the handler checks signature or token.
    DEMO = "demo"  # Exists in demo mode only.


Permission = Who | Action
PERMISSIONS: web.AppKey[dict[tuple[str, str], Permission]] = web.AppKey("permissions")

# Method and route → bytes that a form may have there: more than elsewhere (web/app.py), and files in it.
CEILINGS: web.AppKey[dict[tuple[str, str], int]] = web.AppKey("ceilings")
