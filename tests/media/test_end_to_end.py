"""Two real peers in one room of a real worker process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from media.client import ControlClient
from media.control import (
    CloseRoom,
    PublicationChanged,
    RecordingChanged,
    Snapshot,
    StartRecording,
    Statistics,
    StopRecording,
    TransportChanged,
)
from tests.media.peers import AiortcPeer, Controller
from tests.media.workers import RunningWorker, running_worker, until


@pytest.fixture(params=[(True, True), (True, False), (False, False)], ids=["compiled", "batched", "portable"])
def worker(request, tmp_path: Path):
    batched, fast_path = request.param
    with running_worker(tmp_path, batched=batched, fast_path=fast_path) as running:
        yield running


async def test_two_peers_see_and_hear_each_other_and_are_recorded(
    worker: RunningWorker, tmp_path: Path
) -> None:
    client = ControlClient(worker.config.socket_path)
    await client.connect()
    controller = Controller(client)
    anna, bo = AiortcPeer(controller, "r", "anna"), AiortcPeer(controller, "r", "bo")
    try:
        for peer in (anna, bo):
            await peer.enter()
            await peer.subscribe()
        await anna.publish()
        await client.request(StartRecording(room_id="r", recording_id="one", directory=str(tmp_path / "one")))
        await bo.publish()
        for peer in (anna, bo):
            await until(
                lambda p=peer: p.frames.get("video", 0) > 10 and p.frames.get("audio", 0) > 20,
                20,
                peer.frames,
            )
        await until(lambda: controller.of(RecordingChanged, state="active"), 5, "recording")
        assert {t["participant_id"] for t in anna.tracks.values()} == {"bo"}
        assert {t["source"] for t in anna.tracks.values()} == {"microphone", "camera"}
        started = controller.of(PublicationChanged, state="started")
        assert {(e.participant_id, e.source) for e in started} == {
            (who, source) for who in ("anna", "bo") for source in ("microphone", "camera")
        }
        snapshot = (await client.request(Snapshot()))["rooms"][0]
        assert {p["publish"] for p in snapshot["participants"]} == {"connected"}
        assert snapshot["recording"]["state"] == "active"
        statistics = await client.request(Statistics())
        assert statistics["worker"].get("parser_error", 0) == 0
        await client.request(StopRecording(room_id="r"))
        await client.request(StopRecording(room_id="r"))
        counts = json.loads((tmp_path / "one" / "counts.json").read_text())
        for name in ("anna-microphone", "anna-camera", "bo-microphone", "bo-camera"):
            assert counts[name]["packets"] > 10
            assert counts[name]["repeated"] == 0
        assert counts["anna-camera"]["key_frames"] >= 1
        await client.request(CloseRoom(room_id="r"))
        closed = controller.of(TransportChanged, state="closed")
        assert len(closed) == 4
    finally:
        await controller.close()
    assert worker.stop() < 2
    assert "Traceback" not in worker.output()
