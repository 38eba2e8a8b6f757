"""What a page costs does not grow with what it lists: as many statements for a hundred lines as for two."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from cases.casefile import PetitionCase
from cases.intake.likeness import SHOWN
from cases.people import PersonDetails
from cases.roles import InvitationRole
from scheduling.sessions.invitations import Invitee
from tests.factories import make_petition, make_session
from tests.statements import of_a_request
from tests.web.conftest import Browser, House
from tests.web.supervised import supervise
from web.keys import DATABASE

MOST = 12
MOST_OF_A_CASE = 42
PAGES = {
    "/cases": "chengguan.receptionist",
    "/cases?search=漏水+三个月": "chengguan.receptionist",
    "/clocks": "chengguan.receptionist",
    "/clocks?which=near": "city.receptionist",
    "/board": "city.receptionist",
    "/board/live": "city.receptionist",
    "/supervision": "city.leader",
    "/supervision/notices?whose=all": "city.leader",
    "/supervision/listed": "city.leader",
    "/alarms": "city.leader",
    "/bookings": "chengguan.receptionist",
    "/calendar": "city.receptionist",
}


@pytest.fixture
def database_system() -> str:
    """One system is enough: both are asked the same, but for one statement about plans."""
    return "sqlite"


@contextmanager
def counted(house: House) -> Iterator[list[str]]:
    asked: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if of_a_request():
            asked.append(statement)

    engine = house.server.app[DATABASE].engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


async def cost(house: House, browser: Browser, page: str) -> int:
    """How many statements a page takes."""
    with counted(house) as asked:
        assert (await browser.get(page)).status in (200, 404), page
    return len(asked)


async def add_work(house: House, count: int) -> None:
    """Cases with a sitting today, a clock that runs and an order each."""
    for _ in range(count):
        async with house.database.session() as db:
            petition = await make_petition(db, house.clock, house.world.chengguan)
            guest = Invitee(InvitationRole.PETITIONER, "李德福", "13800001234")
            await make_session(db, house.clock, house.world, petition, invitees=(guest,))
            house.clock.advance(minutes=31)
        await supervise(house, petition.id)


async def test_lists_ask_as_often_however_long_they_are(house: House) -> None:
    seen: dict[str, list[int]] = {page: [] for page in PAGES}
    for more in (2, 4):
        await add_work(house, more)
        browsers = {key: await house.official(key) for key in set(PAGES.values())}
        for page, key in PAGES.items():
            seen[page].append(await cost(house, browsers[key], page))
    assert {page: counts for page, counts in seen.items() if len(set(counts)) > 1} == {}
    assert {page: counts[0] for page, counts in seen.items() if counts[0] > MOST} == {}


async def test_a_case_does_not_load_its_neighbours(house: House) -> None:
    """Of the other cases of its office only those that may be the same come as more than their words."""
    async with house.database.session() as db:
        ids = []
        for place in range(30):
            matter = f"第{place}号楼道堆放杂物" if place % 3 else "路灯不亮"
            person = PersonDetails("李德福", f"138{place:08}")
            made = await make_petition(db, house.clock, house.world.chengguan, matter, petitioner=person)
            ids.append(made.id)
        await db.commit()
    browser = await house.official("chengguan.receptionist")
    await browser.get(f"/cases/{ids[0]}")
    loaded: list[object] = []
    event.listen(PetitionCase, "load", note := lambda target, _: loaded.append(target))
    statements = await cost(house, browser, f"/cases/{ids[0]}")
    event.remove(PetitionCase, "load", note)
    assert len(loaded) == 1 + SHOWN
    assert statements <= MOST_OF_A_CASE, statements


async def test_who_asks_is_found_by_one_statement(house: House) -> None:
    browser = await house.official("city.receptionist")
    assert await cost(house, browser, "/no-such-page") == 1
