"""Files with hostile names in a recording's folder: named so that they can be read, kept, and fool nobody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from cases.policy import SYSTEM
from recordings.alarms import Alarm, AlarmKind
from recordings.evidence.proof import Verification, note_verdict
from recordings.evidence.verdict import ExitCode, visible
from recordings.evidence.verification import verify_folder
from recordings.recording import start_recording
from recordings.watch.completeness import check_completeness
from tests.disk import AMPLE
from tests.recordings.sitting import Sitting
from tests.recordings.synthetic import PARTIES, seal, write_session
from web.cli import app

# As bytes, with what a report says of them.
NAMES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xfe.lxj", "\\xff\\xfe.lxj"),
    (b"\xc3", "\\xc3"),
    (b"\x1b[2J\x1b[32mred", "\\x1b[2J\\x1b[32mred"),
    (
        "x\n完整：每个分段与封存时一致，签名有效。\n".encode(),
        "x\\x0a完整：每个分段与封存时一致，签名有效。\\x0a",
    ),
    (b"000009.lxj\r", "000009.lxj\\x0d"),
    ("\u202egnp.exe".encode(), "\\u202egnp.exe"),
    ("a\u200bb\u2066".encode(), "a\\u200bb\\u2066"),
    (b"-rf *", "-rf *"),
    (b"[red]bold", "[red]bold"),
    (b"{0} %s $(id) `id`", "{0} %s $(id) `id`"),
    (("王" * 85).encode(), "王" * 85),
    (b"a" * 255, "a" * 255),
    (b"<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
)


def add(folder: Path) -> None:
    """All of them beside the segments, and a folder of such a name."""
    for name, _ in NAMES:
        with open(os.fsencode(folder) + b"/tracks/p_citizen-camera/" + name, "wb") as file:
            file.write(b"x")
    (Path(os.fsdecode(os.fsencode(folder) + b"/tracks/\xfe-camera"))).mkdir()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("names") / "rec"
    root.mkdir()
    write_session(root, 0.2, PARTIES[3:], (160, 90))
    seal(root, 0.2, PARTIES[3:])
    add(root)
    return root


def test_each_is_named_and_none_can_be_mistaken(folder: Path) -> None:
    verdict = verify_folder(folder)
    assert verdict.exit_code is ExitCode.DAMAGED
    told = {finding.path for finding in verdict.findings}
    assert told == {f"tracks/p_citizen-camera/{said}" for _, said in NAMES}
    lines = verdict.lines()
    assert len(lines) == 1 + len(NAMES) and all(line.isprintable() for line in lines)
    assert not [line for line in lines if line.startswith("完整")]


def test_the_command_prints_them(folder: Path) -> None:
    told = CliRunner().invoke(app, ["verify", str(folder)])
    assert told.exit_code == ExitCode.DAMAGED, told.output
    assert "\x1b" not in told.output and told.output.count("\n") == 1 + len(NAMES)
    assert r"\xff\xfe.lxj" in told.output and "[red]bold" in told.output


async def test_verdict_and_alarm_are_kept(sitting: Sitting, folder: Path) -> None:
    """A report that cannot be written would be damage that nobody hears of."""
    strange = sitting.root / os.fsdecode(b"\xff\n\x1b[1m")
    strange.mkdir(parents=True)
    (strange / "x").write_bytes(b"x")
    os.utime(strange / "x", (0, 0))
    os.utime(strange, (0, 0))
    async with sitting.database.session() as db:
        recording = await start_recording(db, sitting.clock, SYSTEM, sitting.session.id, sitting.root, AMPLE)
        await note_verdict(db, sitting.clock, recording, sitting.clock.now(), 5, verify_folder(folder))
        await check_completeness(db, sitting.clock, sitting.root)
        (verdict,) = (await db.scalars(select(Verification))).all()
        alarms = (await db.scalars(select(Alarm))).all()
    texts = [finding["text"] for finding in verdict.findings]
    assert any("\\xff\\xfe.lxj" in text for text in texts) and all(text.isprintable() for text in texts)
    unknown = next(alarm for alarm in alarms if alarm.kind is AlarmKind.FILES_UNKNOWN)
    assert unknown.place == "\\xff\\x0a\\x1b[1m"


def test_what_can_be_seen_stays_as_it_is() -> None:
    plain = "多出封存时没有的文件 tracks/p-camera/000001.lxj。 <&> 😀 é"
    assert visible(plain) == plain
    assert visible("\ud800\udfff\udc80\u2028\x7f") == "\\ud800\\udfff\\x80\\u2028\\x7f"
