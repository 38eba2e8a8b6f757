"""Addresses of a replay over real HTTP: whose they are, how long they hold, and odd ways of asking.

An address opens nothing by itself. Every request, also for a part of a film, is held against the sign-in
it comes with and the policy of that moment.
"""

from __future__ import annotations

import asyncio
import http.client

import pytest
from sqlalchemy import func, select

from recordings.recording import CompositionState, load_recording
from recordings.review.replay import RecordingAccess
from tests.web.conftest import Browser, House
from tests.web.test_replay import sealed_recording
from web.http.access import SIGN_IN_COOKIE

FILM = b"a film that only those may see who are permitted" * 50
OTHER = b"another film" * 200
RANGE = {"Range": "bytes=0-99"}
# What the programs of players send, and what nobody should.
PATHS = (
    "/recordings/{id}/composed.mp4/",
    "/recordings/{id}/composed.mp4/x",
    "/recordings/{id}/composed.mp4%00",
    "/recordings/{id}/composed.mp4;v=1",
    "/recordings/{id}/composed.mp4%20",
    "/recordings/{id}/Composed.mp4",
    "/recordings/{id}/./../{id}/composed.mp4x",
    "/recordings/{id}/../../etc/passwd",
    "/recordings/{id}/..%2f..%2fetc%2fpasswd",
    "/recordings/{id}/%2e%2e/%2e%2e/etc/passwd",
    "/recordings/..%2f{id}/composed.mp4",
    "/recordings/%2e%2e/composed.mp4",
    "/recordings/./composed.mp4",
    "/recordings//composed.mp4",
    "/recordings/{id}%00/composed.mp4",
    "/recordings/{id}%0d%0aX-Evil:1/composed.mp4",
    "/recordings/{id}'--/composed.mp4",
    "/recordings/{upper}/composed.mp4",
    "/recordings/{id}0/composed.mp4",
    "/recordings/{short}/composed.mp4",
    "/recordings/" + "a" * 4000 + "/composed.mp4",
    "/recordings/%ff%fe/composed.mp4",
    "/recordings/%E5%BD%95%E5%83%8F/composed.mp4",
    "/recordings/{id}/tracks/p_city-camera/000001.lxj",
    "/recordings/{id}/manifest.sig",
    "/recordings/{id}/..%5c..%5ckeys%5csigning.key",
)


async def film(house: House, content: bytes) -> str:
    """A sealed recording whose film is ``content``."""
    recording_id = await sealed_recording(house)
    async with house.database.session() as db:
        recording = await load_recording(db, recording_id)
        recording.composition, recording.composed_ms = CompositionState.DONE, 1000
        recording.composed_at = house.clock.now()
        folder = recording.folder(house.settings.recordings_root)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "composed.mp4").write_bytes(content)
        (folder / "manifest.json").write_bytes(b"{}")
        await db.commit()
    return recording_id


async def viewer(house: House, *recording_ids: str) -> Browser:
    """A receptionist who has said why these recordings are played."""
    browser = await house.official("chengguan.receptionist")
    for recording_id in recording_ids:
        assert await browser.state_purpose(recording_id) == 303
    return browser


async def views(house: House) -> int:
    async with house.database.session() as db:
        return await db.scalar(select(func.count()).select_from(RecordingAccess)) or 0


async def refused(browser: Browser, address: str) -> int:
    """The status of a refusal that gives away nothing of the film."""
    answer = await browser.get(address, headers=RANGE)
    body = await answer.read()
    assert answer.status in (302, 400, 403, 404, 414), (address, answer.status)
    assert FILM[:20] not in body and "Content-Range" not in answer.headers
    return answer.status


def raw_status(house: House, path: str, cookie: str) -> tuple[int, bytes]:
    """Ask for exactly this path; clients tidy addresses up before they send them."""
    connection = http.client.HTTPConnection("127.0.0.1", house.server.port, timeout=10)
    try:
        connection.putrequest("GET", path, skip_host=False)
        connection.putheader("Cookie", f"{SIGN_IN_COOKIE}={cookie}")
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


async def test_an_address_ends_with_the_sign_in(house: House) -> None:
    recording_id = await film(house, FILM)
    address = f"/recordings/{recording_id}/composed.mp4"
    browser = await viewer(house, recording_id)
    answer = await browser.get(address, headers=RANGE)
    assert (answer.status, await answer.read()) == (206, FILM[:100])
    cookie = browser.cookie(SIGN_IN_COOKIE)
    house.clock.advance(seconds=13 * 3600)
    assert await refused(browser, address) == 302
    again = await viewer(house, recording_id)
    assert (await again.get(address, headers=RANGE)).status == 206
    old = house.browser()
    old.http.cookie_jar.update_cookies({SIGN_IN_COOKIE: cookie})
    assert await refused(old, address) == 302
    await again.send("/board", "/signout")
    assert await refused(again, address) == 302
    assert await refused(house.browser(), address) == 302


