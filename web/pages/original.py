"""An original that aged out: what the page of its recording says of it, and the wish to have it back."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from recordings.archive.alarm import CAUSES
from recordings.archive.copies import ArchiveState, archive_of
from recordings.archive.returning import ask_for_original
from web.http.access import client_address
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.signin import see_other


async def fetch(request: web.Request) -> web.StreamResponse:
    """Ask for it; the archiver fetches it, the page says when it is there."""
    recording_id = request.match_info["recording_id"]
    async with request.app[DATABASE].session() as db:
        await ask_for_original(db, request.app[CLOCK], request[ACTOR], recording_id, client_address(request))
    return see_other(f"/recordings/{recording_id}#original-title")


async def original_of(db: AsyncSession, recording_id: str) -> dict[str, Any] | None:
    """For the page, of a recording the actor may replay; None where the original is on this machine."""
    archive = await archive_of(db, recording_id)
    if archive is None or archive.state is not ArchiveState.LOCAL_REMOVED:
        return None
    return {
        "coming": archive.restore_wanted_at is not None,
        "trouble": CAUSES.get(archive.cause or ""),
        "next_try_at": archive.next_try_at,
        "removed_at": archive.local_removed_at,
    }
