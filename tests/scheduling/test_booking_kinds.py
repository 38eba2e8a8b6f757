"""Who asks for a reception, what the upper offices answer, and what becomes of what was passed on."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Part
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.petitions import add_petition_organisation
from cases.roles import InvitationRole
from scheduling.booking.booking import Booking, BookingKind, BookingState
from scheduling.booking.bookings import BookPublicly, PublicBooking, book_publicly
from scheduling.booking.joint_answers import JointAnswer, answer_joint, list_asked
from scheduling.booking.requesting import RequestBooking, request_booking
from scheduling.booking.reviewing import (
    Review,
    list_passed_on,
    list_pending,
    review_booking,
    upper_offices,
)
from scheduling.session import Session, SessionPart
from scheduling.sessions.arranging import Arrange, arrange
from scheduling.sessions.invitations import list_invitations
from tests.clock import FixedClock
from tests.factories import World, make_petition, make_slots

OWN, LEADER = "chengguan.receptionist", "chengguan.leader"


async def wish(db: AsyncSession, clock: FixedClock, world: World, **more: object) -> PublicBooking:
    slot = (await make_slots(db, clock, world.chengguan))[0]
    fields = {"name": "张桂芳", "phone": "13900001111", "subject": "供暖不热", "description": ""} | more
    return await book_publicly(db, clock, BookPublicly(slot.id, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("station.station_clerk", BookingKind.STATION_ASSISTED),
        ("housing.handler", BookingKind.DEPARTMENT_REQUESTED),
        (LEADER, BookingKind.LEADER_INVITED),
    ],
)
async def test_offices_ask_and_the_keeper_reviews(
    db: AsyncSession, clock: FixedClock, world: World, key: str, kind: BookingKind
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    for office in (world.station, world.housing):
        await add_petition_organisation(db, petition.id, office.id, Part.JOINT)
    await db.commit()
    slot = (await make_slots(db, clock, world.chengguan))[0]
    asks = RequestBooking(petition.id, slot.id, "群众腿脚不便，想当面说")
    with pytest.raises(Invalid) as refused:
        await request_booking(db, clock, world.actor(key), RequestBooking(petition.id, slot.id, " "))
    assert refused.value.field == "note"
    with pytest.raises(NotFound):
        await request_booking(db, clock, world.actor("xigu.receptionist"), asks)
    with pytest.raises(Forbidden):
        await request_booking(db, clock, world.actor("chengguan.reviewer"), asks)
    booking = await request_booking(db, clock, world.actor(key), asks)
    assert (booking.kind, booking.state, booking.review_due_on is not None) == (
        kind, BookingState.SUBMITTED, True,
    )  # fmt: skip
    assert booking.id in [each.booking.id for each in await list_pending(db, clock, world.actor(OWN))]
    with pytest.raises(Conflict, match="slot_taken"):
        await request_booking(db, clock, world.actor(key), asks)


async def test_another_offices_slot_is_not_asked_for(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    slot = (await make_slots(db, clock, world.xigu))[0]
    with pytest.raises(Invalid, match="bad_slot"):
        await request_booking(db, clock, world.actor(LEADER), RequestBooking(petition.id, slot.id, "急"))


async def test_own_wish_and_proxy_are_arranged_with_who_speaks(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    done = await wish(db, clock, world, proxy_name="李律师", proxy_phone="13900002222")
    assert done.booking.kind is BookingKind.BY_PROXY
    own, booking = world.actor(OWN), done.booking
    await review_booking(db, clock, own, Review(booking.id, BookingState.APPROVED))
    host, colleague = (world.officials[key].id for key in (LEADER, OWN))
    session = await arrange(
        db, clock, own,
        Arrange(
            done.petition.id, world.chengguan.id, booking.id, starts_at=booking.slot.starts_at,
            ends_at=booking.slot.ends_at,
            official_ids=(host, colleague, world.officials["city.leader"].id),
        ),
    )  # fmt: skip
    roles = {each.display_name: each.role for each in await list_invitations(db, session.id)}
    assert roles["李律师"] is InvitationRole.PROXY and roles["张桂芳"] is InvitationRole.PETITIONER
    assert [roles[world.officials[key].name] for key in (LEADER, OWN, "city.leader")] == [
        InvitationRole.HOST, InvitationRole.RECORDER, InvitationRole.JOINT_RECEPTIONIST,
    ]  # fmt: skip
    parts = {each.organisation_id: each.part for each in session.organisations}
    assert parts == {world.chengguan.id: SessionPart.HOST, world.city.id: SessionPart.JOINT}
    await db.refresh(booking)
    # The free time is the booked one, so the slot is the citizen's.
    assert (session.booking_id, booking.state) == (booking.id, BookingState.SCHEDULED)
    with pytest.raises(Conflict, match="booking_decided"):
        await arrange(
            db, clock, own, Arrange(done.petition.id, world.chengguan.id, booking.id, booking.slot_id)
        )


async def test_who_insists_gets_the_upper_offices_and_they_answer_once(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    done = await wish(db, clock, world, insists=True)
    booking_id, city = done.booking.id, world.actor("city.receptionist")
    declines = (booking_id, world.city.id, JointAnswer.DECLINED)
    with pytest.raises(Conflict, match="not_asked"):  # Nobody has approved it yet.
        await answer_joint(db, clock, city, *declines, "没有空")
    await review_booking(db, clock, world.actor(OWN), Review(booking_id, BookingState.APPROVED))
    with pytest.raises(Invalid, match="required"):
        await answer_joint(db, clock, city, *declines)
    with pytest.raises(Conflict, match="not_asked"):  # The province answers for itself.
        await answer_joint(db, clock, city, booking_id, world.province.id, JointAnswer.AGREED)
    await answer_joint(db, clock, city, *declines, "当天已有别的接访")
    with pytest.raises(Conflict, match="answered"):
        await answer_joint(db, clock, city, booking_id, world.city.id, JointAnswer.AGREED)
    booking = await db.get_one(Booking, booking_id, populate_existing=True)
    asked = await list_asked(db, city, booking, await upper_offices(db, booking.petition))
    assert {each.office.id: each.row.reason if each.row else None for each in asked} == {
        world.province.id: None, world.city.id: "当天已有别的接访",
    }  # fmt: skip
    command = Arrange(
        done.petition.id, world.chengguan.id, booking_id, booking.slot_id,
        official_ids=(world.officials["city.leader"].id,),
    )  # fmt: skip
    with pytest.raises(Invalid, match="joint_declined"):
        await arrange(db, clock, world.actor(OWN), command)
    assert (await db.scalars(select(Session))).all() == []


async def test_what_was_passed_on_is_arranged_by_who_got_it(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    done = await wish(db, clock, world)
    away = Review(done.booking.id, BookingState.REDIRECTED, "归西固区管", world.xigu.id)
    await review_booking(db, clock, world.actor(OWN), away)
    other = world.actor("xigu.receptionist")
    assert [each.id for each in await list_passed_on(db, clock, other)] == [done.booking.id]
    assert await list_passed_on(db, clock, world.actor(OWN)) == []
    slot = (await make_slots(db, clock, world.xigu))[0]
    with pytest.raises(Conflict, match="booking_decided"):  # Whoever passed it on hosts it no more.
        command = Arrange(done.petition.id, world.chengguan.id, done.booking.id, slot.id)
        await arrange(db, clock, world.actor(OWN), command)
    session = await arrange(
        db, clock, other, Arrange(done.petition.id, world.xigu.id, done.booking.id, slot.id)
    )
    assert session.host_organisation_id == world.xigu.id
    assert await list_passed_on(db, clock, other) == []
