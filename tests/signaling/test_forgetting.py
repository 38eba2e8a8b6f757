"""What a seat knew of somebody's devices goes a month after the reception, and not earlier."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry
from cases.roles import InvitationRole
from scheduling.arrival.forgetting import KEPT_AFTER_END
from signaling.forgetting import forget_devices
from signaling.seat import Seat, change_seat, take_seat
from tests.clock import FixedClock
from tests.factories import World, find_invitation, make_session

CHECKED = {"camera": True, "microphone": True, "sound": False}


async def sit(db: AsyncSession, clock: FixedClock, world: World) -> Seat:
    """A citizen who came with devices; the seat of a session that begins now."""
    session = await make_session(db, clock, world)
    invitation = await find_invitation(db, session, InvitationRole.PETITIONER)
    seat = await take_seat(db, clock, invitation, session.host_organisation_id)
    await change_seat(db, seat.id, device=CHECKED)
    await db.commit()
    return seat


async def test_devices_are_forgotten_when_the_link_has_served(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    old = await sit(db, clock, world)
    session_end = clock.now()
    clock.advance(seconds=KEPT_AFTER_END.total_seconds())
    assert await forget_devices(db, clock) == 0, "a second early"
    recent = await sit(db, clock, world)
    clock.advance(days=1)
    assert session_end + KEPT_AFTER_END < clock.now()
    assert await forget_devices(db, clock) == 1
    assert await forget_devices(db, clock) == 0, "once"
    for seat in (old, recent):
        await db.refresh(seat)
    assert (old.device, recent.device) == (None, CHECKED)
    assert old.queue_number is not None, "the number belongs to the reception"
    line = (await db.scalars(select(AuditEntry).where(AuditEntry.action == "seats.forgotten"))).one()
    assert line.detail == {"devices": 1}
