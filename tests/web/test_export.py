"""刻录导出 by page and by command: a reason, the right post, the audit trail, a package with its proof."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pypdf
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from cases.audit import AuditEntry
from cases.audit_check import check_audit
from cases.database import new_id
from cases.errors import NotFound
from cases.policy import SYSTEM
from recordings.capture.journal import file_sha256
from recordings.evidence.manifest import sha256_hex
from recordings.evidence.minutes_record import verify_minutes_record
from recordings.packages.check import verify_path
from recordings.packages.export import begin_export, see_export
from recordings.packages.package import PackageFile
from recordings.recording import (
    CompositionState,
    RecordingState,
    load_recording,
    start_recording,
    stop_recording,
)
from recordings.review.replay import RecordingAccess
from scheduling.minutes.editing import InsertParagraph, change_minutes
from scheduling.minutes.paragraph import MinutesParagraph, ParagraphKind
from scheduling.minutes.record import MinutesState, begin_minutes, load_minutes, move_minutes
from tests.disk import AMPLE
from tests.factories import make_petition, make_session
from tests.recordings.exports import SECONDS, write_recording
from tests.web.conftest import House
from web.cli import app
from web.commands import exporting
from web.commands.exporting import ExportRefused, export_recording
from web.pages.export import EXPORTS, parse_time

ARCHIVIST = "chengguan.archivist"
REASON = "市信访局复查调阅"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("export")
    write_recording(home / "rec", home / "keys", "<script>alert(1)</script>供暖问题")
    return home


async def sealed(house: House, template: Path) -> str:
    """A recording as the worker leaves it, with its film."""
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
        session = await make_session(db, house.clock, house.world, petition)
        root = house.settings.recordings_root
        made = await start_recording(db, house.clock, SYSTEM, session.id, root, AMPLE)
        recording = await stop_recording(db, house.clock, SYSTEM, made.id, "session_closed")
        folder = recording.folder(root)
        shutil.rmtree(folder)
        shutil.copytree(template / "rec", folder)
        shutil.copytree(template / "keys", house.settings.state / "keys", dirs_exist_ok=True)
        recording.move_to(RecordingState.SEALED)
        recording.sealed_at = recording.composed_at = house.clock.now()
        recording.manifest_sha256 = sha256_hex((folder / "manifest.json").read_bytes())
        recording.composition, recording.composed_ms = CompositionState.DONE, round(SECONDS * 1000)
        recording.composed_sha256 = file_sha256(folder / "composed.mp4")
        await db.commit()
        return recording.id


async def run(*command: str, cwd: Path | None = None) -> tuple[int | None, str]:
    """Exit code and what it said."""
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def acts(house: House) -> list[tuple[str, str, dict[str, object]]]:
    async with house.database.session() as db:
        assert (await check_audit(db)).intact
        query = select(AuditEntry).where(AuditEntry.action.like("recording.export%"))
        rows = (await db.scalars(query.order_by(AuditEntry.sequence))).all()
        return [(row.action, row.actor_name, row.detail) for row in rows]


async def test_an_archivist_exports_with_a_reason(house: House, template: Path, tmp_path: Path) -> None:
    recording_id, browser = await sealed(house, template), await house.official(ARCHIVIST)
    address = f"/recordings/{recording_id}/export"
    assert address in await (await browser.get(f"/recordings/{recording_id}")).text()
    answer = await browser.send(address, address, reason="  \n ")
    assert answer.status == 422 and "请写明导出的理由" in await answer.text()
    assert await acts(house) == []
    answer = await browser.send(address, address, reason=REASON)
    assert answer.status == 200 and answer.content_type == "application/zip"
    file = tmp_path / "package.zip"
    file.write_bytes(await answer.read())
    assert int(answer.headers["Content-Length"]) == file.stat().st_size
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="lianxin-package-')
    verdict = verify_path(file)
    assert verdict.intact and verdict.segments > 4, verdict.lines()
    name = house.world.officials[ARCHIVIST].name
    begun, done = await acts(house)
    assert begun[:2] == ("recording.export_begun", name) and begun[2]["reason"] == REASON
    assert done[:2] == ("recording.exported", name)
    await run("unzip", "-q", str(file), "-d", str(tmp_path / "unpacked"))
    root = next((tmp_path / "unpacked").iterdir())
    assert done[2]["package_sha256"] == file_sha256(root / "package.json")
    async with house.database.session() as db:
        access = (await db.scalars(select(RecordingAccess).where(RecordingAccess.purpose == "export"))).one()
        assert access.actor_name == name
    page = (root / "index.html").read_text("utf-8")
    assert "<script>alert" not in page and "&lt;img onerror=1&gt;" in page and REASON in page
    assert 'src="recording/composed.mp4"' in page and "http" not in page.replace("http-equiv", "")
    assert "0:02  09:30:02  暂停 · 王芳" in (root / "events.txt").read_text("utf-8").replace("    ", "")


async def test_the_instructions_work_as_they_are_written(
    house: House, template: Path, tmp_path: Path
) -> None:
    recording_id = await sealed(house, template)
    target = tmp_path / "package"
    await export_recording(house.settings, recording_id, target, REASON, None)
    text = (target / "HOW-TO-VERIFY.txt").read_text("utf-8")
    lines = [line.strip() for line in text.splitlines()]
    first = next(i for i, line in enumerate(lines) if line.startswith("f=package"))
    last = next(i for i, line in enumerate(lines) if line.startswith("openssl"))
    commands = "\n".join(lines[first : last + 1])
    count = next(line for line in lines if line.startswith('printf "$(hex public_key)" | sha256sum'))
    for name in ("package", "recording/manifest", "recording/composed"):
        script = commands.replace("f=package", f"f={name}") + f"\n{count}"
        code, said = await run("bash", "-ec", script, cwd=target)
        assert code == 0 and "Verified Successfully" in said
        assert said.split()[-2] in text  # The fingerprint.
    (target / "package.json").write_bytes((target / "package.json").read_bytes() + b" ")
    code, said = await run("bash", "-ec", commands, cwd=target)
    assert code != 0 and "Success" not in said


async def test_only_the_posts_of_the_matrix_export(house: House, template: Path) -> None:
    recording_id = await sealed(house, template)
    address = f"/recordings/{recording_id}/export"
    wanted = {
        "chengguan.reviewer": 200, ARCHIVIST: 200, "province.reviewer": 200, "chengguan.receptionist": 403,
        "chengguan.leader": 403, "city.inspector": 403, "city.sysadmin": 403, "xigu.receptionist": 403,
    }  # fmt: skip
    for key, status in wanted.items():
        browser = await house.official(key)
        assert (await browser.get(address)).status == status, key
        if status != 200:
            assert (await browser.send("/", address, reason=REASON)).status == 403, key
    browser = await house.official("chengguan.receptionist")
    assert address not in await (await browser.get(f"/recordings/{recording_id}")).text()
    archivist = await house.official(ARCHIVIST)
    assert (await archivist.post(address, {"reason": REASON})).status == 403  # Without its form token.
    assert (await archivist.get(f"/recordings/{'0' * 32}/export")).status == 404
    assert await acts(house) == []


async def test_the_right_post_in_another_place_is_told_that_there_is_nothing(
    house: House, template: Path
) -> None:
    """The page's coarse check lets every reviewer pass; the use case asks whose recording it is."""
    recording_id = await sealed(house, template)
    reviewer, other = house.world.actor("chengguan.reviewer"), house.world.xigu
    moved = replace(reviewer.posts[0], organisation_id=other.id, region_code=other.region_code)
    stranger = replace(reviewer, posts=(moved,))
    root = house.settings.recordings_root
    async with house.database.session() as db:
        with pytest.raises(NotFound):
            await see_export(db, stranger, recording_id)
        with pytest.raises(NotFound):
            await begin_export(db, house.clock, stranger, recording_id, REASON, None, root)
        await begin_export(db, house.clock, reviewer, recording_id, REASON, None, root)
    assert [who for _, who, _ in await acts(house)] == [reviewer.name]


