"""A joint reception from a wish on a phone to its follow-up: three tiers, their calendars, each message.

The house of the page tests stands for the service, so that the day of the reception comes when the clock is
set. Pictures and sound have scenarios of their own (tests/scenarios/test_reception.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from scheduling.booking.booking import Booking, BookingState
from scheduling.notices.gateway import Message
from scheduling.notices.outbox import NextStep, list_outbox
from scheduling.session import Session, SessionState
from tests.scenarios.browsers import PHONE, needs_chromium, until
from tests.scenarios.parties import act, admit_everybody, citizen_to_waiting_room, confirm, open_session
from tests.web.conftest import House, house
from tests.web.rota import publish_rota
from tests.web.test_officials_pages import enter
from web.keys import CLOCK
from web.tending.messages import MESSENGER
from web.tending.session_notices import remind_citizens

__all__ = ["house"]
pytestmark = [needs_chromium, pytest.mark.browser, pytest.mark.timeout(180)]
OWN, TIERS = "chengguan.receptionist", ("chengguan.leader", "city.leader", "province.receptionist")
NINE, TEN = datetime(2026, 7, 23, 1, tzinfo=UTC), datetime(2026, 7, 23, 2, tzinfo=UTC)
OFFICE, ASK = "城关区信访局", "12345"
DAY = "2026年7月23日 星期四 "


@dataclass
class Pocket:
    """The citizen's telephone: a gateway that keeps what arrived."""

    keeps_text: bool = False
    got: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        self.got.append(message)

    async def _holds(self, count: int) -> bool:
        return len(self.got) >= count

    async def has(self, count: int) -> list[str]:
        """The texts, once so many have arrived: the service sends them by itself."""
        await until(lambda: self._holds(count), 15, f"{count} messages have arrived", every=0.05)
        return [message.text for message in self.got]


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_from_a_wish_on_a_phone_to_the_follow_up(house: House, chrome: Browser) -> None:  # noqa: F811
    base = f"http://127.0.0.1:{house.server.port}"
    house.server.app[MESSENGER].gateway = pocket = Pocket()
    async with house.database.session() as db:
        await publish_rota(db, house)
    phone = await (await chrome.new_context(viewport=PHONE, locale="zh-CN")).new_page()  # type: ignore[arg-type]
    number = await _wish(phone, base)
    desk = await (await chrome.new_context(locale="zh-CN")).new_page()
    await enter(desk, house, OWN)
    feeds = [await _feed(house, key) for key in TIERS]
    await _review(desk, base)
    await _city_agrees(house)
    session_id = await _arrange(desk, house)
    assert [(e["DTSTART"], e["SEQUENCE"], e["STATUS"]) for e in await _entries(house, feeds)] == [
        (NINE, 0, "CONFIRMED")
    ] * 3
    await _move(desk)
    moved = await _entries(house, feeds)
    assert [(e["DTSTART"].astimezone(UTC), e["SEQUENCE"]) for e in moved] == [(TEN, 1)] * 3
    assert {number in str(e["SUMMARY"]) for e in moved} == {True}
    assert not any("张桂芳" in str(e) or "供暖" in str(e) for e in moved)  # A calendar tells no names.
    house.clock.advance(hours=3)
    link = await _reminded(house, pocket, base)
    house.clock.set(TEN - timedelta(minutes=10))
    await _held(house, chrome, phone, session_id, link)
    await _outcome_and_follow_up(house, session_id)
    assert await pocket.has(4) == [
        f"【连心桥】{OFFICE}为您安排了视频接访：{DAY}上午 9:00。到时会发链接给您，请带身份证和材料。"
        f"接访全程录音录像，您有权陈述、举证、核对笔录、申请回避。来不了请提前打 {ASK}。",
        f"【连心桥】{OFFICE}原定 {DAY}上午 9:00 的视频接访改到：{DAY}上午 10:00。原因：领导临时有会。"
        f"到时会发链接给您。新时间不方便请打 {ASK}。",
        f"【连心桥】提醒您：{DAY}上午 10:00参加{OFFICE}的视频接访。请提前 30 分钟点开 {link} 。"
        f"链接是您个人的，请不要转发。有问题请打 {ASK}。",
        f"【连心桥】{OFFICE}为您安排了视频接访：2026年7月30日 星期四 上午 9:00。到时会发链接给您，"
        f"请带身份证和材料。接访全程录音录像，您有权陈述、举证、核对笔录、申请回避。来不了请提前打 {ASK}。",
    ]
    await until(lambda: _all_told(house, number, link), 15, "the outbox says that all four were told")


