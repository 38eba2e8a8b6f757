"""What a use case needs to tell citizens of what it does, in the transaction in which it does it.

A notice that is written after the commit is lost by whatever happens between the two; so it is handed into
the use case and stands or falls with what it tells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.errors import RuleError
from scheduling.booking.booking import PENDING, Booking, BookingKind, BookingState
from scheduling.booking.slot_proposal import SlotProposal
from scheduling.notices.gateway import Envelope
from scheduling.notices.notice import Notice, NoticeChannel
from scheduling.notices.queueing import About, add_notice, channel_for
from scheduling.proposals import ProposalState

# What becomes of a booking that leads to no session here. One that does is told when it is arranged.
OF_BOOKINGS = {
    BookingState.REJECTED: "booking_rejected",
    BookingState.REDIRECTED: "booking_redirected",
}
OF_OTHER_TIMES = {
    ProposalState.OPEN: "booking_time_proposed",
    ProposalState.ACCEPTED: "booking_time_moved",
}
# What an office asked for by itself the citizen never heard of.
OF_CITIZENS = frozenset({BookingKind.SELF_ONLINE, BookingKind.BY_PROXY, BookingKind.STATION_ASSISTED})
WORTH_TELLING = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Telling:
    """Seals what is said, knows the telephone for questions, says a moment as people say it (in Chinese)."""

    envelope: Envelope
    help_phone: str
    when: Callable[[datetime], str]


async def tell(
    db: AsyncSession, clock: Clock, telling: Telling, about: About, number: str, template: str,
    fields: dict[str, str], expires_at: datetime,
) -> Notice:  # fmt: skip
    """Queue one message inside the caller's transaction, by the way that reaches this number.

    Where messages flood, somebody calls instead: what was decided is not held up by the outbox.
    """
    fields = {"phone": telling.help_phone} | fields
    channel = channel_for(number)
    try:
        return await add_notice(
            db, clock, telling.envelope, about, number, template, fields, expires_at, channel
        )
    except RuleError:
        return await add_notice(
            db, clock, telling.envelope, about, number, template, fields, expires_at, NoticeChannel.TELEPHONE
        )


async def tell_applicants(db: AsyncSession, clock: Clock, telling: Telling, booking: Booking) -> int:
    """Tell petitioner and proxy that a booking was refused or passed on, inside the caller's transaction.

    Returns how many were told; none of what an office asked for by itself.
    """
    template = OF_BOOKINGS.get(booking.state)
    if template is None or booking.kind not in OF_CITIZENS:
        return 0
    fields = {
        "when": telling.when(booking.slot.starts_at),
        "what": booking.reason or "",
        "to": booking.redirected_to.name if booking.redirected_to else "",
    }
    return await _tell_of(db, clock, telling, booking, template, fields, clock.now() + WORTH_TELLING)


async def tell_of_slot(db: AsyncSession, clock: Clock, telling: Telling, row: SlotProposal) -> int:
    """Tell petitioner and proxy that another time is proposed, or that it stands, in the same transaction.

    Returns how many were told; none of what an office asked for by itself.
    """
    template = OF_OTHER_TIMES.get(row.state)
    if template is None or row.booking.kind not in OF_CITIZENS:
        return 0
    fields = {
        "when": telling.when(row.was_slot.starts_at),
        "what": row.reason,
        "to": telling.when(row.slot.starts_at),
    }
    return await _tell_of(db, clock, telling, row.booking, template, fields, row.slot.starts_at)


async def tell_of_moved_day(
    db: AsyncSession, clock: Clock, telling: Telling, booking: Booking, was: datetime, reason: str
) -> int:
    """Tell petitioner and proxy that their booking moved along with its reception day, in the same way.

    Returns how many were told; none of what an office asked for and nobody has confirmed.
    """
    if booking.kind not in OF_CITIZENS and booking.state in PENDING:
        return 0
    fields = {"when": telling.when(was), "what": reason, "to": telling.when(booking.slot.starts_at)}
    until = booking.slot.starts_at
    return await _tell_of(db, clock, telling, booking, "booking_day_moved", fields, until)


async def tell_of_receiver(
    db: AsyncSession, clock: Clock, telling: Telling, booking: Booking, name: str
) -> int:
    """Tell petitioner and proxy that somebody else receives on the day whose time they took, in the same way.

    Returns how many were told; none of what an office asked for and nobody has confirmed.
    """
    if booking.kind not in OF_CITIZENS and booking.state in PENDING:
        return 0
    fields = {"when": telling.when(booking.slot.starts_at), "who": name}
    until = booking.slot.starts_at
    return await _tell_of(db, clock, telling, booking, "booking_receiver_changed", fields, until)


async def _tell_of(
    db: AsyncSession, clock: Clock, telling: Telling, booking: Booking, template: str,
    fields: dict[str, str], until: datetime,
) -> int:  # fmt: skip
    petition = booking.petition
    fields |= {"office": booking.slot.room.organisation.name, "number": petition.number}
    about = About(booking.slot.organisation_id, petition.id, booking_id=booking.id)
    people = [petition.petitioner, *([booking.proxy] if booking.proxy else [])]
    for person in people:
        await tell(db, clock, telling, about, person.phone or "", template, fields, until)
    return len(people)