async def test_a_clip_says_where_it_is_from(house: House, template: Path, tmp_path: Path) -> None:
    recording_id, browser = await sealed(house, template), await house.official("chengguan.reviewer")
    address = f"/recordings/{recording_id}/export"
    for since, until in (
        ("x", "0:03"),
        ("0:03", ""),
        ("0:05", "0:03"),
        ("1:00", "2:00"),
        ("-1", "9"),
        ("0:99", "1"),
    ):
        answer = await browser.send(address, address, reason=REASON, since=since, until=until)
        assert answer.status == 422, (since, until)
    answer = await browser.send(address, address, reason=REASON, since="0:02", until="0:03")
    assert answer.status == 200
    file = tmp_path / "clip.zip"
    file.write_bytes(await answer.read())
    verdict = verify_path(file, original=template / "rec")
    assert verdict.intact, verdict.lines()
    assert [(action, detail["from_ms"], detail["to_ms"]) for action, _, detail in await acts(house)] == [
        ("recording.export_begun", 2000, 3000),
        ("recording.exported", 2000, 3000),
    ]


async def test_what_cannot_be_exported_is_said(house: House, template: Path) -> None:
    recording_id, browser = await sealed(house, template), await house.official(ARCHIVIST)
    address, folder = f"/recordings/{recording_id}/export", house.settings.recordings_root / recording_id
    places = house.server.app[EXPORTS]
    async with places, places:
        answer = await browser.send(address, address, reason=REASON)
        assert answer.status == 409 and "另外的导出正在进行" in await answer.text()
    (folder / "composed.mp4").write_bytes(b"no film")
    answer = await browser.send(address, address, reason=REASON, since="0", until="2")
    assert answer.status == 409 and "读不出来" in await answer.text()
    (folder / "manifest.json").unlink()
    answer = await browser.send(address, address, reason=REASON)
    assert answer.status == 409 and "请先校验" in await answer.text()
    async with house.database.session() as db:
        row = await load_recording(db, recording_id)
        row.composition = CompositionState.RUNNING
        await db.commit()
    answer = await browser.send(address, address, reason=REASON)
    assert answer.status == 409 and "正在合成" in await answer.text()
    assert {action for action, _, _ in await acts(house)} == {"recording.export_begun"}


