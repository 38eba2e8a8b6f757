"""What a citizen's first pages load on a weak line: a ceiling on bytes and on requests, and none in a row."""

from __future__ import annotations

import gzip
import re

import pytest

from tests.web.conftest import House
from web.http.static_files import IMPORTED, JOINED, STATIC_ROOT, StaticFiles

NEEDED = re.compile(r'<(?:link rel="(?:stylesheet|modulepreload)" href|script[^>]* src)="(/static/[^"]+)"')
# Bytes of the page with all it loads before it can be used, and how many files that are. A bearer of
# 400 kbit/s carries 50 kB in a second.
CEILINGS = {"/": (18_500, 4), "/petition": (22_000, 6), "/mailbox": (22_500, 6)}


@pytest.fixture
def database_system() -> str:
    """One system is enough: pages are alike on both."""
    return "sqlite"


@pytest.mark.parametrize("path", CEILINGS)
async def test_a_page_is_light_and_asks_for_all_at_once(house: House, path: str) -> None:
    browser = house.browser()
    page = await (await browser.get(path)).text()
    wanted = dict.fromkeys(NEEDED.findall(page))
    weight = len(page.encode())
    for url in wanted:
        async with browser.http.get(browser.base + url, headers={"Accept-Encoding": "gzip"}) as answer:
            weight += int(answer.headers["Content-Length"])
        name = url.split("/", 3)[3]
        if name.endswith(".js"):
            text = (STATIC_ROOT / name).read_text("utf-8")
            for imported in IMPORTED.findall(text):
                found = [each for each in wanted if each.endswith(imported.rpartition("/")[2])]
                assert found, f"{name} asks for {imported} only once it has arrived"
    bytes_, files = CEILINGS[path]
    assert weight <= bytes_ and len(wanted) <= files, (weight, list(wanted))


async def test_text_is_packed_for_who_can_unpack_it_and_pages_are_not(house: House) -> None:
    browser = house.browser()
    page = await browser.get("/petition", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in page.headers, "its length would tell of the token in it"
    url = next(each for each in NEEDED.findall(await page.text()) if each.endswith(".css"))
    for accepted, packed in (("gzip, deflate, br", True), ("br", False)):
        async with browser.http.get(browser.base + url, headers={"Accept-Encoding": accepted}) as answer:
            assert (answer.headers.get("Content-Encoding") == "gzip") is packed
            assert answer.headers["Vary"] == "Accept-Encoding"


def test_what_is_joined_is_its_parts_in_their_order() -> None:
    files = StaticFiles()
    for whole, parts in JOINED.items():
        body = files.respond(files.build, whole, "gzip").body  # type: ignore[attr-defined]
        plain = b"\n".join((STATIC_ROOT / part).read_bytes() for part in parts)
        assert gzip.decompress(body) == plain and not (STATIC_ROOT / whole).exists()
