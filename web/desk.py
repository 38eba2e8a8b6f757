"""What the reviewer's desk on the replay page shows to one official; forms and states, no player."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.policy import Action, Actor, Scope, allowed
from recordings.authorship import office_of
from recordings.recording import Recording
from recordings.review_note import list_notes
from recordings.view_purpose import PURPOSES, purpose_of
from web.keys import ACTOR, CLOCK

DEEP_LINK = re.compile(r"[0-9hms:.]{1,20}", re.ASCII)


async def build_desk(
    request: web.Request, db: AsyncSession, recording: Recording, scope: Scope
) -> dict[str, Any]:
    """Values of the templates replay_purpose.html and replay_desk.html; the policy was asked before."""
    actor: Actor = request[ACTOR]
    purpose = await purpose_of(db, actor, recording.id)
    reviews = allowed(actor, Action.REVIEW_RECORDING, scope)
    return {
        "recording_id": recording.id,
        "purpose": purpose,
        "purposes": PURPOSES,
        "asked_moment": asked_moment(request.query.get("t", "")),
        "mark": f"{actor.name} {await office_of(db, actor)}".strip(),
        "now_ms": round(request.app[CLOCK].now().timestamp() * 1000),
        "sees_log": allowed(actor, Action.SEE_VIEW_LOG, scope),
        "reviews": reviews,
        "official_id": actor.official_id,
        "notes": await list_notes(db, recording.id) if reviews else [],
    }


def asked_moment(typed: str) -> str:
    """`?t=` of a deep link if it is one, else nothing; it goes back into an address."""
    return typed if DEEP_LINK.fullmatch(typed) else ""
