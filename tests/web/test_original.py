"""An original that aged out: the page says where it is, and whoever may replay asks for it back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recordings.archive.copies import ArchiveState, archive_of, enrol
from recordings.archive.index import index_due
from recordings.archive.retention import RetentionClass
from recordings.recording import CompositionState, load_recording
from tests.web.conftest import House
from tests.web.test_replay import sealed_recording
from web.commands.restoring import RestoreRefused, restore_original


async def aged_out_recording(house: House) -> str:
    recording_id = await sealed_recording(house)
    async with house.database.session() as db:
        recording = await load_recording(db, recording_id)
        recording.composition = CompositionState.FAILED
        await db.commit()
        await enrol(db, RetentionClass("short", 10))
        await index_due(db)
    await settle(house, recording_id, ArchiveState.LOCAL_REMOVED)
    return recording_id


async def settle(house: House, recording_id: str, state: ArchiveState) -> None:
    async with house.database.session() as db:
        archive = await archive_of(db, recording_id)
        assert archive is not None
        archive.state, archive.local_removed_at = state, house.clock.now()
        await db.commit()


async def test_the_page_says_where_the_original_is_and_asks_for_it_once(house: House) -> None:
    recording_id, browser = await aged_out_recording(house), await house.official("chengguan.reviewer")
    address = f"/recordings/{recording_id}"
    text = await (await browser.get(address)).text()
    assert "原件在归档存储里" in text and "取回原件" in text
    assert "原件在归档" in await (await browser.get("/recordings")).text()
    assert (await browser.post(f"{address}/original", {})).status == 403  # Without its token.
    for _ in range(2):
        assert (await browser.send(address, f"{address}/original")).status == 303
    text = await (await browser.get(address)).text()
    assert "正在取回" in text and "取回原件</button>" not in text
    async with house.database.session() as db:
        archive = await archive_of(db, recording_id)
        assert archive is not None and archive.restore_wanted_at == house.clock.now()
    stranger = await house.official("xigu.receptionist")
    assert (await stranger.send("/board", f"{address}/original")).status == 404
    await settle(house, recording_id, ArchiveState.ARCHIVED)
    assert "原件在归档存储里" not in await (await browser.get(address)).text()
    assert (await browser.send(address, f"{address}/original")).status == 409


async def test_nothing_is_exported_without_its_original(house: House) -> None:
    recording_id, browser = await aged_out_recording(house), await house.official("chengguan.archivist")
    address = f"/recordings/{recording_id}/export"
    answer = await browser.send(address, address, reason="市局复查调阅")
    assert answer.status == 409 and "请先在回放页面取回原件" in await answer.text()


async def test_the_command_says_why_nothing_came_back(house: House) -> None:
    recording_id = await aged_out_recording(house)
    with pytest.raises(RestoreRefused, match="没有设置归档存储"):
        await restore_original(house.settings, recording_id)
    away = replace(
        house.settings, archive=replace(house.settings.archive, store=str(house.settings.state / "x"))
    )
    with pytest.raises(RestoreRefused, match="归档"):
        await restore_original(away, recording_id)
    await settle(house, recording_id, ArchiveState.ARCHIVED)
    with pytest.raises(RestoreRefused, match="原件就在本机"):
        await restore_original(house.settings, recording_id)
