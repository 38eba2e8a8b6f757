"""改时间 of a booking: the office proposes another slot, who asked for it answers, nobody books twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Part, PetitionCase
from cases.database import Database
from cases.errors import Conflict, Forbidden, Invalid, NotFound, RuleError
from cases.petitions import add_petition_organisation
from cases.policy import SYSTEM
from scheduling.afterwards.progress import list_progress
from scheduling.booking.booking import Booking, BookingState
from scheduling.booking.bookings import BookPublicly, PublicBooking, book_publicly
from scheduling.booking.engagements import Engagement, ResourceKind, take_turn
from scheduling.booking.joint_answers import JointAnswer, answer_joint, answers_of
from scheduling.booking.proposing_slots import (
    AnswerSlot,
    ProposeSlot,
    Tell,
    answer_own_slot,
    answer_slot,
    find_for_petitioner,
    list_open_slot_proposals,
    next_states,
    propose_slot,
)
from scheduling.booking.requesting import RequestBooking, request_booking
from scheduling.booking.reviewing import Review, review_booking
from scheduling.booking.slot import Slot
from scheduling.booking.slot_proposal import SlotProposal
from scheduling.calendars.entries import entry_of_booking
from scheduling.notices.notice import Notice
from scheduling.notices.telling import tell_of_slot
from scheduling.proposals import SIDE_OF, TRANSITIONS, ProposalState
from scheduling.rota.planning import add_rule, publish_day
from scheduling.rota.reception_day import ReceptionDay
from scheduling.rota.recurrence import Pattern, Recurrence
from scheduling.session import SessionState
from scheduling.sessions.arranging import Arrange, arrange
from scheduling.sessions.sessions import move_session
from tests.clock import FixedClock
from tests.factories import World, make_petition, make_slots
from tests.scheduling.test_calendars import command
from tests.scheduling.test_engagements import arranged, seat
from tests.scheduling.test_telling import TELLING

OWN, UPPER, HANDLER = "chengguan.receptionist", "city.receptionist", "housing.handler"
P = ProposalState
DAY = date(2026, 7, 24)


class Desk:
    """Slots of the district, a booking for the first one, who proposes and who answers."""

    def __init__(self, db: AsyncSession, clock: FixedClock, world: World) -> None:
        self.db, self.clock, self.world = db, clock, world
        self.slots: Sequence[Slot] = []
        self.booked: PublicBooking

    async def book(self, **more: object) -> Booking:
        """By a citizen, online."""
        self.slots = await make_slots(self.db, self.clock, self.world.chengguan)
        fields = {"name": "张桂芳", "phone": "13900001111", "subject": "供暖不热", "description": ""} | more
        command = BookPublicly(self.slots[0].id, **fields)  # type: ignore[arg-type]
        self.booked = await book_publicly(self.db, self.clock, command)
        return self.booked.booking

    async def request(self, who: str = HANDLER) -> Booking:
        """By a department for its own matter, or by a leader who invites."""
        self.slots = await make_slots(self.db, self.clock, self.world.chengguan)
        petition = await make_petition(self.db, self.clock, self.world.chengguan)
        await add_petition_organisation(self.db, petition.id, self.world.housing.id, Part.JOINT)
        await self.db.commit()
        asks = RequestBooking(petition.id, self.slots[0].id, "想当面说")
        return await request_booking(self.db, self.clock, self.world.actor(who), asks)

    async def open_leader_day(self) -> None:
        """From now on `slots` are those at which the district's leader receives on a day of his own."""
        actor, once = self.world.actor(OWN), Recurrence(Pattern.ONCE)
        wanted = await command(self.db, self.clock, self.world, recurrence=once, first_on=DAY, last_on=DAY)
        rule = await add_rule(self.db, self.clock, actor, wanted)
        day = (await self.db.scalars(select(ReceptionDay).where(ReceptionDay.rule_id == rule.id))).one()
        self.slots = await publish_day(self.db, self.clock, actor, day.id)

    @property
    def tell(self) -> Tell:
        return partial(tell_of_slot, self.db, self.clock, TELLING)

    async def propose(
        self, booking: Booking, slot: int = 1, who: str = OWN, office: str = "chengguan", reason: str = "有会"
    ) -> SlotProposal:
        command = ProposeSlot(booking.id, getattr(self.world, office).id, self.slots[slot].id, reason)
        return await propose_slot(self.db, self.clock, self.world.actor(who), command, self.tell)

    async def answer(self, row: SlotProposal, state: P, who: str, words: str = "") -> None:
        command = AnswerSlot(row.id, state, words)
        await answer_slot(self.db, self.clock, self.world.actor(who), command, self.tell)

    async def answer_own(self, row: SlotProposal, state: P, words: str = "", code: str = "") -> None:
        number, code = self.booked.petition.number, code or self.booked.query_code
        command = AnswerSlot(row.id, state, words)
        await answer_own_slot(self.db, self.clock, number, code, command, self.tell)

    async def waiting(self, who: str) -> list[str]:
        found = await list_open_slot_proposals(self.db, self.clock, self.world.actor(who))
        return [each.id for each in found]

    async def notices(self) -> list[str]:
        return list(await self.db.scalars(select(Notice.template).order_by(Notice.queued_at, Notice.id)))

    async def approve(self, booking: Booking) -> None:
        command = Review(booking.id, BookingState.APPROVED)
        await review_booking(self.db, self.clock, self.world.actor(OWN), command)

    async def of_petition(self, petition: PetitionCase) -> SlotProposal | None:
        return await find_for_petitioner(self.db, self.clock, petition)