async def _all_told(house: House, number: str, link: str) -> bool:  # noqa: F811
    async with house.database.session() as db:
        lines = await list_outbox(db, house.world.actor(OWN))
    assert len(lines) == 4 and link not in "".join(line.notice.text for line in lines)
    return {(line.next_step, line.number) for line in lines} == {(NextStep.DONE, number)}


async def _wish(page: Page, base: str) -> str:
    """A citizen asks and wants the upper level there; sees who receives. Returns the case's number."""
    await page.goto(base + "/book")
    await page.click("label:has-text('城关区')")
    await page.click("text=继续")
    await expect(page.locator("#slot")).to_contain_text("副区长，分管住建、城管")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.click("label:has-text('9:00') >> nth=0")
    for name, value in (("name", "张桂芳"), ("phone", "13900001111"), ("subject", "小区供暖不热")):
        await page.fill(f"#{name}", value)
    await page.click("label[for=insists]")
    await page.click("text=提交预约")
    await page.wait_for_url("**/book/done")
    found = re.search(r"LZ\d{4}-\d{6}", await page.inner_text("main"))
    assert found is not None
    return found[0]


async def _review(desk: Page, base: str) -> None:
    await desk.goto(base + "/board")
    await desk.click("section:has-text('等待审核的预约') a")
    await desk.click("label:has-text('同意，去排期')")
    await desk.click("text=提交审核")
    await desk.wait_for_url("**/book?booking=*")


async def _city_agrees(house: House) -> None:  # noqa: F811
    async with house.database.session() as db:
        booking = (await db.scalars(select(Booking))).one()
        assert booking.state is BookingState.APPROVED
    city, page = await house.official("city.receptionist"), f"/bookings/{booking.id}"
    assert "市信访局参加联合接访吗？" in await (await city.get(page)).text()
    said = {"organisation": house.world.city.id, "answer": "agreed"}
    assert (await city.send(page, f"{page}/joint", **said)).status == 303
    assert (await city.send(page, f"{page}/joint", **said)).status == 409


async def _arrange(desk: Page, house: House) -> str:  # noqa: F811
    """Three tiers, each with a room; the time that all have free and the citizen wished. In one commit."""
    await desk.reload()
    for key in TIERS:
        await desk.check(f"input[name=officials][value='{house.world.officials[key].id}']")
    for room in ("市视频室", "省视频室"):
        await desk.check(f"label:has-text('{room}') input[name=rooms]")
    await desk.fill("#first", "2026-07-23")
    await desk.click("button:text-is('找共同的空闲时间')")
    await expect(desk.locator("#span-day-1")).to_contain_text("群众选的时间")
    await desk.click("#span label:has-text('09:00') >> nth=0")
    await desk.click("text=排定并通知群众")
    await desk.wait_for_url("**/sessions/*")
    async with house.database.session() as db:
        session = (await db.scalars(select(Session))).one()
        booking = (await db.scalars(select(Booking))).one()
        assert (session.booking_id, booking.state) == (booking.id, BookingState.SCHEDULED)
        assert {part.organisation_id for part in session.organisations} == {
            house.world.chengguan.id, house.world.city.id, house.world.province.id,
        }  # fmt: skip
    return session.id


