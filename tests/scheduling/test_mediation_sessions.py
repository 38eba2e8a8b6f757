"""Mediation by video: only with consent, not recorded by default, sealed apart; registered third parties."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.errors import Conflict
from cases.mediation.board import list_sittings
from cases.mediation.matter import MediationState
from cases.mediation.mediating import load_mediation
from cases.mediation.third_party import name_conflict
from cases.policy import SYSTEM, Action, allowed
from cases.roles import InvitationRole
from recordings.archive.search import replayable
from recordings.recording import Recording, start_recording
from scheduling.reach import scope_of_session
from scheduling.session import Session, SessionKind, SessionState
from scheduling.sessions.invitations import Invitee
from scheduling.sessions.sessions import move_session
from scheduling.sessions.third_party_invitations import (
    ThirdPartyInvitation,
    invite_third_party,
    list_invitable,
)
from tests.clock import FixedClock
from tests.disk import AMPLE
from tests.factories import World, make_link_actor, make_petition, make_session
from tests.mediations import KEEPER, make_mediation, make_ready, make_third_party

OPENING = (Action.REPLAY, Action.SEE_MANIFEST, Action.EXPORT_RECORDING, Action.REVIEW_RECORDING)


async def make_sitting(
    db: AsyncSession, clock: FixedClock, world: World, record: bool | None = None, mediator: str = ""
) -> Session:
    petition = await make_petition(db, clock, world.chengguan)
    await make_ready(db, clock, world, petition.id)
    invitees = ()
    if mediator:
        invitees = (Invitee(InvitationRole.MEDIATOR, official_id=world.officials[mediator].id),)
    return await make_session(
        db, clock, world, petition, kind=SessionKind.MEDIATION, record=record, invitees=invitees
    )


async def test_no_session_without_the_consent_of_both_and_with_it_it_stands_in_the_mediation(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    with pytest.raises(Conflict) as refused:
        await make_session(db, clock, world, petition, kind=SessionKind.MEDIATION)
    assert refused.value.code == "no_consent"
    await make_mediation(db, clock, world, petition.id)
    with pytest.raises(Conflict):
        await make_session(db, clock, world, petition, kind=SessionKind.MEDIATION)
    assert not (await db.scalars(select(Session.id))).all()
    made = await make_ready(db, clock, world, petition.id)
    session = await make_session(db, clock, world, petition, kind=SessionKind.MEDIATION)
    assert [each.session_id for each in await list_sittings(db, made.id)] == [session.id]
    assert (await load_mediation(db, made.id)).state is MediationState.MEDIATING


async def test_it_is_not_recorded_by_default_nor_by_hand(
    db: AsyncSession, clock: FixedClock, world: World, tmp_path: Path
) -> None:
    session = await make_sitting(db, clock, world)
    assert session.record is False
    with pytest.raises(Conflict) as refused:
        await start_recording(db, clock, SYSTEM, session.id, tmp_path, AMPLE)
    assert refused.value.code == "mediation_unrecorded"
    assert (await make_session(db, clock, world)).record is True


async def test_a_recording_of_it_is_for_the_mediator_and_not_for_the_reviewers(
    db: AsyncSession, clock: FixedClock, world: World, tmp_path: Path
) -> None:
    session = await make_sitting(db, clock, world, record=True, mediator="chengguan.leader")
    await move_session(db, clock, SYSTEM, session.id, SessionState.LIVE)
    await start_recording(db, clock, SYSTEM, session.id, tmp_path, AMPLE)
    scope = await scope_of_session(db, session)
    shown = select(Recording.id).join(PetitionCase, PetitionCase.id == Recording.petition_id)
    for key in ("chengguan.receptionist", "chengguan.reviewer", "chengguan.archivist", "city.inspector"):
        actor = world.actor(key)
        assert not any(allowed(actor, action, scope) for action in OPENING), key
        assert not (await db.scalars(shown.where(replayable(actor)))).all(), key
    mediator = world.actor("chengguan.leader")
    assert allowed(mediator, Action.REPLAY, scope)
    assert len((await db.scalars(shown.where(replayable(mediator)))).all()) == 1


async def test_a_third_party_of_the_register_comes_with_names_masked_and_without_an_interest(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session, actor = await make_session(db, clock, world), world.actor(KEEPER)
    lawyer = await make_third_party(db, clock, world, kind="lawyer", name="钱律师", employer="正大律师事务所")
    kin = await make_third_party(db, clock, world, kind="psychologist", name="周咨询")
    await name_conflict(db, clock, actor, kin.id, "李德福", "是姐弟")
    invitation = await invite_third_party(db, clock, actor, session.id, lawyer.id)
    assert invitation.display_name == "钱律师（律师，正大律师事务所）"
    assert await db.get(ThirdPartyInvitation, invitation.id) is not None
    guest = await make_link_actor(db, clock, invitation)
    scope = await scope_of_session(db, session)
    assert allowed(guest, Action.JOIN, scope) and not allowed(guest, Action.KNOW_NAMES, scope)
    with pytest.raises(Conflict, match="姐弟") as refused:
        await invite_third_party(db, clock, actor, session.id, kin.id)
    assert refused.value.code == "conflict_of_interest"
    assert {each.name for each in await list_invitable(db, clock, actor, session)} == {"钱律师", "周咨询"}
