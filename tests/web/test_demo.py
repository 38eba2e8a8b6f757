"""The demonstration page: looking changes nothing, the button makes the next session."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import func, select

from cases.database import Database
from cases.policy import SYSTEM
from scheduling.booking.slot import ReceptionRoom, Slot
from scheduling.session import Session, SessionState
from scheduling.sessions.sessions import move_session
from tests.clock import FixedClock
from tests.scheduling.papers import photo
from tests.web.conftest import Browser, House
from tests.web.test_materials import BOOT, Sender
from web.app import create_app
from web.demo.day import PUBLIC_ROOM, find_ready_session, ready_session, seed_day
from web.keys import SETTINGS
from web.setting_groups import DatabaseSettings
from web.settings import Settings


@pytest.fixture
async def demo_browser(
    database: Database, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Browser]:
    url = database.url.render_as_string(hide_password=False)
    state = tmp_path_factory.mktemp("var")
    settings = replace(Settings(), state=state, demo=True, database=DatabaseSettings(url))
    async with database.session() as db:
        await seed_day(db, clock)
        await ready_session(db, clock)
    server = TestServer(create_app(settings, clock), host="127.0.0.1")
    await server.start_server()
    browser = Browser(f"http://127.0.0.1:{server.port}")
    yield browser
    await browser.http.close()
    await server.close()


async def sessions(database: Database) -> int:
    async with database.session() as db:
        return await db.scalar(select(func.count()).select_from(Session)) or 0


async def test_looking_at_the_demonstration_changes_nothing(
    demo_browser: Browser, database: Database, clock: FixedClock
) -> None:
    async with database.session() as db:
        ready = await find_ready_session(db, clock)
        assert ready is not None
        await move_session(db, clock, SYSTEM, ready.id, SessionState.CANCELLED, "试一试")
    before = await sessions(database)
    answer = await demo_browser.get("/demo")
    assert answer.status == 200 and "打开四方" in await answer.text()
    assert (await demo_browser.get("/demo/party/1")).status == 409
    assert (await demo_browser.post("/demo/party/1/ticket", json={})).status == 409
    assert await sessions(database) == before
    for _ in range(2):  # The second press finds what the first made.
        assert (await demo_browser.post("/demo/open", json={})).status == 200
        assert await sessions(database) == before + 1
    assert (await demo_browser.get("/demo/party/1")).status == 200


async def test_a_second_start_opens_no_times_in_the_leaders_room(
    demo_browser: Browser, database: Database, clock: FixedClock
) -> None:
    """Where others' times lie, no reception day can be published or moved to."""
    async with database.session() as db:
        await seed_day(db, clock)
        mixed = select(Slot.id).join(ReceptionRoom, ReceptionRoom.id == Slot.room_id)
        mixed = mixed.where(ReceptionRoom.name != PUBLIC_ROOM, Slot.reception_day_id.is_(None))
        assert not (await db.scalars(mixed)).all()


async def test_a_house_without_the_four_says_so(house: House) -> None:
    state = house.server.app._state  # type: ignore[union-attr]
    state[SETTINGS] = replace(state[SETTINGS], demo=True)
    browser = house.browser()
    for path in ("/demo", "/demo/party/1"):
        answer = await browser.get(path)
        assert answer.status in (404, 409) and "12345" in await answer.text(), path
    assert "没有准备好的演示" in await (await browser.get("/demo")).text()
    assert (await browser.post("/demo/open", json={})).status == 404


async def test_a_foreign_page_cannot_press_the_button(demo_browser: Browser) -> None:
    headers = {"Origin": "https://elsewhere.example"}
    assert (await demo_browser.post("/demo/open", json={}, headers=headers)).status == 403


async def test_every_window_brings_material_of_its_own(demo_browser: Browser) -> None:
    """What the dialog of 出示材料 asks for, in the windows of the citizen and of the host."""
    mine, host = (f"/demo/party/{number}/materials" for number in (1, 2))
    boot = BOOT.search(await (await demo_browser.get("/demo/party/1")).text())
    assert boot is not None
    told = json.loads(boot[1])
    assert told["ticket_url"].replace("/ticket", "/materials") == mine
    sender = Sender(demo_browser, mine, told["csrf_token"])
    assert (await (await demo_browser.get(mine)).json())["place"]["address"] == mine
    status, answer = await sender.send(photo())
    assert status == 200
    picture = answer["material"]["picture"] + "1"
    assert picture.startswith(mine) and (await demo_browser.get(picture)).status == 200
    (seen,) = (await (await demo_browser.get(host)).json())["materials"]
    assert seen["picture"].startswith(host) and (await demo_browser.get(seen["picture"] + "1")).status == 200
    sender.base = host
    status, answer = await sender.send(photo((1, 2, 3)))
    assert status == 200
    assert len((await (await demo_browser.get(host)).json())["materials"]) == 2
    (own,) = (await (await demo_browser.get(mine)).json())["materials"]
    assert own["id"] == seen["id"], "what the offices brought is not the citizen's to see before it is shown"
    hidden = answer["material"]["picture"].replace(host, mine)
    assert (await demo_browser.get(hidden + "1")).status == 404
    for wrong in ("0", "5", "x", "11"):
        assert (await demo_browser.get(f"/demo/party/{wrong}/materials")).status == 404
