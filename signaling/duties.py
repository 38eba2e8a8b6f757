"""What time alone brings about in a room: unanswered calls, a host who is gone, a wait, a disk that fills."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from signaling.calls import call_off
from signaling.forecasting import look_ahead
from signaling.hosting import take_over
from signaling.incidents import look_out
from signaling.waiting import let_pass

if TYPE_CHECKING:
    from signaling.live import LiveRoom

LOOK_AT_DISK = timedelta(seconds=10)


async def attend(live: LiveRoom, now: datetime) -> None:
    """Called every second by the registry's ticker, with the room's lock free."""
    async with live.lock:
        await take_over(live, now)
        await call_off(live, now)
        await let_pass(live, now)
    await look_ahead(live, now)
    await look_out(live, now)
    await _look_at_disk(live, now)


async def _look_at_disk(live: LiveRoom, now: datetime) -> None:
    badge = live.room.badge
    if badge.recording_id is None or badge.state == "stopped":
        return
    if badge.looked_at is not None and now - badge.looked_at < LOOK_AT_DISK:
        return
    badge.looked_at = now
    free = (await asyncio.to_thread(live.gauge.measure, live.recordings)).free
    if free != badge.free:
        badge.free = free
        live.changed()
