"""Answering a booking with another slot, and what is answered to that; accepted, the booking moves to it.

The office whose slot is booked proposes to who asked for it: to the citizen, who has number and query code,
or to the office that asked. An office above that is asked to sit there proposes to the booked office.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import Part, PetitionCase, scope_of
from cases.clock import Clock
from cases.database import atomic, new_id, violates
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.people import Official
from cases.petitions import add_petition_event, add_petition_organisation, find_by_query_code
from cases.policy import ANONYMOUS, Action, Actor, ActorKind, allowed, require, visible_organisation_ids
from cases.visibility import visible_petitions
from scheduling.booking.booking import HOLDING, PENDING, Booking, BookingState
from scheduling.booking.bookings import bookable_slot, change_booking, get_booking
from scheduling.booking.engagements import hold_slot, refuse_engaged_slot
from scheduling.booking.joint_answers import JointAnswer, JointAnswerRow, answers_of, asked_offices
from scheduling.booking.reviewing import upper_offices
from scheduling.booking.slot import Slot
from scheduling.booking.slot_proposal import SlotProposal
from scheduling.proposals import (
    LIVE,
    SIDE_OF,
    TRANSITIONS,
    ProposalState,
    Side,
    clean_answer,
    clean_reason,
)

MOST = 100
Tell = Callable[[SlotProposal], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class ProposeSlot:
    """Command of an office that a booking is put to: which of the booked office's slots instead, and why."""

    booking_id: str
    organisation_id: str
    slot_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class AnswerSlot:
    """Command: `state` is where the proposal goes; `words` are needed to ask for another time."""

    proposal_id: str
    state: ProposalState
    words: str = ""


@atomic
async def propose_slot(
    db: AsyncSession, clock: Clock, actor: Actor, command: ProposeSlot, tell: Tell | None = None
) -> SlotProposal:
    """Propose it and commit; the booking keeps its slot until somebody accepts.

    `tell` queues the notice to the citizen in the same commit (scheduling/notices/telling.py). Raises
    NotFound, Forbidden, Invalid at `reason` or `slot_id`; Conflict `not_asked`, `booking_decided`,
    `same_time`, `already_proposed`, `slot_over`, `slot_taken`, `engaged`.
    """
    booking = await _lock(db, (await get_booking(db, actor, command.booking_id)).id)
    require(actor, Action.BOOK)
    if command.organisation_id not in await proposing_offices(db, actor, booking):
        if booking.state not in PENDING:
            raise Conflict("booking_decided", "这个预约已经处理过了，请刷新后再看。", "slot_id")
        raise Conflict("not_asked", "这个预约没有请你单位答复，或者已经答复过了。")
    reason = clean_reason(command.reason)
    slot = await bookable_slot(db, clock, command.slot_id)
    if slot.organisation_id != booking.slot.organisation_id:
        raise Invalid("bad_slot", "请选择主持单位的时段。", "slot_id")
    if slot.id == booking.slot_id:
        raise Conflict("same_time", "新的时间和原来的一样。", "slot_id")
    await require_free(db, slot)
    before = await _live_of(db, booking, command.organisation_id)
    if before is not None:
        before.give_way(clock.now(), actor.name)
        await db.flush()
    row = SlotProposal(
        id=new_id(), booking_id=booking.id, organisation_id=command.organisation_id, slot_id=slot.id,
        was_slot_id=booking.slot_id, reason=reason, state=ProposalState.OPEN, proposed_at=clock.now(),
        proposed_by=actor.name, proposed_by_id=actor.official_id, answer="", answered_by="",
    )  # fmt: skip
    db.add(row)
    await db.flush()
    await db.refresh(row, ["organisation", "booking", "slot", "was_slot"])
    await _note(db, clock, actor, row, "time_proposed", reason)
    if tell is not None and row.of_the_host:
        await tell(row)
    await db.commit()
    return row


@atomic
async def answer_slot(
    db: AsyncSession, clock: Clock, actor: Actor, command: AnswerSlot, tell: Tell | None = None
) -> SlotProposal:
    """Take the next step of a proposal as an office, and commit. Accepting it moves the booking.

    Raises NotFound, Forbidden, Invalid at `words`, Conflict `bad_transition`, `booking_decided`, and
    `slot_over`, `slot_taken` or `engaged` where the time cannot be had any more.
    """
    found = await _find(db, command.proposal_id)
    await get_booking(db, actor, found.booking_id)
    require(actor, Action.REQUEST_BOOKING, scope_of(found.booking.petition))
    row = await _current(db, found)
    if command.state not in SIDE_OF or SIDE_OF[command.state] not in await sides_of(db, actor, row):
        raise Forbidden()
    return await _answer(db, clock, actor, row, command, tell)


