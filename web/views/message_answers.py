"""What a sender of messages is told: that a message came in, number and code, and answers to what he asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel, PetitionCase
from cases.clock import BEIJING
from cases.errors import RuleError
from cases.fields import clean, clean_phone
from cases.handling.clocks import today
from cases.intake.thread import MessageThread
from cases.intake.threads import Asks, Incoming, Query, read_query
from cases.organisations import find_office
from cases.petitions import find_by_query_code
from scheduling.afterwards.progress import list_progress, next_deadline
from scheduling.arrival.coming import coming_reception
from scheduling.booking.booking import Booking
from scheduling.booking.slot import Slot
from scheduling.intake.query_codes import WORTH_TELLING
from scheduling.notices.notice import NoticeChannel
from scheduling.notices.queueing import About, add_notice
from scheduling.requests.own_bookings import BookOwn, book_own, cancel_own, list_own_times
from web.keys import CLOCK, DATABASE, SETTINGS
from web.language import in_chinese
from web.tending.messages import MESSENGER
from web.views.progress import next_words
from web.words import dated_time, half_day, short_date, spoken_time

ANSWERED_WITHIN = timedelta(days=1)  # Later nobody waits for it any more.
OFFERED = 4  # Times in one message: more would be several messages on an old telephone.
BOOKED = "已经约了{when}，{office}。工作人员确认以后把链接发给您。要取消请回复「取消 编号 查询码」。"
WRONG = "【连心桥】编号或查询码不对，请核对后再发。例如：查询 LZ2026-000123 k3m5p7q9rs"


async def tell_taken(app: web.Application, db: AsyncSession, thread: MessageThread) -> None:
    """The first message of a thread was taken, inside the caller's transaction; a flood is not answered."""
    fields = {"office": thread.organisation.name, "phone": app[SETTINGS].web.help_phone}
    try:
        await _queue(app, db, About(thread.organisation_id), thread, "message_taken", fields, ANSWERED_WITHIN)
    except RuleError as error:
        if error.code != "outbox_full":
            raise


async def tell_registered(
    app: web.Application, db: AsyncSession, thread: MessageThread, petition: PetitionCase, code: str
) -> None:
    """Number and query code by the way the messages came, inside the caller's transaction.

    Not of a secret matter, for a telephone lies about; there the clerk calls.
    """
    if petition.confidential:
        return
    about = About(petition.custodian_id, petition.id)
    fields = {"office": petition.custodian.name, "number": petition.number, "code": code}
    await _queue(app, db, about, thread, "query_code", fields, WORTH_TELLING)


async def answer_message(app: web.Application, incoming: Incoming) -> None:
    """Do what number and code ask for, and queue the answer; commits."""
    query = read_query(incoming.text)
    assert query is not None
    async with app[DATABASE].session() as db:
        with in_chinese():
            petition = await find_by_query_code(db, query.number, query.query_code)
            if petition is not None and query.asks is not Asks.PROGRESS:
                await _of_booking(app, db, incoming, query, petition)
                return
            text = WRONG if petition is None else await _progress(app, db, petition)
        office = petition.custodian if petition else await find_office(db, app[SETTINGS].inbound.office)
        if office is None:
            return
        about = About(office.id, petition.id if petition else None)
        await _queue(app, db, about, _sender(incoming), "progress", {"answer": text}, ANSWERED_WITHIN)
        await db.commit()


async def _progress(app: web.Application, db: AsyncSession, petition: PetitionCase) -> str:
    steps, following = await list_progress(db, petition), await next_deadline(db, petition)
    last = steps[-1].words if steps else "已经登记"
    return f"【连心桥】{petition.number}：{last}。{next_words(petition, following, today(app[CLOCK]))}"


async def _of_booking(
    app: web.Application, db: AsyncSession, incoming: Incoming, query: Query, petition: PetitionCase
) -> None:
    """Times to choose from, the one that was chosen, or that it is off."""
    clock = app[CLOCK]

    async def tell(words: str, booking: Booking) -> None:
        when = dated_time(booking.slot.starts_at)
        await say(words.format(when=when, office=booking.slot.room.organisation.name), booking.id)

    async def say(answer: str, booking_id: str | None = None) -> None:
        about = About(petition.custodian_id, petition.id, booking_id=booking_id)
        fields = {"number": petition.number, "answer": answer}
        await _queue(app, db, about, _sender(incoming), "booking_answer", fields, ANSWERED_WITHIN)

    try:
        if query.asks is Asks.CANCEL:
            done = partial(tell, "{when}的预约已经取消，您的信访件照常办理。")
            await cancel_own(db, clock, query.number, query.query_code, tell=done)
            return
        if (coming := await coming_reception(db, clock, petition)) is not None:
            when = dated_time(coming.starts_at)
            await say(f"这件事已经约了{when}，{coming.office}。来不了请打 {app[SETTINGS].web.help_phone}。")
            await db.commit()
            return
        times = await list_own_times(db, clock, petition)
        if chosen := next((each for each in times if _digits(each) == query.when), None):
            command = BookOwn(query.number, query.query_code, chosen.id)
            await book_own(db, clock, command, tell=partial(tell, BOOKED))
            return
        answer = _offer(app, times, query.when is not None)
    except RuleError as error:
        answer = error.message
    await say(answer)
    await db.commit()


def _offer(app: web.Application, times: Sequence[Slot], gone: bool) -> str:
    """The first free time of each half day, with the digits that choose it."""
    phone = app[SETTINGS].web.help_phone
    before = "这个时间约不上。" if gone else ""
    first: dict[str, Slot] = {}
    for each in times:
        first.setdefault(half_day(each.starts_at), each)
    if not first:
        return f"{before}最近没有空闲的接访时间，请打 {phone}，工作人员帮您安排。"
    told = "；".join(_as_digits(each) for each in list(first.values())[:OFFERED])
    return f"{before}可以约：{told}。把 8 位数字加在「预约 编号 查询码」后面再发一次。都不行请打 {phone}。"


def _digits(slot: Slot) -> tuple[int, ...]:
    at = slot.starts_at.astimezone(BEIJING)
    return at.month, at.day, at.hour, at.minute


def _as_digits(slot: Slot) -> str:
    at = slot.starts_at.astimezone(BEIJING)
    return f"{at:%m%d%H%M}（{short_date(at.date())}{spoken_time(slot.starts_at)}）"


def _sender(incoming: Incoming) -> tuple[Channel, str]:
    sms = incoming.channel is Channel.SMS
    return incoming.channel, clean_phone(incoming.sender) if sms else clean(incoming.sender)


async def _queue(
    app: web.Application, db: AsyncSession, about: About, to: MessageThread | tuple[Channel, str],
    template: str, fields: dict[str, str], worth: timedelta,
) -> None:  # fmt: skip
    channel, number = (to.channel, to.sender) if isinstance(to, MessageThread) else to
    clock, envelope = app[CLOCK], app[MESSENGER].secrets.envelope
    until, way = clock.now() + worth, NoticeChannel(str(channel))
    await add_notice(db, clock, envelope, about, number, template, fields, until, way)
