"""Moving a seat to another device: the first one loses it at once, and reads why. The seat itself stays."""

from __future__ import annotations

from signaling.live import LiveRoom
from signaling.protocol import CloseCode
from signaling.pushes import Replaced

MOVED = "工作人员同意您换一台设备，这台设备已经断开。您的号、身份核验和同意都还在，请在新设备上继续。"
CAUSE = "device_changed"


async def release(live: LiveRoom, invitation_id: str) -> None:
    """End socket and media of whoever holds the seat of this invitation; without one nothing happens."""
    async with live.lock:
        person = next((one for one in live.room.people.values() if one.invitation_id == invitation_id), None)
        if person is None:
            return
        live.holders.pop(person.id, None)
        was_here = person.id in live.connections
        live.dismiss_one(person, Replaced(MOVED), CloseCode.REPLACED)
        if person.place == "room":
            await live.media.let_out(person, CAUSE)
        if was_here:
            live.room.disconnect(person, live.clock.now())
            live.write_drop(person)
    live.changed()