async def _move(desk: Page) -> None:
    await desk.click("text=改到别的时间")
    await desk.click("label:has-text('10:00')")
    await desk.fill("#why", "领导临时有会")
    await desk.click("button:text-is('改期')")
    await expect(desk.locator(".head")).to_contain_text("10:00")


async def _reminded(house: House, pocket: Pocket, base: str) -> str:  # noqa: F811
    """The link that the reminder brings, once."""
    app = house.server.app
    async with house.database.session() as db:
        for told in (1, 0):
            assert await remind_citizens(db, app[CLOCK], app[MESSENGER], ASK, base) == told
    app[MESSENGER].ring()
    found = re.search(rf"{base}/j/\S+#\S+", (await pocket.has(3))[2])
    assert found is not None
    return found[0]


async def _held(
    house: House, chrome: Browser, phone: Page, session_id: str, link: str  # noqa: F811
) -> None:  # fmt: skip
    """The citizen comes by the reminder's link, the host and the upper tiers sit there; opened and closed."""
    await citizen_to_waiting_room(phone, link)
    pages = []
    for key in TIERS:
        page = await (await chrome.new_context(locale="zh-CN")).new_page()
        await enter(page, house, key)
        await page.goto(f"http://127.0.0.1:{house.server.port}/sessions/{session_id}/room")
        pages.append(page)
    await admit_everybody(pages[0])
    await expect(phone.locator("[data-screen=session]")).to_be_visible()
    await open_session(pages[0])
    await act(pages[0], "close")
    await confirm(pages[0])

    async def states() -> bool:
        async with house.database.session() as db:
            session = await db.get_one(Session, session_id)
            booking = await db.get_one(Booking, session.booking_id)
            return (session.state, booking.state) == (SessionState.CLOSED, BookingState.FULFILLED)

    await until(states, 15, "session and booking are closed")


async def _outcome_and_follow_up(house: House, session_id: str) -> None:  # noqa: F811
    """The decision becomes a task, and the next date takes over who sat together."""
    browser, page = await house.official(OWN), f"/sessions/{session_id}/minutes"
    task = {
        "words": "三日内恢复供暖", "organisation_id": house.world.chengguan.id, "person": "赵工",
        "due_on": "2026-07-29", "source_id": "",
    }  # fmt: skip
    assert (await browser.send(page, f"/sessions/{session_id}/outcomes", **task)).status == 303
    found = re.search(r'href="(/cases/\w+/book\?after=\w+)"', await (await browser.get(page)).text())
    assert found is not None
    form = await (await browser.get(found[1])).text()
    joint = re.findall(r'name="joint" value="(\w+)" checked', form)
    assert set(joint) == {house.world.city.id, house.world.province.id}
    given = {"kind": "follow_up", "host": house.world.chengguan.id, "joint": joint[0]}
    to = found[1].partition("?")[0]
    answer = await browser.send(found[1], to, **given, day="2026-07-30", time="09:00")
    assert answer.status == 303, await answer.text()
    assert "回访" in await (await browser.get(answer.headers["Location"])).text()


async def _feed(house: House, key: str) -> str:  # noqa: F811
    browser = await house.official(key)
    assert (await browser.send("/calendar", "/calendar/feed")).status == 303
    found = re.search(r"(/calendars/\S+\.ics)", await (await browser.get("/calendar")).text())
    assert found is not None
    return found[1]


async def _entries(house: House, feeds: Sequence[str]) -> list[dict[str, Any]]:  # noqa: F811
    """The one sitting of each feed, as a calendar program fetches it: without a cookie."""
    found = []
    for feed in feeds:
        answer = await house.browser().get(feed)
        events = Calendar.from_ical(await answer.read()).walk("VEVENT")
        [event] = [each for each in events if each["UID"].startswith("session-")]
        found.append({name: event.decoded(name) for name in event})
    return found
