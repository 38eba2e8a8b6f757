"""Auditors read who looked at what, over all offices, and open no recording; nobody else reads it."""

from __future__ import annotations

import re

import pytest

from cases.policy import Action, allowed
from recordings.recording import load_recording
from recordings.review import view_audit
from tests.web.conftest import Browser, House
from tests.web.test_desk import REVIEWER, playable

LOG, AUDITOR = "/audit/recordings", "city.auditor"


async def viewed(house: House) -> str:
    """A reviewer states why, plays two stretches and opens the manifest's page; an archivist only looks."""
    recording_id, browser = await playable(house), await house.official(REVIEWER)
    address = f"/recordings/{recording_id}"
    assert (await browser.get(address)).status == 200
    house.clock.advance(seconds=5)
    assert await browser.state_purpose(recording_id, "minutes", "第三段有异议") == 303
    house.clock.advance(seconds=60)
    played = await browser.send("/cases", f"{address}/played", ranges="0-15000 61000-62500")
    assert played.status == 204
    house.clock.advance(days=1)
    assert (await (await house.official("chengguan.archivist")).get(address)).status == 200
    return recording_id


async def listed(browser: Browser, asked: str = "", status: int = 200) -> str:
    answer = await browser.get(f"{LOG}{asked}")
    assert answer.status == status, asked
    return await answer.text()


async def test_every_look_stands_there_with_its_reason_and_is_found_by_what_is_asked(house: House) -> None:
    recording_id, auditor = await viewed(house), await house.official(AUDITOR)
    text = await listed(auditor)
    rows = re.findall(r"<tr>\s*<td.*?</tr>", text, re.DOTALL)
    assert len(rows) == 5 and text.count("核对笔录：第三段有异议") == 3
    assert "0:00–0:15" in text and "1:01–1:02" in text and f"{LOG}/{recording_id}" in text
    assert "楼道漏水" not in text and f'"/recordings/{recording_id}' not in text
    names = {key: house.world.officials[key].name for key in (REVIEWER, "chengguan.archivist")}
    office, day = house.world.chengguan.id, f"{house.clock.now():%Y-%m-%d}"
    for asked, count in (
        (f"?person={names[REVIEWER]}", 4),
        (f"?person={names[REVIEWER][0]}&act=played", 2),
        ("?act=purpose", 1),
        ("?act=export", 0),
        (f"?office={office}", 5),
        (f"?office={house.world.xigu.id}", 5),  # It has no recordings, so it is none to choose.
        (f"?since={day}", 1),
        (f"?until={day}&since={day}&person=%25", 0),
        ("?before=0-x", 0),
    ):
        assert len(re.findall(r"<tr>\s*<td", await listed(auditor, asked))) == count, asked
    one = await (await auditor.get(f"{LOG}/{recording_id}")).text()
    assert f'href="{LOG}"' in one and "第三段有异议" in one


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_pages_join_without_gap_or_double(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_audit, "PAGE", 2)
    await viewed(house)
    auditor, seen, asked = await house.official(AUDITOR), list[str](), ""
    for _ in range(3):
        text = await listed(auditor, asked)
        seen += re.findall(r"<tr>\s*<td.*?</tr>", text, re.DOTALL)
        older = re.search(rf'href="{LOG}(\?[^"]*before=[^"]*)"', text)
        asked = older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == 5 and asked == ""
    assert sum("播放 " in row for row in seen) == 2


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_only_auditors_and_none_of_them_opens_a_recording(house: House) -> None:
    recording_id = await playable(house)
    browsers = {}  # Of all of them: signing in once more each would be too fast.
    for key in house.world.officials:
        browser = browsers[key] = await house.official(key)
        may = allowed(house.world.actor(key), Action.SEE_AUDIT)
        assert may == key.endswith("auditor")
        for path in (LOG, f"{LOG}/{recording_id}"):
            assert (await browser.get(path)).status == (200 if may else 403), (key, path)
    signing_in = house.browser()
    answer = await signing_in.sign_in(house.world.officials[AUDITOR].username)
    assert answer.headers["Location"] == "/administration"  # Not a board that auditors do not see.
    assert (await signing_in.get("/signin")).headers["Location"] == "/administration"
    auditor, sysadmin = browsers[AUDITOR], browsers["city.sysadmin"]
    for path in ("", "/views", "/manifest.json", "/proof", "/proof.zip", "/composed.mp4", "/export", "/desk"):
        for browser in (auditor, sysadmin):
            assert (await browser.get(f"/recordings/{recording_id}{path}")).status in (403, 404), path
    async with house.database.session() as db:
        assert (await load_recording(db, recording_id)).id == recording_id


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_odd_questions_are_answered_in_words(house: House) -> None:
    await playable(house)
    auditor = await house.official(AUDITOR)
    for asked in ("?since=x", "?until=0001-01-01", "?since=2026-11-25&until=2026-11-24", "?since=9999-12-31"):
        assert "error-summary" in await listed(auditor, asked, 422)
    for asked in ("?before=-", "?before=9999999999999999-%00", "?office=%27&act=%3Cb%3E", "?person=%00%25_"):
        await listed(auditor, asked)
