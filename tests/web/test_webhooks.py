"""A receiver as another office would write it: signatures, repeats, and everything that goes wrong."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.errors import Forbidden
from cases.intake.client import ApiScope, create_client
from cases.intake.receivers import Receivers
from cases.intake.signature import TOLERANCE, check_signature
from cases.intake.webhook import KINDS, WebhookEvent, WebhookState
from cases.intake.webhook_queue import MOMENT, NONCE, SIGNATURE, send_events
from cases.intake.webhooks import create_webhook
from tests.clock import FixedClock
from tests.factories import World, make_petition
from tests.web.conftest import House
from web.tending.messages import MESSENGER
from web.tending.webhooks import HttpSender, PermittedResolver

ADMIN = "city.sysadmin"
HERE = Receivers.of(["127.0.0.1", "localhost"], ["127.0.0.0/8", "::1/128"])


@dataclass
class Office:
    """The other system: keeps each event once, whatever it was sent."""

    clock: Clock
    secret: str = ""
    mood: str = "ready"
    kept: dict[str, dict[str, object]] = field(default_factory=dict)
    last: tuple[dict[str, str], bytes] = ({}, b"")
    strayed: int = 0

    async def take(self, request: web.Request) -> web.Response:
        headers, body = dict(request.headers), await request.read()
        if self.mood == "slow":
            await asyncio.sleep(1)
        if self.mood == "broken":
            return web.Response(status=500)
        if self.mood == "elsewhere":
            return web.Response(status=307, headers={"Location": "/stray"})
        self.last = headers, body
        return web.Response(status=self.check(headers, body))

    def check(self, headers: dict[str, str], body: bytes) -> int:
        """As docs/interfaces.md tells receivers to do."""
        given = [headers.get(name, "") for name in (MOMENT, NONCE, SIGNATURE)]
        try:
            check_signature(self.secret, self.clock.now(), given[0], given[1], given[2], body)
        except Forbidden:
            return 403
        self.kept.setdefault(given[1], json.loads(body))
        return 204

    async def stray(self, request: web.Request) -> web.Response:
        self.strayed += 1
        return web.Response()


@pytest.fixture
async def office(clock: FixedClock) -> AsyncIterator[tuple[Office, TestServer]]:
    made, app = Office(clock), web.Application()
    app.router.add_post("/events", made.take)
    app.router.add_route("*", "/stray", made.stray)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    yield made, server
    await server.close()


async def subscribe(db: AsyncSession, clock: FixedClock, world: World, address: str) -> tuple[str, str]:
    actor = world.actor(ADMIN)
    client, _ = await create_client(db, clock, actor, "旧系统", world.chengguan.id, [ApiScope.READ])
    hook, secret = await create_webhook(db, clock, actor, HERE, str, client.id, address, KINDS)
    return hook.id, secret


async def state(db: AsyncSession) -> tuple[WebhookState, str]:
    query = select(WebhookEvent).execution_options(populate_existing=True)
    event = (await db.scalars(query)).one()
    return event.state, event.answer


async def test_a_receiver_checks_takes_once_and_refuses_a_copy(
    db: AsyncSession, clock: FixedClock, world: World, office: tuple[Office, TestServer]
) -> None:
    there, server = office
    hook, there.secret = await subscribe(db, clock, world, f"http://127.0.0.1:{server.port}/events")
    petition = await make_petition(db, clock, world.chengguan)
    assert await send_events(db, clock, str, HttpSender(HERE), hook) == 1
    (told,) = there.kept.values()
    assert told["kind"] == "petition.registered" and told["missed"] == 0
    assert told["case"] == {"number": petition.number, "state": "registered", "sequence": 1}
    assert "李德福" not in there.last[1].decode() and "楼道漏水" not in there.last[1].decode()
    headers, body = there.last
    assert there.check(headers, body) == 204 and len(there.kept) == 1  # The same once more is known.
    assert there.check(headers, body.replace(b"registered", b"closed")) == 403
    assert there.check(headers | {NONCE: "f" * 32}, body) == 403
    clock.advance(seconds=TOLERANCE.total_seconds() + 1)
    assert there.check(headers, body) == 403  # A copy that somebody kept.


@pytest.mark.parametrize(
    ("mood", "answer"),
    [("broken", "对方答复 500"), ("elsewhere", "对方答复 307，不跟随转向"), ("slow", "对方没有及时答复")],
)
async def test_whatever_goes_wrong_is_told_and_tried_again(
    db: AsyncSession,
    clock: FixedClock,
    world: World,
    office: tuple[Office, TestServer],
    mood: str,
    answer: str,
) -> None:
    there, server = office
    hook, there.secret = await subscribe(db, clock, world, f"http://127.0.0.1:{server.port}/events")
    await make_petition(db, clock, world.chengguan)
    there.mood, sender = mood, HttpSender(HERE, patience=0.3)
    assert await send_events(db, clock, str, sender, hook) == 0
    assert await state(db) == (WebhookState.QUEUED, answer) and there.strayed == 0
    there.mood = "ready"
    assert await send_events(db, clock, str, sender, hook) == 0  # It rests first.
    clock.advance(seconds=10)
    assert await send_events(db, clock, str, HttpSender(HERE), hook) == 1
    assert await state(db) == (WebhookState.SENT, "204") and len(there.kept) == 1


async def test_who_is_down_or_in_no_permitted_network_is_told_as_such(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    hook, _ = await subscribe(db, clock, world, f"http://localhost:{port}/events")
    await make_petition(db, clock, world.chengguan)
    await send_events(db, clock, str, HttpSender(HERE), hook)
    assert "连不上对方" in (await state(db))[1]
    clock.advance(seconds=10)
    # A name that was permitted and now leads into the house: held against the list when it is an address.
    nowhere = Receivers.of(["localhost"], [])
    await send_events(db, clock, str, HttpSender(nowhere), hook)
    assert (await state(db))[1] == "这个网段不在允许推送的名单里"
    assert [
        each["host"] for each in await PermittedResolver(HERE).resolve("localhost", 1, socket.AF_INET)
    ] == ["127.0.0.1"]


async def test_the_administrator_lets_a_system_be_told_and_sends_again(house: House) -> None:
    admin, clock = await house.official(ADMIN), house.clock
    async with house.database.session() as db:
        actor, office = house.world.actor(ADMIN), house.world.chengguan.id
        client, _ = await create_client(db, clock, actor, "旧系统", office, [ApiScope.READ])
    where = f"/clients/{client.id}/webhooks"
    answer = await admin.send(where, where, address="https://10.0.0.1/", kinds="petition.registered")
    page = await answer.text()
    assert answer.status == 422 and 'id="address-error"' in page and "允许推送的名单" in page
    token = re.search(r'name="csrf_token" value="([^"]*)"', page)
    fields = [
        ("csrf_token", token.group(1) if token else ""),
        ("address", "https://petition.example.gov.cn/e"),
    ]
    fields += [("kinds", kind) for kind in ("petition.registered", "petition.concluded")]
    assert (await admin.post(where, aiohttp.FormData(fields))).status == 303
    page = await (await admin.get(where)).text()
    secret = re.search(r"lxw_[\w-]{43}", page)
    assert secret and secret.group() not in await (await admin.get(where)).text()
    async with house.database.session() as db:
        petition = await make_petition(db, clock, house.world.chengguan)
        event = (await db.scalars(select(WebhookEvent))).one()
        event.state, event.attempts, event.answer = WebhookState.DEAD, 12, "对方答复 500"
        await db.commit()
        app = house.server.app
        assert app is not None
        hook = event.webhook_id
        assert secret.group() not in str((await db.execute(select(WebhookEvent))).all())
    page = await (await admin.get(f"{where}?state=dead")).text()
    assert "多次失败，已放弃" in page and "登记信访件" in page and petition.number not in page
    assert "推送有问题" in await (await admin.get("/clients")).text()
    assert (await admin.send(where, f"{where}/{hook}/events/{event.id}")).status == 303
    assert (await admin.send(where, f"{where}/{hook}/events/{event.id}")).status == 409
    assert (await admin.send(where, f"{where}/{hook}/end")).status == 303
    assert (await admin.send(where, f"{where}/{hook}/end")).status == 404
    assert app[MESSENGER].secrets.envelope.open(secret.group()) is None
    clerk = await house.official("chengguan.receptionist")
    assert (await clerk.get(where)).status == 403
