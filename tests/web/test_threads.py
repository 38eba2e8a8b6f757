"""The door for SMS and WeChat, the clerk's page of messages, and a query that is answered."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from cases.casefile import PetitionCase
from cases.clock import BEIJING
from cases.intake.signature import sign
from cases.intake.thread import MessageThread
from scheduling.booking.bookings import Booking
from scheduling.notices.delivering import deliver_notices
from scheduling.notices.gateway import GatewayError, Message
from scheduling.notices.notice import Notice, NoticeAddress, NoticeDraft, NoticeEvent
from tests.factories import make_petition, make_slots
from tests.web.conftest import Browser, House
from web.keys import SETTINGS
from web.setting_groups import InboundSettings
from web.tending.messages import MESSENGER

SECRET = "between-us-and-the-operator"
CLERK = "chengguan.receptionist"


class Pocket:
    """A gateway that keeps what it was given."""

    keeps_text = False

    def __init__(self) -> None:
        self.got: list[Message] = []

    async def send(self, message: Message) -> None:
        self.got.append(message)


@pytest.fixture
def door(house: House) -> House:
    app = house.server.app
    app._state[SETTINGS] = replace(  # type: ignore[union-attr]
        app[SETTINGS], inbound=InboundSettings(SECRET, "", "620102")
    )
    return house


async def post(
    house: House, told: Any, nonce: str, channel: str = "sms", secret: str = SECRET
) -> aiohttp.ClientResponse:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    seconds = int(house.clock.now().timestamp())
    headers = {
        "X-Lianxin-Timestamp": str(seconds),
        "X-Lianxin-Nonce": nonce,
        "X-Lianxin-Signature": sign(secret, seconds, nonce, body),
        "Content-Type": "application/json",
        "Origin": None,
    }
    return await house.browser().post(f"/inbound/{channel}", body, headers=headers)


def message(text: str = "楼道漏水三个月无人修", number: int = 1) -> dict[str, str]:
    return {"id": f"m{number}", "from": "13800138000", "text": text}


async def test_a_signed_message_is_taken_and_a_copy_refused(door: House) -> None:
    answer = await post(door, message(), "n" * 20)
    assert answer.status == 200 and await answer.json() == {"taken": "threaded"}
    copy = await post(door, message(), "n" * 20)
    assert copy.status == 409 and (await copy.json())["error"]["code"] == "replayed"
    assert await (await post(door, message(), "m" * 20)).json() == {"taken": "repeated"}


async def test_what_is_not_signed_or_not_ours_is_refused_in_words(door: House) -> None:
    wrong = await post(door, message(), "n" * 20, secret="guess")
    assert wrong.status == 403 and (await wrong.json())["error"]["code"] == "bad_signature"
    assert (await post(door, message(), "n" * 20, channel="wechat")).status == 404
    assert (await post(door, message(), "n" * 20, channel="fax")).status == 404
    for number, told in enumerate((b"{", b"[]", b'{"id": 7}', b"[" * 9000, {**message(), "to": "99"})):
        answer = await post(door, told, f"nonce-of-the-case-{number}")
        assert answer.status == 422, told
        assert (await answer.json())["error"]["code"]
    assert (await post(door, b"x" * 20_000, "z" * 20)).status == 413
    async with door.database.session() as db:
        assert (await db.scalars(select(MessageThread))).all() == []


async def only_thread(browser: Browser) -> str:
    page = await (await browser.get("/messages")).text()
    assert "楼道漏水三个月无人修" in page
    return page.split('href="/messages/')[1].split('"')[0]


async def test_a_clerk_makes_a_case_of_a_thread(door: House) -> None:
    await post(door, message(), "n" * 20)
    await post(door, message("三楼那家", 2), "m" * 20)
    browser = await door.official(CLERK)
    thread = await only_thread(browser)
    page = await (await browser.get(f"/messages/{thread}")).text()
    assert 'value="13800138000"' in page and "三楼那家" in page
    fields = {"name": "", "phone": "13800138000", "subject": "楼道漏水", "custodian": door.world.chengguan.id}
    refused = await browser.send("/cases/new", f"/messages/{thread}/register", **fields)
    assert refused.status == 422 and 'id="name-error"' in await refused.text()
    done = await browser.send("/cases/new", f"/messages/{thread}/register", **fields | {"name": "李德福"})
    assert done.status == 303
    page = await (await browser.get(done.headers["Location"])).text()
    assert "短信信访" in page and "只显示这一次" in page
    again = await browser.send("/cases/new", f"/messages/{thread}/register", **fields | {"name": "李德福"})
    assert again.status == 409
    stranger = await door.official("xigu.receptionist")
    assert (await stranger.get(f"/messages/{thread}")).status == 404
    async with door.database.session() as db:
        assert (await db.scalars(select(PetitionCase))).one().channel == "sms"


async def test_a_thread_is_put_away(door: House) -> None:
    await post(door, message(), "n" * 20)
    browser = await door.official(CLERK)
    thread = await only_thread(browser)
    refused = await browser.send("/cases/new", f"/messages/{thread}/dismiss", reason=" ")
    assert refused.status == 422 and 'id="reason-error"' in await refused.text()
    done = await browser.send("/cases/new", f"/messages/{thread}/dismiss", reason="发错了")
    assert done.status == 303
    assert "发错了" in await (await browser.get(f"/messages/{thread}")).text()
    assert "楼道漏水" in await (await browser.get("/messages?state=dismissed")).text()


async def test_a_query_by_sms_is_answered_through_the_outbox_and_not_kept(door: House) -> None:
    browser = await door.official(CLERK)
    fields = {"name": "李德福", "phone": "13800138000", "subject": "楼道漏水", "channel": "phone"}
    done = await browser.send("/cases/new", "/cases/new", **fields, custodian=door.world.chengguan.id)
    code = (await (await browser.get(done.headers["Location"])).text()).split("只显示这一次：")[1]
    code = code.split('class="code">')[1].split("<")[0]
    messenger = door.server.app[MESSENGER]
    messenger.gateway = pocket = Pocket()
    for n, text in enumerate((f"查询 LZ2026-000001 {code}", "查询 LZ2026-000001 aaaaaaaaaa")):
        answer = await post(door, message(text, n), f"nonce-of-query-{n}-")
        assert await answer.json() == {"taken": "query"}
    envelope = messenger.secrets.envelope
    async with door.database.session() as db:
        sent = select(NoticeEvent.id).where(NoticeEvent.state == "sent")
        while len((await db.scalars(sent)).all()) < 2:
            await deliver_notices(db, door.clock, envelope, pocket)  # The service itself may be faster.
        assert {each.text for each in await db.scalars(select(Notice))} == {"······"}
        for kept in (NoticeDraft, NoticeAddress):  # An answer is nobody's business once it has left.
            assert (await db.scalars(select(kept))).all() == []
        assert (await db.scalars(select(MessageThread))).all() == []
    told = sorted(each.text for each in pocket.got)
    assert {each.recipient for each in pocket.got} == {"13800138000"}
    assert "LZ2026-000001" in told[0] and "最迟" in told[0] and "不对" in told[1]
    page = await (await browser.get("/outbox")).text()
    assert "进度查询" in page and code not in page


async def told(house: House) -> list[str]:
    """What was sent or waits to be, whole, in the order in which it was queued."""
    query = select(NoticeDraft.sealed).join(Notice, Notice.id == NoticeDraft.notice_id)
    async with house.database.session() as db:
        sealed = (await db.scalars(query.order_by(Notice.queued_at, Notice.id))).all()
    return [house.server.app[MESSENGER].secrets.envelope.open(each) or "" for each in sealed]


class Still:
    """A gateway that is away: what is queued can be read."""

    keeps_text = True

    async def send(self, message: Message) -> None:
        raise GatewayError("away")


async def test_from_a_message_to_a_booking_without_a_page(door: House) -> None:
    door.server.app[MESSENGER].gateway = Still()
    async with door.database.session() as db:
        slots = await make_slots(db, door.clock, door.world.chengguan)
    for number in (1, 2):  # The first message of a thread is answered, and the second is not.
        await post(door, message(number=number), f"nonce-of-message-{number}")
    [taken] = await told(door)
    assert "收到了您的来信" in taken and "城关区" in taken
    browser = await door.official(CLERK)
    thread, office = await only_thread(browser), door.world.chengguan.id
    door.clock.advance(seconds=1)
    fields = {"name": "李德福", "phone": "13900000001", "subject": "楼道漏水", "custodian": office}
    done = await browser.send("/cases/new", f"/messages/{thread}/register", **fields)
    assert "已经照来信的方式发给本人" in await (await browser.get(done.headers["Location"])).text()
    code = (await told(door))[1].split("查询码 ")[1][:10]

    async def ask(text: str) -> str:
        door.clock.advance(seconds=1)
        answer = await post(door, message(text, 9), f"nonce-of-asking-{int(door.clock.now().timestamp())}")
        assert await answer.json() == {"taken": "query"}
        return (await told(door))[-1]

    number = "LZ2026-000001"
    first = f"{slots[0].starts_at.astimezone(BEIJING):%m%d%H%M}"
    assert f"{first}（" in await ask(f"预约 {number} {code}")
    assert "这个时间约不上" in await ask(f"预约 {number} {code} 12312500")
    assert "已经约了" in await ask(f"预约 {number} {code} {first}")
    assert "这件事已经约了" in await ask(f"预约 {number} {code} {first}")
    assert "已经取消" in await ask(f"取消 {number} {code}")
    assert "现在没有预约" in await ask(f"取消 {number} {code}")
    assert "不对" in await ask(f"预约 {number} aaaaaaaaaa {first}")
    async with door.database.session() as db:
        [booking] = (await db.scalars(select(Booking))).all()
        assert booking.slot_id == slots[0].id and booking.state == "cancelled"
        assert (await db.scalars(select(NoticeAddress.recipient).distinct())).all() == ["13800138000"]


async def test_the_code_of_a_secret_matter_is_not_sent_by_message(door: House) -> None:
    door.server.app[MESSENGER].gateway = Still()
    await post(door, message("举报村主任贪污补偿款"), "n" * 20)
    browser = await door.official("city.receptionist")
    thread = (await (await browser.get("/messages")).text()).split('href="/messages/')[1].split('"')[0]
    fields = {"name": "李德福", "phone": "13800138000", "subject": "补偿款", "class": "accusation"}
    custodian = door.world.city.id
    done = await browser.send("/cases/new", f"/messages/{thread}/register", **fields, custodian=custodian)
    page = await (await browser.get(done.headers["Location"])).text()
    assert "只显示这一次" in page and "发给本人" not in page
    assert len(await told(door)) == 1, "only that the message came in"


async def test_nothing_is_told_of_the_secret_or_the_sender(door: House) -> None:
    async with door.database.session() as db:
        await make_petition(db, door.clock, door.world.chengguan)
    await post(door, message(), "n" * 20)
    page = await (await (await door.official(CLERK)).get("/messages")).text()
    assert "138****8000" in page and "13800138000" not in page and SECRET not in page
