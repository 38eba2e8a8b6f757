"""Below a tenth of free disk no recorded session begins; what runs goes on (norm T03)."""

from __future__ import annotations

import pytest

from media import control
from recordings.recording import find_live_recording
from scheduling.reach import load_session
from tests.signaling.hall import Hall
from tests.signaling.test_media import on_air


@pytest.mark.parametrize("share", [0.0, 0.0999])
async def test_no_recorded_session_begins_on_a_full_disk(hall: Hall, share: float) -> None:
    host = await hall.client("host")
    hall.gauge.share = share
    refused = await host.ask("open")
    assert (refused["type"], refused["code"]) == ("error", "disk_low")
    assert "磁盘" in refused["message"] and "清理" in refused["message"]
    async with hall.database.session() as db:
        session = await load_session(db, hall.session_id)
        assert session.state != "live" and session.opened_at is None
        assert await find_live_recording(db, hall.session_id) is None
    assert not hall.worker.requests(control.StartRecording)
    hall.gauge.share = 0.1
    assert (await host.ask("open"))["type"] == "ok"


async def test_a_session_that_is_not_recorded_begins(hall: Hall) -> None:
    async with hall.database.session() as db:
        (await load_session(db, hall.session_id)).record = False
        await db.commit()
    hall.gauge.share = 0.0
    host = await hall.client("host")
    assert (await host.ask("open"))["type"] == "ok"


async def test_a_running_recording_is_taken_up_again_on_a_full_disk(hall: Hall) -> None:
    host, _ = await on_air(hall)
    hall.gauge.share = 0.0
    assert (await host.ask("pause", reason="休息"))["type"] == "ok"
    assert (await host.ask("resume"))["type"] == "ok"
    assert len(hall.worker.requests(control.StartRecording)) == 2
