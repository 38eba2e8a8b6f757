"""Pages of documents over real HTTP: as sealed and before, for whom, odd ways of asking, the page's list."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from typing import Any

from PIL import Image
from sqlalchemy import func, select

from recordings.review import exhibit_page
from recordings.review.replay import RecordingAccess
from tests.web.conftest import Browser, House
from tests.web.shown import LINE, Shown, record_shown, seal_pages
from web.pages.materials import STORE

VIEWER = "chengguan.receptionist"
AS_JSON = {"Accept": "application/json"}
ODD = (
    "0", "3", "01", "-1", "1.0", "x", "٣", "999999", "%2e%2e", "1/..%2f..", "1%00", "..%2f..%2fmanifest.json",
)  # fmt: skip
SHEETS = re.compile(r'id="replay-sheets">(.*?)</script>', re.S)


async def viewed(house: House, shown: Shown) -> tuple[Browser, str]:
    browser = await house.official(VIEWER)
    assert await browser.state_purpose(shown.recording_id) == 303
    return browser, f"/recordings/{shown.recording_id}/exhibits/{shown.material_id}"


async def refusal(browser: Browser, path: str, **options: Any) -> tuple[int, str]:
    answer = await browser.get(path, headers=AS_JSON | options.pop("headers", {}))
    return answer.status, (await answer.json())["error"]["code"]


async def test_before_sealing_the_page_comes_from_the_papers_of_the_session(house: House) -> None:
    shown = await record_shown(house, sealed=False)
    browser = await house.official(VIEWER)
    path = f"/recordings/{shown.recording_id}/exhibits/{shown.material_id}"
    assert await refusal(browser, f"{path}/1") == (403, "purpose_required")
    browser, path = await viewed(house, shown)
    for page, content in enumerate(shown.pictures, 1):
        answer = await browser.get(f"{path}/{page}")
        assert answer.status == 200 and await answer.read() == content
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    store = house.server.app[STORE]  # type: ignore[index]
    store.write(shown.session_id, shown.material_id + "x", {"page-001": b"never shown"})
    assert await refusal(browser, f"{path}x/1") == (404, "no_such_exhibit")
    store.drop(shown.session_id, shown.material_id)
    assert (await refusal(browser, f"{path}/1"))[0] == 404
    store.write(shown.session_id, shown.material_id, {"page-001": b"exchanged"})
    assert await refusal(browser, f"{path}/1") == (409, "exhibit_damaged")


async def test_the_sealed_page_with_ranges_and_tags(house: House) -> None:
    shown = await record_shown(house)
    seal_pages(shown)
    house.server.app[STORE].drop(shown.session_id, shown.material_id)  # type: ignore[index]
    browser, path = await viewed(house, shown)
    content = shown.pictures[0]
    whole = await browser.get(f"{path}/1")
    assert whole.status == 200 and await whole.read() == content
    tag = whole.headers["ETag"]
    part = await browser.get(f"{path}/1", headers={"Range": "bytes=10-19"})
    assert part.status == 206 and await part.read() == content[10:20]
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(content)}"
    assert (await browser.get(f"{path}/1", headers={"Range": "bytes=-5"})).content_length == 5
    assert (await browser.get(f"{path}/1", headers={"Range": f"bytes={len(content)}-"})).status == 416
    for odd in ("bytes=9-1", "lines=1-2", "bytes=1-2,4-5"):
        assert (await browser.get(f"{path}/1", headers={"Range": odd})).status == 200, odd
    assert (await browser.get(f"{path}/1", headers={"If-None-Match": tag})).status == 304
    assert (await browser.get(f"{path}/1", headers={"If-Match": '"x"'})).status == 412
    async with browser.http.head(browser.base + f"{path}/1") as head:
        assert head.status == 200 and head.content_length == len(content)
    small = await browser.get(f"{path}/1?small=1")
    with Image.open(io.BytesIO(await small.read())) as picture:
        assert picture.format == "JPEG" and max(picture.size) == 320
    assert small.headers["ETag"] != tag
    for odd in ODD:
        assert (await browser.get(f"{path}/{odd}")).status == 404, odd
        assert (await browser.get(f"/recordings/{shown.recording_id}/exhibits/{odd}/1")).status == 404, odd


LIES: tuple[tuple[dict[str, Any], tuple[int, str]], ...] = (
    ({"path": "exhibits/../manifest.json"}, (409, "exhibit_damaged")),
    ({"path": "../../../../etc/passwd"}, (409, "exhibit_damaged")),
    ({"path": "exhibits/another/page-1.jpg"}, (409, "exhibit_damaged")),
    ({"path": None}, (409, "exhibit_damaged")),
    ({"sha256": "0" * 64}, (409, "exhibit_damaged")),
    ({"media_type": "text/html"}, (409, "exhibit_damaged")),
    ({"missing": "damaged", "size": 0}, (404, "no_such_exhibit")),
    ({"page": "1"}, (404, "no_such_exhibit")),
)


async def test_a_manifest_that_lies(house: House) -> None:
    shown = await record_shown(house)
    browser, path = await viewed(house, shown)
    for changes, expected in LIES:
        seal_pages(shown, **changes)
        exhibit_page._manifest_entries.cache_clear()
        assert await refusal(browser, f"{path}/1") == expected, changes
        assert (await browser.get(f"{path}/2")).status == 200, changes
        page = await browser.get(f"/recordings/{shown.recording_id}")
        assert page.status == 200
        assert ("没有保存下来：" in await page.text()) == ("missing" in changes), changes


async def test_a_file_that_is_not_as_sealed(house: House) -> None:
    shown = await record_shown(house)
    seal_pages(shown)
    file, other = shown.folder / f"exhibits/{shown.material_id}/page-1.jpg", shown.folder.parent / "x.jpg"
    content = file.read_bytes()
    other.write_bytes(content)
    browser, path = await viewed(house, shown)
    for spoil in (
        lambda: file.write_bytes(content[:-1] + b"\x00"),
        lambda: file.write_bytes(b""),
        lambda: file.symlink_to(other),
        lambda: os.mkfifo(file),
        lambda: None,
    ):
        file.unlink()
        spoil()
        assert await refusal(browser, f"{path}/1") == (409, "exhibit_damaged")
        assert await refusal(browser, f"{path}/1?small=1") == (409, "exhibit_damaged")
        file.touch()
    text = await (await browser.get(f"{path}/1", headers={"Accept": "text/html"})).text()
    assert "与封存时不一致" in text


async def test_who_may_not_and_the_log(house: House) -> None:
    shown = await record_shown(house)
    browser, path = await viewed(house, shown)
    answer = await browser.get(f"{path}/1", headers={"Sec-Fetch-Site": "cross-site", **AS_JSON})
    assert answer.status == 403 and (await answer.json())["error"]["code"] == "hot_link"
    assert (await house.browser().get(f"{path}/1")).status == 302
    stranger = await house.official("xigu.receptionist")
    assert (await stranger.get(f"{path}/1")).status == 404

    async def logged() -> int:
        async with house.database.session() as db:
            query = select(func.count()).where(RecordingAccess.recording_id == shown.recording_id)
            return await db.scalar(query) or 0

    for page, minutes, count in ((1, 0, 1), (2, 1, 1), (1, 12, 1), (1, 12, 1), (2, 7, 2)):
        house.clock.advance(seconds=minutes * 60)
        await browser.get("/board")  # So that nobody is signed out for doing nothing.
        assert (await browser.get(f"{path}/{page}")).status == 200
        assert await logged() == count, (page, minutes)
    house.clock.advance(hours=13)
    assert (await browser.get(f"{path}/1")).status == 302


async def test_the_page_tells_what_was_shown_when_with_which_lines(house: House) -> None:
    shown = await record_shown(house)
    browser, path = await viewed(house, shown)
    text = await (await browser.get(f"/recordings/{shown.recording_id}")).text()
    found = SHEETS.search(text)
    assert found is not None
    data = json.loads(found[1])
    assert [sheet["picture"] for sheet in data["sheets"]] == [f"{path}/1", f"{path}/2"]
    assert [one[:3] for one in data["showings"]] == [[4.0, 8.0, 0], [8.0, 12.0, 1], [12.0, 18.0, 0]]
    assert data["strokes"] == [[0, 5.0, 14.0, LINE]]
    assert text.count('class="exhibit-row"') == 3 and "租房合同 &lt;b&gt;.pdf" in text
    assert 'data-seek="8.0"' in text and f'{path}/2?small=1"' in text
    assert "出示 3 次，共 14 秒" in text, "a lane of its own"
