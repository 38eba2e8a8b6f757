"""Nobody is shown a way that ends at a closed door, and each way stands in one group."""

from __future__ import annotations

import re

from tests.web.conftest import House
from web.navigation import GROUPS, PLACES


async def test_each_way_in_the_bar_is_open_and_no_other(house: House) -> None:
    seen: set[str] = set()
    for key in house.world.officials:
        browser = await house.official(key)
        bar = (
            (await (await browser.get("/styleguide")).text()).split('class="nav"', 1)[1].split("</nav>", 1)[0]
        )
        ways = set(re.findall(r'href="(/[^"]*)"', bar))
        for _, way, _, _ in PLACES:
            assert ((await browser.get(way)).status == 200) == (way in ways), (key, way)
        seen |= ways
    assert seen == {way for _, way, _, _ in PLACES}


def test_each_place_stands_in_one_group() -> None:
    grouped = [name for _, names in GROUPS for name in names]
    assert sorted(grouped) == sorted(name for name, *_ in PLACES)
