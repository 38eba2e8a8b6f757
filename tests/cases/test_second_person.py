"""What one proposes another decides, once, whoever he has become since and however many decide at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases.administration.post_request import PostRequest
from cases.administration.posts import AskForPost, ask_for_post, decide_request, requests_of
from cases.administration.rule_proposal import RuleKind, RuleProposal, add_proposal, settle_proposal
from cases.database import Database
from cases.errors import Conflict, Forbidden, Invalid
from cases.policy import SYSTEM
from cases.roles import Role
from cases.second_person import TRANSITIONS, Decision
from tests.clock import FixedClock
from tests.factories import World

ONE, OTHER = "city.sysadmin", "city.security_admin"


async def ask(db: AsyncSession, clock: FixedClock, world: World) -> PostRequest:
    clerk = world.officials["chengguan.receptionist"]
    asked = AskForPost(clerk.id, world.station.id, Role.STATION_CLERK)
    return await ask_for_post(db, clock, world.actor(ONE), asked)


async def test_who_asked_for_a_post_does_not_confirm_it_whatever_he_is_by_now(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    row_id = (await ask(db, clock, world)).id
    for actor in (replace(world.actor(ONE), posts=world.actor(OTHER).posts), SYSTEM):
        for decision in (Decision.CONFIRMED, Decision.REFUSED):
            with pytest.raises(Forbidden) as own:
                await decide_request(db, clock, actor, row_id, decision, "自己")
            assert own.value.code == "own_proposal"
    with pytest.raises(Invalid) as silent:
        await decide_request(db, clock, world.actor(OTHER), row_id, Decision.REFUSED, " ")
    assert silent.value.field == "reason"
    await decide_request(db, clock, world.actor(OTHER), row_id, Decision.REFUSED, "岗位不符")
    (row,) = await requests_of(db, world.officials["chengguan.receptionist"].id)
    told = (row.decision, row.reason, row.proposed_by, row.decided_by)
    names = [world.actor(key).name for key in (ONE, OTHER)]
    assert told == (Decision.REFUSED, "岗位不符", *names) and row.decided_at == clock.now()


async def test_of_all_who_decide_at_once_one_does(
    database: Database, db: AsyncSession, clock: FixedClock, world: World
) -> None:
    """One confirms, one refuses, one takes back: of a post and of a rule exactly one of it comes about."""
    post_id = (await ask(db, clock, world)).id
    years = {"years": 40}
    rule = await add_proposal(db, clock, world.actor(ONE), RuleKind.RETENTION, "thirty", years, "来函")
    rule_id = rule.id
    await db.commit()

    async def post(decision: Decision) -> Decision:
        async with database.session() as own:
            who = world.actor(ONE if decision is Decision.WITHDRAWN else OTHER)
            await decide_request(own, clock, who, post_id, decision, "理由")
            return decision

    async def retention(decision: Decision) -> Decision:
        async with database.session() as own:
            who = world.actor(ONE if decision is Decision.WITHDRAWN else OTHER)
            row = await own.get_one(RuleProposal, rule_id)
            await settle_proposal(own, clock, who, row, decision, "理由")
            await own.commit()
            return decision

    for act, model, row_id, code in (
        (post, PostRequest, post_id, "request_decided"),
        (retention, RuleProposal, rule_id, "rule_decided"),
    ):
        told = await asyncio.gather(*(act(each) for each in Decision), return_exceptions=True)
        done = [each for each in told if isinstance(each, Decision)]
        late = [each.code for each in told if isinstance(each, Conflict)]
        assert len(done) == 1 and late == [code, code], told
        row = await db.get(model, row_id, populate_existing=True)
        assert row is not None and row.decision is done[0]


def test_what_is_decided_stays_decided() -> None:
    assert TRANSITIONS[None] == frozenset(Decision)
    assert all(not TRANSITIONS[each] for each in Decision)
