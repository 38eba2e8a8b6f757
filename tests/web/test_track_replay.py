"""Pieces of tracks over real HTTP: for whom, from when on, and odd ways of asking."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from recordings.recording import RecordingState, load_recording
from recordings.review.replay import RecordingAccess
from tests.web.conftest import House
from tests.web.tracks import record_tracks
from web.replay.tracks import PIECES

ODD = (
    "x/0", "0/x", "-1/0", "0/-1", "99/0", "0/99", "0/9999999", "1.5/0", "0/0x1", "٣/0", "0/%30%30%00",
    "..%2f..%2fmanifest/0", "p_city-camera/000001.lxj",
)  # fmt: skip


async def test_tracks_play_as_soon_as_a_recording_has_stopped(house: House) -> None:
    """Before it is sealed; the page says that nothing is proven yet."""
    recording_id = await record_tracks(house, 3.0, sealed=False)
    browser, page = await house.official("chengguan.receptionist"), f"/recordings/{recording_id}"
    assert "播放前请写明查阅事由" in await (await browser.get(page)).text()
    refused = await browser.get(f"{page}/tracks/0/0?lead=1", headers={"Accept": "application/json"})
    assert refused.status == 403 and (await refused.json())["error"]["code"] == "purpose_required"
    assert await browser.state_purpose(recording_id) == 303
    text = await (await browser.get(page)).text()
    assert 'id="replay-stage"' in text and "还没有校验过" in text and "尚未封存" in text
    made = await browser.get(f"{page}/tracks/0/0?lead=1")
    assert made.status == 200 and made.content_type in ("video/webm", "audio/webm")
    assert "no-store" in made.headers["Cache-Control"]
    told = json.loads(made.headers["X-Piece"])
    assert told["begins"] and told["start"] < 0.2 and told["end"] == pytest.approx(3.0, abs=0.3)
    assert told["keys"][0] == pytest.approx(told["start"], abs=0.01)
    head = json.loads((await browser.get(f"{page}/tracks/0/0?lead=1&head=1")).headers["X-Piece"])
    assert head["end"] == pytest.approx(1.0, abs=0.2) and head["rest"] > 0
    rest = json.loads((await browser.get(f"{page}/tracks/0/0?after={head['rest']}")).headers["X-Piece"])
    assert (rest["begins"], rest["start"], rest["end"]) == (False, head["end"], told["end"])


async def test_who_may_not_and_who_asks_oddly(house: House) -> None:
    recording_id = await record_tracks(house, 3.0)
    path, browser = f"/recordings/{recording_id}/tracks", await house.official("chengguan.receptionist")
    assert await browser.state_purpose(recording_id) == 303
    for odd in ODD:
        assert (await browser.get(f"{path}/{odd}")).status == 404, odd
    for header in ({"Range": "bytes=0-99"}, {"Range": "bytes=9-1"}, {"Range": "lines=1-2"}):
        assert (await browser.get(f"{path}/0/0?lead=1", headers=header)).status == 200
    foreign = {"Sec-Fetch-Site": "cross-site", "Accept": "application/json"}
    refused = await browser.get(f"{path}/0/0", headers=foreign)
    assert refused.status == 403 and (await refused.json())["error"]["code"] == "hot_link"
    assert (await house.browser().get(f"{path}/0/0")).status == 302
    stranger = await house.official("xigu.receptionist")
    assert (await stranger.get(f"{path}/0/0")).status == 404
    house.clock.advance(hours=13)
    assert (await browser.get(f"{path}/0/0")).status == 302


async def test_a_watching_is_logged_once_and_every_half_hour(house: House) -> None:
    recording_id, browser = await record_tracks(house, 3.0), await house.official("chengguan.receptionist")
    assert await browser.state_purpose(recording_id) == 303

    async def logged() -> int:
        async with house.database.session() as db:
            query = select(func.count()).where(RecordingAccess.recording_id == recording_id)
            return await db.scalar(query) or 0

    for minutes, count in ((0, 1), (1, 1), (12, 1), (12, 1), (7, 2)):
        house.clock.advance(seconds=minutes * 60)
        await browser.get("/board")  # So that nobody is signed out for doing nothing.
        assert (await browser.get(f"/recordings/{recording_id}/tracks/0/0")).status == 200
        assert await logged() == count


async def test_what_is_not_there_is_told(house: House) -> None:
    recording_id, browser = await record_tracks(house, 3.0), await house.official("chengguan.receptionist")
    path, json_wanted = f"/recordings/{recording_id}/tracks/0/0", {"Accept": "application/json"}
    assert await browser.state_purpose(recording_id) == 303
    async with house.database.session() as db:
        recording = await load_recording(db, recording_id)
        folder = recording.folder(house.settings.recordings_root)
        recording.state = RecordingState.ACTIVE
        await db.commit()
    answer = await browser.get(path, headers=json_wanted)
    assert answer.status == 404 and (await answer.json())["error"]["code"] == "still_recording"
    async with house.database.session() as db:
        (await load_recording(db, recording_id)).state = RecordingState.SEALED
        await db.commit()
    assert (await browser.get(path)).status == 200
    for file in (folder / "tracks").glob("*/*"):
        file.unlink()
    house.server.app[PIECES]._windows.clear()  # type: ignore[union-attr]
    answer = await browser.get(path, headers=json_wanted)
    assert answer.status == 409 and (await answer.json())["error"]["code"] == "tracks_unreadable"


async def test_nobody_was_recorded(house: House) -> None:
    recording_id = await record_tracks(
        house, 3.0, lambda folder, parties: (folder / "tracks/x").mkdir(), False
    )
    browser = await house.official("chengguan.receptionist")
    assert await browser.state_purpose(recording_id) == 303
    text = await (await browser.get(f"/recordings/{recording_id}")).text()
    assert "没有可以播放的画面和声音" in text and "replay-stage" not in text
