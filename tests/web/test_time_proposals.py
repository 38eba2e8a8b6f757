"""改时间 on the pages: the upper office proposes, the host is shown it, answers, and calendars follow."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from cases.clock import BEIJING
from signaling.overview import Overview, Waiting
from tests.factories import make_session
from tests.web.conftest import House
from web.views.calling_order import lines_of

OWN, UPPER, OTHER = "chengguan.receptionist", "city.receptionist", "xigu.receptionist"


@pytest.fixture
def database_system() -> str:
    """One system is enough: rows and rules have their tests in tests/scheduling."""
    return "sqlite"


async def test_from_the_proposal_to_the_calendar(house: House) -> None:
    start = house.clock.now() + timedelta(days=1)
    async with house.database.session() as db:
        session = await make_session(
            db, house.clock, house.world, starts_at=start, ends_at=start + timedelta(minutes=30)
        )
    host, upper = await house.official(OWN), await house.official(UPPER)
    page, wished = f"/sessions/{session.id}", (start + timedelta(hours=2)).astimezone(BEIJING)
    assert "这个时间来不了" not in await (await host.get(page)).text()
    fields = {
        "office": house.world.city.id, "other_day": f"{wished:%Y-%m-%d}", "other_time": f"{wished:%H:%M}",
        "other_reason": "上午<b>有会",
    }  # fmt: skip
    for wrong in ({"other_day": "x"}, {"other_reason": " "}):
        refused = await upper.send(page, f"{page}/proposals", **fields | wrong)
        assert refused.status == 422 and 'id="other_day"' in await refused.text()
    stranger = await house.official(OTHER)
    assert (await stranger.send("/board", f"{page}/proposals", **fields)).status == 404
    assert (await upper.send(page, f"{page}/proposals", **fields)).status == 303
    listed = await (await host.get("/bookings")).text()
    assert "改时间 1 件" in listed and "市信访局" in listed
    text = await (await host.get(page)).text()
    assert "上午&lt;b&gt;有会" in text and "按这个时间改期" in text and "收回" not in text
    found = re.search(rf'action="({page}/proposals/[0-9a-z]+)"', text)
    assert found is not None
    answer, name = found.group(1), f"words-{found.group(1)[-32:]}"
    assert (await upper.send(page, answer, act="accepted")).status == 403
    assert (await host.send(page, answer, act="replaced")).status == 422
    refused = await host.send(page, answer, act="asked_anew", **{name: " "})
    assert refused.status == 422 and "请写明这个时间为什么不行" in await refused.text()
    before = await (await upper.get(f"{page}/entry.ics")).text()
    assert (await host.send(page, answer, act="accepted")).status == 303
    assert (await host.send(page, answer, act="accepted")).status == 409
    after = await (await upper.get(f"{page}/entry.ics")).text()
    assert "SEQUENCE:0" in before and "SEQUENCE:1" in after
    assert re.search(rf"DTSTART\S*:{wished:%Y%m%dT%H%M%S}", after)
    assert "改时间 1 件" not in await (await host.get("/bookings")).text()
    outbox = await (await host.get("/outbox")).text()
    assert "接访改期" in outbox


async def test_the_boards_line_is_in_the_order_of_the_rule(house: House) -> None:
    now = house.clock.now()
    async with house.database.session() as db:
        walked = await make_session(db, house.clock, house.world, starts_at=now + timedelta(minutes=1))
        house.clock.advance(hours=-5)
        booked = await make_session(
            db, house.clock, house.world, starts_at=now, ends_at=now + timedelta(hours=1)
        )

    def room(number: str, name: str, minutes: int) -> Overview:
        since = now + timedelta(minutes=minutes)
        return Overview("", False, "off", (Waiting(name, number, since, "connected", True),), ())  # type: ignore[arg-type]

    rooms = [(walked, room("A001", "张桂芳", -20), False), (booked, room("A002", "李德福", 10), True)]
    (line,) = lines_of(rooms, now + timedelta(minutes=15))
    told = [(each["number"], each["name"], each["turn"]) for each in line["people"]]
    assert told == [("A002", "李德福", "预约，到时间了"), ("A001", "张某", "没有预约")]
    (late,) = lines_of([rooms[0], (booked, room("A002", "李德福", 16), True)], now + timedelta(minutes=17))
    assert [each["number"] for each in late["people"]] == ["A001", "A002"]
