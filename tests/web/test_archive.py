"""The archive page: alarms in words, holds and proposals by their forms, and only for those concerned."""

from __future__ import annotations

from datetime import timedelta

from recordings.archive.copies import Archive, ArchiveState, archive_of, enrol
from recordings.archive.retention import RetentionClass
from recordings.recording import CompositionState, load_recording
from tests.web.conftest import House
from tests.web.test_replay import sealed_recording


async def failing(house: House) -> str:
    """A recording whose copy failed three times, with its retention at an end."""
    recording_id = await sealed_recording(house)
    async with house.database.session() as db:
        recording = await load_recording(db, recording_id)
        recording.composition = CompositionState.FAILED
        await db.commit()
        await enrol(db, RetentionClass("short", 10))
        archive = await archive_of(db, recording_id)
        assert archive is not None
        archive.state, archive.cause, archive.attempts = ArchiveState.FAILED, "corrupted", 3
        archive.failing_since = archive.next_try_at = house.clock.now()
        archive.keep_until = house.clock.now() - timedelta(days=1)
        await db.commit()
    return recording_id


async def settle(house: House, recording_id: str) -> Archive:
    async with house.database.session() as db:
        archive = await archive_of(db, recording_id)
        assert archive is not None
        archive.state, archive.cause, archive.attempts = ArchiveState.ARCHIVED, None, 0
        await db.commit()
        return archive


async def test_a_failure_is_told_in_words_until_it_is_over(house: House) -> None:
    recording_id, browser = await failing(house), await house.official("city.leader")
    text = await (await browser.get("/archive")).text()
    assert "回读的内容与写入的不一致" in text and "已试 3 次" in text and "本机原件已保留" in text
    await settle(house, recording_id)
    assert "没有归档成功" not in await (await browser.get("/archive")).text()
    other = await house.official("xigu.leader")
    assert recording_id not in await (await other.get("/archive")).text()
    assert (await (await house.official("chengguan.receptionist")).get("/archive")).status == 403


async def test_hold_lift_propose_and_approve_by_their_forms(house: House) -> None:
    recording_id = await failing(house)
    await settle(house, recording_id)
    archivist, leader = await house.official("chengguan.archivist"), await house.official("chengguan.leader")
    place = f"/archive/{recording_id}"
    assert (await archivist.post(f"{place}/hold", {"reason": "x"})).status == 403  # Without its token.
    assert (await archivist.send("/archive", f"{place}/hold", reason=" ")).status == 422
    assert (await archivist.send("/archive", f"{place}/hold", reason="诉讼<b>需要</b>")).status == 303
    text = await (await archivist.get("/archive")).text()
    assert "诉讼&lt;b&gt;需要" in text
    assert (await archivist.send("/archive", f"{place}/destruction", reason="期满")).status == 409
    hold = text.split("/archive/holds/")[1].split("/")[0]
    assert (await archivist.send("/archive", f"/archive/holds/{hold}/lift", reason="结束")).status == 303
    assert (await archivist.send("/archive", f"{place}/destruction", reason="期满")).status == 303
    assert "批准销毁" not in await (await archivist.get("/archive")).text()
    text = await (await leader.get("/archive")).text()
    proposal = text.split("/archive/proposals/")[1].split("/")[0]
    where = f"/archive/proposals/{proposal}/decide"
    assert (await archivist.send("/archive", where, decision="approve", reason="行")).status == 403
    assert (await leader.send("/archive", where, decision="approve", reason="同意")).status == 303
    assert "已批准，等待执行" in await (await leader.get("/archive")).text()


async def test_odd_page_numbers_show_the_first(house: House) -> None:
    browser = await house.official("chengguan.leader")
    for number in ("0", "-1", "x", "٣", "9" * 50, ""):
        assert (await browser.get("/archive", params={"page": number})).status == 200
