"""The film first: what stands beside a player is made when the browser has begun to fetch the picture; of
tracks, when the first piece of one is made.

Made at once it would be drawn before the film is even asked for, and both cores of a small server would be
busy with it meanwhile.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import web

# Seconds that a page waits for its film to be asked for, and then for the beginning of it to be sent.
PATIENCE = 0.4
BEGINNING = 0.05
MOST = 1000  # pages that wait at once; one more does not wait


class FilmFirst:
    """Who waits for which film to be asked for. Owned: an Event for each page that waits."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str | None, str], asyncio.Event] = {}

    async def wait(self, request: web.Request, official_id: str | None, recording_id: str) -> None:
        """Return when the film was asked for, at once where no browser will play it (Fetch Metadata, 2.1)."""
        if request.headers.get("Sec-Fetch-Dest") != "document" or len(self._waiting) >= MOST:
            return
        key = (official_id, recording_id)
        event = self._waiting.setdefault(key, asyncio.Event())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await event.wait()
                await asyncio.sleep(BEGINNING)
        finally:
            if self._waiting.get(key) is event:
                del self._waiting[key]

    def asked(self, official_id: str | None, recording_id: str) -> None:
        """Somebody's browser fetches the film."""
        if event := self._waiting.get((official_id, recording_id)):
            event.set()


FILM_FIRST = web.AppKey("film_first", FilmFirst)
