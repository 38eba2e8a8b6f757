"""The poster of an office or a station: its code leads to one page with all that a citizen can do there."""

from __future__ import annotations

import re

import pytest

from scheduling.arrival.visiting_place import set_place
from tests.web.conftest import House


@pytest.fixture
def database_system() -> str:
    return "sqlite"


async def scanned(house: House, organisation_id: str) -> str:
    """The path of the code on the poster of this organisation."""
    browser = await house.official("chengguan.receptionist")
    poster = await (await browser.get(f"/posters/{organisation_id}")).text()
    found = re.search(r'class="poster-url">http://[^/]+(/[^<]*)<', poster)
    assert found is not None
    return found[1]


async def test_a_poster_leads_to_the_place_and_all_four_ways(house: House) -> None:
    async with house.database.session() as db:
        await set_place(db, "620102", "庆阳路 1 号", "工作日 9:00 到 17:00", "0931-1234567")
    path = await scanned(house, house.world.chengguan.id)
    assert path == "/?region=620102"  # A region and nobody.
    page = await (await house.browser().get(path)).text()
    assert house.world.chengguan.name in page and "庆阳路 1 号" in page and "tel:0931-1234567" in page
    for way in (f"/book?organisation={house.world.chengguan.id}", "/petition", "/progress"):
        assert f'href="{way}"' in page


async def test_a_citys_poster_lets_people_choose_the_district(house: House) -> None:
    page = await (await house.browser().get("/?region=6201")).text()
    assert house.world.city.name in page and 'href="/book"' in page


async def test_a_place_that_is_none_is_the_usual_page(house: House) -> None:
    browser = house.browser()
    for region in ("999999", "6", "6201' or 1", "６２０１０２", "9" * 5000, "%00", "*"):
        answer = await browser.get(f"/?region={region}")
        text = await answer.text()
        assert answer.status == 200 and "place-title" not in text and 'href="/book"' in text