@atomic
async def answer_own_slot(
    db: AsyncSession, clock: Clock, number: str, query_code: str, command: AnswerSlot,
    tell: Tell | None = None,
) -> SlotProposal:  # fmt: skip
    """The same as the petitioner, who has number and query code: yes, or another time please.

    Raises NotFound for a wrong number, code or proposal; else as `answer_slot`.
    """
    require(ANONYMOUS, Action.SUBMIT_PETITION)
    petition = await find_by_query_code(db, number, query_code)
    if petition is None:
        raise NotFound("petition_not_found", NotFound.default_message)
    row = await _current(db, await _find(db, command.proposal_id))
    decides = row.of_the_host and SIDE_OF.get(command.state) is Side.DECIDER
    if row.booking.petition_id != petition.id or not decides:
        raise NotFound("proposal_not_found", "没有找到这个改时间的请求。")
    actor = Actor(ActorKind.ANONYMOUS, name=petition.petitioner.name)
    return await _answer(db, clock, actor, row, command, tell)


async def proposing_offices(db: AsyncSession, actor: Actor, booking: Booking) -> dict[str, str]:
    """Offices for which this official may answer a booking with another time: id to short name."""
    if booking.state not in PENDING or not allowed(actor, Action.BOOK):
        return {}
    found = {}
    host = booking.slot.room.organisation
    if allowed(actor, Action.BOOK, scope_of(booking.petition)) and host.id in actor.organisation_ids:
        found[host.id] = host.short_name
    answered, own = await answers_of(db, booking.id), visible_organisation_ids(actor, Action.BOOK)
    for office in asked_offices(booking, await upper_offices(db, booking.petition)):
        if office.id in own and office.id not in answered:
            found[office.id] = office.short_name
    return found


async def sides_of(db: AsyncSession, actor: Actor, row: SlotProposal) -> set[Side]:
    """For whom this official speaks: for the office that proposed, or for who decides."""
    sides = set()
    if allowed(actor, Action.BOOK) and row.organisation_id in visible_organisation_ids(actor, Action.BOOK):
        sides.add(Side.PROPOSER)
    if not row.of_the_host:
        host = row.was_slot.organisation_id
        hosts = host in actor.organisation_ids
        if hosts and allowed(actor, Action.BOOK, scope_of(row.booking.petition)):
            sides.add(Side.DECIDER)
    elif await _asked_for_it(db, actor, row.booking):
        sides.add(Side.DECIDER)
    # Whoever could be on both sides speaks for the one that proposed: nobody accepts his own proposal.
    return {Side.PROPOSER} if len(sides) == 2 else sides


async def next_states(db: AsyncSession, actor: Actor, row: SlotProposal) -> list[ProposalState]:
    """What this official may answer now, in the order of the states. AGREED comes with the booking's yes."""
    if not row.live:
        return []
    sides = await sides_of(db, actor, row)
    offered = TRANSITIONS[row.state] - {ProposalState.REPLACED, ProposalState.AGREED}
    return [each for each in ProposalState if each in offered and SIDE_OF[each] in sides]


async def list_slot_proposals(db: AsyncSession, booking_ids: Sequence[str]) -> Sequence[SlotProposal]:
    """All proposals for these bookings, oldest first. The caller has asked the policy."""
    query = select(SlotProposal).where(SlotProposal.booking_id.in_(booking_ids))
    return (await db.scalars(query.order_by(SlotProposal.proposed_at, SlotProposal.id))).all()


async def find_for_petitioner(db: AsyncSession, clock: Clock, petition: PetitionCase) -> SlotProposal | None:
    """The newest proposal to the petitioner that matters: one to answer, or one whose time now stands.

    The caller has made sure that it is the petitioner's.
    """
    own = select(Booking.id).where(Booking.petition_id == petition.id)
    query = select(SlotProposal).where(SlotProposal.booking_id.in_(own))
    rows = (await db.scalars(query.order_by(SlotProposal.proposed_at.desc(), SlotProposal.id))).all()
    for row in rows:
        stands = row.state is ProposalState.ACCEPTED and row.booking.slot_id == row.slot_id
        waits = row.of_the_host and row.live and row.state in LIVE
        if (waits or (stands and row.booking.state in PENDING)) and row.slot.starts_at > clock.now():
            return row
    return None


async def list_open_slot_proposals(db: AsyncSession, clock: Clock, actor: Actor) -> Sequence[SlotProposal]:
    """What waits for offices of the actor, the first time first: an answer, or another time."""
    require(actor, Action.BOOK)
    seen = exists().where(PetitionCase.id == Booking.petition_id, visible_petitions(actor))
    query = (
        select(SlotProposal)
        .join(Booking, Booking.id == SlotProposal.booking_id)
        .join(Slot, Slot.id == Booking.slot_id)
        .where(SlotProposal.state.in_(sorted(LIVE)), SlotProposal.was_slot_id == Booking.slot_id)
        .where(Booking.state.in_(sorted(PENDING)), Slot.starts_at > clock.now(), seen.correlate(Booking))
    )
    rows = (await db.scalars(query.order_by(Slot.starts_at, SlotProposal.id).limit(MOST))).all()
    turn = {ProposalState.OPEN: Side.DECIDER, ProposalState.ASKED_ANEW: Side.PROPOSER}
    return [row for row in rows if turn[row.state] in await sides_of(db, actor, row)]


