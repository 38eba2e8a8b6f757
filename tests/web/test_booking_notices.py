"""What citizens hear of a booking that leads nowhere or a date they missed; what proves that a paper came."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from scheduling.booking.booking import Booking
from scheduling.booking.requesting import RequestBooking, request_booking
from scheduling.notices.delivering import deliver_notices
from scheduling.notices.notice import Notice, NoticeChannel
from scheduling.notices.proof import proof_of
from scheduling.notices.queueing import About, add_notice
from scheduling.session import Session, SessionState
from tests.factories import make_petition, make_slots
from tests.web.conftest import House
from tests.web.papers import make_papers
from tests.web.rota import arrange_rota
from tests.web.test_threads import Pocket
from web.tending.messages import MESSENGER

OWN = "chengguan.receptionist"
# What is tried here is the same on every database; rows and rules have their tests in tests/scheduling.
pytestmark = pytest.mark.parametrize("database_system", ["sqlite"])


async def told(house: House) -> list[str]:
    """Each text once, whichever way it went."""
    async with house.database.session() as db:
        texts = await db.scalars(select(Notice.text).order_by(Notice.queued_at, Notice.id))
        return list(dict.fromkeys(texts))


@pytest.mark.parametrize(
    ("decision", "sentence"),
    [
        (
            "rejected",
            "【连心桥】您约的城关区信访局 2026年7月23日 星期四 上午 9:00 视频接访没有通过。原因：材料不全。"
            "您的信访件 {number} 照常办理，可以另约时间。有疑问请打 12345。",
        ),
        (
            "redirected",
            "【连心桥】您约的城关区信访局 2026年7月23日 星期四 上午 9:00 视频接访转到西固区信访局，"
            "由该单位联系您另定时间。原因：材料不全。信访件编号 {number}。有疑问请打 12345。",
        ),
    ],
)
async def test_a_citizen_hears_why(house: House, decision: str, sentence: str) -> None:
    async with house.database.session() as db:
        _, booking_id = await arrange_rota(db, house)
        number = (await db.get_one(Booking, booking_id)).petition.number
    browser, page = await house.official(OWN), f"/bookings/{booking_id}"
    given = {"decision": decision, "reason": "材料不全", "redirected_to": house.world.xigu.id}
    assert (await browser.send(page, page, **given)).status == 303
    assert await told(house) == [sentence.format(number=number)]
    assert (await browser.send(page, page, **given)).status == 409


async def test_of_what_an_office_asked_for_the_citizen_hears_nothing(house: House) -> None:
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
        slot = (await make_slots(db, house.clock, house.world.chengguan))[0]
        leader, asks = house.world.actor("chengguan.leader"), RequestBooking(petition.id, slot.id, "约谈")
        booking = await request_booking(db, house.clock, leader, asks)
    page = f"/bookings/{booking.id}"
    browser = await house.official(OWN)
    assert (await browser.send(page, page, decision="rejected", reason="没有空")).status == 303
    assert await told(house) == []


async def test_who_walks_in_is_received_at_once_and_who_stays_away_gets_another_date(house: House) -> None:
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
    browser, page = await house.official(OWN), f"/cases/{petition.id}/book"
    answer = await browser.send(page, page, host=house.world.chengguan.id, act="now")
    assert answer.status == 303
    at = answer.headers["Location"]
    async with house.database.session() as db:
        session = (await db.scalars(select(Session))).one()
    assert session.starts_at == house.clock.now()
    assert "现场来访" in await (await browser.get("/board")).text()
    assert "登记未到" not in await (await browser.get(at)).text()  # Nobody has waited yet.
    house.clock.advance(minutes=14)
    await browser.get("/board")
    house.clock.advance(minutes=2)
    assert "登记未到" in await (await browser.get(at)).text()
    stranger = await house.official("city.receptionist")
    assert (await stranger.send(at, f"{at}/missed")).status == 403
    assert (await browser.send(at, f"{at}/missed")).status == 303
    async with house.database.session() as db:
        assert (await db.get_one(Session, session.id)).state is SessionState.NO_SHOW
    again = f"/cases/{petition.id}/book?after={session.id}"
    assert again in await (await browser.get(at)).text()
    assert (await browser.send(at, f"{at}/missed")).status == 409
    texts = await told(house)
    assert texts[-1] == (
        "【连心桥】城关区信访局 2026年7月22日 星期三 上午 9:00 的视频接访没有等到您。"
        "您的信访件照常办理，需要另约请打 12345。"
    )


async def test_a_message_that_left_is_the_proof_of_a_delivery(house: House) -> None:
    case, paper = await make_papers(house)
    envelope = house.server.app[MESSENGER].secrets.envelope
    about = About(house.world.chengguan.id, case, document_id=paper)
    fields = {"office": "局", "number": "LZ2026-000001", "what": "文书", "paper": "1号", "phone": "12345"}
    until = house.clock.now() + timedelta(days=1)
    async with house.database.session() as db:
        for channel in (NoticeChannel.SMS, NoticeChannel.TELEPHONE):
            what = ("13800001234", "document_ready", fields, until, channel)
            await add_notice(db, house.clock, envelope, about, *what)
        await db.commit()
        await deliver_notices(db, house.clock, envelope, Pocket())
        by_channel = {each.channel: each.id for each in await db.scalars(select(Notice))}
        proof = await proof_of(db, paper, by_channel[NoticeChannel.SMS])
        assert proof.words == f"短信，2026-07-22 09:00:00 送出，编号 {by_channel[NoticeChannel.SMS]}"
    browser, page = await house.official(OWN), f"/cases/{case}/documents/{paper}"
    assert "短信 · " in await (await browser.get(page)).text()
    # The call was not made: it proves nothing.
    unsent = {"notice": by_channel[NoticeChannel.TELEPHONE], "recipient": "城关区住建局"}
    assert (await browser.send(page, f"{page}/deliveries", **unsent)).status == 422