@pytest.fixture
def desk(db: AsyncSession, clock: FixedClock, world: World) -> Desk:
    return Desk(db, clock, world)


async def test_who_may_not_propose_and_what_cannot_be_meant(desk: Desk) -> None:
    booking = await desk.book()
    await make_slots(desk.db, desk.clock, desk.world.xigu)
    elsewhere = await desk.db.scalar(select(Slot).where(Slot.organisation_id == desk.world.xigu.id).limit(1))
    desk.slots = [*desk.slots, elsewhere] if elsewhere is not None else desk.slots
    refused: tuple[tuple[type[RuleError], dict[str, object]], ...] = (
        (NotFound, {"who": "xigu.receptionist", "office": "xigu"}),
        (Conflict, {"who": UPPER, "office": "city"}),  # Nobody has asked the city.
        (Conflict, {"office": "city"}),  # Not one's own.
        (Forbidden, {"who": "chengguan.leader"}),
        (Invalid, {"reason": " "}),
        (Invalid, {"slot": len(desk.slots) - 1}),  # A slot of another office.
        (Conflict, {"slot": 0}),
    )
    for error, given in refused:
        with pytest.raises(error):
            await desk.propose(booking, **given)  # type: ignore[arg-type]
    await desk.propose(booking)
    with pytest.raises(Conflict, match="already_proposed"):
        await desk.propose(booking, 2)


async def test_a_citizen_asks_for_another_time_and_accepts_the_second_one(desk: Desk) -> None:
    booking = await desk.book(insists=True)
    petition = desk.booked.petition
    first = await desk.propose(booking)
    assert await desk.notices() == ["booking_time_proposed"] and await desk.waiting(OWN) == []
    assert (await desk.of_petition(petition) or first).id == first.id
    for who in (OWN, UPPER):  # Nobody answers for the citizen.
        with pytest.raises(Forbidden):
            await desk.answer(first, P.ACCEPTED, who)
    with pytest.raises(NotFound):
        await desk.answer_own(first, P.ACCEPTED, code="aaaaaaaaaa")
    with pytest.raises(NotFound):
        await desk.answer_own(first, P.WITHDRAWN)
    with pytest.raises(Invalid, match="required"):
        await desk.answer_own(first, P.ASKED_ANEW)
    await desk.answer_own(first, P.ASKED_ANEW, "上午看病，下午可以")
    assert await desk.waiting(OWN) == [first.id]
    with pytest.raises(Conflict, match="bad_transition"):
        await desk.answer_own(first, P.ACCEPTED)
    second = await desk.propose(booking, 2)
    before = await entry_of_booking(desk.db, booking)
    desk.clock.advance(minutes=1)
    await desk.answer_own(second, P.ACCEPTED)
    assert (await desk.db.get_one(SlotProposal, first.id)).state is P.REPLACED
    row = await desk.db.get_one(Booking, booking.id, populate_existing=True)
    assert (row.slot_id, row.state) == (desk.slots[2].id, BookingState.APPROVED)
    assert row.reviewer_id == desk.world.officials[OWN].id
    joint = {each.organisation_id for each in row.petition.organisations if each.part is Part.JOINT}
    assert {desk.world.city.id, desk.world.province.id} <= joint, "as with any yes to who insists"
    after = await entry_of_booking(desk.db, row)
    assert (after.uid, after.revision, after.tentative) == (before.uid, before.revision + 1, True)
    assert after.starts_at == desk.slots[2].starts_at and after.changed_at > before.changed_at
    assert await desk.notices() == ["booking_time_proposed"] * 2 + ["booking_time_moved"]
    told = [each.words for each in await list_progress(desk.db, row.petition)]
    assert told[-2:] == ["接访改了时间", "预约已同意，正在安排时间"] and "单位建议改时间" in told
    # The first time is free again, and a sitting is arranged for the new one as for any other.
    command = BookPublicly(desk.slots[0].id, "李四", "13900002222", "漏水", "")
    await book_publicly(desk.db, desk.clock, command)
    with pytest.raises(Conflict, match="booking_decided"):
        await desk.answer_own(second, P.ASKED_ANEW, "又不行了")


