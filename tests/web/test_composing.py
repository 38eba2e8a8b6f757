"""Another layout is ordered on the recording's page, which then says how far it is."""

from __future__ import annotations

from datetime import timedelta

from recordings.recording import CompositionState, load_recording
from tests.web.conftest import House
from tests.web.test_replay import sealed_recording


async def set_state(house: House, recording_id: str, state: CompositionState, progress: int = 0) -> None:
    async with house.database.session() as db:
        row = await load_recording(db, recording_id)
        row.composition, row.progress = state, progress
        row.composing_at = house.clock.now() - timedelta(seconds=30)
        await db.commit()


async def test_who_may_orders_it_and_all_viewers_read_how_far_it_is(house: House) -> None:
    recording_id, reviewer = await sealed_recording(house), await house.official("chengguan.reviewer")
    await set_state(house, recording_id, CompositionState.FAILED)
    address = f"/recordings/{recording_id}"
    where = f"{address}/composition"
    assert "重新合成" in await (await reviewer.get(address)).text()
    assert (await reviewer.post(where, {"layout": "grid"})).status == 403  # Without its token.
    assert (await reviewer.send(address, where, layout="sideways")).status == 422
    assert (await reviewer.send(address, where, layout="grid")).status == 303
    assert (await reviewer.send(address, where, layout="grid")).status == 409
    text = await (await reviewer.get(address)).text()
    assert "正在排队，等待合成" in text and 'aria-live="polite"' in text and "js/replay/composing" in text
    await set_state(house, recording_id, CompositionState.RUNNING, 750)
    viewer = await house.official("chengguan.receptionist")
    said = await (await viewer.get(where)).json()
    assert said == {"text": "已合成 75%，约剩 10 秒", "running": True, "film": False}
    assert (await viewer.send(address, where, layout="grid")).status == 403
    assert "重新合成</button>" not in await (await viewer.get(address)).text()
    assert (await (await house.official("xigu.receptionist")).get(where)).status == 404
    await set_state(house, recording_id, CompositionState.DONE)
    assert (await (await viewer.get(where)).json())["running"] is False
