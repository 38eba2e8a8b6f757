"""Which page of a list an address asks for, and where the pages beside it are."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from web.http.paging import FURTHEST, beside, onward, read_offset


@pytest.mark.parametrize(
    ("typed", "offset"),
    [("", 0), ("30", 30), ("-1", 0), ("1e3", 0), ("٣", 0), ("999999", FURTHEST), ("9" * 5000, 0)],
)
def test_offsets(typed: str, offset: int) -> None:
    assert read_offset(make_mocked_request("GET", f"/cases?offset={typed}")) == offset
    assert read_offset(make_mocked_request("GET", "/cases")) == 0


def test_the_pages_beside() -> None:
    query = {"search": "屋顶&<"}
    told = "/cases?search=%E5%B1%8B%E9%A1%B6%26%3C&offset="
    assert beside("/cases", query, 0, 30, 30) == {"previous": None, "next": None}
    assert beside("/cases", query, 0, 30, 31) == {"previous": None, "next": f"{told}30"}
    assert beside("/cases", query, 20, 30, 31) == {"previous": f"{told}0", "next": f"{told}50"}


def test_a_list_that_goes_on_from_a_place_leads_back_to_its_beginning() -> None:
    query = {"words": "屋顶&<"}
    told = "/recordings?words=%E5%B1%8B%E9%A1%B6%26%3C"
    assert onward("/recordings", query, False, "before", None) == {"first": None, "next": None}
    further = onward("/recordings", query, False, "before", "5-r1")
    assert further == {"first": None, "next": f"{told}&before=5-r1"}
    assert onward("/recordings", query, True, "before", None) == {"first": told, "next": None}
    assert onward("/chain", {}, True, "after", None)["first"] == "/chain"