async def test_a_time_that_somebody_else_took_is_refused_and_the_proposal_stays(desk: Desk) -> None:
    booking = await desk.book()
    row = await desk.propose(booking)
    row_id, kept = row.id, booking.slot_id
    command = BookPublicly(desk.slots[1].id, "李四", "13900002222", "漏水", "")
    await book_publicly(desk.db, desk.clock, command)
    with pytest.raises(Conflict, match="slot_taken"):
        await desk.answer_own(row, P.ACCEPTED)
    assert (await desk.db.get_one(SlotProposal, row_id, populate_existing=True)).state is P.OPEN
    assert (await desk.db.get_one(Booking, booking.id, populate_existing=True)).slot_id == kept
    assert await desk.notices() == ["booking_time_proposed"]
    # A room that a sitting took for the time, without its slot.
    third = desk.slots[2]
    petition = await make_petition(desk.db, desk.clock, desk.world.chengguan)
    sitting = Arrange(
        petition.id, desk.world.chengguan.id, starts_at=third.starts_at, ends_at=third.ends_at,
        room_ids=(third.room_id,),
    )  # fmt: skip
    await arrange(desk.db, desk.clock, desk.world.actor(OWN), sitting)
    await desk.answer_own(row, P.ASKED_ANEW, "没有了")
    with pytest.raises(Conflict, match="slot_taken"):
        await desk.propose(booking, 2)


async def test_the_office_that_asked_answers_and_no_citizen_hears_of_it(desk: Desk) -> None:
    booking = await desk.request()
    row = await desk.propose(booking)
    assert await next_states(desk.db, desk.world.actor(OWN), row) == [P.WITHDRAWN]
    with pytest.raises(NotFound):
        await desk.answer(row, P.ACCEPTED, "xigu.receptionist")
    assert set(await next_states(desk.db, desk.world.actor(HANDLER), row)) == {P.ASKED_ANEW, P.ACCEPTED}
    await desk.answer(row, P.ACCEPTED, HANDLER)
    assert await desk.notices() == []
    found = await desk.db.get_one(Booking, booking.id, populate_existing=True)
    assert (found.slot_id, found.state) == (desk.slots[1].id, BookingState.APPROVED)


async def test_within_one_office_who_asked_answers_and_not_who_proposed(desk: Desk) -> None:
    leader = "chengguan.leader"
    row = await desk.propose(await desk.request(leader))
    with pytest.raises(Forbidden):
        await desk.answer(row, P.ACCEPTED, OWN)
    await desk.answer(row, P.ACCEPTED, leader)
    assert (await desk.db.get_one(SlotProposal, row.id)).state is P.ACCEPTED


async def test_an_office_above_proposes_to_the_booked_office_instead_of_yes_or_no(desk: Desk) -> None:
    booking = await desk.book(insists=True)
    await desk.approve(booking)
    province = "province.receptionist"
    actor, office_id = desk.world.actor(province), desk.world.province.id
    await answer_joint(desk.db, desk.clock, actor, booking.id, office_id, JointAnswer.AGREED)
    with pytest.raises(Conflict, match="not_asked"):  # It has answered.
        await desk.propose(booking, 1, province, "province")
    row = await desk.propose(booking, 1, UPPER, "city")
    assert (await desk.waiting(OWN), await desk.waiting(UPPER)) == ([row.id], [])
    assert await desk.notices() == [] and await desk.of_petition(desk.booked.petition) is None
    with pytest.raises(NotFound):  # The citizen is asked by the own office alone.
        await desk.answer_own(row, P.ACCEPTED)
    with pytest.raises(Forbidden):
        await desk.answer(row, P.ACCEPTED, UPPER)
    await desk.answer(row, P.ACCEPTED, OWN)
    found = await desk.db.get_one(Booking, booking.id, populate_existing=True)
    assert (found.slot_id, found.state) == (desk.slots[1].id, BookingState.APPROVED)
    answers = {key: each.answer for key, each in (await answers_of(desk.db, booking.id)).items()}
    assert answers == {desk.world.city.id: JointAnswer.AGREED}, "the others answered about another time"
    assert await desk.notices() == ["booking_time_moved"]


