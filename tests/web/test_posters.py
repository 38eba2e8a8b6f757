"""The poster of an office or a station: its code leads to one page with all that a citizen can do there."""

from __future__ import annotations

import html
import re

import pytest
from sqlalchemy import select

from scheduling.arrival.poster import PosterCount
from scheduling.arrival.visiting_place import set_place
from tests.factories import make_slots
from tests.web.conftest import House


@pytest.fixture
def database_system() -> str:
    """What is counted is tested on both systems beside this."""
    return "sqlite"


async def made(house: House, organisation_id: str, spot: str = "一楼大厅") -> tuple[str, str]:
    """The id of a new poster of this organisation, and the path of its code."""
    browser = await house.official("chengguan.receptionist")
    answer = await browser.send("/places", "/posters", office=organisation_id, spot=spot)
    to = answer.headers["Location"]
    text = await (await browser.get(to)).text()
    found = re.search(r'class="poster-url">http://[^/]+(/[^<]*)<', text)
    assert found is not None and spot in text
    return to.rpartition("/")[2], html.unescape(found[1])


async def counts(house: House) -> dict[str, int]:
    async with house.database.session() as db:
        rows = (await db.scalars(select(PosterCount))).all()
    return {str(row.use): row.times for row in rows}


async def test_a_poster_leads_to_the_place_and_all_four_ways(house: House) -> None:
    async with house.database.session() as db:
        await set_place(db, "620102", "庆阳路 1 号", "工作日 9:00 到 17:00", "0931-1234567")
    _, path = await made(house, house.world.chengguan.id)
    assert re.fullmatch(r"/\?region=620102&poster=[a-z2-9]{8}", path)  # A region, a sheet and nobody.
    code = path.rpartition("=")[2]
    page = await (await house.browser().get(path)).text()
    assert house.world.chengguan.name in page and "庆阳路 1 号" in page and "tel:0931-1234567" in page
    office = house.world.chengguan.id
    for way in (
        f"/book?organisation={office}&amp;poster={code}",
        f"/petition?poster={code}",
        "/progress",
    ):
        assert f'href="{way}"' in page


async def test_each_sheet_is_counted_and_taken_back_alone(house: House) -> None:
    one, path = await made(house, house.world.chengguan.id)
    _, other = await made(house, house.world.chengguan.id, "第一接访室")
    assert path != other
    browser = house.browser()
    for _ in range(2):
        await browser.get(path)
    assert await counts(house) == {"opened": 2}
    official = await house.official("chengguan.receptionist")
    places = await (await official.get("/places")).text()
    assert "近 30 天扫码 2 次" in places and "近 30 天扫码 0 次" in places
    await official.send("/places", f"/posters/{one}/withdraw")
    page = await (await browser.get(path)).text()
    assert "这张海报已经收回" in page and house.world.chengguan.name in page and "poster=" not in page
    assert await counts(house) == {"opened": 2}
    assert "这张海报已经收回" not in await (await browser.get(other)).text()


async def test_what_came_of_a_poster_is_counted_and_not_whose_it_was(house: House) -> None:
    async with house.database.session() as db:
        slots = await make_slots(db, house.clock, house.world.chengguan)
    _, path = await made(house, house.world.chengguan.id)
    code, browser = path.rpartition("=")[2], house.browser()
    office = house.world.chengguan.id
    page = await (await browser.get(f"/book?organisation={office}&poster={code}")).text()
    assert f'name="poster" value="{code}"' in page
    form = {
        "organisation": office, "poster": code, "slot": slots[0].id, "name": "张桂芳",
        "phone": "13900001111", "subject": "供暖不热",
    }  # fmt: skip
    await browser.send("/book", "/book", **form)
    await browser.send("/book", "/book", **(form | {"slot": slots[1].id, "poster": "' or 1=1"}))
    assert await counts(house) == {"booked": 1}
    page = await (await browser.get(f"/petition?poster={code}")).text()
    assert f'name="poster" value="{code}"' in page
    page = await (await browser.send("/petition", "/petition", step="1", poster=code)).text()
    assert f'name="poster" value="{code}"' in page  # Kept from step to step.


async def test_only_its_own_office_makes_posters(house: House) -> None:
    tries = (
        ("xigu.receptionist", house.world.chengguan, "大厅"),
        ("chengguan.receptionist", house.world.housing, "大厅"),
        ("chengguan.receptionist", house.world.chengguan, " "),
    )
    for key, office, spot in tries:
        browser = await house.official(key)
        answer = await browser.send("/places", "/posters", office=office.id, spot=spot)
        assert answer.status in (403, 404, 422)
    assert "请填写张贴位置" in await answer.text()


async def test_a_citys_poster_lets_people_choose_the_district(house: House) -> None:
    page = await (await house.browser().get("/?region=6201")).text()
    assert house.world.city.name in page and 'href="/book"' in page


async def test_a_place_that_is_none_is_the_usual_page(house: House) -> None:
    browser = house.browser()
    for region in ("999999", "6", "6201' or 1", "６２０１０２", "9" * 5000, "%00", "*"):
        answer = await browser.get(f"/?region={region}")
        text = await answer.text()
        assert answer.status == 200 and "place-title" not in text and 'href="/book"' in text
