"""A mediation without a case by video: who sees it, what begins it, nothing recorded, where it stands."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import BEIJING
from cases.errors import Conflict, Forbidden
from cases.mediation.board import list_events, list_sittings
from cases.mediation.consenting import list_consents, record_consent
from cases.mediation.matter import ConsentWay, Mediation, MediationState
from cases.mediation.mediating import load_mediation, take_mediation_step, turn_into_petition
from cases.mediation.third_party import name_conflict
from cases.policy import SYSTEM, Action, Actor, allowed
from cases.roles import InvitationRole
from recordings.recording import start_recording
from scheduling.afterwards.outcome import list_outcomes
from scheduling.arrival.mediation_consent import consent_by_link
from scheduling.calendars.entries import calendar_of
from scheduling.invitation import Invitation
from scheduling.reach import load_session, scope_of_session, visible_sessions
from scheduling.session import Session, SessionState
from scheduling.sessions.invitations import Invitee, invitation_for_official, invite, list_invitations
from scheduling.sessions.mediation_video import (
    ArrangeVideo,
    arrange_video,
    call_off_sittings,
)
from scheduling.sessions.moving import MoveSession, reschedule_session
from scheduling.sessions.sessions import list_sessions, move_session
from tests.clock import FixedClock
from tests.disk import AMPLE
from tests.factories import World, make_link_actor
from tests.mediations import KEEPER, make_mediation, make_ready, make_third_party

SHA = "a" * 64


async def make_video(
    db: AsyncSession, clock: FixedClock, world: World, *helpers: str
) -> tuple[Session, Mediation]:
    mediation = await make_ready(db, clock, world)
    session = await arrange_video(db, clock, world.actor(KEEPER), command_for(clock, mediation.id, *helpers))
    return session, mediation


def command_for(clock: FixedClock, mediation_id: str, *helpers: str) -> ArrangeVideo:
    begin = clock.now() + timedelta(minutes=5)
    return ArrangeVideo(mediation_id, begin, begin + timedelta(hours=1), helpers)


async def party_actor(db: AsyncSession, clock: FixedClock, session: Session, name: str) -> Actor:
    found = next(each for each in await list_invitations(db, session.id) if each.display_name == name)
    return await make_link_actor(db, clock, found)


async def test_both_sides_mediator_and_helpers_are_invited_and_it_stands_in_the_mediation(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    lawyer = await make_third_party(db, clock, world, kind="lawyer", name="钱律师")
    kin = await make_third_party(db, clock, world, kind="psychologist", name="周咨询")
    await name_conflict(db, clock, world.actor(KEEPER), kin.id, "赵六", "是姐弟")
    unready = await make_mediation(db, clock, world)
    with pytest.raises(Conflict) as refused:
        await arrange_video(db, clock, world.actor(KEEPER), command_for(clock, unready.id))
    assert refused.value.code == "no_consent"
    session, mediation = await make_video(db, clock, world, lawyer.id)
    invited = await list_invitations(db, session.id)
    roles = {each.display_name.partition("（")[0]: each.role for each in invited}
    party, helper = InvitationRole.PARTY, InvitationRole.THIRD_PARTY
    assert roles == {"李德福": party, "赵六": party, "马调解": InvitationRole.MEDIATOR, "钱律师": helper}
    assert (session.petition_id, session.record, session.number) == (None, False, mediation.number)
    assert [each.session_id for each in await list_sittings(db, mediation.id)] == [session.id]
    tomorrow = FixedClock(clock.now() + timedelta(days=1))
    for command, code in (
        (command_for(clock, mediation.id), "sitting_exists"),
        (command_for(tomorrow, mediation.id, kin.id), "conflict_of_interest"),
    ):
        with pytest.raises(Conflict) as refused:
            await arrange_video(db, clock, world.actor(KEEPER), command)
        assert refused.value.code == code
    with pytest.raises(Conflict, match="没有信访件"):
        await invite(db, clock, world.actor(KEEPER), session.id, Invitee(InvitationRole.PETITIONER, "李德福"))


async def test_only_those_who_mediate_in_the_office_that_keeps_it_see_it(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session, _ = await make_video(db, clock, world)
    scope = await scope_of_session(db, session)
    seen = select(Session.id).outerjoin(PetitionCase, PetitionCase.id == Session.petition_id)
    for key, expected in {
        KEEPER: True, "chengguan.leader": True, "chengguan.reviewer": False, "chengguan.recorder": False,
        "city.receptionist": False, "city.leader": False, "province.receptionist": False,
        "station.station_clerk": False, "xigu.receptionist": False,
    }.items():  # fmt: skip
        actor = world.actor(key)
        assert allowed(actor, Action.SEE_SESSION, scope) is expected, key
        assert bool((await db.scalars(seen.where(visible_sessions(actor)))).all()) is expected, key
        day = clock.now().astimezone(BEIJING).date()
        assert bool(await list_sessions(db, actor, day)) is expected, key
    await invite(
        db, clock, world.actor(KEEPER), session.id,
        Invitee(InvitationRole.MEDIATOR, official_id=world.officials["city.leader"].id),
    )  # fmt: skip
    invited = world.actor("city.leader")
    assert (await db.scalars(seen.where(visible_sessions(invited)))).all() == [session.id]
    entries = await calendar_of(db, clock, invited)
    assert [each.summary for each in entries] == [f"视频调解 {session.number}"]
    assert not allowed(invited, Action.HOST, await scope_of_session(db, session))


async def test_who_conducts_mediations_at_a_station_hosts_its_sittings_and_nothing_else(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session, _ = await make_video(db, clock, world)
    await db.execute(update(Session).values(host_organisation_id=world.station.id))
    session = await load_session(db, session.id)
    clerk, scope = world.actor("station.station_clerk"), await scope_of_session(db, session)
    assert not allowed(clerk, Action.SEE_SESSION, scope)
    for part in session.organisations:
        part.organisation_id = world.station.id
    await db.commit()
    session = await load_session(db, session.id)
    scope = await scope_of_session(db, session)
    assert allowed(clerk, Action.HOST, scope) and allowed(clerk, Action.MANAGE_SESSION, scope)
    assert not allowed(clerk, Action.RECORD, scope)
    assert (await invitation_for_official(db, clock, clerk, session.id)).role is InvitationRole.HOST


async def test_a_party_says_so_on_the_own_telephone_and_a_refusal_ends_it(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session, mediation = await make_video(db, clock, world)
    first, second = [await party_actor(db, clock, session, name) for name in ("李德福", "赵六")]
    await consent_by_link(db, clock, first, True, "2026-11", SHA)
    told = (await list_consents(db, mediation.id))[-1]
    assert told.given and told.way is ConsentWay.ONLINE
    assert (await db.get_one(Invitation, first.invitation_id)).consented_at == clock.now()
    helper = await party_actor(db, clock, session, "马调解（人民调解员，酒泉路街道人民调解委员会）")
    with pytest.raises(Forbidden):
        await consent_by_link(db, clock, helper, True, "2026-11", SHA)
    assert await call_off_sittings(db, clock, mediation.id) == []
    await consent_by_link(db, clock, second, False, "2026-11", SHA)
    assert (await load_mediation(db, mediation.id)).state is MediationState.RECEIVED
    with pytest.raises(Conflict) as refused:
        await move_session(db, clock, world.actor(KEEPER), session.id, SessionState.LIVE)
    assert refused.value.code == "no_consent"
    assert await call_off_sittings(db, clock, mediation.id) == [session.id]
    assert (await load_session(db, session.id)).state is SessionState.CANCELLED
    assert "取消调解" in [each.words for each in await list_events(db, mediation.id)][-1]


async def test_a_refusal_told_to_the_clerk_ends_a_sitting_that_has_begun(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session, mediation = await make_video(db, clock, world)
    actor = world.actor(KEEPER)
    await move_session(db, clock, actor, session.id, SessionState.LIVE)
    party = mediation.parties[1].id
    await record_consent(db, clock, actor, mediation.id, party, False, "spoken", "不调了。")
    assert await call_off_sittings(db, clock, mediation.id) == [session.id]
    assert (await load_session(db, session.id)).state is SessionState.CLOSED


async def test_nothing_of_it_is_recorded_and_the_database_refuses_it_too(
    db: AsyncSession, clock: FixedClock, world: World, tmp_path: Path
) -> None:
    session, _ = await make_video(db, clock, world)
    session_id = session.id
    with pytest.raises(Conflict) as refused:
        await start_recording(db, clock, SYSTEM, session_id, tmp_path, AMPLE)
    assert refused.value.code == "mediation_unrecorded"
    for broken in ({"record": True}, {"mediation_id": None}):
        with pytest.raises(IntegrityError):
            await db.execute(update(Session).where(Session.id == session_id).values(**broken))
        await db.rollback()


async def test_its_history_is_the_mediations_and_goes_along_when_it_becomes_a_case(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session, mediation = await make_video(db, clock, world)
    actor, later = world.actor(KEEPER), clock.now() + timedelta(hours=3)
    command = MoveSession(session.id, "当事人有事", None, later, later + timedelta(hours=1))
    await reschedule_session(db, clock, actor, command)
    for state in (SessionState.LIVE, SessionState.CLOSED):
        await move_session(db, clock, actor, session.id, state)
    words = [each.words for each in await list_events(db, mediation.id)]
    assert words[-2].endswith("改到新的时间：当事人有事") and words[-1].endswith("结束调解")
    assert await list_outcomes(db, await load_session(db, session.id)) == []
    await take_mediation_step(db, clock, actor, mediation.id, "end", "谈不拢。")
    petition, _ = await turn_into_petition(db, clock, actor, mediation.id, "visit")
    assert (await load_mediation(db, mediation.id)).petition_id == petition.id
    assert (await load_session(db, session.id)).mediation_id == mediation.id
    with pytest.raises(Conflict) as refused:
        await arrange_video(db, clock, actor, command_for(clock, mediation.id))
    assert refused.value.code == "booked_on_case"
