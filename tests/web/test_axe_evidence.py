"""Pages of evidence and archive in a real browser, in the states that have most on them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser

from cases.policy import SYSTEM
from recordings.alarms import Alarm, AlarmKind, AlarmState, Trouble, list_alarms, raise_alarm
from recordings.archive.copies import ArchiveState, archive_of, enrol
from recordings.archive.destruction import propose_destruction
from recordings.archive.legal_hold import place_hold
from recordings.archive.retention import RetentionClass
from recordings.evidence.day_root import days_of, ledger_of
from recordings.evidence.proof import note_verdict
from recordings.evidence.timestamp import make_request
from recordings.evidence.verification import Finding, Verdict
from recordings.recording import CompositionState, load_recording
from recordings.watch.chain_watch import check_chains
from recordings.watch.completeness import night_of
from tests.scenarios.browsers import needs_chromium, state_purpose
from tests.web.conftest import House
from tests.web.test_audit import viewed
from tests.web.test_axe import DESK, OFFICIAL, Looker, looker
from tests.web.test_chain import chained, with_authority

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(180)]
UNFOLD = "document.querySelectorAll('main details').forEach((one) => (one.open = true))"


@pytest.fixture
def database_system() -> str:
    """One system is enough: pages look alike on both."""
    return "sqlite"


async def seated(house: House, browser: Browser, key: str) -> Looker:
    """Signed in as the official of this key."""
    base = f"http://127.0.0.1:{house.server.port}"
    eyes = await looker(browser, base, OFFICIAL, DESK)
    await house.seat(eyes.page.context, key)
    return eyes


async def test_the_chain_its_proof_and_an_alarm_with_content(
    house: House, chrome: Browser, tmp_path: Path
) -> None:
    rows, authority = await chained(house), with_authority(house, tmp_path)
    office = house.world.chengguan
    (path,) = days_of(ledger_of(house.settings.recordings_root, office.id))
    path.with_suffix(".tsr").write_bytes(authority.reply(make_request(path.read_bytes())))
    house.clock.advance(days=90)
    async with house.database.session() as db:
        findings = [Finding("x", "tracks/a", f"分段 {n} 的字节 100 至 200 被改动。", "") for n in (1, 2)]
        verdict = Verdict(Path(rows[0].id), findings, "f" * 64, "a" * 64, 4, 1000)
        await note_verdict(db, house.clock, rows[0], house.clock.now(), 5, verdict)
        await check_chains(db, house.clock, house.settings.recordings_root, None, night_of(house.clock.now()))
        text = (
            f"{office.name}：日根 2026-07-22 的文件丢失，数据库里有登记；可以用 lianxin ledger restore 恢复。"
        )
        await raise_alarm(db, house.clock, Trouble(AlarmKind.CHAIN, office.name, ({"text": text},)))
        await db.commit()
        alarms = await list_alarms(db, SYSTEM, AlarmState.OPEN)
    faults = []
    eyes = await seated(house, chrome, "chengguan.archivist")
    for where in (
        "/chain", f"/chain/{office.id}", f"/recordings/{rows[1].id}/proof", "/alarms",
        *(f"/alarms/{alarm.id}" for alarm in alarms),
    ):  # fmt: skip
        await eyes.open(where)
    path.with_suffix(".sig").write_bytes(b"x")
    await eyes.page.goto(f"{eyes.base}/chain/{office.id}")
    await eyes.look("/chain, a day that is wrong")
    await eyes.page.goto(f"{eyes.base}/recordings/{rows[1].id}")
    await eyes.look("/recordings, the way to its proof")
    faults += eyes.faults
    await eyes.page.context.close()
    assert len(alarms) == 2 and isinstance(alarms[0], Alarm)
    assert not faults, "\n".join(faults)


async def test_what_auditors_see(house: House, chrome: Browser) -> None:
    recording_id, faults = await viewed(house), []
    eyes = await seated(house, chrome, "city.auditor")
    for where in ("/audit/recordings", f"/audit/recordings/{recording_id}"):
        await eyes.open(where)
    await eyes.page.goto(f"{eyes.base}/audit/recordings?since=2026-11-25&until=2026-11-24")
    await eyes.look("/audit, refused")
    faults += eyes.faults
    await eyes.page.context.close()
    assert not faults, "\n".join(faults)


async def test_the_archive_with_a_hold_and_proposals(house: House, chrome: Browser) -> None:
    rows = await chained(house, 4)
    clock = house.clock
    async with house.database.session() as db:
        for row in rows:
            (await load_recording(db, row.id)).composition = CompositionState.FAILED
        await db.commit()
        await enrol(db, RetentionClass("short", 10))
        for row in rows:
            archive = await archive_of(db, row.id)
            assert archive is not None
            archive.state, archive.archived_at = ArchiveState.ARCHIVED, clock.now()
            archive.object_count, archive.stored_size = 12, 5 << 20
            archive.keep_until = clock.now() - timedelta(days=1)
        await db.commit()
        await place_hold(db, clock, SYSTEM, rows[0].id, "行政诉讼需要，法院已经调取", None)
        await propose_destruction(db, clock, SYSTEM, rows[1].id, "保管期满，经鉴定没有继续保存的价值", None)
        failing = await archive_of(db, rows[3].id)
        assert failing is not None
        failing.state, failing.cause, failing.attempts = ArchiveState.FAILED, "corrupted", 3
        failing.failing_since = failing.next_try_at = clock.now()
        await db.commit()
    faults = []
    for key in ("chengguan.archivist", "chengguan.leader"):
        eyes = await seated(house, chrome, key)
        await eyes.page.goto(f"{eyes.base}/archive")
        await eyes.page.evaluate(UNFOLD)
        await eyes.look(f"/archive of {key}")
        faults += eyes.faults
        await eyes.page.context.close()
    assert not faults, "\n".join(faults)


async def turn(house: House, recording_id: str, state: ArchiveState, coming: bool = False) -> None:
    """The recording's copy in the archive stands so from now on."""
    async with house.database.session() as db:
        archive = await archive_of(db, recording_id)
        assert archive is not None
        archive.state = state
        archive.local_removed_at = house.clock.now() if state is ArchiveState.LOCAL_REMOVED else None
        archive.restore_wanted_at = house.clock.now() if coming else None
        await db.commit()


async def test_another_layout_and_an_original_that_aged_out(house: House, chrome: Browser) -> None:
    recording_id = await viewed(house)
    async with house.database.session() as db:
        await enrol(db, RetentionClass("permanent", 0))
    await turn(house, recording_id, ArchiveState.ARCHIVED)
    eyes = await seated(house, chrome, "chengguan.reviewer")
    await eyes.page.goto(f"{eyes.base}/recordings/{recording_id}")
    await state_purpose(eyes.page)
    await eyes.page.locator("#layout").wait_for()
    await eyes.look("/recordings, another layout")
    for coming in (False, True):
        await turn(house, recording_id, ArchiveState.LOCAL_REMOVED, coming=coming)
        await eyes.page.goto(f"{eyes.base}/recordings/{recording_id}")
        assert await eyes.page.locator("#layout").count() == 0
        assert await eyes.page.get_by_text("取回原件").count() == (not coming)
        await eyes.look(f"/recordings, aged out, {coming=}")
    assert not eyes.faults, "\n".join(eyes.faults)
