"""A person's durable place in a session. Survives a dropped socket, a reload and a killed web process."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.clock import BEIJING, Clock
from cases.database import Base, new_id, violates
from scheduling.sessions.invitations import Invitation
from signaling.queue import ticket_number
from signaling.rights import is_official

NUMBER_INDEX = "uq_seats_queue_number"
NUMBER_ATTEMPTS = 5


class Seat(Base):
    """One row per invitation that was ever used; its id is the participant id.

    `place` is lobby, room or removed. `queue_number` counts per host organisation and civil day;
    officials have none. `away_since`: stepped out of the waiting room. `sources`
    maps a source to {enabled, locked}.
    """

    __tablename__ = "seats"
    __table_args__ = (
        UniqueConstraint("invitation_id"),
        Index(NUMBER_INDEX, "queue_organisation_id", "queue_day", "queue_number", unique=True),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"), index=True)
    invitation_id: Mapped[str] = mapped_column(ForeignKey("invitations.id"))
    place: Mapped[str] = mapped_column(String(16))
    queue_organisation_id: Mapped[str | None] = mapped_column(String(32))
    queue_day: Mapped[date | None]
    queue_number: Mapped[int | None]
    created_at: Mapped[datetime]
    queued_at: Mapped[datetime | None]
    admitted_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    absent_since: Mapped[datetime | None]
    away_since: Mapped[datetime | None]
    hand_raised_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    removed_reason: Mapped[str | None] = mapped_column(String(200))
    ready: Mapped[bool] = mapped_column(default=False)
    device: Mapped[dict[str, Any] | None]
    sources: Mapped[dict[str, Any]] = mapped_column(default=dict)

    @property
    def number(self) -> str:
        """The number on the waiting person's screen; empty for officials."""
        return ticket_number(self.queue_number) if self.queue_number else ""


async def take_seat(db: AsyncSession, clock: Clock, invitation: Invitation, organisation_id: str) -> Seat:
    """Find the invitation's seat or make it; commits. Officials sit down, everybody else gets a number."""
    for _ in range(NUMBER_ATTEMPTS):
        seat = await find_seat(db, invitation.id)
        if seat is not None:
            return seat
        seat = await _new_seat(db, clock, invitation, organisation_id)
        db.add(seat)
        try:
            await db.commit()
        except IntegrityError as error:
            await db.rollback()
            if not violates(error, NUMBER_INDEX, "seats.queue_number", "invitation_id"):
                raise
            # What was loaded before the rollback is read anew here, where it may be awaited.
            await db.refresh(invitation)
        else:
            return seat
    raise RuntimeError("no free queue number after several attempts")


async def find_seat(db: AsyncSession, invitation_id: str) -> Seat | None:
    """The seat of an invitation, if it was ever used."""
    return await db.scalar(select(Seat).where(Seat.invitation_id == invitation_id))


async def invitations_of_seats(db: AsyncSession, seat_ids: Collection[str]) -> Mapping[str, str]:
    """Whose these seats are: seat to invitation; what is no seat is left out."""
    rows = await db.execute(select(Seat.id, Seat.invitation_id).where(Seat.id.in_(set(seat_ids))))
    return {seat_id: invitation_id for seat_id, invitation_id in rows}


async def seats_of_session(
    db: AsyncSession, session_id: str, removed: bool = False
) -> list[tuple[Seat, Invitation]]:
    """Every seat that was not taken away, first come first; with ``removed`` the others too."""
    query = (
        select(Seat, Invitation)
        .join(Invitation, Invitation.id == Seat.invitation_id)
        .where(Seat.session_id == session_id)
        .order_by(Seat.created_at, Seat.id)
    )
    found = await db.execute(query if removed else query.where(Seat.place != "removed"))
    return [(seat, invitation) for seat, invitation in found]


async def change_seat(db: AsyncSession, seat_id: str, **values: Any) -> None:
    """Write some columns; the caller commits."""
    await db.execute(update(Seat).where(Seat.id == seat_id).values(**values))


async def _new_seat(db: AsyncSession, clock: Clock, invitation: Invitation, organisation_id: str) -> Seat:
    now = clock.now()
    seat = Seat(
        id=new_id(),
        session_id=invitation.session_id,
        invitation_id=invitation.id,
        place="room",
        created_at=now,
        admitted_at=now,
        ready=False,
        sources={},
    )
    if not is_official(str(invitation.role)):
        seat.place, seat.queued_at, seat.admitted_at = "lobby", now, None
        seat.queue_day = now.astimezone(BEIJING).date()
        seat.queue_organisation_id = organisation_id
        seat.queue_number = await _next_number(db, organisation_id, seat.queue_day)
    return seat


async def _next_number(db: AsyncSession, organisation_id: str, day: date) -> int:
    last = await db.scalar(
        select(func.max(Seat.queue_number)).where(
            Seat.queue_organisation_id == organisation_id, Seat.queue_day == day
        )
    )
    return (last or 0) + 1
