"""发出的通知: pages of it with what was asked for, and no wall of things to do."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from scheduling.notices.notice import Notice, NoticeChannel
from tests.factories import make_session
from tests.scheduling.test_outbox_pages import OWN, queue
from tests.web.conftest import House
from web.pages import outbox
from web.words import long_date


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_pages_keep_what_was_asked_for_and_things_to_do_stand_on_the_first(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "PAGE_SIZE", 2)
    monkeypatch.setattr(outbox, "MOST_TO_DO", 1)
    async with house.database.session() as db:
        session = await make_session(db, house.clock, house.world)
        for channel in (NoticeChannel.TELEPHONE, NoticeChannel.SMS) * 2:
            await queue(db, house.clock, session, channel)
    clerk = await house.official(OWN)
    first = await (await clerk.get("/outbox")).text()
    assert "等得最久的 1 件" in first and first.count("已经告知") == 1
    asked = "/outbox?channel=telephone&state=queued"
    page = await (await clerk.get(asked)).text()
    assert "要人办的" not in page and "下一页" not in page and page.count('class="outbox-text"') == 2
    onward = first.split('href="/outbox?before=')[1].split('"')[0]
    second = await (await clerk.get(f"/outbox?before={onward}")).text()
    assert "要人办的" not in second and "回到第一页" in second and second.count('class="outbox-text"') == 2
    monkeypatch.setattr(outbox, "PAGE_SIZE", 1)
    page = await (await clerk.get(asked)).text()
    assert 'href="/outbox?channel=telephone&amp;state=queued&amp;before=' in page
    odd = await clerk.get("/outbox?channel=pigeon&state=x&number=%00%25&before=x")
    assert odd.status == 200 and "没有找到" in await odd.text()


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_a_slip_carries_office_and_day_and_is_printed_by_a_button(house: House) -> None:
    async with house.database.session() as db:
        session = await make_session(db, house.clock, house.world)
        await queue(db, house.clock, session, NoticeChannel.PAPER)
        notice = (await db.scalars(select(Notice))).one()
    clerk = await house.official(OWN)
    slip = await (await clerk.get(f"/outbox/{notice.id}/slip")).text()
    button, article = slip.split("<article", 1)
    told = article.split('class="slip-date"', 1)[1].split("</p>", 1)[0]
    assert house.world.chengguan.name in told and long_date(notice.queued_at) in told
    assert "data-print hidden" in button and "js/print.js" in slip
