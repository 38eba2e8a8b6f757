"""The board: four columns, filtered by the address, renewed in part; tasks taken and closed from it."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import update

from cases.people import Person
from cases.policy import SYSTEM
from scheduling.incidents.incident import Cause
from scheduling.incidents.incidents import Occurrence, end_incident, list_incidents, raise_incident
from scheduling.session import SessionState
from scheduling.sessions.sessions import move_session
from tests.factories import make_petition, make_session
from tests.web.conftest import Browser, House

DISTRICT, CITY, PROVINCE = "chengguan.receptionist", "city.receptionist", "province.receptionist"
ONLOOKER, OTHER = "city.inspector", "xigu.receptionist"


async def arrange(house: House, words: str = "李德福断开了。") -> tuple[str, str]:
    """A session that city and province join, and a task in it."""
    async with house.database.session() as db:
        session = await make_session(db, house.clock, house.world)
        await raise_incident(
            db, house.clock, Occurrence(session.id, Cause.DISCONNECTED, "seat", "李德福", words)
        )
        (task,) = await list_incidents(db, session.id)
    return session.id, task.incident.id


async def read(browser: Browser, path: str = "/board") -> str:
    answer = await browser.get(path)
    assert answer.status == 200, path
    return await answer.text()


def column(text: str, key: str) -> str:
    return text.split(f'data-key="column-{key}"', 1)[1].split("</section>", 1)[0]


async def test_both_tiers_read_the_task_one_takes_it_and_the_other_is_told_who(house: House) -> None:
    session_id, incident_id = await arrange(house)
    district, city = await house.official(DISTRICT), await house.official(CITY)
    for browser in (district, city):
        text = await read(browser)
        assert "掉线：李德福" in text and "我来处置" in text and "待处置 <span" in text
    path = f"/incidents/{incident_id}"
    taken = await district.send("/board", f"{path}/take", back="/board?tier=city")
    assert (taken.status, taken.headers["Location"]) == (303, "/board?tier=city")
    name = house.world.actor(DISTRICT).name
    assert f"{name}在处置" in await read(city) and "我在处置" in await read(district)
    refused = await city.send("/board", f"{path}/take")
    assert refused.status == 409 and f"{name}已经在处置" in await refused.text()
    text = await read(city, path)
    assert f"{name}正在处置，由本人填写结果" in text and 'name="outcome"' not in text
    wrong = await district.send(path, f"{path}/close", outcome="", words="打了电话 <b>")
    assert wrong.status == 422 and "请选择处置结果" in await wrong.text()
    assert "打了电话 &lt;b&gt;" in await wrong.text()
    done = await district.send(path, f"{path}/close", outcome="by_phone", words="打了电话\n<script>")
    assert (done.status, done.headers["Location"]) == (303, path)
    assert "掉线：李德福" not in await read(district)
    page = await read(city, f"/sessions/{session_id}")
    assert "待处置的事" in page and "处置完毕：改用电话" in page and "打了电话\n&lt;script&gt;" in page
    again = await district.send(path, f"{path}/close", outcome="solved", words="再来一次")
    assert again.status == 409 and "已经了结" in await again.text()


async def test_a_task_is_given_back_and_ends_by_itself_with_that_said(house: House) -> None:
    session_id, incident_id = await arrange(house)
    city, path = await house.official(CITY), f"/incidents/{incident_id}"
    early = await city.send(path, f"{path}/return", words="还没接手")
    assert early.status == 409 and "请先接手" in await early.text()
    away = await city.send(path, f"{path}/take", back="//evil.example/")
    assert away.headers["Location"] == path
    assert (await city.send(path, f"{path}/return", words="要去开会")).status == 303
    text = await read(city, path)
    assert "退回 · " in text and "要去开会" in text and "我来处置" in text
    async with house.database.session() as db:
        await end_incident(db, house.clock, session_id, Cause.DISCONNECTED, "seat", "李德福已经回来")
    text = await read(city, path)
    assert "已自行恢复" in text and "李德福已经回来" in text and "我来处置" not in text
    assert "掉线：李德福" not in await read(city)


async def test_who_only_looks_on_reads_no_name_and_has_no_button(house: House) -> None:
    session_id, incident_id = await arrange(house, "李德福断开了，电话也不通。")
    onlooker = await house.official(ONLOOKER)
    for path in ("/board", f"/incidents/{incident_id}"):
        text = await read(onlooker, path)
        assert "李某" in text and "李德福" not in text and "/take" not in text, path
    answer = await onlooker.send("/board", f"/incidents/{incident_id}/take")
    assert answer.status == 403 and "没有" in await answer.text()
    other = await house.official(OTHER)
    empty = (await read(other)).split('id="board-live"', 1)[1]
    assert "这一天没有接访" in empty and "李" not in empty and "column-" not in empty
    assert "没有符合条件的接访" in await read(other, "/board?tier=city")
    for path in (f"/incidents/{incident_id}", f"/incidents/{'0' * 32}", "/incidents/%00"):
        assert (await other.get(path)).status == 404
    async with house.database.session() as db:
        (task,) = await list_incidents(db, session_id)
    assert len(task.steps) == 1


async def test_the_address_remembers_day_tier_and_office(house: House) -> None:
    session_id, _ = await arrange(house)
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan, "路灯坏了半年")
        alone = await make_session(db, house.clock, house.world, petition, joint_organisation_ids=())
    browser = await house.official(DISTRICT)
    city, chengguan = house.world.city.id, house.world.chengguan.id
    both = await read(browser)
    assert session_id in both and alone.id in both
    for query in ("?tier=city", f"?office={city}", f"?tier=province&office={city}"):
        text = await read(browser, f"/board{query}")
        assert "楼道漏水" in text and "路灯" not in text, query
        assert f'data-address="/board/live{query.replace("&", "&amp;")}"' in text
    assert "路灯" in await read(browser, f"/board?tier=district&office={chengguan}")
    filtered = await read(browser, f"/board?tier=city&office={city}")
    assert '<option value="city" selected>' in filtered
    assert re.search(r'href="/board\?day=2026-07-23&amp;tier=city&amp;office=\w+"', filtered)
    nobody = await read(browser, "/board?tier=township")
    assert "楼道漏水" not in nobody and "掉线" not in nobody
    for odd in (
        "?tier=%00",
        "?office=../../x",
        "?tier=city&tier=x",
        "?day=x&office=" + "9" * 32,
        "?day=9999-99-99",
    ):
        assert (await browser.get(f"/board{odd}")).status == 200, odd


async def test_columns_follow_the_states(house: House) -> None:
    session_id, _ = await arrange(house)
    browser = await house.official(DISTRICT)
    states = [
        ("live", SessionState.LIVE), ("to_sign", SessionState.MINUTES_CONFIRMING),
        ("done", SessionState.CLOSED),
    ]  # fmt: skip
    assert session_id in column(await read(browser), "waiting")
    for key, state in states:
        async with house.database.session() as db:
            await move_session(db, house.clock, SYSTEM, session_id, state)
        assert session_id in column(await read(browser), key), key
    assert "掉线：" not in await read(browser)  # It ended with the session.


async def test_the_live_part_is_sent_only_when_it_changed(house: House) -> None:
    session_id, incident_id = await arrange(house)
    browser = await house.official(DISTRICT)
    first = await browser.get("/board/live")
    text, mark = await first.text(), first.headers["ETag"]
    assert first.status == 200 and "<html" not in text and session_id in text
    same = await browser.get("/board/live", headers={"If-None-Match": mark})
    assert (same.status, await same.text()) == (304, "")
    # Another official's act is there at once, what pages write a few seconds later.
    city = await house.official(CITY)
    assert (await city.send("/board", f"/incidents/{incident_id}/take")).status == 303
    text = await (await browser.get("/board/live", headers={"If-None-Match": mark})).text()
    assert f"{house.world.actor(CITY).name}在处置" in text
    house.clock.advance(minutes=1)
    assert "起，1 分钟" in await (await browser.get("/board/live", headers={"If-None-Match": mark})).text()
    assert (await house.browser().get("/board/live")).status == 302


async def test_a_board_before_an_empty_chair_does_not_keep_the_sign_in(house: House) -> None:
    watched, alone = await house.official(DISTRICT), await house.official(CITY)
    for _ in range(8):
        house.clock.advance(minutes=2)
        assert (await watched.get("/board/live")).status == 200
        last = await alone.get("/board/live", headers={"X-Unattended": "1"})
    assert last.status == 302


async def test_hostile_names_are_only_text(house: House) -> None:
    evil = '<img src=x onerror=alert(1)>" data-key="x'
    async with house.database.session() as db:
        session = await make_session(db, house.clock, house.world)
        await db.execute(update(Person).values(name=evil))
        await raise_incident(db, house.clock, Occurrence(session.id, Cause.HELP_ASKED, "x" * 500, evil, evil))
    text = await read(await house.official(DISTRICT))
    assert "<img" not in text and text.count('data-key="x"') == 0 and "&lt;img" in text


async def test_tasks_of_days_long_gone_are_not_on_the_board(house: House) -> None:
    await arrange(house)
    house.clock.advance(seconds=timedelta(days=8).total_seconds())
    assert "掉线：李德福" not in await read(await house.official(DISTRICT))
