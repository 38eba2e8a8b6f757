"""Sessions: who arranges, sees, moves and joins them; invitations; events in order."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING
from cases.database import Database
from cases.errors import Conflict, Forbidden, Invalid, NotFound, RuleError, SignInRequired
from cases.petitions import PetitionClass, get_petition
from cases.policy import ANONYMOUS, SYSTEM, Action, allowed
from cases.roles import InvitationRole
from scheduling.arrival.consent import decline_consent, record_consent
from scheduling.booking.booking import BookingState
from scheduling.booking.bookings import BookPublicly, BookSlot, book_publicly, book_slot, get_booking
from scheduling.reach import load_session, scope_of_session
from scheduling.session import Session, SessionState
from scheduling.session_events import append_event, list_events
from scheduling.sessions.invitations import (
    Invitation,
    Invitee,
    invitation_for_official,
    invite,
    list_invitations,
    revoke_invitation,
)
from scheduling.sessions.sessions import (
    CreateSession,
    create_session,
    get_session,
    list_sessions,
    list_sessions_of_petition,
    move_session,
)
from tests.clock import FixedClock
from tests.factories import World, find_invitation, make_link_actor, make_petition, make_session, make_slots


async def test_who_may_not_arrange(db: AsyncSession, clock: FixedClock, world: World) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    command = CreateSession(
        petition.id, world.chengguan.id, starts_at=clock.now(), ends_at=clock.now() + timedelta(minutes=30)
    )
    for key, error in (
        ("xigu.receptionist", NotFound),
        ("housing.handler", NotFound),
        ("city.sysadmin", NotFound),
        ("city.receptionist", Forbidden),
        ("chengguan.reviewer", Forbidden),
    ):
        with pytest.raises(error):
            await create_session(db, clock, world.actor(key), command)
    with pytest.raises(SignInRequired):
        await create_session(db, clock, ANONYMOUS, command)
    assert (
        await create_session(db, clock, world.actor("chengguan.receptionist"), command)
    ).title == petition.subject


@pytest.mark.parametrize(
    ("start", "length", "field"),
    [(-60, 30, "starts_at"), (60 * 24 * 181, 30, "starts_at"), (10, 0, "ends_at"), (10, 25 * 60, "ends_at")],
)
async def test_times_that_cannot_be_meant(
    db: AsyncSession, clock: FixedClock, world: World, start: int, length: int, field: str
) -> None:
    begin = clock.now() + timedelta(minutes=start)
    with pytest.raises(Invalid) as caught:
        await make_session(db, clock, world, starts_at=begin, ends_at=begin + timedelta(minutes=length))
    assert caught.value.field == field


async def test_a_session_without_time_is_refused_whole(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    with pytest.raises(Invalid):
        await make_session(db, clock, world, starts_at=None)
    crowd = tuple(Invitee(InvitationRole.PROXY, f"代表{n}", "13800001234") for n in range(5))
    with pytest.raises(Invalid) as caught:
        await make_session(db, clock, world, invitees=crowd)
    assert caught.value.code == "too_many_representatives"
    await db.commit()
    for model in (Session, Invitation):
        assert await db.scalar(select(func.count()).select_from(model)) == 0


@pytest.mark.parametrize(
    ("invitee", "field"),
    [
        (Invitee(InvitationRole.THIRD_PARTY, ""), "name"),
        (Invitee(InvitationRole.PROXY, "王律师", "123"), "phone"),
        (Invitee(InvitationRole.DEPARTMENT, "张三"), "organisation_id"),
        (Invitee(InvitationRole.HOST, "张三", organisation_id="city"), "organisation_id"),
    ],
)
async def test_bad_invitees(
    db: AsyncSession, clock: FixedClock, world: World, invitee: Invitee, field: str
) -> None:
    session = await make_session(db, clock, world)
    with pytest.raises(Invalid) as caught:
        await invite(db, clock, SYSTEM, session.id, invitee)
    assert caught.value.field == field


async def test_the_accused_take_no_part(db: AsyncSession, clock: FixedClock, world: World) -> None:
    petition = await make_petition(db, clock, world.chengguan, accused_organisation_id=world.housing.id)
    with pytest.raises(Invalid):
        await make_session(db, clock, world, petition, joint_organisation_ids=(world.housing.id,))
    session = await make_session(db, clock, world, petition)
    handler = world.officials["housing.handler"]
    for invitee in (
        Invitee(InvitationRole.DEPARTMENT, "张三", organisation_id=world.housing.id),
        Invitee(InvitationRole.OBSERVER, official_id=handler.id, organisation_id=world.city.id),
    ):
        with pytest.raises(Invalid) as caught:
            await invite(db, clock, SYSTEM, session.id, invitee)
        assert caught.value.code == "accused_organisation"


async def test_another_district_does_not_see_it_and_the_tiers_above_do(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    session = await make_session(db, clock, world, petition, joint_organisation_ids=())
    for key in ("xigu.receptionist", "xigu.leader", "housing.handler", "station.station_clerk"):
        with pytest.raises(NotFound):
            await get_session(db, world.actor(key), session.id)
        with pytest.raises(NotFound):
            await move_session(db, clock, world.actor(key), session.id, SessionState.CANCELLED)
        assert await list_sessions_of_petition(db, world.actor(key), petition.id) == []
    for key in ("chengguan.recorder", "city.receptionist", "province.receptionist"):
        assert (await get_session(db, world.actor(key), session.id)).id == session.id
    with pytest.raises(Forbidden):
        await invitation_for_official(db, clock, world.actor("city.receptionist"), session.id)


async def test_an_invited_organisation_sees_session_and_case(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.city)
    fields = {"host_organisation_id": world.city.id, "joint_organisation_ids": (world.xigu.id,)}
    session = await make_session(db, clock, world, petition, **fields)
    invited, other = world.actor("xigu.receptionist"), world.actor("chengguan.receptionist")
    await get_session(db, invited, session.id)
    await get_petition(db, invited, petition.id)
    with pytest.raises(Forbidden):
        await move_session(db, clock, invited, session.id, SessionState.LIVE)
    for refused in (other, world.actor("housing.handler")):
        with pytest.raises(NotFound):
            await get_session(db, refused, session.id)
    housing = Invitee(InvitationRole.DEPARTMENT, "张工", organisation_id=world.housing.id)
    await invite(db, clock, SYSTEM, session.id, housing)
    await get_petition(db, world.actor("housing.handler"), petition.id)
    # The office of a region sees what a department of that region takes part in.
    await get_session(db, other, session.id)


async def test_lists_hold_what_the_policy_allows_one_by_one(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    secret = await make_petition(db, clock, world.chengguan, class_=PetitionClass.ACCUSATION)
    accused = await make_petition(db, clock, world.city, accused_organisation_id=world.chengguan.id)
    guest = Invitee(InvitationRole.OBSERVER, official_id=world.officials["xigu.leader"].id)
    former = Invitee(InvitationRole.OBSERVER, official_id=world.officials["xigu.receptionist"].id)
    sessions = [
        await make_session(db, clock, world, invitees=(former,)),
        await make_session(db, clock, world, joint_organisation_ids=(world.housing.id, world.station.id)),
        await make_session(
            db, clock, world, await make_petition(db, clock, world.xigu), host_organisation_id=world.xigu.id
        ),
        await make_session(
            db,
            clock,
            world,
            await make_petition(db, clock, world.station),
            host_organisation_id=world.city.id,
            joint_organisation_ids=(),
        ),
        await make_session(db, clock, world, secret, invitees=(guest,)),
        await make_session(
            db, clock, world, accused, host_organisation_id=world.city.id, joint_organisation_ids=()
        ),
    ]
    observer = await find_invitation(db, sessions[0], InvitationRole.OBSERVER)
    await revoke_invitation(db, clock, SYSTEM, observer.id)
    today = clock.now().astimezone(BEIJING).date()
    for key in world.officials:
        actor = world.actor(key)
        if not allowed(actor, Action.SEE_SESSION):
            continue
        scopes = {each.id: await scope_of_session(db, await load_session(db, each.id)) for each in sessions}
        expected = {id_ for id_, scope in scopes.items() if allowed(actor, Action.SEE_SESSION, scope)}
        assert {each.id for each in await list_sessions(db, actor, today)} == expected, key
    assert len(await list_sessions(db, SYSTEM, today)) == len(sessions)
    assert await list_sessions(db, SYSTEM, today + timedelta(days=1)) == []


async def test_a_booked_slot_becomes_a_session_once(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    [first, second, *_] = await make_slots(db, clock, world.chengguan)
    booked = await book_publicly(db, clock, BookPublicly(first.id, "张桂芳", "13900001111", "路灯不亮", ""))
    own = world.actor("chengguan.receptionist")
    command = CreateSession(booked.petition.id, world.chengguan.id, slot_id=first.id)
    session = await create_session(db, clock, own, command)
    assert (session.starts_at, session.booking_id) == (first.starts_at, booked.booking.id)
    assert (await get_booking(db, own, booked.booking.id)).state is BookingState.SCHEDULED
    with pytest.raises(Conflict) as caught:
        await create_session(db, clock, own, command)
    assert caught.value.code == "session_exists"
    other = await make_petition(db, clock, world.chengguan)
    with pytest.raises(Conflict) as caught:
        await create_session(db, clock, own, CreateSession(other.id, world.chengguan.id, slot_id=first.id))
    assert caught.value.code == "slot_taken"
    await create_session(db, clock, own, CreateSession(other.id, world.chengguan.id, slot_id=second.id))


@pytest.mark.parametrize(
    ("states", "booking"),
    [
        (["live", "closed"], BookingState.FULFILLED),
        (["waiting", "no_show"], BookingState.MISSED),
        (["cancelled"], BookingState.CANCELLED),
    ],
)
async def test_the_booking_follows_the_session(
    db: AsyncSession, clock: FixedClock, world: World, states: list[str], booking: BookingState
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    [slot, *_] = await make_slots(db, clock, world.chengguan)
    own = world.actor("chengguan.receptionist")
    booked = await book_slot(db, clock, own, BookSlot(slot.id, petition.id))
    session = await create_session(
        db, clock, own, CreateSession(petition.id, world.chengguan.id, slot_id=slot.id)
    )
    for state in states:
        session = await move_session(db, clock, own, session.id, SessionState(state), "理由")
    assert session.closed_at == clock.now()
    assert (await get_booking(db, own, booked.id)).state is booking


async def test_moves_write_events_and_what_is_not_in_the_table_is_refused(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session = await make_session(db, clock, world)
    host = world.actor("chengguan.leader")
    for state in (SessionState.PAUSED, SessionState.CLOSED, SessionState.SCHEDULED, SessionState.ARCHIVED):
        with pytest.raises(Conflict):
            await move_session(db, clock, host, session.id, state)
    opened_at = clock.now()
    for state in ("live", "paused", "live", "minutes_confirming", "signed", "closed"):
        session = await move_session(db, clock, host, session.id, SessionState(state))
        clock.advance(minutes=5)
    assert session.opened_at == opened_at
    with pytest.raises(Conflict):
        await move_session(db, clock, host, session.id, SessionState.LIVE)
    events = await list_events(db, session.id)
    assert [event.kind for event in events] == [
        "session.created",
        "session.opened",
        "session.paused",
        "session.resumed",
        "minutes.presented",
        "minutes.signed",
        "session.closed",
    ]
    assert [event.sequence for event in events] == list(range(1, 8))
    assert [event.sequence for event in await list_events(db, session.id, after=5)] == [6, 7]


async def test_of_two_moves_at_once_one_wins(database: Database, clock: FixedClock, world: World) -> None:
    async with database.session() as db:
        session = await make_session(db, clock, world)

    async def move(state: SessionState) -> str:
        async with database.session() as db:
            try:
                await move_session(db, clock, world.actor("chengguan.receptionist"), session.id, state)
            except RuleError as error:
                return error.code
        return "moved"

    results = await asyncio.gather(*(move(SessionState.CANCELLED) for _ in range(4)))
    assert sorted(results) == ["bad_transition"] * 3 + ["moved"]


async def test_events_written_at_once_keep_one_order(
    database: Database, clock: FixedClock, world: World
) -> None:
    async with database.session() as db:
        session = await make_session(db, clock, world)

    async def write(number: int) -> None:
        async with database.session() as db:
            await append_event(db, clock, session.id, "hand.raised", f"人{number}", data={"number": number})

    await asyncio.gather(*(write(number) for number in range(10)))
    async with database.session() as db:
        assert [event.sequence for event in await list_events(db, session.id)] == list(range(1, 12))
        with pytest.raises(NotFound):
            await append_event(db, clock, "unknown", "hand.raised")


async def test_seats_of_officials(db: AsyncSession, clock: FixedClock, world: World) -> None:
    joint = (world.city.id, world.province.id, world.housing.id)
    session = await make_session(db, clock, world, joint_organisation_ids=joint)
    wanted = {
        "chengguan.receptionist": InvitationRole.HOST,
        "chengguan.leader": InvitationRole.HOST,
        "chengguan.recorder": InvitationRole.RECORDER,
        "city.receptionist": InvitationRole.JOINT_RECEPTIONIST,
        "province.receptionist": InvitationRole.JOINT_RECEPTIONIST,
        "housing.handler": InvitationRole.DEPARTMENT,
    }
    for key, role in wanted.items():
        seat = await invitation_for_official(db, clock, world.actor(key), session.id)
        again = await invitation_for_official(db, clock, world.actor(key), session.id)
        assert (seat.role, seat.id) == (role, again.id), key
        assert seat.organisation is not None and seat.tier is seat.organisation.tier
    for key in ("chengguan.reviewer", "city.inspector"):
        with pytest.raises(Forbidden):
            await invitation_for_official(db, clock, world.actor(key), session.id)
    with pytest.raises(NotFound):
        await invitation_for_official(db, clock, world.actor("xigu.receptionist"), session.id)


async def test_two_pages_of_one_official_share_a_seat(
    database: Database, clock: FixedClock, world: World
) -> None:
    async with database.session() as db:
        session = await make_session(db, clock, world)

    async def enter() -> str:
        async with database.session() as db:
            return (await invitation_for_official(db, clock, world.actor("city.receptionist"), session.id)).id

    assert len(set(await asyncio.gather(*(enter() for _ in range(5))))) == 1


async def test_an_official_invited_by_name_and_taken_off_again(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session = await make_session(db, clock, world)
    own, guest = world.actor("chengguan.receptionist"), world.actor("xigu.receptionist")
    invitee = Invitee(InvitationRole.OBSERVER, official_id=guest.official_id)
    with pytest.raises(Forbidden):
        await invite(db, clock, world.actor("city.receptionist"), session.id, invitee)
    invited = await invite(db, clock, own, session.id, invitee)
    with pytest.raises(Conflict):
        await invite(db, clock, own, session.id, invitee)
    assert (await invitation_for_official(db, clock, guest, session.id)).id == invited.id
    await get_session(db, guest, session.id)
    with pytest.raises(NotFound):
        await get_petition(db, guest, session.petition_id)
    await revoke_invitation(db, clock, own, invited.id)
    await revoke_invitation(db, clock, own, invited.id)
    with pytest.raises(NotFound):
        await invitation_for_official(db, clock, guest, session.id)


async def test_the_petitioner_is_always_invited(db: AsyncSession, clock: FixedClock, world: World) -> None:
    session = await make_session(db, clock, world, invitees=(Invitee(InvitationRole.THIRD_PARTY, "王律师"),))
    found = await list_invitations(db, session.id)
    assert {(each.role, each.display_name) for each in found} == {
        (InvitationRole.PETITIONER, "李德福"),
        (InvitationRole.THIRD_PARTY, "王律师"),
    }
    assert len({each.code for each in found}) == 2 and all(len(each.code) == 10 for each in found)


async def test_consent_is_the_holders_own(db: AsyncSession, clock: FixedClock, world: World) -> None:
    session = await make_session(db, clock, world)
    holder = await make_link_actor(db, clock, await find_invitation(db, session, InvitationRole.PETITIONER))
    for actor in (world.actor("chengguan.receptionist"), ANONYMOUS):
        with pytest.raises((NotFound, SignInRequired)):
            await record_consent(db, clock, actor, "2026-07", "0" * 64)
    with pytest.raises(Invalid):
        await record_consent(db, clock, holder, "2026-07", "not a digest")
    for _ in range(2):
        given = await record_consent(db, clock, holder, "2026-07", "0" * 64)
    assert given.consented_at == clock.now()
    assert (await decline_consent(db, clock, holder)).consented_at is None
    kinds = [event.kind for event in await list_events(db, session.id)]
    assert kinds.count("consent.given") == kinds.count("consent.declined") == 1


async def test_nobody_is_invited_to_what_is_over(db: AsyncSession, clock: FixedClock, world: World) -> None:
    session = await make_session(db, clock, world)
    await move_session(db, clock, SYSTEM, session.id, SessionState.CANCELLED)
    with pytest.raises(Conflict):
        await invite(db, clock, SYSTEM, session.id, Invitee(InvitationRole.OBSERVER, "某人"))
