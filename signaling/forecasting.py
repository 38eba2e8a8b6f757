"""What the waiting room is told of the time it still takes; looked at anew now and then, told in bands."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from scheduling.arrival.waiting_time import Band, Forecast, band_of, forecast_session
from signaling.participant import Participant
from signaling.queue_views import WaitView
from signaling.room import Room

if TYPE_CHECKING:
    from signaling.live import LiveRoom

LOOK_AGAIN = timedelta(seconds=30)
# Whom the sitting is for; the others come in with them.
RECEIVED = "petitioner"


async def look_ahead(live: LiveRoom, now: datetime) -> None:
    """Called every second; the database is asked only while somebody waits, twice a minute."""
    room = live.room
    if not room.in_lobby():
        room.forecast = None
        return
    if room.forecast is None or now - room.forecast_at >= LOOK_AGAIN:
        room.forecast_at = now
        async with live.database.session() as db:
            room.forecast = await forecast_session(db, now, room.sitting.id)
    if tell_waiting(room, now):
        live.changed()


def tell_waiting(room: Room, now: datetime) -> bool:
    """Give everybody in the waiting room their band. True when anybody reads something else."""
    told = [(person, wait_of(room, person, now)) for person in room.in_lobby()]
    changed = [person for person, view in told if view != person.wait]
    for person, view in told:
        person.wait = view
    return bool(changed)


def wait_of(room: Room, person: Participant, now: datetime) -> WaitView | None:
    """The band of one person, None where nothing is known or nothing is before them."""
    expected = room.forecast or Forecast()
    running = room.sitting.opened_at is not None
    begun = [each.joined_at for each in room.in_room() if each.role == RECEIVED] if running else []
    if person.role != RECEIVED and running:
        return None
    if expected.late and not running:
        return WaitView(None, None)
    if expected.length is None or expected.begins_at is None:
        return None
    free_at = max(begun) + expected.length if begun else now if running else expected.begins_at
    if free_at < now and begun:
        return WaitView(None, None)
    ahead = room.in_lobby()[: room.in_lobby().index(person)]
    turns = sum(each.role == RECEIVED for each in ahead) if person.role == RECEIVED else 0
    wait = free_at - now + turns * expected.length
    if wait <= timedelta():
        return None
    known = person.wait
    before = Band(known.least, known.most) if known is not None and known.least is not None else None
    band = band_of(wait, before)
    return WaitView(band.least, band.most)