@pytest.mark.parametrize(
    ("decision", "state"), [(BookingState.APPROVED, P.AGREED), (BookingState.REJECTED, P.WITHDRAWN)]
)
async def test_a_yes_or_no_after_all_ends_the_proposal(desk: Desk, decision: BookingState, state: P) -> None:
    booking = await desk.book()
    row = await desk.propose(booking)
    command = Review(booking.id, decision, "时间冲突")
    await review_booking(desk.db, desk.clock, desk.world.actor(OWN), command)
    assert (await desk.db.get_one(SlotProposal, row.id, populate_existing=True)).state is state
    with pytest.raises(Conflict):
        await desk.answer_own(row, P.ACCEPTED)


@pytest.mark.parametrize("rival", [SessionState.SCHEDULED, SessionState.CANCELLED])
async def test_a_slot_of_a_leader_who_has_been_engaged_meanwhile_is_refused(
    desk: Desk, rival: SessionState
) -> None:
    booking, leader = await desk.book(), seat(desk.world, "chengguan.leader")
    once = {
        "recurrence": Recurrence(Pattern.ONCE),
        "first_on": date(2026, 7, 24),
        "last_on": date(2026, 7, 24),
    }
    rule = await add_rule(
        desk.db, desk.clock, desk.world.actor(OWN), await command(desk.db, desk.clock, desk.world, **once)
    )
    day = await desk.db.scalar(select(ReceptionDay).where(ReceptionDay.rule_id == rule.id))
    assert day is not None
    desk.slots = await publish_day(desk.db, desk.clock, desk.world.actor(OWN), day.id)
    row = await desk.propose(booking, 0)
    petition = await make_petition(desk.db, desk.clock, desk.world.chengguan)
    at = desk.slots[0].starts_at
    taken = await arranged(desk.db, desk.clock, desk.world, petition, start=at, invitees=(leader,))
    if rival is SessionState.CANCELLED:
        await move_session(desk.db, desk.clock, SYSTEM, taken.id, rival, "本人要求")
        await desk.answer_own(row, P.ACCEPTED)
        assert (await desk.db.get_one(Booking, booking.id, populate_existing=True)).slot_id == desk.slots[
            0
        ].id
        return
    with pytest.raises(Conflict, match="在这个时间已有别的安排") as refused:
        await desk.answer_own(row, P.ACCEPTED)
    assert (refused.value.code, refused.value.field) == ("engaged", "slot_id")
    found = await desk.db.get_one(Booking, booking.id, populate_existing=True)
    assert found.slot_id != desk.slots[0].id


async def test_of_an_answer_and_a_session_at_once_one_gets_the_leader(
    database: Database, clock: FixedClock, world: World
) -> None:
    """The answer waits at the leader's row until who engages him is through, and is refused then."""
    async with database.session() as db:
        desk = Desk(db, clock, world)
        booking = await desk.book()
        await desk.open_leader_day()
        row = await desk.propose(booking, 0)
        petition, at = await make_petition(db, clock, world.chengguan), desk.slots[0].starts_at
        invitees = (seat(world, "chengguan.leader"),)
        session = await arranged(db, clock, world, petition, start=at + timedelta(days=3), invitees=invitees)
        number, code, proposal_id = desk.booked.petition.number, desk.booked.query_code, row.id
        leader = {world.officials["chengguan.leader"].id: ResourceKind.PERSON}

    async def accept() -> str:
        async with database.session() as db:
            try:
                await answer_own_slot(db, clock, number, code, AnswerSlot(proposal_id, P.ACCEPTED))
            except Conflict as error:
                return error.code
        return "won"

    async with database.session() as db:
        await take_turn(db, leader)
        waiting = asyncio.ensure_future(accept())
        done, _ = await asyncio.wait({waiting}, timeout=1.0)
        assert not done, "it looked without waiting"
        change = update(Engagement).where(Engagement.session_id == session.id)
        await db.execute(change.values(starts_at=at, ends_at=at + timedelta(minutes=30)))
        await db.commit()
    assert await waiting == "engaged"


def test_nobody_accepts_his_own() -> None:
    assert SIDE_OF[P.ACCEPTED] is not SIDE_OF[P.REPLACED] and not TRANSITIONS[P.ACCEPTED]
