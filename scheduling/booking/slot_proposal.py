"""改时间 before a sitting is arranged: an office answers a booking with another slot. The row."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.clock import Clock
from cases.database import ID_LENGTH, Base
from cases.policy import Actor
from cases.vocabulary import names
from scheduling.booking.booking import PENDING, Booking, BookingState
from scheduling.booking.slot import Slot
from scheduling.proposals import LIVE, ONLY_LIVE, Proposal, ProposalState

AT_ITS_TIME = frozenset({BookingState.APPROVED, BookingState.SCHEDULED})


class SlotProposal(Proposal, Base):
    """One other slot of the booked office for a booking, proposed by that office or by one above it.

    `was_slot_id` is the slot of the booking when it was made: once the booking has another one it is about a
    time that no longer stands. One is live for each office and slot.
    """

    __tablename__ = "slot_proposals"
    __table_args__ = (
        Index(
            "ix_slot_proposals_one_live", "booking_id", "organisation_id", "was_slot_id", unique=True,
            sqlite_where=ONLY_LIVE, postgresql_where=ONLY_LIVE,
        ),
    )  # fmt: skip

    STATE_NAMES = names("slot_proposal", ProposalState)

    booking_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("bookings.id"), index=True)
    slot_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("slots.id"))
    was_slot_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("slots.id"))
    # Who would be the reviewer of a booking that is approved by accepting this.
    proposed_by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"))
    # Not joined: with all that a booking brings along PostgreSQL planned for 50 ms, mostly to find none.
    booking: Mapped[Booking] = relationship(lazy="selectin")
    slot: Mapped[Slot] = relationship(lazy="selectin", foreign_keys=[slot_id])
    was_slot: Mapped[Slot] = relationship(lazy="selectin", foreign_keys=[was_slot_id])

    @property
    def of_the_host(self) -> bool:
        """Proposed by the office whose slot is booked: then who asked for it decides, else this office."""
        return self.organisation_id == self.was_slot.organisation_id

    @property
    def live(self) -> bool:
        """Whether somebody can still answer it, as far as the booking goes."""
        booking = self.booking
        return self.state in LIVE and booking.slot_id == self.was_slot_id and booking.state in PENDING


async def settle_proposals(
    db: AsyncSession, clock: Clock, actor: Actor, booking_id: str, state: BookingState
) -> None:
    """What becomes of live proposals when a booking is decided otherwise, inside the caller's transaction.

    A yes takes the office's own proposal back to the time as it stands; what an office above proposes goes on
    until the sitting is arranged. Any other end is the end of all of them.
    """
    query = select(SlotProposal).where(
        SlotProposal.booking_id == booking_id, SlotProposal.state.in_(sorted(LIVE))
    )
    for row in (await db.scalars(query)).all() if state is not BookingState.REVIEWING else ():
        if state in AT_ITS_TIME and row.of_the_host:
            row.move_to(ProposalState.AGREED, clock.now(), actor.name)
        elif state is not BookingState.APPROVED:
            row.move_to(ProposalState.WITHDRAWN, clock.now(), actor.name)
    await db.flush()
