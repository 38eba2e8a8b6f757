"""Messages by SMS and WeChat: signed, taken once, threaded, entered by one clerk."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel, PetitionCase, PetitionClass
from cases.database import Database
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.intake.matters import Matter
from cases.intake.signature import check_signature, sign
from cases.intake.thread import ThreadMessage, ThreadState
from cases.intake.threads import (
    Asks,
    Incoming,
    Query,
    Taken,
    dismiss_thread,
    get_thread,
    list_messages,
    list_threads,
    read_query,
    receive_message,
    register_thread,
)
from cases.people import PersonDetails
from tests.clock import FixedClock
from tests.factories import World

CLERK = "chengguan.receptionist"
NONCES = iter(f"nonce-{number:020d}" for number in range(10_000))


def message(
    text: str = "楼道漏水", number: int = 1, sender: str = "13800138000", to: str = "620102"
) -> Incoming:
    return Incoming(Channel.SMS, f"m{number}", sender, text, to)


async def receive(db: AsyncSession, clock: FixedClock, incoming: Incoming) -> Taken:
    return await receive_message(db, clock, incoming, next(NONCES))


def matter(world: World) -> Matter:
    person = PersonDetails("李德福", "13800138000")
    return Matter(Channel.SMS, world.chengguan.id, person, "楼道漏水三个月无人修")


async def test_messages_of_one_sender_meet_in_one_thread(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    for number, sender in enumerate(("13800138000", "+86 138-0013-8000", "13900000000")):
        assert await receive(db, clock, message(f"第 {number} 条", number, sender)) is Taken.THREADED
    threads = await list_threads(db, world.actor(CLERK))
    assert sorted([len(await list_messages(db, thread.id)) for thread in threads]) == [1, 2]


async def test_a_message_comes_in_once_and_a_nonce_serves_once(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    assert await receive_message(db, clock, message(), "n" * 20) is Taken.THREADED
    with pytest.raises(Conflict) as caught:
        await receive_message(db, clock, message(number=2), "n" * 20)
    assert caught.value.code == "replayed"
    assert await receive(db, clock, message()) is Taken.REPEATED
    assert await db.scalar(select(func.count()).select_from(ThreadMessage)) == 1


async def test_two_messages_at_once_make_one_thread(
    database: Database, clock: FixedClock, world: World
) -> None:
    async def one(number: int) -> Taken:
        async with database.session() as db:
            return await receive(db, clock, message(number=number))

    assert set(await asyncio.gather(*(one(number) for number in range(6)))) == {Taken.THREADED}
    async with database.session() as db:
        (thread,) = await list_threads(db, world.actor(CLERK))
        assert len(await list_messages(db, thread.id)) == 6


async def test_of_two_clerks_one_registers(database: Database, clock: FixedClock, world: World) -> None:
    async with database.session() as db:
        await receive(db, clock, message())
        (thread,) = await list_threads(db, world.actor(CLERK))

    async def register() -> str:
        async with database.session() as db:
            try:
                petition, _ = await register_thread(db, clock, world.actor(CLERK), thread.id, matter(world))
            except Conflict as error:
                return error.code
            return petition.channel

    assert sorted(await asyncio.gather(register(), register())) == ["sms", "thread_done"]
    async with database.session() as db:
        found = await get_thread(db, world.actor(CLERK), thread.id)
        assert found.state is ThreadState.REGISTERED and found.petition_id is not None
        assert await db.scalar(select(func.count()).select_from(PetitionCase)) == 1
        assert await receive(db, clock, message("还有一件事", 2)) is Taken.THREADED
        assert len(await list_threads(db, world.actor(CLERK))) == 1


async def test_a_thread_is_put_away_with_a_reason(db: AsyncSession, clock: FixedClock, world: World) -> None:
    await receive(db, clock, message())
    (thread,) = await list_threads(db, world.actor(CLERK))
    with pytest.raises(Invalid):
        await dismiss_thread(db, clock, world.actor(CLERK), thread.id, " ")
    await dismiss_thread(db, clock, world.actor(CLERK), thread.id, "垃圾短信")
    with pytest.raises(Conflict):
        await register_thread(db, clock, world.actor(CLERK), thread.id, matter(world))
    assert (await get_thread(db, world.actor(CLERK), thread.id)).reason == "垃圾短信"


async def test_threads_are_read_in_their_own_office_and_accusations_above_it(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    await receive(db, clock, message())
    await receive(db, clock, message("我要举报城关区信访局", 2, "13900000000"))
    (own,) = await list_threads(db, world.actor(CLERK))
    (above,) = await list_threads(db, world.actor("city.receptionist"))
    assert (own.sender, above.sender) == ("13800138000", "13900000000")
    for key, thread in ((CLERK, above), ("xigu.receptionist", own), ("station.station_clerk", own)):
        with pytest.raises(NotFound):
            await get_thread(db, world.actor(key), thread.id)
    with pytest.raises(Forbidden):
        await list_threads(db, world.actor("housing.handler"))


async def test_an_accusation_registered_from_a_thread_is_confidential(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    await receive(db, clock, message("举报", 1))
    clerk = world.actor("city.receptionist")
    (thread,) = await list_threads(db, clerk)
    accusation = Matter(
        Channel.SMS, world.chengguan.id, PersonDetails("李德福", "13800138000"), "检举城关区信访局",
        class_=PetitionClass.ACCUSATION, accused_id=world.chengguan.id,
    )  # fmt: skip
    petition, _ = await register_thread(db, clock, clerk, thread.id, accusation)
    assert petition.confidential and petition.custodian_id == world.city.id


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (message(sender="123"), "from"),
        (message(text=" \u200b "), "text"),
        (message(text="字" * 2001), "text"),
        (message(to="9999"), "to"),
        (Incoming(Channel.WECHAT, "m", "o'; DROP", "x", "620102"), "from"),
        (Incoming(Channel.SMS, "", "13800138000", "x", "620102"), "id"),
        (Incoming(Channel.PHONE, "m", "13800138000", "x", "620102"), "channel"),
    ],
)
async def test_wrong_messages_are_refused_at_the_field(
    db: AsyncSession, clock: FixedClock, world: World, wrong: Incoming, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await receive(db, clock, wrong)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "text", ["查询 LZ2026-000123 k3m5p7q9rs", "CX LZ2026000123，K3M5P7Q9RS", "lz2026-000123 k3m5p7q9rs"]
)
def test_a_query_is_read_as_people_write_it(text: str) -> None:
    found = read_query(text)
    assert found is not None and found.number == "LZ2026-000123"
    assert found.query_code.lower() == "k3m5p7q9rs"
    assert read_query(text + " 请尽快") is None
    assert isinstance(found, Query)


@pytest.mark.parametrize(
    ("text", "asks", "when"),
    [
        ("预约 LZ2026-000123 k3m5p7q9rs", Asks.BOOK, None),
        ("预约LZ2026000123 k3m5p7q9rs 11260900", Asks.BOOK, (11, 26, 9, 0)),
        ("yy lz2026-000123，K3M5P7Q9RS，11月26日 上午9:30", Asks.BOOK, (11, 26, 9, 30)),
        ("预约 LZ2026-000123 k3m5p7q9rs 11月6号下午2点半", Asks.BOOK, (11, 6, 14, 30)),
        ("预约 LZ2026-000123 k3m5p7q9rs 明天可以吗", Asks.BOOK, None),
        ("取消预约 LZ2026-000123 k3m5p7q9rs", Asks.CANCEL, None),
        ("取消 LZ2026-000123 k3m5p7q9rs", Asks.CANCEL, None),
        ("查询 LZ2026-000123 k3m5p7q9rs", Asks.PROGRESS, None),
    ],
)
def test_what_a_message_asks_for(text: str, asks: Asks, when: tuple[int, ...] | None) -> None:
    found = read_query(text)
    assert found is not None and (found.number, found.asks, found.when) == ("LZ2026-000123", asks, when)


def test_signatures(clock: FixedClock) -> None:
    now, nonce, body = clock.now(), "n" * 20, b"{}"
    seconds = int(now.timestamp())
    good = sign("secret", seconds, nonce, body)
    check_signature("secret", now, str(seconds), nonce, good, body)
    check_signature("secret", now + timedelta(minutes=4), str(seconds), nonce, good, body)
    wrong = [
        ("other", str(seconds), nonce, good, body, "bad_signature"),
        ("", str(seconds), nonce, sign("", seconds, nonce, body), body, "bad_signature"),
        ("secret", str(seconds + 1), nonce, good, body, "bad_signature"),
        ("secret", str(seconds), "m" * 20, good, body, "bad_signature"),
        ("secret", str(seconds), nonce, good, b"{ }", "bad_signature"),
        ("secret", "NaN", nonce, good, body, "bad_signature"),
        ("secret", str(seconds), "short", good, body, "bad_signature"),
        ("secret", str(seconds), nonce, "签名", body, "bad_signature"),
    ]
    for secret, moment, once, signature, content, code in wrong:
        with pytest.raises(Forbidden) as caught:
            check_signature(secret, now, moment, once, signature, content)
        assert caught.value.code == code
    for late in (timedelta(minutes=6), -timedelta(minutes=6)):
        with pytest.raises(Forbidden) as caught:
            check_signature("secret", now + late, str(seconds), nonce, good, body)
        assert caught.value.code == "stale_request"
