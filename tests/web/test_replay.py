"""The replay page says when the files were last read, and never more than that."""

from __future__ import annotations

from pathlib import Path

from cases.policy import SYSTEM
from recordings.evidence.proof import note_verdict
from recordings.evidence.verification import Finding, Verdict
from recordings.recording import RecordingState, load_recording, start_recording, stop_recording
from tests.disk import AMPLE
from tests.factories import make_petition, make_session
from tests.web.conftest import House


async def sealed_recording(house: House) -> str:
    """A row that says sealed; its files are not needed to show what is known of them."""
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
        session = await make_session(db, house.clock, house.world, petition)
        recording = await start_recording(
            db, house.clock, SYSTEM, session.id, house.settings.recordings_root, AMPLE
        )
        recording = await stop_recording(db, house.clock, SYSTEM, recording.id, "session_closed")
        recording.move_to(RecordingState.SEALED)
        recording.sealed_at, recording.manifest_sha256 = house.clock.now(), "a" * 64
        await db.commit()
        return recording.id


async def read(house: House, recording_id: str, *findings: Finding) -> None:
    async with house.database.session() as db:
        recording = await load_recording(db, recording_id)
        verdict = Verdict(Path(recording_id), list(findings), "f" * 64, "a" * 64, 4, 1000)
        await note_verdict(db, house.clock, recording, house.clock.now(), 1500, verdict)


async def test_the_button_asks_once_and_the_verdict_is_dated(house: House) -> None:
    recording_id, browser = await sealed_recording(house), await house.official("chengguan.receptionist")
    address = f"/recordings/{recording_id}"
    text = await (await browser.get(address)).text()
    assert "等待校验" in text and "完整性已校验" not in text and "重新校验" in text
    answer = await browser.send(address, f"{address}/verify")
    assert answer.status == 303 and answer.headers["Location"].startswith(address)
    text = await (await browser.get(address)).text()
    assert "正在排队校验" in text and "重新校验" not in text
    await read(house, recording_id)
    text = await (await browser.get(address)).text()
    assert "完整性已校验" in text and "2026年7月22日" in text and "重新校验" in text
    house.clock.advance(seconds=60)
    await read(house, recording_id, Finding("file_added", "tracks/x", "多出一个文件。", "Added."))
    text = await (await browser.get(address)).text()
    assert "完整性已校验" not in text and "多出一个文件。" in text


async def test_the_button_needs_its_form_token(house: House) -> None:
    recording_id, browser = await sealed_recording(house), await house.official("chengguan.receptionist")
    assert (await browser.post(f"/recordings/{recording_id}/verify", {})).status == 403
