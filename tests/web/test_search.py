"""The archive page: what is typed stays, what is found leads to its second, and hostile input is told so."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from cases.policy import SYSTEM
from recordings.archive import search
from recordings.archive.index import index_due
from recordings.archive.postings import add_postings
from recordings.recording import load_recording, start_recording, stop_recording
from scheduling.session_events import append_event
from tests.disk import AMPLE
from tests.factories import make_petition, make_session
from tests.web.conftest import House


async def arrange(house: House) -> str:
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
        session = await make_session(db, house.clock, house.world, petition)
        made = await start_recording(
            db, house.clock, SYSTEM, session.id, house.settings.recordings_root, AMPLE
        )
        house.clock.advance(seconds=75)
        await append_event(
            db, house.clock, session.id, "mark.set", "王芳", data={"text": "<b>承诺</b>本周修好"}
        )
        await stop_recording(db, house.clock, SYSTEM, made.id, "session_closed")
        await index_due(db)
        return made.id


async def test_a_word_leads_to_its_second(house: House) -> None:
    recording_id, browser = await arrange(house), await house.official("chengguan.reviewer")
    assert "录像检索" in await (await browser.get("/board")).text()
    text = await (await browser.get("/recordings?words=承诺")).text()
    assert f'href="/recordings/{recording_id}?t=75s"' in text and "1:15" in text
    assert "<b>承诺" not in text and 'value="承诺"' in text
    assert "没有找到" in await (await browser.get("/recordings?words=电梯")).text()


async def test_whoever_may_not_replay_has_no_archive(house: House) -> None:
    await arrange(house)
    for key in ("city.sysadmin", "station.station_clerk", "housing.handler"):
        browser = await house.official(key)
        assert (await browser.get("/recordings")).status == 403
        assert 'href="/recordings"' not in await (await browser.get("/styleguide")).text()
    stranger = await house.official("xigu.receptionist")
    assert "楼道漏水" not in await (await stranger.get("/recordings")).text()


async def test_odd_input_is_answered_and_never_fails(house: House) -> None:
    await arrange(house)
    browser = await house.official("city.leader")
    for asked, status in (
        ("words=供", 422),
        ("since=2026-13-01", 422),
        ("since=0001-01-01", 422),
        ("until=9999-12-31", 422),
        ("since=2026-07-02&until=2026-07-01", 422),
        ("person=%00%F0%9F%98%80", 422),
        ("number=%27%3B--", 200),
        ("office=nobody&happened=nothing", 200),
        ("before=99999999999999999-x", 200),
        ("before=9999999999999999-", 200),
        ("before=%00", 200),
        ("words=" + "承诺" * 100, 200),
    ):
        assert (await browser.get(f"/recordings?{asked}")).status == status, asked


async def test_dates_are_civil_days_in_beijing(house: House) -> None:
    await arrange(house)
    browser = await house.official("city.leader")
    day = (house.clock.now() + timedelta(hours=8)).date()
    assert "楼道漏水" in await (await browser.get(f"/recordings?since={day}&until={day}")).text()
    later = day + timedelta(days=1)
    assert "楼道漏水" not in await (await browser.get(f"/recordings?since={later}")).text()


async def test_a_page_that_stopped_looking_says_how_far_it_came_and_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All pairs of 承诺修好 occur: only reading the text tells that the word does not."""
    recording_id = await arrange(house)
    async with house.database.session() as db:
        recording = await load_recording(db, recording_id)
        await add_postings(db, recording_id, recording.started_at, {"w:诺修"})
        await db.commit()
    browser = await house.official("city.leader")
    assert "没有找到" in await (await browser.get("/recordings?words=承诺修好")).text()
    monkeypatch.setattr(search, "MOST_LOOKED_AT", 1)
    text = await (await browser.get("/recordings?words=承诺修好")).text()
    assert "已经查到" in text and "没有找到" not in text and ">下一页<" in text
    [address] = re.findall(r'href="(/recordings\?[^"]*before=[^"]*)"', text)
    text = await (await browser.get(html.unescape(address))).text()
    assert "没有找到" in text and ">回到第一页<" in text
