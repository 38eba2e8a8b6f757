"""The alarm pages: the board counts, the list names, and an answer in words is kept."""

from __future__ import annotations

from sqlalchemy import select

from recordings.alarms import Alarm, AlarmKind, Trouble, raise_alarm
from tests.factories import make_petition, make_session
from tests.web.conftest import House

DISTRICT, LEADER, OTHER = "chengguan.receptionist", "chengguan.leader", "xigu.receptionist"


async def arrange(house: House) -> str:
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
        session = await make_session(db, house.clock, house.world, petition)
        findings = tuple({"text": f"缺少分段 {n} <b>。"} for n in range(3))
        await raise_alarm(
            db, house.clock, Trouble(AlarmKind.FILES_MISSING, "0" * 32, findings, 7, session.id)
        )
        await db.commit()
        alarm_id = await db.scalar(select(Alarm.id))
        assert alarm_id is not None
        return alarm_id


async def test_an_alarm_is_counted_listed_answered_and_kept(house: House) -> None:
    alarm_id = await arrange(house)
    browser = await house.official(LEADER)
    assert "录像告警：1 条未处理" in await (await browser.get("/board")).text()
    listed = await (await browser.get("/alarms")).text()
    assert "文件缺失" in listed and f"/alarms/{alarm_id}" in listed and "共 7 处" in listed
    path = f"/alarms/{alarm_id}"
    text = await (await browser.get(path)).text()
    assert "缺少分段 2 &lt;b&gt;。" in text and "还有 4 处" in text
    refused = await browser.send(path, path, remark="  ")
    assert refused.status == 422 and "请写明核查情况" in await refused.text()
    answer = await browser.send(path, path, remark="磁盘更换，已从备份恢复。\n<script>")
    assert (answer.status, answer.headers["Location"]) == (303, path)
    text = await (await browser.get(path)).text()
    assert "磁盘更换，已从备份恢复。\n&lt;script&gt;" in text and 'name="remark"' not in text
    assert (await browser.send("/board", path, remark="再来一次")).status == 409
    assert "录像告警：" not in await (await browser.get("/board")).text()
    assert alarm_id not in await (await browser.get("/alarms")).text()
    assert alarm_id in await (await browser.get("/alarms?state=acknowledged")).text()


async def test_who_sees_it_but_may_not_answer_has_no_form(house: House) -> None:
    alarm_id = await arrange(house)
    browser = await house.official(DISTRICT)
    text = await (await browser.get(f"/alarms/{alarm_id}")).text()
    assert "缺少分段" in text and 'name="remark"' not in text
    other = await house.official(OTHER)
    assert "录像告警：" not in await (await other.get("/board")).text()


async def test_odd_addresses_are_answered(house: House) -> None:
    browser = await house.official(DISTRICT)
    for query in ("?offset=-1", "?offset=x", "?offset=99999999", "?state=%00", "?state=nothing&offset=30"):
        assert (await browser.get(f"/alarms{query}")).status == 200
    assert (await browser.get(f"/alarms/{'0' * 32}")).status == 404


async def test_an_alarm_of_an_office_leads_to_its_chain(house: House) -> None:
    async with house.database.session() as db:
        trouble = Trouble(AlarmKind.CHAIN, "城关区信访局", ({"text": "城关区信访局：缺少第 2 号录像。"},))
        await raise_alarm(db, house.clock, trouble)
        await db.commit()
        alarm_id = await db.scalar(select(Alarm.id))
    text = await (await (await house.official("chengguan.archivist")).get(f"/alarms/{alarm_id}")).text()
    assert "单位：城关区信访局" in text and 'href="/chain"' in text
    assert "录像目录" not in text and "没有登记的文件" not in text
