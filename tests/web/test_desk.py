"""The reviewer's desk: a reason before the film, a log of what was played, notes that keep their history."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from cases.audit import AuditEntry
from cases.audit_check import check_audit
from cases.errors import Invalid
from recordings.recording import CompositionState, load_recording
from recordings.review.film_time import read_moment, read_stretch
from recordings.review.note import ReviewNote
from recordings.review.view_purpose import ViewPurpose
from recordings.review.viewing import MOST_RANGES, PlayedRange, read_ranges
from recordings.store import COMPOSED_FILE
from tests.web.conftest import House
from tests.web.test_replay import sealed_recording

# Pages look alike on both systems; what is written differs, and is tested where it is written.
ONE_SYSTEM = pytest.mark.parametrize("database_system", ["sqlite"])
REVIEWER, SECOND, INSPECTOR = "chengguan.reviewer", "province.reviewer", "city.inspector"


async def playable(house: House) -> str:
    """A recording whose page offers a film; what lies in the file is nobody's concern here."""
    recording_id = await sealed_recording(house)
    async with house.database.session() as db:
        recording = await load_recording(db, recording_id)
        recording.composition, recording.composed_ms = CompositionState.DONE, 600_000
        await db.commit()
        folder = recording.folder(house.settings.recordings_root)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / COMPOSED_FILE).write_bytes(b"film")
    return recording_id


async def count(house: House, model: type[PlayedRange | ReviewNote | ViewPurpose]) -> int:
    async with house.database.session() as db:
        return await db.scalar(select(func.count()).select_from(model)) or 0


async def test_no_film_before_its_reason_and_once_for_each_sign_in(house: House) -> None:
    recording_id, browser = await playable(house), await house.official(REVIEWER)
    address = f"/recordings/{recording_id}"
    text = await (await browser.get(f"{address}?t=1m5s")).text()
    assert "播放前请写明查阅事由" in text and "<video" not in text and 'value="1m5s"' in text
    assert 'value="evil' not in await (await browser.get(address, params={"t": "evil"})).text()
    answer = await browser.get(f"{address}/composed.mp4", headers={"Accept": "application/json"})
    assert (answer.status, (await answer.json())["error"]["code"]) == (403, "purpose_required")
    assert await browser.state_purpose(recording_id, "") == 422
    assert await browser.state_purpose(recording_id, "other", "看看") == 422
    assert (await browser.post(f"{address}/purpose", {"kind": "procedure"})).status == 403  # No token.
    assert await count(house, ViewPurpose) == 0
    answer = await browser.send(address, f"{address}/purpose", kind="other", words="核实<b>承诺</b>", t="65")
    assert (answer.status, answer.headers["Location"]) == (303, f"{address}?t=65")
    text = await (await browser.get(address)).text()
    assert "<video" in text and "其他：核实&lt;b&gt;承诺" in text and "播放前请写明查阅事由" not in text
    assert (await browser.get(f"{address}/composed.mp4")).status == 200
    assert await browser.state_purpose(recording_id) == 303  # A second one changes nothing.
    assert await count(house, ViewPurpose) == 1
    again = await house.official(REVIEWER)
    assert (await again.get(f"{address}/composed.mp4")).status == 403
    async with house.database.session() as db:
        entry = await db.scalar(select(AuditEntry).where(AuditEntry.action == "recording.purpose_stated"))
        assert entry is not None and entry.detail["reason"] == "其他：核实<b>承诺</b>"
        assert (await check_audit(db)).intact


@ONE_SYSTEM
async def test_what_was_played_stands_in_the_log_with_who_when_and_why(house: House) -> None:
    recording_id, browser = await playable(house), await house.official(REVIEWER)
    address = f"/recordings/{recording_id}"
    report = {"ranges": "0-15000 15000-30000 61000-62500"}
    assert (await browser.send(address, f"{address}/played", **report)).status == 403  # No reason yet.
    assert await browser.state_purpose(recording_id, "minutes", "第三段有异议") == 303
    assert (await browser.post(f"{address}/played", report)).status == 403  # No token.
    assert (await browser.send("/cases", f"{address}/played", **report)).status == 204
    assert (await browser.send("/cases", f"{address}/played", ranges="5-1")).status == 422
    assert await count(house, PlayedRange) == 2
    assert (await browser.get(f"{address}/views")).status == 403
    text = await (await (await house.official(INSPECTOR)).get(f"{address}/views")).text()
    name = house.world.officials[REVIEWER].name
    for words in (
        "楼道漏水",
        name,
        "城关区信访局 复查复核员",
        "核对笔录：第三段有异议",
        "0:00–0:30",
        "打开回放页",
    ):
        assert words in text, words
    assert "1:01–1:02" in text
    auditor = await house.official("city.auditor")
    text = await (await auditor.get(f"/audit/recordings/{recording_id}")).text()
    assert "0:00–0:30" in text and "楼道漏水" not in text
    assert (await auditor.get(f"{address}/views")).status == 403
    assert (await (await house.official("xigu.leader")).get(f"{address}/views")).status == 404
    assert (await browser.get(f"/audit/recordings/{recording_id}")).status == 403


