"""Query codes of an import: told by message to whom it was agreed, and on a sheet at the window."""

from __future__ import annotations

import asyncio
import re

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, PetitionEvent
from cases.errors import Forbidden, NotFound
from cases.intake.import_job import Fate
from cases.intake.imports import list_rows
from cases.petitions import find_by_query_code, issue_query_code
from scheduling.intake import query_codes
from scheduling.notices.gateway import Message
from tests.clock import FixedClock
from tests.factories import World, make_petition
from tests.web.conftest import House
from tests.web.imported import checked, settled
from web.tending.messages import MESSENGER

CLERK = "chengguan.receptionist"
SHEET = (
    "姓名,事项,电话,类别\n李德福,楼道漏水三个月无人修,13800001234,\n王五,路灯不亮,0931-8888888,\n"
    "赵六,井盖丢了,13900001234,\n钱七,有人收钱不办事,13700001234,检举控告"
)


class Pocket:
    """A gateway that keeps what it was given."""

    keeps_text = False

    def __init__(self) -> None:
        self.got: list[Message] = []

    async def send(self, message: Message) -> None:
        self.got.append(message)


async def imported(house: House) -> str:
    browser = await house.official(CLERK)
    import_id = await checked(house, SHEET.encode(), CLERK)
    where = f"/imports/{import_id}"
    assert (await browser.send(where, f"{where}/start")).status == 303
    await settled(house, import_id, CLERK)
    return import_id


async def test_petitioners_are_told_after_somebody_read_how_many(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_codes, "MOST_QUEUED", 1)
    import_id, app, pocket = await imported(house), house.server.app, Pocket()
    assert app is not None
    where, clerk = f"/imports/{import_id}", await house.official(CLERK)
    assert (await clerk.send(where, f"{where}/tell", agreed="yes")).status == 409  # No gateway.
    app[MESSENGER].gateway = pocket
    page = await (await clerk.get(where)).text()
    assert "会发出 <strong>2</strong> 条短信" in page and "另外 2 件" in page
    assert (await clerk.send(where, f"{where}/tell")).status == 422
    assert pocket.got == []
    assert (await clerk.send(where, f"{where}/tell", agreed="yes")).status == 303
    await settled(house, import_id, CLERK)
    async with asyncio.timeout(10):
        while len(pocket.got) < 2:
            app[MESSENGER].ring()
            await asyncio.sleep(0.02)
    assert sorted(message.recipient for message in pocket.got) == ["13800001234", "13900001234"]
    async with house.database.session() as db:
        for message in pocket.got:
            told = re.search(r"编号 (LZ\d+-\d+)，查询码 (\w{10})。", message.text)
            assert told and await find_by_query_code(db, told[1], told[2]) is not None
        names = [row.petition_id for row in await list_rows(db, import_id, Fate.ENTERED)]
    assert (await clerk.send(where, f"{where}/tell", agreed="yes")).status == 409  # Once.
    assert "已经写好 2 条短信" in await (await clerk.get(where)).text()
    outbox = await (await clerk.get("/outbox")).text()
    assert "查询码 ······" in outbox and pocket.got[0].text not in outbox
    other = await house.official("xigu.receptionist")
    assert (await other.send("/cases/new", f"{where}/tell", agreed="yes")).status == 404
    assert len(names) == 4


async def test_a_sheet_for_the_window_shows_a_new_code_once(house: House) -> None:
    await imported(house)
    async with house.database.session() as db:
        petition = (await db.scalars(select(PetitionCase).where(PetitionCase.subject == "路灯不亮"))).one()
    clerk, where = await house.official(CLERK), f"/cases/{petition.id}/query-code"
    assert "打印新的查询码" in await (await clerk.get(where)).text()
    codes = []
    for _ in range(2):
        assert (await clerk.send(where, where)).status == 303
        sheet = await (await clerk.get(where)).text()
        found = re.search(r'<dd class="code">(\w{10})</dd>', sheet)
        assert found and petition.number in sheet and found[1] not in await (await clerk.get(where)).text()
        codes.append(found[1])
    async with house.database.session() as db:
        assert await find_by_query_code(db, petition.number, codes[0]) is None
        assert await find_by_query_code(db, petition.number, codes[1]) is not None
        kinds = list(await db.scalars(select(PetitionEvent.kind)))
    assert kinds.count("petition.query_code_issued") == 2
    city = await house.official("city.receptionist")
    assert (await city.get(where)).status == 403 and (await city.send("/cases/new", where)).status == 403


async def test_who_may_issue_a_code(db: AsyncSession, clock: FixedClock, world: World) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    for key, refusal in (
        ("xigu.receptionist", NotFound),
        ("housing.handler", NotFound),
        ("city.leader", Forbidden),
    ):
        with pytest.raises(refusal):
            await issue_query_code(db, clock, world.actor(key), petition.id)
    _, code = await issue_query_code(db, clock, world.actor(CLERK), petition.id)
    assert await find_by_query_code(db, petition.number, code) is not None
