"""Personal links: every way in which one does not open, and the one way in which it does."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry
from cases.database import Database
from cases.errors import Conflict, Forbidden, NotFound, RuleError
from cases.policy import SYSTEM, ActorKind
from cases.roles import InvitationRole
from scheduling.links import (
    Link,
    LinkRules,
    exchange_link,
    find_link,
    find_link_actor,
    issue_link,
    repeat_link,
    revoke_link,
)
from scheduling.session import Session, SessionState
from scheduling.session_events import list_events
from scheduling.sessions.invitations import Invitation, list_invitations, revoke_invitation
from scheduling.sessions.sessions import move_session
from tests.clock import FixedClock
from tests.factories import World, make_session


@pytest.fixture
async def session(db: AsyncSession, clock: FixedClock, world: World) -> Session:
    return await make_session(db, clock, world)


@pytest.fixture
async def invitation(db: AsyncSession, session: Session) -> Invitation:
    return (await list_invitations(db, session.id))[0]


async def refusal(
    db: AsyncSession, clock: FixedClock, code: str, secret: str, device: str | None = None
) -> str:
    with pytest.raises(RuleError) as caught:
        await exchange_link(db, clock, code, secret, device)
    return caught.value.code


async def test_who_may_not_issue(
    db: AsyncSession, clock: FixedClock, world: World, invitation: Invitation
) -> None:
    for key, error in (
        ("xigu.receptionist", NotFound),
        ("city.receptionist", Forbidden),
        ("city.sysadmin", NotFound),
    ):
        with pytest.raises(error):
            await issue_link(db, clock, world.actor(key), invitation.id)
        with pytest.raises(error):
            await revoke_link(db, clock, world.actor(key), invitation.id)
    with pytest.raises(NotFound):
        await issue_link(db, clock, SYSTEM, "unknown")


async def test_strangers_get_one_answer(
    db: AsyncSession, clock: FixedClock, world: World, invitation: Invitation
) -> None:
    secret = await issue_link(db, clock, world.actor("chengguan.receptionist"), invitation.id)
    other = (await list_invitations(db, (await make_session(db, clock, world)).id))[0]
    messages = set()
    for code, typed in (
        (invitation.code, "guess"),
        ("unknowncod", secret),
        (other.code, secret),
        (invitation.code, ""),
        (invitation.code, "x" * 100_000),
        ("y" * 100_000, secret),
        ("nul\x00", "nul\x00"),
    ):
        with pytest.raises(RuleError) as caught:
            await exchange_link(db, clock, code, typed)
        messages.add((caught.value.code, caught.value.message))
    assert {code for code, _ in messages} == {"link_invalid"} and len(messages) == 1


async def test_too_early_and_too_late(db: AsyncSession, clock: FixedClock, world: World) -> None:
    start = clock.now() + timedelta(hours=2)
    session = await make_session(db, clock, world, starts_at=start, ends_at=start + timedelta(minutes=30))
    [invitation] = await list_invitations(db, session.id)
    secret = await issue_link(db, clock, SYSTEM, invitation.id)
    clock.set(start - timedelta(minutes=30, seconds=1))
    with pytest.raises(RuleError, match="10:30以后") as caught:
        await exchange_link(db, clock, invitation.code, secret)
    assert caught.value.code == "link_early"
    clock.advance(seconds=1)
    grant = await exchange_link(db, clock, invitation.code, secret)
    clock.set(start + timedelta(hours=4, minutes=29, seconds=59))
    assert await find_link_actor(db, clock, invitation.code, grant.device_secret) is not None
    clock.advance(seconds=1)
    assert await refusal(db, clock, invitation.code, secret, grant.device_secret) == "link_expired"
    assert await find_link_actor(db, clock, invitation.code, grant.device_secret) is None


async def test_the_window_is_configurable(
    db: AsyncSession, clock: FixedClock, invitation: Invitation
) -> None:
    await issue_link(db, clock, SYSTEM, invitation.id, LinkRules(timedelta(hours=1), timedelta(hours=2)))
    link = await find_link(db, invitation.id)
    assert link is not None and link.valid_until - link.valid_from == timedelta(hours=3, minutes=30)


async def test_revoked_in_every_way(db: AsyncSession, clock: FixedClock, world: World) -> None:
    host = world.actor("chengguan.receptionist")
    for way in ("link", "invitation", "session"):
        session = await make_session(db, clock, world)
        [invitation] = await list_invitations(db, session.id)
        secret = await issue_link(db, clock, host, invitation.id)
        grant = await exchange_link(db, clock, invitation.code, secret)
        if way == "link":
            await revoke_link(db, clock, host, invitation.id)
            await revoke_link(db, clock, host, invitation.id)
        elif way == "invitation":
            await revoke_invitation(db, clock, host, invitation.id)
            with pytest.raises(Conflict):
                await issue_link(db, clock, host, invitation.id)
        else:
            await move_session(db, clock, host, session.id, SessionState.CANCELLED)
        assert await refusal(db, clock, invitation.code, secret, grant.device_secret) == "link_revoked"
        assert await find_link_actor(db, clock, invitation.code, grant.device_secret) is None


async def test_a_second_device_is_refused_and_noted(
    db: AsyncSession, clock: FixedClock, invitation: Invitation
) -> None:
    secret = await issue_link(db, clock, SYSTEM, invitation.id)
    first = await exchange_link(db, clock, invitation.code, secret)
    for device in (None, "another", "x" * 100_000):
        assert await refusal(db, clock, invitation.code, secret, device) == "link_in_use"
    again = await exchange_link(db, clock, invitation.code, secret, first.device_secret)
    assert again.device_secret == first.device_secret
    assert await find_link_actor(db, clock, invitation.code, "another") is None
    assert await find_link_actor(db, clock, invitation.code, "x" * 100_000) is None
    assert await find_link_actor(db, clock, "unknowncod", first.device_secret) is None
    kinds = [event.kind for event in await list_events(db, invitation.session_id)]
    assert kinds == ["session.created", "link.issued", "link.opened"] + ["link.refused"] * 3
    query = select(AuditEntry).where(AuditEntry.action == "link.refused")
    clock.advance(seconds=61)
    assert await refusal(db, clock, invitation.code, secret) == "link_in_use"
    lines = (await db.scalars(query)).all()
    assert [(line.outcome, line.object_id) for line in lines] == [("refused", invitation.id)] * 2, (
        "one a minute, however often"
    )


async def test_of_many_devices_at_once_one_wins(
    database: Database, clock: FixedClock, invitation: Invitation
) -> None:
    async with database.session() as db:
        secret = await issue_link(db, clock, SYSTEM, invitation.id)

    async def open_it() -> str:
        async with database.session() as db:
            try:
                await exchange_link(db, clock, invitation.code, secret)
            except RuleError as error:
                return error.code
        return "opened"

    assert sorted(await asyncio.gather(*(open_it() for _ in range(6)))) == ["link_in_use"] * 5 + ["opened"]


async def test_a_new_link_ends_the_old_one(
    db: AsyncSession, clock: FixedClock, invitation: Invitation
) -> None:
    old = await issue_link(db, clock, SYSTEM, invitation.id)
    first = await exchange_link(db, clock, invitation.code, old)
    clock.advance(seconds=1)
    new = await issue_link(db, clock, SYSTEM, invitation.id)
    assert await refusal(db, clock, invitation.code, old, first.device_secret) == "link_revoked"
    assert await find_link_actor(db, clock, invitation.code, first.device_secret) is None
    second = await exchange_link(db, clock, invitation.code, new, first.device_secret)
    assert second.device_secret != first.device_secret
    actor = await find_link_actor(db, clock, invitation.code, second.device_secret)
    assert actor is not None and actor.kind is ActorKind.INVITEE and actor.session_id == invitation.session_id
    assert actor.invitation_role is InvitationRole.PETITIONER and actor.name == "李德福" and actor.csrf_token


async def test_two_issued_at_once_leave_one(
    database: Database, clock: FixedClock, invitation: Invitation
) -> None:
    async def issue() -> str:
        async with database.session() as db:
            return await issue_link(db, clock, SYSTEM, invitation.id)

    secrets = await asyncio.gather(issue(), issue(), issue())
    async with database.session() as db:
        live = (await db.scalars(select(Link).where(Link.revoked_at.is_(None)))).all()
    assert len(set(secrets)) == 3 and len(live) == 1


async def test_neither_secret_is_stored(db: AsyncSession, clock: FixedClock, invitation: Invitation) -> None:
    secret = await issue_link(db, clock, SYSTEM, invitation.id)
    grant = await exchange_link(db, clock, invitation.code, secret)
    link = await find_link(db, invitation.id)
    assert link is not None and len(secret) == 43
    values = {str(value) for value in vars(link).values()}
    assert not values & {secret, grant.device_secret} and grant.device_secret not in repr(grant)


async def test_looking_changes_nothing(db: AsyncSession, clock: FixedClock, invitation: Invitation) -> None:
    await issue_link(db, clock, SYSTEM, invitation.id)
    for _ in range(50):
        assert await find_link_actor(db, clock, invitation.code, "robot") is None
    link = await find_link(db, invitation.id)
    assert link is not None and link.device_hash is None and link.bound_at is None


async def test_a_reminder_opens_the_link_that_was_sent_before(
    db: AsyncSession, clock: FixedClock, invitation: Invitation
) -> None:
    guest = invitation
    first = await issue_link(db, clock, SYSTEM, guest.id)
    reminders = [await repeat_link(db, clock, SYSTEM, guest.id) for _ in range(2)]
    grant = await exchange_link(db, clock, guest.code, reminders[1])
    # The same link in the same hands, whichever message it is opened from; of reminders the last one.
    for secret in (first, reminders[1]):
        again = await exchange_link(db, clock, guest.code, secret, grant.device_secret)
        assert again.invitation.id == guest.id
    with pytest.raises(RuleError, match="link_invalid"):
        await exchange_link(db, clock, guest.code, reminders[0], grant.device_secret)
    with pytest.raises(RuleError, match="link_in_use"):
        await exchange_link(db, clock, guest.code, reminders[1])
