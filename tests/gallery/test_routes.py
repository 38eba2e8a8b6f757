"""The tour of pages asks the table of routes, so a new page is photographed or told as missing."""

from __future__ import annotations

import pytest

from tests.gallery.routes import NO_PAGES, PAGES, route_of
from web.routes import TABLE

GETS = {route.path for route in TABLE if route.method == "GET"}


def test_what_is_called_no_page_is_still_a_route() -> None:
    assert NO_PAGES <= GETS
    assert not NO_PAGES & set(PAGES)


def test_a_page_is_whatever_is_not_a_file_and_not_called_otherwise() -> None:
    left = GETS - set(PAGES) - NO_PAGES
    machines = {"/healthz", "/readyz", "/metrics", "/api/v1/cases", "/api/v1/cases/{number}"}
    assert {each for each in left if "." not in each} == machines


@pytest.mark.parametrize(
    ("path", "route", "places"),
    [
        ("/cases/new", "/cases/new", {}),
        ("/cases/12", "/cases/{petition_id}", {"petition_id": "12"}),
        ("/campaigns/mine", "/campaigns/mine", {}),
        ("/nowhere", "", {}),
    ],
)
def test_a_path_belongs_to_the_route_that_answers(path: str, route: str, places: dict[str, str]) -> None:
    assert route_of(path) == (route, places)
