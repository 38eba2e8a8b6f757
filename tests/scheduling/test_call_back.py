"""A call-back by telephone: asked for once, recorded call by call, and where else a person can go."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.petitions import list_petition_events
from cases.policy import SYSTEM
from cases.roles import InvitationRole
from scheduling.arrival.visiting_place import places_near, set_place
from scheduling.requests.call_back import TRANSITIONS, CallResult, CallState, record_call, steps_of
from scheduling.requests.citizen_requests import Asked, RequestState, answer_request, ask, find_request
from scheduling.session_events import list_events
from scheduling.transitions import reachable_from
from tests.clock import FixedClock
from tests.factories import World, find_invitation, make_link_actor, make_session


def test_every_call_back_can_end() -> None:
    assert reachable_from(TRANSITIONS, CallState.ASKED) == set(CallState)
    ends = {state for state in CallState if not TRANSITIONS[state]}
    assert ends == {CallState.REACHED, CallState.GIVEN_UP}


async def test_calls_are_written_down_one_by_one(db: AsyncSession, clock: FixedClock, world: World) -> None:
    session = await make_session(db, clock, world)
    citizen = await find_invitation(db, session, InvitationRole.PETITIONER)
    holder = await make_link_actor(db, clock, citizen)
    asked = await ask(db, clock, holder, Asked.CALL_BACK)
    assert (await ask(db, clock, holder, Asked.CALL_BACK)).id == asked.id
    request_id, invitation_id = asked.id, citizen.id
    session_id, petition_id = session.id, session.petition_id
    clerk = world.actor("chengguan.receptionist")
    with pytest.raises(Conflict) as refused:
        await answer_request(db, clock, clerk, request_id, True)
    assert refused.value.code == "call_first"
    for state, result, words, field in (
        ("given_up", "", "不打了", None),  # Nobody gives up who has not called.
        ("reached", "", "", "result"),
        ("reached", "other", " ", "words"),
        ("asked", "", "", "state"),
        ("nonsense", "", "", "state"),
    ):
        with pytest.raises((Invalid, Conflict)) as wrong:
            await record_call(db, clock, clerk, request_id, state, result, words)
        assert getattr(wrong.value, "field", None) == field
    await db.rollback()
    await record_call(db, clock, clerk, request_id, "unanswered", "video", "响了很久")
    found = await find_request(db, invitation_id, Asked.CALL_BACK)
    assert found is not None and found.state is RequestState.OPEN
    clock.advance(minutes=5)
    await record_call(
        db, clock, world.actor("chengguan.leader"), request_id, "reached", "by_phone", "明天 9 点"
    )
    found = await find_request(db, invitation_id, Asked.CALL_BACK)
    assert found is not None
    assert (found.state, found.answer) == (RequestState.GRANTED, "改用电话接访")
    steps = (await steps_of(db, [request_id]))[request_id]
    assert [(step.number, step.state, step.result) for step in steps] == [
        (1, CallState.UNANSWERED, None),
        (2, CallState.REACHED, CallResult.BY_PHONE),
    ]
    assert steps[0].by != steps[1].by and steps[1].at > steps[0].at and steps[1].words == "明天 9 点"
    with pytest.raises(Conflict):
        await record_call(db, clock, clerk, request_id, "unanswered")
    await db.rollback()
    told = [event.kind for event in await list_events(db, session_id) if event.kind.startswith("call.")]
    on_case = [event.kind for event in await list_petition_events(db, SYSTEM, petition_id)]
    assert told == ["call.unanswered", "call.reached"] == [kind for kind in on_case if kind in told]
    with pytest.raises(DBAPIError):
        await db.execute(text("DELETE FROM call_steps"))


async def test_only_the_own_office_calls_and_gives_up_with_a_reason(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session = await make_session(db, clock, world)
    citizen = await find_invitation(db, session, InvitationRole.PETITIONER)
    holder = await make_link_actor(db, clock, citizen)
    request_id = (await ask(db, clock, holder, Asked.CALL_BACK)).id
    other = (await ask(db, clock, holder, Asked.STAFF_CHECK)).id
    for actor in (world.actor("xigu.receptionist"), holder):
        with pytest.raises((NotFound, Forbidden)):
            await record_call(db, clock, actor, request_id, "unanswered")
    clerk = world.actor("chengguan.receptionist")
    with pytest.raises(NotFound):
        await record_call(db, clock, clerk, other, "unanswered")
    await record_call(db, clock, clerk, request_id, "unanswered")
    with pytest.raises(Invalid):
        await record_call(db, clock, clerk, request_id, "given_up", "", " ")
    await record_call(db, clock, clerk, request_id, "given_up", "", "三天没有接通，已发短信")
    again = await ask(db, clock, holder, Asked.CALL_BACK)
    assert again.id != request_id and again.state is RequestState.OPEN


async def test_near_is_the_own_region(db: AsyncSession, clock: FixedClock, world: World) -> None:
    session = await make_session(db, clock, world)
    assert await places_near(db, session) == []
    for region, name in (("6201", "市"), ("620104", "西固"), ("620102", "区"), ("620102001", "街道")):
        await set_place(db, region, f"{name}大厅", "周一至周五", "0931-1")
    await set_place(db, "620102001", "街道一楼", "周一至周五 8:30–12:00")
    near = await places_near(db, session)
    assert [place.address for place in near] == ["街道一楼", "区大厅", "市大厅"]
    assert (near[0].name, near[0].hours, near[0].phone) == ("酒泉路街道接访点", "周一至周五 8:30–12:00", "")
    for region, address in (("999999", "某处"), ("620102", " ")):
        with pytest.raises(Invalid):
            await set_place(db, region, address, "周一")
