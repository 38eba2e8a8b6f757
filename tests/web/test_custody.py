"""A case is handed over from its page; the recordings of it are owed to the index."""

from __future__ import annotations

from sqlalchemy import select

from recordings.recording import Recording
from tests.factories import make_petition
from tests.web.conftest import Browser, House
from tests.web.test_routes import make_objects

LEADER, CLERK, RECEIVER = "chengguan.leader", "chengguan.receptionist", "xigu.leader"
OFFERED = "移交给另一个信访部门"


async def text(browser: Browser, where: str) -> str:
    return await (await browser.get(where)).text()


async def test_a_leader_hands_a_case_over_and_whoever_comes_later_is_told(house: House) -> None:
    made, world = await make_objects(house), house.world
    where = f"/cases/{made.petition_id}"
    async with house.database.session() as db:
        row = (await db.scalars(select(Recording))).one()
        row.index_wanted_at = None
        await db.commit()
    leader, receiver = await house.official(LEADER), await house.official(RECEIVER)
    assert OFFERED in await text(leader, where)
    assert OFFERED not in await text(await house.official(CLERK), where)
    assert (await receiver.get(where)).status == 404
    typed = {"office": world.xigu.id, "seen": world.chengguan.id}
    assert (await leader.send(where, f"{where}/custody", **typed, reason="")).status == 303
    assert "请填写理由" in await text(leader, where)
    assert (await leader.send(where, f"{where}/custody", **typed, reason="区划调整")).status == 303
    page = await text(receiver, where)
    assert "<dt>登记单位</dt><dd>西固区信访局" in page
    assert "移交登记单位" in page and "区划调整" in page
    async with house.database.session() as db:
        assert (await db.scalars(select(Recording.index_wanted_at))).one() is not None
    again = typed | {"office": world.city.id}
    assert (await receiver.send(where, f"{where}/custody", **again, reason="再移交")).status == 303
    assert "刚刚已经移交" in await text(receiver, where)


async def test_a_case_that_has_left_leads_to_the_list(house: House) -> None:
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
    leader, where = await house.official(LEADER), f"/cases/{petition.id}"
    typed = {"office": house.world.xigu.id, "seen": house.world.chengguan.id, "reason": "登记有误"}
    answer = await leader.send(where, f"{where}/custody", **typed)
    assert (answer.status, answer.headers["Location"]) == (303, "/cases")
