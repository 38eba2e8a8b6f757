"""Rooms go where there is room: refused in words when there is none, and no existing room pays for it."""

from __future__ import annotations

import asyncio

import pytest

from media.load import FADE, CpuShare
from signaling import media_client, media_room
from signaling.media_client import FULL, PLEDGE
from tests.signaling.hall import Hall

pytestmark = pytest.mark.real_time


@pytest.fixture(autouse=True)
def quick_pulse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_client, "PULSE_SECONDS", 0.05)


def test_a_share_fades_in_and_never_leaves_its_range() -> None:
    cpu = CpuShare()
    cpu.measure(100.0, 0.0)
    assert cpu.share == 0.0
    cpu.measure(100.5, 0.5)
    assert 0 < cpu.share <= 0.5 / FADE + 0.01
    for step in range(100):
        cpu.measure(101.0 + step, 1.0 + step / 2)  # Two seconds of CPU in one: a clock that jumped.
    assert 0.9 < cpu.share <= 1.0
    cpu.measure(0.0, 100.0)
    assert cpu.share >= 0.0


async def test_a_new_sitting_is_refused_in_words_while_every_worker_is_full(hall_of_two: Hall) -> None:
    hall = hall_of_two
    for worker in hall.workers:
        worker.cpu = FULL
    await asyncio.sleep(0.3)
    host = await hall.client("host")
    for command in ({"type_": "open"}, {"type_": "publish", "sdp": "x", "sources": {}}):
        answer = await host.ask(**command)
        assert (answer["type"], answer["code"]) == ("error", "overloaded")
        assert "请等几分钟" in answer["message"]
    assert host.welcome["session"]["state"] != "live"
    assert [worker.rooms for worker in hall.workers] == [{}, {}]
    hall.workers[1].cpu = FULL - 0.1
    await host.push("media_restored")
    assert (await host.ask("open"))["type"] == "ok"
    assert set(hall.workers[1].rooms) == {hall.session_id}


async def test_the_less_busy_worker_gets_the_room(hall_of_two: Hall) -> None:
    hall = hall_of_two
    hall.workers[0].cpu = 0.4
    await asyncio.sleep(0.3)
    await hall.client("host")
    assert set(hall.workers[1].rooms) == {hall.session_id}


async def test_rooms_placed_before_the_next_measurement_are_spread(hall_of_two: Hall) -> None:
    workers = hall_of_two.registry.workers
    for link in workers.links:
        link.load = 0.0
    picked = [workers.pick(True), workers.pick(True)]
    assert set(picked) == set(workers.links)
    assert [link.load for link in workers.links] == [PLEDGE, PLEDGE]


async def test_a_room_that_exists_forms_again_although_all_is_full(
    hall_of_two: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = hall_of_two
    monkeypatch.setattr(media_room, "SAME_WORKER_SECONDS", 0.2)
    host = await hall.client("host")
    first = next(worker for worker in hall.workers if worker.rooms)
    second = next(worker for worker in hall.workers if worker is not first)
    second.cpu = 0.95
    await asyncio.sleep(0.3)
    await first.kill()
    await host.push("media_lost")
    await host.push("media_restored", timeout=10)
    assert set(second.rooms) == {hall.session_id}