async def test_a_file_that_changes_meanwhile_ends_the_download_early(
    house: House, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording_id, browser = await sealed(house, template), await house.official(ARCHIVIST)
    address = f"/recordings/{recording_id}/export"
    chunks = PackageFile.chunks

    def fewer(file: PackageFile) -> object:
        return iter(()) if file.path.endswith(".lxj") else chunks(file)

    monkeypatch.setattr(PackageFile, "chunks", fewer)
    with pytest.raises(OSError):  # aiohttp's ClientError for a body that is too short is one.
        try:
            await browser.send(address, address, reason=REASON)
        except Exception as error:
            raise OSError from error
    assert [action for action, _, _ in await acts(house)] == ["recording.export_begun"]


async def test_the_command_writes_folders_and_zips(
    house: House, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording_id = await sealed(house, template)
    for target, span in (
        (tmp_path / "out", None),
        (tmp_path / "out.ZIP", None),
        (tmp_path / "clip", (2.0, 4.0)),
    ):
        size = await export_recording(house.settings, recording_id, target, REASON, span)
        assert size > 10_000 and verify_path(target).intact
    with pytest.raises(ExportRefused, match="已经存在"):
        await export_recording(house.settings, recording_id, tmp_path / "out", REASON, None)
    with pytest.raises(ExportRefused, match="理由"):
        await export_recording(house.settings, recording_id, tmp_path / "new", "?", None)
    with pytest.raises(ExportRefused, match="没有找到"):
        await export_recording(house.settings, "../../etc", tmp_path / "new", REASON, None)
    assert {who for _, who, _ in await acts(house)} == {f"命令行 {exporting.getpass.getuser()}"}
    result = CliRunner().invoke(app, ["verify", str(tmp_path / "clip"), "--original", str(template / "rec")])
    assert result.exit_code == 0, result.output
    (tmp_path / "clip" / "clip.mp4").write_bytes(b"")
    assert CliRunner().invoke(app, ["verify", str(tmp_path / "clip")]).exit_code == 1


def test_times_people_type() -> None:
    assert [parse_time(text) for text in ("0:12:30", "12:30", "90", "1：00")] == [750, 750, 90, 60]
    for text in ("", ":", "1:2:3:4", "-1", "1.5", "1:60", "nan", "1e3", "٣", "9" * 50):
        with pytest.raises(ValueError, match="no time"):
            parse_time(text)


async def test_the_minutes_go_along_once_they_were_read_back(
    house: House, template: Path, tmp_path: Path
) -> None:
    """As PDF, as the signed record that proves itself, and paragraph by paragraph on the page."""
    recording_id = await sealed(house, template)
    host, said = house.world.actor("chengguan.receptionist"), "从三月起没有供暖 <i>"
    async with house.database.session() as db:
        recording = await load_recording(db, recording_id)
        session_id = recording.session_id
        await begin_minutes(db, house.clock, host, session_id)
        change = InsertParagraph(
            edit_id=new_id(), paragraph_id=new_id(), after_id=None, kind=ParagraphKind.ANSWER,
            speaker_id=None, text=said,
        )  # fmt: skip
        await change_minutes(db, house.clock, host, session_id, change)
        paragraph = (await db.scalars(select(MinutesParagraph).where(MinutesParagraph.text == said))).one()
        paragraph.said_at = recording.started_at + timedelta(seconds=3)
        recording.stopped_at = recording.started_at + timedelta(seconds=SECONDS)
        await db.commit()

    async def unpacked(name: str, span: tuple[float, float] | None = None) -> set[str]:
        await export_recording(house.settings, recording_id, tmp_path / name, REASON, span)
        assert verify_path(tmp_path / name).intact
        return {path.name for path in (tmp_path / name).iterdir()}

    assert not {"minutes.pdf", "minutes.json"} & await unpacked("draft"), "a draft stays in the house"
    async with house.database.session() as db:
        await move_minutes(db, house.clock, host, session_id, MinutesState.READ_BACK)
        minutes = await load_minutes(db, session_id)
        minutes.state = MinutesState.LOCKED
        await db.commit()
    assert {"minutes.pdf", "minutes.json"} <= await unpacked("final")
    words = "".join(each.extract_text() for each in pypdf.PdfReader(tmp_path / "final/minutes.pdf").pages)
    assert said in words.replace("\n", "").replace("\x00", "")
    assert verify_minutes_record(tmp_path / "final/minutes.json").intact
    page = (tmp_path / "final/index.html").read_text("utf-8")
    assert 'href="minutes.pdf"' in page and 'data-seek="3.0"' in page and "从三月起没有供暖 &lt;i&gt;" in page
    assert not {"minutes.pdf", "minutes.json"} & await unpacked("clip", (0.0, 4.0))