async def test_a_changed_or_foreign_sign_in_opens_nothing(house: House) -> None:
    recording_id = await film(house, FILM)
    address = f"/recordings/{recording_id}/composed.mp4"
    browser = await house.official("chengguan.receptionist")
    token = browser.cookie(SIGN_IN_COOKIE)
    changed = [
        token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in (0, 20, -2)
    ]
    for forged in (*changed, token[:-1], token + "A", token.swapcase(), "", "x" * 199, "x" * 5000):
        stranger = house.browser()
        stranger.http.cookie_jar.update_cookies({SIGN_IN_COOKIE: forged})
        assert await refused(stranger, address) in (302, 400)
    for key in ("xigu.receptionist", "housing.handler", "city.sysadmin"):
        other = await house.official(key)
        # As if there were no such recording: an id tells nobody that it exists.
        nobody = address.replace(recording_id, "0" * 32)
        assert await refused(other, address) == await refused(other, nobody)
    assert await views(house) == 0


async def test_one_recording_s_address_does_not_open_another(house: House) -> None:
    """A validator, a part or an address of one film is worth nothing for the other."""
    one, two = await film(house, FILM), await film(house, OTHER)
    browser = await viewer(house, one, two)
    first = await browser.get(f"/recordings/{one}/composed.mp4", headers=RANGE)
    tag = first.headers["ETag"]
    headers = RANGE | {"If-Range": tag}
    second = await browser.get(f"/recordings/{two}/composed.mp4", headers=headers)
    assert (second.status, await second.read()) == (200, OTHER)
    assert second.headers["ETag"] != tag
    same = await browser.get(f"/recordings/{one}/composed.mp4", headers=headers)
    assert (same.status, await same.read()) == (206, FILM[:100])


@pytest.mark.parametrize("site", ["cross-site", "same-site", "evil"])
async def test_a_film_is_not_shown_on_another_site(house: House, site: str) -> None:
    recording_id = await film(house, FILM)
    address = f"/recordings/{recording_id}/composed.mp4"
    browser = await viewer(house, recording_id)
    for method in ("GET", "HEAD"):
        headers = RANGE | {"Sec-Fetch-Site": site}
        answer = await browser.http.request(method, browser.base + address, headers=headers)
        assert answer.status == 403 and FILM[:20] not in await answer.read()
    for own in ("same-origin", "none"):
        answer = await browser.get(address, headers=RANGE | {"Sec-Fetch-Site": own})
        assert answer.status == 206
    assert await views(house) == 1


async def test_changed_paths_lead_nowhere(house: House) -> None:
    recording_id = await film(house, FILM)
    browser = await house.official("chengguan.receptionist")
    cookie, seen = browser.cookie(SIGN_IN_COOKIE), await views(house)
    names = {"id": recording_id, "upper": recording_id.upper(), "short": recording_id[:-1]}
    for pattern in PATHS:
        path = pattern.format(**names)
        status, body = await asyncio.to_thread(raw_status, house, path, cookie)
        assert status in (400, 404, 414), (pattern, status)
        assert FILM[:20] not in body and b"root:" not in body and b"Traceback" not in body, pattern
    assert await views(house) == seen


async def test_ways_of_asking_that_do_not_exist(house: House) -> None:
    recording_id = await film(house, FILM)
    address = f"/recordings/{recording_id}/composed.mp4"
    browser = await viewer(house, recording_id)
    for method in ("PUT", "DELETE", "PATCH", "POST", "PROPFIND"):
        answer = await browser.http.request(method, browser.base + address, headers={"Origin": browser.base})
        assert answer.status in (403, 405), method
    answer = await browser.http.head(browser.base + address, headers=RANGE)
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(FILM)))
    for odd in ("bytes=99999-", "bytes=-0"):
        answer = await browser.get(address, headers={"Range": odd})
        assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{len(FILM)}")


async def test_a_film_that_is_gone_is_said_to_be_gone(house: House) -> None:
    recording_id = await film(house, FILM)
    browser = await viewer(house, recording_id)
    async with house.database.session() as db:
        folder = (await load_recording(db, recording_id)).folder(house.settings.recordings_root)
    (folder / "composed.mp4").unlink()
    answer = await browser.get(f"/recordings/{recording_id}/composed.mp4", headers=RANGE)
    assert answer.status == 404 and "录像正在合成" in await answer.text()
    (folder / "composed.mp4").symlink_to("/etc/passwd")
    answer = await browser.get(f"/recordings/{recording_id}/composed.mp4", headers=RANGE)
    assert answer.status == 404 and "root:" not in await answer.text()
