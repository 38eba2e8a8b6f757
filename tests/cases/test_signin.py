"""Sign-in: what is refused first, then what holds, and how it ends."""

from __future__ import annotations

import asyncio

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases import passwords
from cases.administration.accounts import disable_account
from cases.audit import AuditEntry
from cases.database import Database
from cases.errors import Conflict, Forbidden, Invalid, RuleError, SignInRequired
from cases.people import Appoint, CreateOfficial, appoint, create_official, end_post
from cases.policy import ANONYMOUS, SYSTEM
from cases.roles import Role
from cases.signin import (
    SignIn,
    SignInRules,
    find_sign_in,
    hash_secret,
    is_sign_in_live,
    revoke_all,
    sign_in,
    sign_out,
    touch_sign_in,
    unlock_account,
)
from tests.clock import FixedClock
from tests.factories import PASSWORD, World, make_official

NAME = "chengguan-receptionist"
HERE, THERE = "192.0.2.1", "192.0.2.2"


async def fail(db: AsyncSession, clock: FixedClock, name: str = NAME, address: str = HERE) -> str:
    with pytest.raises(RuleError) as caught:
        await sign_in(db, clock, name, "Wrong-password-1", address)
    return caught.value.code


async def test_unknown_wrong_and_disabled_get_one_answer(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    await disable_account(db, clock, SYSTEM, world.officials["city.leader"].id)
    answers = set()
    for name, password in (("nobody", PASSWORD), (NAME, "Wrong-password-1"), ("city-leader", PASSWORD)):
        with pytest.raises(RuleError) as caught:
            await sign_in(db, clock, name, password, f"192.0.2.{len(answers) + 9}")
        answers.add((caught.value.code, caught.value.message, caught.value.field))
    assert len(answers) == 1


async def test_five_failures_lock_the_account_for_a_quarter(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    assert [await fail(db, clock, address=f"192.0.2.{n}") for n in range(5)] == ["sign_in_failed"] * 5
    with pytest.raises(RuleError) as caught:
        await sign_in(db, clock, NAME, PASSWORD, THERE)
    assert caught.value.code == "sign_in_locked"
    clock.advance(minutes=14, seconds=59)
    assert await fail(db, clock, address=THERE) == "sign_in_locked"
    clock.advance(seconds=1)
    await sign_in(db, clock, NAME, PASSWORD, THERE)


async def test_unknown_names_lock_alike(db: AsyncSession, clock: FixedClock, world: World) -> None:
    codes = [await fail(db, clock, "nobody", f"192.0.2.{n}") for n in range(6)]
    assert codes == ["sign_in_failed"] * 5 + ["sign_in_locked"]


async def test_five_failures_lock_the_address(db: AsyncSession, clock: FixedClock, world: World) -> None:
    for number in range(5):
        await fail(db, clock, f"name{number}")
    with pytest.raises(RuleError) as caught:
        await sign_in(db, clock, NAME, PASSWORD, HERE)
    assert caught.value.code == "sign_in_locked"
    await sign_in(db, clock, NAME, PASSWORD, THERE)


async def test_a_success_forgets_failures(db: AsyncSession, clock: FixedClock, world: World) -> None:
    for _ in range(3):
        for _ in range(4):
            await fail(db, clock)
        await sign_in(db, clock, NAME, PASSWORD, HERE)


async def test_old_failures_are_forgotten(db: AsyncSession, clock: FixedClock, world: World) -> None:
    for _ in range(8):
        assert await fail(db, clock) == "sign_in_failed"
        clock.advance(minutes=15)


async def test_guessing_in_parallel_gains_nothing(
    database: Database, clock: FixedClock, world: World
) -> None:
    async def attempt(number: int) -> str:
        async with database.session() as db:
            return await fail(db, clock, address=f"198.51.100.{number}")

    codes = await asyncio.gather(*(attempt(number) for number in range(12)))
    assert sorted(codes) == ["sign_in_failed"] * 5 + ["sign_in_locked"] * 7


async def test_an_administrator_unlocks_and_it_is_audited(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    for _ in range(5):
        await fail(db, clock)
    for key in ("city.receptionist", "city.sysadmin"):
        with pytest.raises(Forbidden):
            await unlock_account(db, clock, world.actor(key), NAME)
    await unlock_account(db, clock, world.actor("city.security_admin"), NAME)
    await sign_in(db, clock, NAME, PASSWORD, THERE)
    acts = (await db.scalars(select(AuditEntry.action).order_by(AuditEntry.sequence))).all()
    assert acts.count("sign_in.refused") == 5 and "account.unlocked" in acts and acts[-1] == "sign_in.opened"


async def test_demo_accounts_are_refused_outside_demo_mode(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    db.add(make_official(clock, "demo-user", "演示员", demo=True))
    await db.commit()
    with pytest.raises(RuleError) as caught:
        await sign_in(db, clock, "demo-user", PASSWORD, HERE)
    assert caught.value.code == "demo_refused"
    demo = SignInRules(allow_demo=True)
    grant = await sign_in(db, clock, "demo-user", PASSWORD, HERE, rules=demo)
    assert await find_sign_in(db, clock, grant.token) is None
    assert await find_sign_in(db, clock, grant.token, demo) is not None


async def test_the_token_is_new_hashed_and_gone_after_sign_out(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    first = await sign_in(db, clock, NAME, PASSWORD, HERE)
    second = await sign_in(db, clock, f" {NAME.upper()} ", PASSWORD, HERE, previous_token=first.token)
    assert first.token != second.token
    assert await find_sign_in(db, clock, first.token) is None
    actor = await find_sign_in(db, clock, second.token)
    assert actor is not None and actor.csrf_token == second.csrf_token
    assert [post.role for post in actor.posts] == [Role.RECEPTIONIST]
    stored = (await db.scalars(select(SignIn.token_hash))).all()
    assert set(stored) == {hash_secret(first.token), hash_secret(second.token)}
    await sign_out(db, clock, second.token)
    await sign_out(db, clock, "unknown")
    assert await find_sign_in(db, clock, second.token) is None


async def test_idle_and_absolute_time(db: AsyncSession, clock: FixedClock, world: World) -> None:
    grant = await sign_in(db, clock, NAME, PASSWORD, HERE)
    clock.advance(minutes=14, seconds=59)
    assert await find_sign_in(db, clock, grant.token) is not None
    clock.advance(minutes=15)
    assert await find_sign_in(db, clock, grant.token) is None
    grant = await sign_in(db, clock, NAME, PASSWORD, HERE)
    for _ in range(71):
        clock.advance(minutes=10)
        assert await find_sign_in(db, clock, grant.token) is not None
    clock.advance(minutes=10)
    assert await find_sign_in(db, clock, grant.token) is None


async def test_a_live_session_keeps_the_sign_in(db: AsyncSession, clock: FixedClock, world: World) -> None:
    grant = await sign_in(db, clock, NAME, PASSWORD, HERE)
    for _ in range(6):
        clock.advance(minutes=10)
        await touch_sign_in(db, clock, grant.sign_in_id)
    assert await is_sign_in_live(db, clock, grant.sign_in_id)
    assert not await is_sign_in_live(db, clock, "unknown")


async def test_revocation_ends_all_devices(db: AsyncSession, clock: FixedClock, world: World) -> None:
    grants = [await sign_in(db, clock, NAME, PASSWORD, HERE) for _ in range(3)]
    official_id = grants[0].official_id
    for actor in (ANONYMOUS, world.actor("xigu.receptionist")):
        with pytest.raises((Forbidden, SignInRequired)):
            await revoke_all(db, clock, actor, official_id)
    assert await revoke_all(db, clock, world.actor("chengguan.receptionist"), official_id) == 3
    assert [await find_sign_in(db, clock, grant.token) for grant in grants] == [None] * 3


async def test_a_disabled_account_and_an_ended_post_count_at_once(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    grant = await sign_in(db, clock, NAME, PASSWORD, HERE)
    [post] = world.officials["chengguan.receptionist"].posts
    await end_post(db, clock, SYSTEM, post.id)
    actor = await find_sign_in(db, clock, grant.token)
    assert actor is not None and actor.posts == ()
    await disable_account(db, clock, SYSTEM, grant.official_id)
    assert await find_sign_in(db, clock, grant.token) is None
    assert not await is_sign_in_live(db, clock, grant.sign_in_id)


@pytest.mark.parametrize(
    "password", ["Short-1", "alllowercaseonly", "Password-2026-ok", "Zhang-wei-77-x", "A1-" + "x" * 200]
)
def test_weak_passwords(password: str) -> None:
    with pytest.raises(Invalid):
        passwords.check_strength(password, "zhang-wei")


async def test_accounts_and_posts_are_given_by_administrators(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    command = CreateOfficial("new-clerk", "新来的", PASSWORD)
    with pytest.raises(Forbidden):
        await create_official(db, clock, world.actor("city.leader"), command)
    sysadmin = world.actor("city.sysadmin")
    official = await create_official(db, clock, sysadmin, command)
    with pytest.raises(Conflict):
        await create_official(db, clock, sysadmin, command)
    with pytest.raises(Invalid):
        await create_official(db, clock, sysadmin, CreateOfficial("a b", "新来的", PASSWORD))
    post = Appoint(official.id, world.station.id, Role.STATION_CLERK)
    for key in ("city.sysadmin", "city.security_admin"):
        with pytest.raises(Forbidden):
            await appoint(db, clock, world.actor(key), post)
    await appoint(db, clock, SYSTEM, post)
    with pytest.raises(Conflict) as caught:
        await appoint(db, clock, SYSTEM, Appoint(official.id, world.city.id, Role.SYSADMIN))
    assert caught.value.code == "duties_exclude"
    grant = await sign_in(db, clock, "new-clerk", PASSWORD, HERE)
    actor = await find_sign_in(db, clock, grant.token)
    assert actor is not None and [post.region_code for post in actor.posts] == ["620102001"]


async def test_the_decoy_is_a_real_hash() -> None:
    assert not await passwords.verify_password(None, PASSWORD)
    assert not await passwords.verify_password("not a hash", PASSWORD)


def test_passwords_are_hashed_as_dearly_as_promised(dear_passwords: tuple[PasswordHasher, str]) -> None:
    """RFC 9106, section 4, second recommended option; an unknown user name costs the same."""
    hasher, decoy = dear_passwords
    digest = hasher.hash(PASSWORD)
    made = extract_parameters(digest)
    assert (made.type, made.memory_cost, made.time_cost, made.parallelism) == (Type.ID, 64 * 1024, 3, 4)
    assert extract_parameters(decoy) == made
    assert hasher.verify(digest, PASSWORD)
