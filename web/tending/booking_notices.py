"""Telling citizens what became of a booking that leads to no session here: refused, or passed on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from scheduling.booking.booking import Booking, BookingKind, BookingState
from scheduling.notices.queueing import About, add_notice, channel_for
from web.keys import CLOCK, SETTINGS
from web.language import in_chinese
from web.tending.messages import MESSENGER
from web.views.link_pages import when_words

TEMPLATES: Mapping[BookingState, str] = {
    BookingState.REJECTED: "booking_rejected",
    BookingState.REDIRECTED: "booking_redirected",
}
# What an office asked for by itself the citizen never heard of.
OF_CITIZENS = frozenset({BookingKind.SELF_ONLINE, BookingKind.BY_PROXY, BookingKind.STATION_ASSISTED})
WORTH_TELLING = timedelta(days=7)


async def tell_applicants(db: AsyncSession, request: web.Request, booking: Booking) -> int:
    """Queue the notice for the petitioner, and for the proxy where there is one, and commit.

    Returns how many; none where the decision leads to a session, which is told when it is arranged, and none
    of what an office asked for.
    """
    template = TEMPLATES.get(booking.state)
    if template is None or booking.kind not in OF_CITIZENS:
        return 0
    clock, messenger, petition = request.app[CLOCK], request.app[MESSENGER], booking.petition
    with in_chinese():
        when = when_words(booking.slot.starts_at, clock.now())
    fields = {
        "office": booking.slot.room.organisation.name,
        "when": when,
        "what": booking.reason or "",
        "to": booking.redirected_to.name if booking.redirected_to else "",
        "number": petition.number,
        "phone": request.app[SETTINGS].web.help_phone,
    }
    about = About(booking.slot.organisation_id, petition.id, booking_id=booking.id)
    people = [petition.petitioner, *([booking.proxy] if booking.proxy else [])]
    for person in people:
        number = person.phone or ""
        until, envelope = clock.now() + WORTH_TELLING, messenger.secrets.envelope
        await add_notice(db, clock, envelope, about, number, template, fields, until, channel_for(number))
    await db.commit()
    messenger.ring()
    return len(people)
