"""Events for other systems: queued with what they tell, for those who may know, in order."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, PetitionClass
from cases.database import Database
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.handling.taking import take_step
from cases.intake import webhook_queue
from cases.intake.client import ApiClient, ApiScope, create_client, revoke_client
from cases.intake.receivers import Receivers
from cases.intake.webhook import KINDS, Webhook, WebhookEvent, WebhookState
from cases.intake.webhook_queue import (
    ATTEMPTS,
    KEPT,
    LONGEST_PAUSE,
    WebhookError,
    due_webhooks,
    forget_events,
    pause_after,
    send_events,
)
from cases.intake.webhooks import create_webhook, end_webhook, list_events, list_webhooks, resend_event
from cases.petitions import add_petition_event
from tests.clock import FixedClock
from tests.factories import World, make_petition

ADMIN = "city.sysadmin"
ADDRESS = "https://petition.example.gov.cn/events"


class Receiver:
    """Keeps what it is sent; fails while `broken`."""

    def __init__(self) -> None:
        self.got: list[tuple[Mapping[str, str], bytes]] = []
        self.broken = False

    async def send(self, address: str, headers: Mapping[str, str], body: bytes) -> str:
        if self.broken:
            raise WebhookError("对方答复 500")
        self.got.append((headers, body))
        return "200"


def as_is(text: str) -> str:
    return text


async def subscribe(
    db: AsyncSession,
    clock: FixedClock,
    world: World,
    office: str = "chengguan",
    kinds: tuple[str, ...] = KINDS,
) -> tuple[ApiClient, Webhook]:
    actor = world.actor(ADMIN)
    organisation = world.organisations[office].id
    client, _ = await create_client(db, clock, actor, "旧信访系统", organisation, [ApiScope.READ])
    hook, secret = await create_webhook(db, clock, actor, Receivers(), as_is, client.id, ADDRESS, kinds)
    assert secret.startswith("lxw_") and hook.sealed_secret == secret
    return client, hook


async def events(db: AsyncSession) -> list[WebhookEvent]:
    query = select(WebhookEvent).order_by(WebhookEvent.queued_at, WebhookEvent.sequence)
    return list(await db.scalars(query.execution_options(populate_existing=True)))


async def test_a_change_and_its_event_are_written_together(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    _, hook = await subscribe(db, clock, world, kinds=("petition.registered", "petition.classified"))
    petition = await make_petition(db, clock, world.chengguan)
    (first,) = await events(db)
    assert (first.webhook_id, first.kind, first.number, first.case_state, first.sequence) == (
        hook.id, "petition.registered", petition.number, "registered", 1
    )  # fmt: skip
    leader, petition_id = world.actor("chengguan.leader"), petition.id
    given = {"class": "claim", "way": "handle", "words": "经审查"}
    await take_step(db, clock, leader, petition_id, "classify", given)
    assert [each.kind for each in await events(db)] == ["petition.registered", "petition.classified"]
    await add_petition_event(db, clock, leader, petition_id, "petition.classified")
    await db.rollback()  # What did not happen is told to nobody.
    await add_petition_event(db, clock, leader, petition_id, "task.added")  # Nobody asked for this one.
    await db.commit()
    assert len(await events(db)) == 2


async def test_who_may_not_know_is_told_nothing(db: AsyncSession, clock: FixedClock, world: World) -> None:
    await subscribe(db, clock, world)
    await make_petition(db, clock, world.chengguan, class_=PetitionClass.ACCUSATION)
    await make_petition(db, clock, world.city, accused_organisation_id=world.chengguan.id)
    await make_petition(db, clock, world.xigu)
    assert await events(db) == []


async def test_what_became_secret_on_its_way_is_withheld(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    _, hook = await subscribe(db, clock, world)
    petition = await make_petition(db, clock, world.chengguan)
    clock.advance(seconds=1)
    await make_petition(db, clock, world.chengguan, "路灯不亮")
    await db.execute(update(PetitionCase).where(PetitionCase.id == petition.id).values(confidential=True))
    await db.commit()
    receiver = Receiver()
    assert await send_events(db, clock, as_is, receiver, hook.id) == 1
    assert [each.state for each in await events(db)] == [WebhookState.WITHHELD, WebhookState.SENT]
    assert petition.number not in str(receiver.got)


async def test_a_receiver_that_fails_rests_longer_each_time_and_the_oldest_goes_first(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    _, hook = await subscribe(db, clock, world)
    first = await make_petition(db, clock, world.chengguan)
    clock.advance(seconds=1)
    await make_petition(db, clock, world.chengguan, "路灯不亮")
    receiver = Receiver()
    receiver.broken = True
    for failures in (1, 2, 3):
        assert list(await due_webhooks(db, clock)) == [hook.id]
        assert await send_events(db, clock, as_is, receiver, hook.id) == 0
        assert await due_webhooks(db, clock) == []
        clock.advance(seconds=pause_after(failures).total_seconds())
    tried, waits = await events(db)
    assert (tried.attempts, waits.attempts) == (3, 0)
    assert tried.answer == "对方答复 500"
    receiver.broken = False
    assert await send_events(db, clock, as_is, receiver, hook.id) == 2
    assert first.number in receiver.got[0][1].decode()
    assert [each.waiting for each in await list_webhooks(db, world.actor(ADMIN))] == [0]
    assert pause_after(40) == LONGEST_PAUSE > pause_after(2) > pause_after(1)


async def test_after_so_many_tries_it_is_dead_until_somebody_sends_it_again(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    client, hook = await subscribe(db, clock, world)
    await make_petition(db, clock, world.chengguan)
    receiver, admin = Receiver(), world.actor(ADMIN)
    receiver.broken = True
    for _ in range(ATTEMPTS):
        await send_events(db, clock, as_is, receiver, hook.id)
        clock.advance(seconds=LONGEST_PAUSE.total_seconds())
    (event,) = await events(db)
    assert (event.state, event.attempts) == (WebhookState.DEAD, ATTEMPTS)
    (standing,) = await list_webhooks(db, admin, client.id)
    assert (standing.dead, standing.failing) == (1, True)
    assert await due_webhooks(db, clock) == []
    receiver.broken = False
    await resend_event(db, clock, admin, client.id, hook.id, event.id)
    with pytest.raises(Conflict):
        await resend_event(db, clock, admin, client.id, hook.id, event.id)
    assert await send_events(db, clock, as_is, receiver, hook.id) == 1
    assert receiver.got[0][0]["X-Lianxin-Nonce"] == event.id
    clock.advance(seconds=KEPT.total_seconds())
    assert await forget_events(db, clock) == 1


async def test_one_sender_at_a_time_has_a_webhook(
    database: Database, db: AsyncSession, clock: FixedClock, world: World
) -> None:
    _, hook = await subscribe(db, clock, world)
    await make_petition(db, clock, world.chengguan)
    others = list[int]()

    class Slow(Receiver):
        async def send(self, address: str, headers: Mapping[str, str], body: bytes) -> str:
            async with database.session() as beside:
                assert await due_webhooks(beside, clock) == []
                others.append(await send_events(beside, clock, as_is, Receiver(), hook.id))
            return await super().send(address, headers, body)

    slow = Slow()
    assert await send_events(db, clock, as_is, slow, hook.id) == 1
    assert (others, len(slow.got)) == ([0], 1)


async def test_a_full_queue_costs_events_and_never_a_case(
    db: AsyncSession, clock: FixedClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_queue, "MOST_WAITING", 1)
    client, hook = await subscribe(db, clock, world)
    for subject in ("楼道漏水", "路灯不亮", "井盖丢了"):
        await make_petition(db, clock, world.chengguan, subject)
    (standing,) = await list_webhooks(db, world.actor(ADMIN), client.id)
    await db.refresh(standing.webhook)
    assert (standing.waiting, standing.webhook.missed, standing.failing) == (1, 2, True)
    receiver = Receiver()
    await send_events(db, clock, as_is, receiver, hook.id)
    assert b'"missed": 2' in receiver.got[0][1]


async def test_what_was_ended_is_told_nothing_more(db: AsyncSession, clock: FixedClock, world: World) -> None:
    admin = world.actor(ADMIN)
    client, hook = await subscribe(db, clock, world)
    other, second = await subscribe(db, clock, world)
    await make_petition(db, clock, world.chengguan)
    await end_webhook(db, clock, admin, client.id, hook.id)
    await revoke_client(db, clock, admin, other.id)
    assert {each.state for each in await events(db)} == {WebhookState.WITHHELD}
    await make_petition(db, clock, world.chengguan, "路灯不亮")
    assert len(await events(db)) == 2 and await due_webhooks(db, clock) == []
    receiver = Receiver()
    for each in (hook.id, second.id):
        assert await send_events(db, clock, as_is, receiver, each) == 0
    with pytest.raises(NotFound):
        await end_webhook(db, clock, admin, client.id, hook.id)
    with pytest.raises(Conflict):
        await create_webhook(db, clock, admin, Receivers(), as_is, other.id, ADDRESS, KINDS)


async def test_only_the_administrator_and_only_his_clients_rows(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    client, hook = await subscribe(db, clock, world)
    other, _ = await subscribe(db, clock, world)
    await make_petition(db, clock, world.chengguan)
    event = (await events(db))[0]
    mine, admin = {client.id: other.id, other.id: client.id}[client.id], world.actor(ADMIN)
    with pytest.raises(NotFound):
        await end_webhook(db, clock, admin, mine, hook.id)
    with pytest.raises(NotFound):
        await resend_event(db, clock, admin, mine, hook.id, event.id)
    clerk = world.actor("chengguan.receptionist")
    with pytest.raises(Forbidden):
        await create_webhook(db, clock, clerk, Receivers(), as_is, client.id, ADDRESS, KINDS)
    with pytest.raises(Forbidden):
        await list_events(db, clerk, client.id)


PERMITTED = Receivers.of(["old.gov.cn", "10.1.2.3"], ["10.1.0.0/16", "fd00::/8"])


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("", "bad_address"),
        ("ftp://old.gov.cn/", "bad_address"),
        ("https:///events", "bad_address"),
        ("https://old.gov.cn:99999/", "bad_address"),
        ("https://old.gov.cn/" + "x" * 500, "bad_address"),
        ("https://用户.cn/", "bad_address"),
        ("https://me:secret@old.gov.cn/", "bad_address"),
        ("https://old.gov.cn/#part", "bad_address"),
        ("http://new.gov.cn/", "https_needed"),
        ("https://127.0.0.1/", "network_not_permitted"),
        ("https://10.2.0.1/", "network_not_permitted"),
        ("https://169.254.169.254/latest", "network_not_permitted"),
        ("https://[::1]/", "network_not_permitted"),
        ("https://[::ffff:127.0.0.1]/", "network_not_permitted"),
        ("https://224.0.0.1/", "network_not_permitted"),
    ],
)
def test_where_events_may_not_go(address: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        PERMITTED.check(address)
    assert (caught.value.code, caught.value.field) == (code, "address")


def test_where_events_may_go() -> None:
    for address in (
        "https://new.gov.cn/e?x=1",
        "http://old.gov.cn:8080/",
        "http://10.1.2.3/",
        "https://[fd00::7]/",
    ):
        assert PERMITTED.check(f" {address} ") == address
    assert PERMITTED.permits("1.2.4.8") and not PERMITTED.permits("old.gov.cn")
    with pytest.raises(ValueError, match="not-a-network"):
        Receivers.of([], ["not-a-network"])
