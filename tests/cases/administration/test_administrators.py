"""Three administrators: none gives a right alone, none is lost, none holds what another has."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.administration.accounts import (
    AccountQuery,
    NewAccount,
    choose_password,
    create_account,
    disable_account,
    enable_account,
    get_account,
    list_accounts,
    reset_password,
)
from cases.administration.post_request import PostRequest
from cases.administration.posts import AskForPost, ask_for_post, decide_request, list_requests
from cases.audit import AuditEntry
from cases.audit_check import check_audit
from cases.database import Database, new_id
from cases.errors import Conflict, Forbidden, Invalid, NotFound, RuleError
from cases.people import Official, Post, end_post, get_official
from cases.policy import SYSTEM, Action, allowed
from cases.roles import ADMINISTRATORS, Role
from cases.second_person import Decision
from cases.signin import actor_for, find_sign_in, sign_in
from tests.clock import FixedClock
from tests.factories import PASSWORD, World, add_post, make_official

HERE = "192.0.2.1"
NEW = "Lanzhou-Bridge-77"


async def refused(code: str, act: object) -> None:
    with pytest.raises(RuleError) as caught:
        await act  # type: ignore[misc]
    assert caught.value.code == code


async def test_a_role_takes_effect_when_another_person_confirms_it(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    sysadmin, security = world.actor("city.sysadmin"), world.actor("city.security_admin")
    command = NewAccount("New-Clerk", "新来的", world.station.id, Role.STATION_CLERK)
    for key in ("city.security_admin", "city.auditor", "city.leader"):
        with pytest.raises((Forbidden, NotFound)):
            await create_account(db, clock, world.actor(key), command)
    made, password = await create_account(db, clock, sysadmin, command)
    (row,) = await list_requests(db, security)
    await refused("forbidden", decide_request(db, clock, sysadmin, row.id, Decision.CONFIRMED))
    await refused("required", decide_request(db, clock, security, row.id, Decision.REFUSED))
    actor = actor_for(await get_official(db, made.id))
    assert actor.posts == () and not allowed(actor, Action.BOOK)
    await decide_request(db, clock, security, row.id, Decision.CONFIRMED)
    await refused("request_decided", decide_request(db, clock, security, row.id, Decision.CONFIRMED))
    # One signs in once with what the administrator knows, and may nothing before it is changed.
    grant = await sign_in(db, clock, "new-clerk", password, HERE)
    actor = await find_sign_in(db, clock, grant.token)
    assert grant.must_change and actor is not None and actor.must_change and actor.posts == ()
    await refused("wrong_password", choose_password(db, clock, actor, "x", NEW))
    await refused("same_password", choose_password(db, clock, actor, password, password))
    await refused("weak_password", choose_password(db, clock, actor, password, "short"))
    await choose_password(db, clock, actor, password, NEW)
    actor = await find_sign_in(db, clock, grant.token)
    assert actor is not None and allowed(actor, Action.BOOK) and not actor.must_change
    acts = (await db.scalars(select(AuditEntry.action).order_by(AuditEntry.sequence))).all()
    wanted = ["official.created", "post.asked", "post.confirmed", "post.given", "sign_in.opened"]
    assert list(acts) == [*wanted, "official.password_changed"]
    assert (await check_audit(db)).intact


async def test_a_one_time_password_ends_sign_ins_and_is_over_after_three_days(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    sysadmin, clerk = world.actor("city.sysadmin"), world.officials["chengguan.receptionist"]
    grant = await sign_in(db, clock, clerk.username, PASSWORD, HERE)
    official = await get_account(db, sysadmin, clerk.id)
    version = official.version
    given = await reset_password(db, clock, sysadmin, clerk.id, version)
    assert await find_sign_in(db, clock, grant.token) is None
    await refused("edited_meanwhile", reset_password(db, clock, sysadmin, clerk.id, version))
    await refused("sign_in_failed", sign_in(db, clock, clerk.username, PASSWORD, HERE))
    clock.advance(days=3)
    await refused("sign_in_failed", sign_in(db, clock, clerk.username, given, HERE))
    # Else the system administrator could sign in as each of the others.
    for key in ("city.security_admin", "city.auditor"):
        act = reset_password(db, clock, sysadmin, world.officials[key].id)
        await refused("administrator_password", act)
    again = await reset_password(db, clock, SYSTEM, world.officials["city.auditor"].id)
    assert (await sign_in(db, clock, "city-auditor", again, HERE)).must_change


async def test_a_closed_account_is_out_at_once_and_comes_back_with_its_posts(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    sysadmin, clerk = world.actor("city.sysadmin"), world.officials["chengguan.receptionist"]
    tokens = [(await sign_in(db, clock, clerk.username, PASSWORD, HERE)).token for _ in range(2)]
    for key in ("city.security_admin", "city.auditor", "chengguan.leader"):
        with pytest.raises((Forbidden, NotFound)):
            await disable_account(db, clock, world.actor(key), clerk.id)
    await disable_account(db, clock, sysadmin, clerk.id)
    assert [await find_sign_in(db, clock, token) for token in tokens] == [None, None]
    await refused("account_disabled", disable_account(db, clock, sysadmin, clerk.id))
    await enable_account(db, clock, sysadmin, clerk.id)
    assert [await find_sign_in(db, clock, token) for token in tokens] == [None, None]
    grant = await sign_in(db, clock, clerk.username, PASSWORD, HERE)
    actor = await find_sign_in(db, clock, grant.token)
    assert actor is not None and [post.role for post in actor.posts] == [Role.RECEPTIONIST]


async def second(db: AsyncSession, clock: FixedClock, world: World, role: Role) -> Official:
    official = make_official(clock, f"second-{role.value.replace('_', '-')}", "第二人")
    add_post(clock, official, await db.merge(world.city), role)
    db.add(official)
    await db.commit()
    return official


async def test_the_last_administrator_of_a_kind_stays(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    security = world.actor("city.security_admin")
    for role in sorted(ADMINISTRATORS):
        official = world.officials[f"city.{role.value}"]
        await refused("last_administrator", disable_account(db, clock, SYSTEM, official.id))
        await refused("last_administrator", end_post(db, clock, security, official.posts[0].id))
        await second(db, clock, world, role)
        await disable_account(db, clock, SYSTEM, official.id)
        with pytest.raises(Forbidden):  # He comes back as everybody becomes one: confirmed by another.
            await enable_account(db, clock, world.actor("city.sysadmin"), official.id)


async def test_two_who_close_each_other_at_once_leave_one(
    database: Database, clock: FixedClock, world: World
) -> None:
    async with database.session() as db:
        other = await second(db, clock, world, Role.SYSADMIN)

    async def close(official_id: str) -> str:
        async with database.session() as db:
            try:
                await disable_account(db, clock, SYSTEM, official_id)
            except Conflict as error:
                return error.code
            return "closed"

    told = await asyncio.gather(close(other.id), close(world.officials["city.sysadmin"].id))
    assert sorted(told) == ["closed", "last_administrator"]


async def test_administrators_exclude_one_another(db: AsyncSession, clock: FixedClock, world: World) -> None:
    sysadmin, place = world.actor("city.sysadmin"), world.city.id
    for key, role in (
        ("city.sysadmin", Role.AUDITOR),
        ("city.auditor", Role.RECEPTIONIST),
        ("chengguan.leader", Role.SECURITY_ADMIN),
    ):
        asked = AskForPost(world.officials[key].id, place, role)
        await refused("duties_exclude", ask_for_post(db, clock, sysadmin, asked))
    held, now = world.officials["city.security_admin"].id, clock.now()
    db.add(Post(id=new_id(), official_id=held, organisation_id=place, role=Role.AUDITOR, started_at=now))
    with pytest.raises(IntegrityError):  # The database itself refuses.
        await db.commit()


async def test_a_move_ends_one_post_and_begins_another_in_one_moment(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    sysadmin, security = world.actor("city.sysadmin"), world.actor("city.security_admin")
    clerk = world.officials["chengguan.receptionist"]
    asked = AskForPost(clerk.id, world.xigu.id, Role.LEADER, replaces_id=clerk.posts[0].id)
    request_id = (await ask_for_post(db, clock, sysadmin, asked)).id
    await refused("post_asked", ask_for_post(db, clock, sysadmin, asked))
    await decide_request(db, clock, sysadmin, request_id, Decision.WITHDRAWN)
    row = await ask_for_post(db, clock, sysadmin, asked)
    await decide_request(db, clock, security, row.id, Decision.CONFIRMED)
    posts = actor_for(await get_official(db, clerk.id)).posts
    assert [(post.organisation_id, post.role) for post in posts] == [(world.xigu.id, Role.LEADER)]
    held = AskForPost(clerk.id, world.xigu.id, Role.LEADER)
    await refused("post_held", ask_for_post(db, clock, sysadmin, held))


async def test_an_administrator_reaches_only_those_who_work_below(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    district = make_official(clock, "district-admin", "区管理员")
    add_post(clock, district, await db.merge(world.chengguan), Role.SYSADMIN)
    double = make_official(clock, "double", "两处任职")
    for place in (world.chengguan, world.city):
        add_post(clock, double, await db.merge(place), Role.RECEPTIONIST)
    db.add_all([district, double])
    await db.commit()
    actor = actor_for(district)
    for target in (world.officials["xigu.leader"], world.officials["city.leader"], double):
        for act in (disable_account, reset_password):
            with pytest.raises(NotFound):
                await act(db, clock, actor, target.id)
    for place in (world.city, world.xigu):
        command = NewAccount("somebody", "某人", place.id, Role.LEADER)
        with pytest.raises(NotFound):
            await create_account(db, clock, actor, command)
    listed, _ = await list_accounts(db, actor, AccountQuery())
    names = {each.official.username for each in listed}
    assert {"chengguan-leader", "station-station_clerk", "district-admin", "housing-handler"} <= names
    assert not names & {"double", "xigu-leader", "city-leader"}
    found, _ = await list_accounts(db, actor, AccountQuery(words="LEADER"))
    assert [each.official.username for each in found] == ["chengguan-leader"]
    everybody, _ = await list_accounts(db, world.actor("city.sysadmin"), AccountQuery())
    assert "province-reviewer" not in {each.official.username for each in everybody}
    assert await db.scalar(select(PostRequest.id)) is None


async def test_bad_values_stand_at_their_field(db: AsyncSession, clock: FixedClock, world: World) -> None:
    sysadmin = world.actor("city.sysadmin")
    for username, name, field in (("a b", "某人", "username"), ("fine-name", "", "name")):
        with pytest.raises(Invalid) as caught:
            command = NewAccount(username, name, world.city.id, Role.LEADER)
            await create_account(db, clock, sysadmin, command)
        assert caught.value.field == field
