"""Another layout is ordered on the recording's page, which then says how far it is."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from recordings import composer
from recordings.film.encoder import CompositionError
from recordings.film.plan import CompositionPlan
from recordings.lease import Lane
from recordings.recording import CompositionState, load_recording
from tests.web.conftest import House
from tests.web.sittings import recordings_worker
from tests.web.test_replay import sealed_recording
from tests.web.tracks import record_tracks


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


async def test_one_person_is_made_large_by_name(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    recording_id, reviewer = await record_tracks(house, 2.0), await house.official("chengguan.reviewer")
    await set_state(house, recording_id, CompositionState.FAILED)
    address, plans = f"/recordings/{recording_id}", list[CompositionPlan]()
    assert await reviewer.state_purpose(recording_id) == 303
    people = re.findall(r'<option value="(\w+)">(王芳|李德福)', await (await reviewer.get(address)).text())
    ids = {name: participant_id for participant_id, name in people}
    assert set(ids) == {"王芳", "李德福"}
    for nobody in ("", "p_nobody", "王芳' --"):
        answer = await reviewer.send(address, f"{address}/composition", layout="spotlight", spotlight=nobody)
        assert answer.status == 422, nobody
    chosen = ids["李德福"]
    answer = await reviewer.send(address, f"{address}/composition", layout="spotlight", spotlight=chosen)
    assert answer.status == 303

    async def noted(folder: object, out: object, plan: CompositionPlan, *_: object) -> None:
        plans.append(plan)
        raise CompositionError("seen")

    monkeypatch.setattr(composer, "encode", noted)
    house.clock.advance(seconds=1)
    await recordings_worker(house).work_once((Lane.COMPOSE,))
    assert [(plan.layout, plan.spotlight) for plan in plans] == [("spotlight", chosen)]