async def require_free(db: AsyncSession, slot: Slot) -> None:
    """Refuse a slot that somebody booked, or whose room or leader is taken then, inside a transaction.

    Raises Conflict `slot_taken` or `engaged` at `slot_id`.
    """
    await hold_slot(db, slot)
    taken = select(Booking.id).where(Booking.slot_id == slot.id, Booking.state.in_(sorted(HOLDING)))
    if await db.scalar(taken.limit(1)) is not None:
        raise _taken()
    await refuse_engaged_slot(db, slot)


async def _answer(
    db: AsyncSession, clock: Clock, actor: Actor, row: SlotProposal, command: AnswerSlot, tell: Tell | None
) -> SlotProposal:
    words = clean_answer(command.state, command.words)
    if row.booking.slot_id != row.was_slot_id or row.booking.state not in PENDING:
        raise Conflict("booking_decided", "这个预约已经处理过了，请刷新后再看。", "words")
    row.move_to(command.state, clock.now(), actor.name, words)
    await _note(db, clock, actor, row, f"time_{command.state}", words)
    if command.state is ProposalState.ACCEPTED:
        await _move_booking(db, clock, actor, row)
        if tell is not None:
            await tell(row)
    await db.commit()
    return row


async def _move_booking(db: AsyncSession, clock: Clock, actor: Actor, row: SlotProposal) -> None:
    """Give the booking the proposed slot; what the offices above answered was about another time."""
    slot, booking = await bookable_slot(db, clock, row.slot_id), row.booking
    await require_free(db, slot)
    try:
        await db.execute(
            update(Booking).where(Booking.id == booking.id).values(slot_id=slot.id),
            execution_options={"synchronize_session": False},
        )
    except IntegrityError as error:
        if violates(error, "ix_bookings_one_per_slot", "bookings.slot_id"):
            raise _taken() from error
        raise
    await db.execute(delete(JointAnswerRow).where(JointAnswerRow.booking_id == booking.id))
    await db.refresh(booking, ["slot_id", "slot"])
    if not row.of_the_host:
        values = {
            "booking_id": booking.id, "organisation_id": row.organisation_id, "answer": JointAnswer.AGREED,
            "reason": "", "answered_at": clock.now(), "answered_by": row.proposed_by_id,
        }  # fmt: skip
        await db.execute(insert(JointAnswerRow).values(**values))
    if booking.state is not BookingState.APPROVED:
        await change_booking(db, clock, actor, booking.id, BookingState.APPROVED)
        booking.reviewer_id, booking.reviewed_at = row.proposed_by_id, clock.now()
        if booking.insists:
            for office in await upper_offices(db, booking.petition):
                await add_petition_organisation(db, booking.petition_id, office.id, Part.JOINT)
    await db.flush()


async def _asked_for_it(db: AsyncSession, actor: Actor, booking: Booking) -> bool:
    """Whether this official, or an office of his, asked for the reception."""
    if booking.created_by is None or actor.official_id is None:
        return False
    if booking.created_by == actor.official_id:
        return True
    asker = await db.get(Official, booking.created_by)
    posts = asker.posts if asker is not None else []
    offices = {post.organisation_id for post in posts if post.ended_at is None}
    return bool(offices & actor.organisation_ids)


async def _find(db: AsyncSession, proposal_id: str) -> SlotProposal:
    found = await db.get(SlotProposal, proposal_id)
    if found is None:
        raise NotFound("proposal_not_found", "没有找到这个改时间的请求。")
    return found


async def _lock(db: AsyncSession, booking_id: str) -> Booking:
    """Touching the row first makes two who answer take turns, so that the state read is the last one."""
    same = update(Booking).where(Booking.id == booking_id).values(note=Booking.note)
    await db.execute(same, execution_options={"synchronize_session": False})
    return await db.get_one(Booking, booking_id, populate_existing=True)


async def _current(db: AsyncSession, found: SlotProposal) -> SlotProposal:
    await _lock(db, found.booking_id)
    return await db.get_one(SlotProposal, found.id, populate_existing=True)


async def _live_of(db: AsyncSession, booking: Booking, organisation_id: str) -> SlotProposal | None:
    query = select(SlotProposal).where(
        SlotProposal.booking_id == booking.id,
        SlotProposal.organisation_id == organisation_id,
        SlotProposal.was_slot_id == booking.slot_id,
        SlotProposal.state.in_(sorted(LIVE)),
    )
    return await db.scalar(query)


async def _note(
    db: AsyncSession, clock: Clock, actor: Actor, row: SlotProposal, act: str, words: str
) -> None:
    """In the history of the case, and in the audit."""
    await db.flush()
    kind = f"booking.{act}" if row.of_the_host else f"joint.{act}"
    data = {
        "booking_id": row.booking_id, "organisation": row.organisation.name,
        "starts_at": row.slot.starts_at.isoformat(), "reason": words or None,
    }  # fmt: skip
    await add_petition_event(db, clock, actor, row.booking.petition_id, kind, data)
    await add_audit(db, clock, actor, kind, "booking", row.booking_id)


def _taken() -> Conflict:
    return Conflict("slot_taken", "这个时段刚刚被别人约走了，请另选一个。", "slot_id")
