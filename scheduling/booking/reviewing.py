"""Reviewing a booking: somebody looks at it within two working days, and says yes, no, or who else.

A yes keeps the slot until the session is arranged; a no and a redirection give it back at once. Who insists
on the upper level is not refused: the upper office joins the case and a joint reception is arranged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import Part, PetitionCase, scope_of
from cases.clock import Clock
from cases.database import atomic
from cases.errors import Invalid
from cases.fields import clean_text
from cases.handling.clocks import today
from cases.organisations import Organisation, OrganisationKind, covers, get_organisation
from cases.petitions import add_petition_organisation
from cases.policy import Action, Actor, require, visible_organisation_ids
from cases.visibility import visible_petitions
from scheduling.booking.booking import PENDING, Booking, BookingState
from scheduling.booking.bookings import LISTED, change_booking, get_booking
from scheduling.booking.slot import Slot
from scheduling.session import Session

MAX_REASON = 200
PASSED_ON = timedelta(days=90)  # Older ones are somebody's register, not today's list.


@dataclass(frozen=True, slots=True)
class Review:
    """Command: `decision` reviewing, approved, rejected, redirected or cancelled; `reason` for a no."""

    booking_id: str
    decision: BookingState
    reason: str = ""
    redirected_to_id: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """A booking somebody must decide on; `days_left` to the end of the review, negative when late."""

    booking: Booking
    days_left: int | None


@atomic
async def review_booking(
    db: AsyncSession, clock: Clock, actor: Actor, command: Review,
    tell: Callable[[Booking], Awaitable[object]] | None = None,
) -> Booking:  # fmt: skip
    """Decide and commit, with reviewer and reason. Of two reviewers at once the first one counts.

    `tell` queues the notices of what was decided, in the same commit (scheduling/notices/telling.py).
    Raises Invalid at `reason` or `redirected_to`, Conflict `bad_transition`, NotFound, Forbidden.
    """
    booking = await get_booking(db, actor, command.booking_id)
    require(actor, Action.BOOK, scope_of(booking.petition))
    reason = clean_text(command.reason, "reason", "原因", MAX_REASON)
    if command.decision in (BookingState.REJECTED, BookingState.REDIRECTED) and not reason:
        raise Invalid("required", "请写明原因，群众会看到。", "reason")
    target = await _target(db, booking, command) if command.decision is BookingState.REDIRECTED else None
    booking = await change_booking(db, clock, actor, booking.id, command.decision, reason)
    booking.reviewer_id, booking.reviewed_at = actor.official_id, clock.now()
    if target is not None:
        booking.redirected_to_id = target.id
        await add_petition_organisation(db, booking.petition_id, target.id, Part.JOINT)
    if command.decision is BookingState.APPROVED and booking.insists:
        for office in await upper_offices(db, booking.petition):
            await add_petition_organisation(db, booking.petition_id, office.id, Part.JOINT)
    detail = {"reason": booking.reason, "redirected_to": booking.redirected_to_id}
    await add_audit(db, clock, actor, f"booking.{command.decision}", "booking", booking.id, detail=detail)
    await db.flush()
    await db.refresh(booking, ["reviewer", "redirected_to"])
    if tell is not None:
        await tell(booking)
    await db.commit()
    return booking


async def list_pending(db: AsyncSession, clock: Clock, actor: Actor, limit: int = 100) -> Sequence[Pending]:
    """Bookings to decide on or to arrange that the actor sees, the first due first."""
    require(actor, Action.BOOK)
    query = select(Booking).join(Slot, Slot.id == Booking.slot_id).options(*LISTED)
    seen = exists().where(PetitionCase.id == Booking.petition_id, visible_petitions(actor))
    query = query.where(seen.correlate(Booking))
    query = query.where(Booking.state.in_(sorted(PENDING)), Slot.starts_at > clock.now())
    query = query.order_by(Booking.review_due_on, Slot.starts_at, Booking.id).limit(min(limit, 500))
    now = today(clock)
    return [Pending(each, _left(each, now)) for each in (await db.scalars(query)).all()]


async def list_passed_on(db: AsyncSession, clock: Clock, actor: Actor, limit: int = 50) -> Sequence[Booking]:
    """Bookings that were passed on to offices of the actor and led to no sitting yet, the oldest first."""
    require(actor, Action.BOOK)
    own = visible_organisation_ids(actor, Action.BOOK)
    # Beside a sitting that its new office arranged since there is nothing left to do.
    held = exists().where(
        Session.petition_id == Booking.petition_id,
        Session.host_organisation_id == Booking.redirected_to_id,
        Session.created_at >= Booking.reviewed_at,
    )
    seen = exists().where(PetitionCase.id == Booking.petition_id, visible_petitions(actor))
    query = select(Booking).where(
        Booking.state == BookingState.REDIRECTED,
        Booking.redirected_to_id.in_(own),
        Booking.reviewed_at > clock.now() - PASSED_ON,
        ~held.correlate(Booking),
        seen.correlate(Booking),
    )
    return (await db.scalars(query.order_by(Booking.reviewed_at, Booking.id).limit(min(limit, 500)))).all()


async def upper_offices(db: AsyncSession, petition: PetitionCase) -> Sequence[Organisation]:
    """The petition offices above the custodian, the highest first; none that the case accuses."""
    query = select(Organisation).where(Organisation.kind == OrganisationKind.PETITION_OFFICE)
    code = petition.custodian.region_code
    found = (await db.scalars(query.order_by(Organisation.region_code))).all()
    return [
        each
        for each in found
        if covers(each.region_code, code)
        and each.region_code != code
        and each.id != petition.accused_organisation_id
    ]


def _left(booking: Booking, now: date) -> int | None:
    decided = booking.state is BookingState.APPROVED or booking.review_due_on is None
    return None if decided or booking.review_due_on is None else (booking.review_due_on - now).days


async def _target(db: AsyncSession, booking: Booking, command: Review) -> Organisation:
    if not command.redirected_to_id:
        raise Invalid("required", "请选择转给哪个单位。", "redirected_to")
    target = await get_organisation(db, command.redirected_to_id)
    if target.id == booking.slot.organisation_id:
        raise Invalid("same_organisation", "预约已经在这个单位，请选择别的单位。", "redirected_to")
    if target.id == booking.petition.accused_organisation_id:
        raise Invalid("accused_organisation", "不能转给被检举控告的单位。", "redirected_to")
    return target
