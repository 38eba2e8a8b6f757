"""The list of cases as a page: conditions, their faults at their fields, and the addresses of its pages."""

from __future__ import annotations

import html
import re

import pytest

from cases.petitions import Channel
from cases.register import search
from tests.factories import make_petition
from tests.web.conftest import Browser, House


async def listed(browser: Browser, address: str, status: int = 200) -> tuple[list[str], str]:
    """Numbers on the page, and the page."""
    answer = await browser.get(address)
    text = html.unescape(await answer.text())
    assert answer.status == status, text
    return re.findall(r">(LZ\d{4}-\d{6})</a>", text), text


async def test_the_register_is_looked_through(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PAGE", 2)
    monkeypatch.setattr(search, "AT_ONCE", 3)
    numbers = []
    async with house.database.session() as db:
        for channel in (Channel.WEB, Channel.VISIT, Channel.WEB, Channel.WEB):
            petition = await make_petition(db, house.clock, house.world.chengguan, channel=channel)
            numbers.insert(0, petition.number)
            house.clock.advance(days=1)
    browser = await house.official("chengguan.receptionist")
    found, text = await listed(browser, "/cases")
    assert found == numbers[:2] and "没有找到" not in text
    older = re.search(r'href="(/cases\?before=[^"]*)">下一页', text)
    assert older is not None
    found, text = await listed(browser, older[1])
    assert found == numbers[2:] and 'href="/cases">上一页' in text and "下一页" not in text
    for query, expected in (
        ("search=ldf&channel=visit", [numbers[2]]),
        ("channel=web&until=2026-07-23", [numbers[3]]),
        ("since=2026-07-24&channel=web", numbers[:2]),
        ("state=registered&class=claim&search=楼道", numbers[:2]),
        ("state=closed", []),
        (f"search={numbers[3]}", [numbers[3]]),
        (f"office={house.world.chengguan.id}&search=漏水 李", numbers[:2]),
    ):
        found, text = await listed(browser, f"/cases?{query}")
        assert found == expected, query
        assert ("没有找到" in text) == (not expected)


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("since=2026-02-30", "since", "请填写日期"),
        ("until=9999-01-01", "until", "请填写日期"),
        ("since=2026-07-02&until=2026-07-01", "until", "结束日期早于开始日期"),
        ("state=liked", "state", "没有这个条件"),
        ("channel=pigeon", "channel", "没有这个条件"),
        ("class=1", "class", "没有这个条件"),
        ("office=nobody", "office", "没有这个条件"),
    ],
)
async def test_what_nobody_can_ask_is_told_at_its_field(
    house: House, query: str, field: str, words: str
) -> None:
    browser = await house.official("chengguan.receptionist")
    found, text = await listed(browser, f"/cases?{query}", 422)
    assert found == [] and "错误：信访件" in text
    part = text[text.index(f'for="{field}"') :]
    assert words in part[: part.index("</div>")]


async def test_odd_conditions_are_no_faults_of_ours(house: House) -> None:
    browser = await house.official("chengguan.receptionist")
    for query in (
        *("before=x", "before=99999999999999999-a", "before=1-a&sort=secret", "state=&channel="),
        *("search=%00%E2%80%AE", "search=" + "字" * 800, "search=%25_", "search=" + "a+" * 900),
    ):
        await listed(browser, f"/cases?{query}")
