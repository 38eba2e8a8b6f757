"""The figures on their pages: what is counted leads to its list; reports and the wall hold the same."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from xml.etree import ElementTree

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from cases.casefile import PetitionClass
from cases.figures.indicator import INDICATORS
from cases.figures.months import NOW, CountedMonth
from cases.figures.reading import Part
from cases.figures.sums import NOTHING
from cases.handling.taking import take_step
from tests.factories import make_petition
from tests.web.conftest import House
from web.demo.source_figures import seed_source_figures
from web.statistics.telling import district_sentence
from web.tending import counted_months

HALF = "period=2021-H1"


@pytest.fixture
def database_system() -> str:
    """One system is enough for pages; the queries run on both in tests/cases/figures."""
    return "sqlite"


async def test_the_page_says_what_it_counts_and_leads_to_just_those_cases(house: House) -> None:
    async with house.database.session() as db:
        await seed_source_figures(db)
    leader = await house.official("city.leader")
    shown = {
        "": ("33.97 天", "100.00%", "88.66%", "782／882", "2021年上半年"),
        "/handling": ("33.97 天", "59.04%", ">33970<", "答复率", "一次性化解率", "领导信箱"),
        "/handling?by=unit": ("城关区住建局",),
        "/receptions": ("候访", "回访核实率", "因技术原因没有办成", "区县", "城关区信访局"),
        "/satisfaction": ("88.66%", "91.38%", "办结 1000 件，882 件作了评价"),
        "/districts": ("登记最多的是城关区信访局", "七里河区"),
        "/topics": ("供暖和供水",),
    }
    for part, values in shown.items():
        answer = await leader.get(f"/figures{part}{'&' if '?' in part else '?'}{HALF}")
        page = await answer.text()
        assert answer.status == 200 and page.count('aria-current="page"') == 2, part
        for value in values:
            assert value in page, (part, value)
    settled = await (await leader.get(f"/figures/cases?{HALF}&count=resolved")).text()
    assert "共 418 件" in settled and "LZ2021-9" in settled
    rest = await (await leader.get(f"/figures/cases?{HALF}&count=surveyed&without=resolved")).text()
    assert "共 290 件" in rest and "没有做到的" in rest
    # Who rated how has no list, and neither has a measure that is none.
    for name in ("unit_satisfied", "unit_rated", "rated", "x", ""):
        assert (await leader.get(f"/figures/cases?{HALF}&count={name}")).status == 404
    assert (await leader.get(f"/figures/cases?{HALF}&count=surveyed&without=unit_satisfied")).status == 404
    one = await (await leader.get(f"/figures?{HALF}&region=620102")).text()
    assert "1000" not in re.sub(r"<option.*?</option>", "", one) and 'value="620102" selected' in one


async def test_ratings_are_told_of_whole_months_and_of_all_channels_alone(house: House) -> None:
    """Two questions that differ by one case would tell how it was rated."""
    async with house.database.session() as db:
        await seed_source_figures(db)
    leader = await house.official("city.leader")
    for query in ("period=2021-02-01..2021-06-30", "period=2021-02-02..2021-06-30", f"{HALF}&channel=web"):
        page = await (await leader.get(f"/figures/satisfaction?{query}")).text()
        whole = query.startswith("period=2021-02-01")
        assert ("不单独统计" in page) != whole and ("满意率 8" in page) == whole, query
        for sheet in ("", "/districts"):
            page = await (await leader.get(f"/figures{sheet}?{query}&tile=rated_satisfaction")).text()
            assert ("不单独统计" in page) != whole, (sheet, query)


async def test_a_district_counts_its_own_and_a_unit_what_it_handles(house: House) -> None:
    async with house.database.session() as db:
        await seed_source_figures(db)
        petition = await make_petition(db, house.clock, house.world.chengguan)
        given = {"class": "claim", "way": "handle", "words": "修屋顶", "unit": house.world.housing.id}
        for step in ("classify", "forward"):
            keeper = house.world.actor("chengguan.receptionist")
            await take_step(db, house.clock, keeper, petition.id, step, given)
    city, district, handler = [
        await house.official(key) for key in ("city.leader", "xigu.leader", "housing.handler")
    ]
    counts = {}
    for name, browser in (("city", city), ("district", district), ("unit", handler)):
        listed = await (await browser.get(f"/figures/cases?{HALF}&count=concluded")).text()
        found = re.search(r"共 (\d+) 件", listed)
        assert found is not None
        counts[name] = int(found.group(1))
    assert counts["city"] == 1000 and counts["district"] == 120 and counts["unit"] == 0
    asked = await (await district.get(f"/figures/cases?{HALF}&count=concluded&region=620102")).text()
    own = await (await handler.get("/figures/cases?count=registered")).text()
    assert "共 1 件" in own and petition.number in own
    assert "共 0 件" in asked, "a filter does not widen what one sees"
    assert (await (await house.official("city.sysadmin")).get("/figures")).status == 403


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("year=2026&span=13", "统计期"),
        ("span=days&first=2026-02-30&last=2026-03-01", "日期"),
        ("span=days&first=2026-03-02&last=2026-03-01", "结束日期早于开始日期"),
        ("period=1970", "年份应在"),
        ("period=9999-12", "年份应在"),
        ("period=2000-01-01..2026-01-01", "十年"),
        ("period=%00%F0%9F%98%80", "统计期"),
    ],
)
async def test_a_period_that_is_none_is_told_and_this_month_shown(
    house: House, query: str, reason: str
) -> None:
    leader = await house.official("city.leader")
    answer = await leader.get(f"/figures?{query}")
    page = await answer.text()
    assert answer.status == 422 and reason in page and "2026年7月" in page
    odd = "channel=%27x&class=1&region=%25&office=..&unit=&tile=z&by=person&period=2026-07"
    for part in ("", "/handling", "/receptions", "/satisfaction", "/districts", "/topics"):
        assert (await leader.get(f"/figures{part}?{odd}")).status == 200, part


async def test_reports_hold_the_same_figures(house: House) -> None:
    async with house.database.session() as db:
        await seed_source_figures(db)
    leader = await house.official("city.leader")
    answer = await leader.get(f"/figures/report.pdf?{HALF}")
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/pdf"
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(await answer.read())).pages)
    text = text.replace("\0", "")  # As pypdf reads characters of two bytes.
    for words in ("2021年上半年信访统计报告", "兰州市信访局", "33.97 天", "88.66%", "城关区", "视频接访"):
        assert words in text, words
    answer = await leader.get(f"/figures/report.xlsx?{HALF}")
    book = zipfile.ZipFile(BytesIO(await answer.read()))
    assert book.testzip() is None
    rows = _rows(book.read("xl/worksheets/sheet2.xml"))
    assert rows["平均办理天数"] == ["33.97", "天", "33970", "1000"]
    assert rows["矛盾纠纷化解率"] == ["59.04", "%", "418", "708"]
    for name in book.namelist():
        ElementTree.fromstring(book.read(name))  # noqa: S314 - what we have just written ourselves.
        assert b"<f>" not in book.read(name)


def _rows(sheet: bytes) -> dict[str, list[str]]:
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    rows = ElementTree.fromstring(sheet).findall(".//m:row", space)  # noqa: S314
    told = [["".join(cell.itertext()) for cell in row] for row in rows]
    return {row[0]: row[1:5] for row in told}


async def test_the_wall_refreshes_itself_and_names_nobody(house: House) -> None:
    async with house.database.session() as db:
        await seed_source_figures(db)
    leader = await house.official("city.leader")
    answer = await leader.get(f"/figures/screen?{HALF}")
    page = await answer.text()
    assert answer.status == 200 and answer.headers["Refresh"] == "300"
    assert "33.97 天" in page and "<a " not in page and "<form" not in page
    names = [official.name for official in house.world.officials.values()]
    assert not any(name in page for name in names) and "LZ2021" not in page and "1390000" not in page


async def test_a_figure_of_receptions_leads_to_a_list_as_long_as_it_says(house: House) -> None:
    """And a figure of the overview to how it is made."""
    async with house.database.session() as db:
        await seed_source_figures(db)
    leader = await house.official("city.leader")
    page = await (await leader.get(f"/figures/receptions?{HALF}")).text()
    found = set(re.findall(r'href="(/figures/receptions/list\?[^"]*)">\D*(\d+)\D*</a>', page))
    measures = {re.sub(r".*[?&;]count=(\w+).*", r"\1", address) for address, _ in found}
    assert measures >= {"planned", "held", "joint", "closed"} and any("without=" in each for each, _ in found)
    for address, number in found:
        listed = await (await leader.get(address.replace("&amp;", "&"))).text()
        assert re.search(rf"共 {number} ([场项]|人次|个录像)", listed), address
    assert measures >= {"due", "persons"}
    for name in ("late_seconds", "rated", "satisfied", "x", ""):
        assert (await leader.get(f"/figures/receptions/list?{HALF}&count={name}")).status == 404
    assert (await leader.get("/figures/receptions/list?count=held&without=promises_kept")).status == 404
    for query in ("count=persons&without=held", "count=sealed&without=held", "count=held&without=sealed"):
        assert (await leader.get(f"/figures/receptions/list?{query}")).status == 404, query
    for name, empty in (("persons", "没有这样的接访"), ("waited", "人次"), ("sealed", "没有这样的录像")):
        assert empty in await (await leader.get(f"/figures/receptions/list?count={name}")).text()
    four = await (await leader.get(f"/figures?{HALF}")).text()
    for address, code in re.findall(r'<h3><a href="([^"#]+)#(\w+)"', four):
        assert f'id="{code}"' in await (await leader.get(address.replace("&amp;", "&"))).text()


async def test_numbers_of_a_table_lead_to_their_cases_the_citys_own_without_its_districts(
    house: House,
) -> None:
    async with house.database.session() as db:
        for office in (house.world.city, house.world.chengguan, house.world.chengguan):
            await make_petition(db, house.clock, office)
    leader = await house.official("city.leader")
    page = await (await leader.get("/figures/districts")).text()
    found = re.findall(r'href="(/figures/cases\?[^"]*)">(\d+)</a>', page)
    assert sorted(number for address, number in found if "count=registered" in address) == ["1", "2"]
    for address, number in found:
        listed = await (await leader.get(address.replace("&amp;", "&"))).text()
        assert f"共 {number} 件" in listed, address
    tile = re.search(r'href="(/figures\?[^"]*)"><span class="district-name">市本级', page)
    assert tile is not None
    own = await (await leader.get(tile.group(1).replace("&amp;", "&"))).text()
    assert "登记 1 件" in own and "只看本级" in own and "包括下级" in own
    wall = await (await leader.get("/figures/screen")).text()
    assert "十二个月共登记 3 件" in wall and wall.count("<th scope=\"row\">2026年7月</th><td>3</td>") == 1


def test_the_sentence_of_the_map_speaks_of_what_is_on_it() -> None:
    def part(name: str, registered: int, kept: int, due: int) -> Part:
        rate = INDICATORS["on_time_rate"]
        sums = {**NOTHING, "registered": registered, rate.numerator: kept, rate.denominator: due}
        return Part(name, name, sums, True)

    one, two, none = part("城关区", 3, 9, 10), part("西固区", 8, 1, 2), part("红古区", 0, 0, 0)
    assert district_sentence([one, two, none]) == "登记最多的是西固区，8 件。"
    told = district_sentence([one, two, none], "on_time_rate")
    assert told == "按期办结率：最高的是城关区，90.00%；最低的是西固区，50.00%。"
    assert district_sentence([one, none], "on_time_rate") == "按期办结率：有数的区县都是 90.00%。"
    assert district_sentence([none], "on_time_rate") == "按期办结率：没有可以显示的数。"


async def test_secret_cases_are_in_no_figure(house: House) -> None:
    async with house.database.session() as db:
        await make_petition(db, house.clock, house.world.chengguan, "公开的")
        await make_petition(db, house.clock, house.world.chengguan, "密的", class_=PetitionClass.ACCUSATION)
    house.clock.advance(days=1)
    for key in ("city.leader", "chengguan.receptionist"):
        listed = await (await (await house.official(key)).get("/figures/cases?count=registered")).text()
        assert "共 1 件" in listed and "公开的" in listed and "密的" not in listed


async def test_months_are_counted_beside_the_pages(house: House) -> None:
    """By the task of the process: what runs first, then the newest month."""
    async with house.database.session() as db:
        await make_petition(db, house.clock, house.world.chengguan)
    for _ in range(2):
        assert await counted_months._round(house.server.app)
    async with house.database.session() as db:
        months = set(await db.scalars(select(CountedMonth.month)))
    assert months == {NOW, "2026-07"}


async def test_the_yearly_report_tells_of_supervision(house: House) -> None:
    leader = await house.official("city.leader")
    for period, told in (("2026", True), ("2026-07", False)):
        answer = await leader.get(f"/figures/report.xlsx?period={period}")
        book = zipfile.ZipFile(BytesIO(await answer.read()))
        assert ("督办和建议" in book.read("xl/workbook.xml").decode()) == told
