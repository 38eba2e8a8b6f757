"""Every page of citizens in English: nothing Chinese is left but names, what people typed, and records."""

from __future__ import annotations

import html
import re

import pytest
from sqlalchemy import String, select

from cases.database import Base
from cases.lanzhou import DISTRICTS
from tests.web.conftest import Browser, House
from tests.web.test_links import make_link
from tests.web.test_routes import Objects, make_objects
from web.routes import TABLE

CHINESE = re.compile(r"[\u4e00-\u9fff](?:[^<>\"\n]*[\u4e00-\u9fff])?")
# What a page carries for its modules: names, and words that they tell in the page's language.
BESIDE = re.compile(r"<script\b.*?</script>|<!--.*?-->", re.S)
PLACE = re.compile(r"\{(\w+)(?::[^}]*)?\}")
CITIZENS = ("/j/", "/book", "/privacy", "/accessibility", "/progress", "/signin", "/terminal")
# The other language is offered in its own word; a masked name keeps its ending.
KEPT = ("中文", "李某", *DISTRICTS.values())


async def typed(house: House) -> list[str]:
    """Names, what people typed and what was recorded, as the database holds it; the longest first."""
    found: set[str] = set(KEPT)
    async with house.database.session() as db:
        for table in Base.metadata.tables.values():
            for column in table.columns:
                if isinstance(column.type, String):
                    found |= {str(value) for value in await db.scalars(select(column).distinct()) if value}
    return sorted((each for each in found if CHINESE.search(each)), key=len, reverse=True)


def chinese_of(page: str, known: list[str]) -> list[str]:
    """What is Chinese on a page and stands in no list of what was typed."""
    text = html.unescape(BESIDE.sub("", page))
    for each in known:
        text = text.replace(each, "")
    return CHINESE.findall(text)


async def walk(browser: Browser, paths: list[str], known: list[str]) -> dict[str, list[str]]:
    """Path to what is Chinese there."""
    await browser.send("/privacy", "/language", language="en", next="/")
    found = {}
    for path in paths:
        answer = await browser.get(path)
        assert answer.status < 500, path
        if answer.content_type in ("text/html", "application/json"):
            page = await answer.text()
            if answer.content_type == "application/json" and answer.status < 400:
                continue
            left = chinese_of(page, known)
            if left:
                found[path] = left
    return found


def paths_of(objects: Objects) -> list[str]:
    """Every page there is, with the objects of the house in its address."""
    known = vars(objects) | {"question": "outcome", "number": "1"}
    patterns = [route.path for route in TABLE if route.method == "GET"]
    return [PLACE.sub(lambda found: str(known.get(found[1], "0" * 32)), pattern) for pattern in patterns]


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_every_page_of_citizens_is_english(house: House) -> None:
    objects, given, citizen = await make_objects(house), await make_link(house), house.browser()
    known = await typed(house)
    paths = [path.replace(objects.code, given.code) for path in paths_of(objects)]
    await citizen.send(f"/j/{given.code}", f"/j/{given.code}", secret=given.secret)
    assert await walk(citizen, [path for path in paths if path.startswith(CITIZENS)], known) == {}