async def test_a_note_is_corrected_and_withdrawn_by_its_author_and_stays(house: House) -> None:
    recording_id, browser = await playable(house), await house.official(REVIEWER)
    address = f"/recordings/{recording_id}"
    fields = {"since": "1:05", "until": "1:10", "words": "没有告知<b>期限"}
    assert (await browser.post(f"{address}/notes", fields)).status == 403
    assert (await browser.send(address, f"{address}/notes", **fields | {"until": "1:00"})).status == 422
    assert (await browser.send(address, f"{address}/notes", **fields | {"words": " "})).status == 422
    assert (await browser.send(address, f"{address}/notes", **fields)).status == 303
    text = await (await browser.get(f"{address}/desk")).text()
    assert "没有告知&lt;b&gt;期限" in text and 'data-desk-seek="65.0"' in text and "<html" not in text
    note = f"{address}/notes/" + text.split(f"{address}/notes/")[1].split('"')[0]
    other = await house.official(SECOND)
    assert (await other.send(address, note, words="改别人的")).status == 403
    assert (
        await browser.send(address, note, since="70", words="期限说得不清楚", act="correct")
    ).status == 303
    text = await (await other.get(f"{address}/desk")).text()
    assert "期限说得不清楚" in text and "更正前（1）" in text and "没有告知&lt;b&gt;期限" in text
    assert (await browser.send(address, note, act="withdraw")).status == 303
    assert (await browser.send(address, note, words="再改一次")).status == 409
    assert "已撤回" in await (await browser.get(address)).text()
    assert await count(house, ReviewNote) == 3
    async with house.database.session() as db:
        acts = await db.scalars(select(AuditEntry.action).where(AuditEntry.action.like("note.%")))
        assert sorted(acts) == ["note.corrected", "note.withdrawn", "note.written"]


@ONE_SYSTEM
async def test_only_reviewers_see_and_write_notes(house: House) -> None:
    recording_id = await playable(house)
    address = f"/recordings/{recording_id}"
    assert (
        await (await house.official(REVIEWER)).send(address, f"{address}/notes", words="一条")
    ).status == 303
    for key, status in (("chengguan.receptionist", 403), ("chengguan.archivist", 403), ("xigu.leader", 403)):
        browser = await house.official(key)
        assert (await browser.send("/board", f"{address}/notes", words="两条")).status == status
        assert "一条" not in await (await browser.get(f"{address}/desk")).text()
    assert await count(house, ReviewNote) == 1


@pytest.mark.parametrize(
    ("typed", "ms"),
    [("", None), ("65", 65_000), ("1:05", 65_000), ("1：05", 65_000), ("1:02:03.5", 3_723_500), ("0", 0)],
)
def test_a_moment_is_read_as_people_write_it(typed: str, ms: int | None) -> None:
    assert read_moment(typed, "since") == ms


@pytest.mark.parametrize(
    "typed", ["-1", "1:60", "1:60:00", "x", "٣", "1e9", "999:59:59", "1:2:3:4", "1" * 400]
)
def test_a_moment_that_is_none_is_refused_in_words(typed: str) -> None:
    with pytest.raises(Invalid, match="bad_moment"):
        read_stretch(typed, "")


@pytest.mark.parametrize(
    "typed",
    ["", "1", "5-5", "9-1", "-1-5", "0-1 x", "0-999999999", "٠-٣", "0-1," * 9, "0-1 " * (MOST_RANGES + 1)],
)
def test_reports_that_make_no_sense_are_refused(typed: str) -> None:
    with pytest.raises(Invalid, match="bad_ranges"):
        read_ranges(typed)
