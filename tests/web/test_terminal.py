"""A station's terminal over HTTP: who becomes one, how a link opens there, what is left afterwards."""

from __future__ import annotations

from scheduling.arrival.visiting_place import set_place
from scheduling.requests.citizen_requests import Asked, RequestState, find_request
from scheduling.session_events import list_events
from tests.web.conftest import Browser, House
from tests.web.test_links import Given, make_link
from web.http.access import LINK_COOKIE, TERMINAL_COOKIE

START, REGION = "/terminal/620102001", "620102001"


async def terminal(house: House) -> Browser:
    async with house.database.session() as db:
        await set_place(db, REGION, "酒泉路 8 号一楼", "周一至周五 8:30–12:00", "0931-2222")
    browser = house.browser()
    page = await browser.get(START)
    assert page.status == 200 and "酒泉路 8 号一楼" in await page.text()
    assert browser.cookie(TERMINAL_COOKIE) == REGION
    return browser


async def scan(browser: Browser, link: str) -> tuple[int, dict[str, object]]:
    answer = await browser.post(f"{START}/open", json={"link": link})
    return answer.status, await answer.json()


async def test_only_a_station_that_said_where_it_is_has_a_terminal(house: House) -> None:
    browser = house.browser()
    for region in (REGION, "1", "x" * 300, "６２０１０２", "620102001%00"):
        assert (await browser.get(f"/terminal/{region}")).status == 404
    await terminal(house)
    lured = house.browser()
    assert (await lured.get(START, headers={"Sec-Fetch-Site": "cross-site"})).status == 200
    assert lured.cookie(TERMINAL_COOKIE) == ""
    assert 'data-terminal="guard"' not in await (await lured.get("/privacy")).text()


async def test_a_visit_leaves_nothing_and_the_own_phone_goes_on(house: House) -> None:
    given, browser = await make_link(house), await terminal(house)
    status, told = await scan(browser, f" https://example.org/j/{given.code}#{given.secret}\n")
    assert (status, told) == (200, {"next": f"/j/{given.code}"})
    page = await (await browser.get(f"/j/{given.code}")).text()
    assert "李德福" in page and 'data-terminal="guard"' in page and f'data-end="/j/{given.code}/end"' in page
    (cookie,) = [each for each in browser.http.cookie_jar if each.key == LINK_COOKIE]
    assert cookie["max-age"] == "" and cookie["expires"] == ""  # Gone with the browser, too.
    await browser.send("/privacy", "/language", language="en", next="/privacy")
    answer = await browser.post(f"/j/{given.code}/end", json={})
    assert (answer.status, answer.headers["Clear-Site-Data"]) == (200, '"cookies", "storage"')
    assert [each.key for each in browser.http.cookie_jar] == [TERMINAL_COOKIE]
    assert "李德福" not in await (await browser.get(f"/j/{given.code}")).text()
    assert (await browser.get(f"/j/{given.code}/notice")).status == 403
    async with house.database.session() as db:
        kinds = [event.kind for event in await list_events(db, given.session_id)]
    assert kinds[-2:] == ["link.opened", "link.released"]
    assert (await given.exchange(house.browser()))[0] == 200


async def test_ending_takes_nothing_from_an_own_device(house: House) -> None:
    """A foreign terminal, or a page that was left open, cannot free somebody's link."""
    given, phone = await make_link(house), house.browser()
    await given.exchange(phone)
    stranger = await terminal(house)
    assert (await stranger.post(f"/j/{given.code}/end", json={})).status == 200
    assert (await phone.get(f"/j/{given.code}/notice")).status == 200
    refused = await stranger.post(f"/j/{given.code}/end", json={}, headers={"Origin": "https://evil.example"})
    assert refused.status == 403


async def test_what_is_no_link_is_said_in_words(house: House) -> None:
    given, browser = await make_link(house), await terminal(house)
    for typed in ("", "你好", given.code, f"{given.code}#short", "#" * 400, f"{given.code}#{'a' * 600}"):
        status, told = await scan(browser, typed)
        assert (status, _code(told)) == (422, "bad_link"), typed
    status, told = await scan(browser, f"{given.code}#{'a' * 43}")
    assert (status, _code(told)) == (403, "link_invalid")
    for body in (b"", b"[]", b'{"link": 5}'):
        headers = {"Content-Type": "application/json"}
        assert (await browser.post(f"{START}/open", body, headers=headers)).status == 422


async def test_a_link_on_the_own_phone_is_let_over_by_the_staff(house: House) -> None:
    given, browser = await make_link(house), await terminal(house)
    await given.exchange(house.browser())
    status, told = await scan(browser, given_link(given))
    assert (status, _code(told)) == (403, "link_in_use")
    async with house.database.session() as db:
        asked = await find_request(db, given.invitation_id, Asked.OTHER_DEVICE)
    assert asked is not None and asked.state is RequestState.OPEN


def given_link(given: Given) -> str:
    return f"/j/{given.code}#{given.secret}"


def _code(told: dict[str, object]) -> object:
    error = told["error"]
    return error["code"] if isinstance(error, dict) else None
