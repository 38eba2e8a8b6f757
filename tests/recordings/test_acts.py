"""What was done with a recording goes out with it, in order; what the office told of its archive too."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from cases.clock import BEIJING
from cases.custody import hand_over
from cases.policy import SYSTEM, Actor
from recordings.archive.archiver import Archiver
from recordings.archive.destruction import decide_destruction, propose_destruction
from recordings.archive.index import follow_custody
from recordings.archive.legal_hold import lift_hold, place_hold
from recordings.evidence.proof import note_verdict
from recordings.evidence.signing import load_signer
from recordings.evidence.verification import verify_folder
from recordings.packages.export import METADATA_FILE, begin_export, build_package
from recordings.packages.filing import read_filing
from recordings.packages.package import write_folder
from recordings.recording import load_recording
from tests.recordings.archiving import sealed, settings_of
from tests.recordings.exports import plain_pages
from tests.recordings.sitting import Sitting
from tests.recordings.test_metadata import parsed

ARCHIVIST, LEADER = "chengguan.archivist", "chengguan.leader"
OFFICE = "城关区信访局"


async def exported(
    sitting: Sitting, recording_id: str, reason: str, fonds: str, by: Actor | None = None
) -> ET.Element:
    """The metadata of a whole package, held against the table of the document."""
    sitting.clock.advance(minutes=5)
    filing = read_filing("762001", [fonds])
    async with sitting.database.session() as db:
        actor = by or sitting.world.actor(ARCHIVIST)
        export = await begin_export(
            db, sitting.clock, actor, recording_id, reason, None, sitting.root, None, filing
        )
    place = sitting.root.parent / reason
    signer = load_signer(sitting.root.parent / "keys")
    package = build_package(export, signer, plain_pages, sitting.root)
    await asyncio.to_thread(write_folder, package, place)
    return parsed((place / METADATA_FILE).read_bytes())


async def lived(sitting: Sitting) -> str:
    """A recording that was archived, read, held, and nearly destroyed; each act five minutes later."""
    recording, clock, world = await sealed(sitting), sitting.clock, sitting.world
    recording_id = recording.id
    clock.advance(minutes=5)
    assert await Archiver(sitting.database, clock, settings_of(sitting, retention="short")).work_once()
    clock.advance(days=366 * 11)
    async with sitting.database.session() as db:
        row = await load_recording(db, recording_id)
        verdict = await asyncio.to_thread(verify_folder, recording.folder(sitting.root))
        await note_verdict(db, clock, row, clock.now(), 5, verdict)
        clock.advance(minutes=5)
        hold = await place_hold(db, clock, world.actor(LEADER), recording_id, "复查尚未办结", None)
        clock.advance(minutes=5)
        await lift_hold(db, clock, world.actor(LEADER), hold.id, "复查已经办结", None)
        clock.advance(minutes=5)
        archivist = world.actor(ARCHIVIST)
        found = await propose_destruction(db, clock, archivist, recording_id, "保管期满，无保存价值", None)
        clock.advance(minutes=5)
        await decide_destruction(db, clock, world.actor(LEADER), found.id, False, "仍有查考价值", None)
    return recording_id


async def test_every_act_is_told_with_who_and_why(sitting: Sitting) -> None:
    recording_id = await lived(sitting)
    who = {key: sitting.world.officials[key].name for key in (ARCHIVIST, LEADER)}
    await exported(sitting, recording_id, "市局复查调阅", f"{OFFICE}=0123")
    root = await exported(sitting, recording_id, "移交综合档案馆", f"{OFFICE}=0123")
    acts = [
        tuple(act.findtext(name) for name in ("管理行为", "行为人", "行为描述"))
        for act in root.iter("管理活动实体")
    ]
    assert acts == [
        ("封存", "系统", "计算摘要、写入清单并签名"),
        ("归档", "系统", "写入归档存储，读回比对一致"),
        ("完整性检测", "系统", "完整"),
        ("依法保全", who[LEADER], "复查尚未办结"),
        ("解除保全", who[LEADER], "复查已经办结"),
        ("提出销毁", who[ARCHIVIST], "保管期满，无保存价值"),
        ("审批销毁", who[LEADER], "仍有查考价值"),
        ("导出", who[ARCHIVIST], "市局复查调阅"),
        ("导出", who[ARCHIVIST], "移交综合档案馆"),
    ]
    times = [datetime.fromisoformat(act.findtext("行为时间") or "") for act in root.iter("管理活动实体")]
    assert times == sorted(times) and times[-1] == sitting.clock.now().astimezone(UTC)


async def test_what_the_office_knows_of_its_archive_and_what_the_recording_counts(sitting: Sitting) -> None:
    recording = await sealed(sitting)
    root = await exported(sitting, recording.id, "移交综合档案馆", f"{OFFICE}=0123")
    assert root.findtext("标识/全宗名称") == OFFICE
    assert (root.findtext("标识/档案馆代码"), root.findtext("标识/全宗号")) == ("762001", "0123")
    told = root.findtext("内容描述/内容描述") or ""
    begin = recording.started_at.astimezone(BEIJING)
    assert told.startswith(f"视频接访录像，北京时间 {begin:%Y-%m-%d %H:%M:%S} 至 ")
    assert "参加 2 人，原始轨道 4 条，缺口 0 处，标记 0 个。" in told
    rule = root.findtext("权限管理/控制标识") or ""
    assert "限定" not in rule
    # Another office's number is not taken for this one's. A confidential case (no post exports one) says so.
    async with sitting.database.session() as db:
        session = await db.merge(sitting.session)
        session.petition.confidential = True
        await db.commit()
    root = await exported(sitting, recording.id, "再次移交档案馆", "西固区信访局=0124", SYSTEM)
    fonds = root.find("标识/全宗号")
    assert fonds is not None and fonds.get("filled") == "false"
    assert root.findtext("权限管理/控制标识") == f"{rule}；信访件已限定查看人员"


@pytest.mark.parametrize(
    ("archive", "fonds"),
    [("7 6", []), ("x" * 33, []), ("", ["城关"]), ("", ["=1"]), ("", ["a=1", "a=2"]), ("", ["a=1 2"])],
)
def test_codes_that_cannot_be_used_are_named(archive: str, fonds: list[str]) -> None:
    with pytest.raises(ValueError, match="not a"):
        read_filing(archive, fonds)


def test_an_office_is_known_by_its_id_or_its_whole_name() -> None:
    filing = read_filing("", ["o7=0123", f"{OFFICE}=0456"])
    assert filing.fonds_of({"id": "o7", "name": "别处"}) == "0123"
    assert filing.fonds_of({"id": "o8", "name": OFFICE}) == "0456"
    assert filing.fonds_of({"id": "o8", "name": "区信访局"}) is None
    assert filing.fonds_of({}) is None


async def test_another_keeper_of_the_case_is_told_with_the_way_it_came(sitting: Sitting) -> None:
    """The maker stays who made it; who keeps it is who keeps it now."""
    recording, world = await sealed(sitting), sitting.world

    def keepers(root: ET.Element) -> list[tuple[str | None, str | None]]:
        agents = root.iter("机构人员实体")
        keeper = [each for each in agents if each.findtext("职责") == "保管单位"]
        return [(each.findtext("机构人员标识符"), each.findtext("机构人员名称")) for each in keeper]

    before = await exported(sitting, recording.id, "市局复查调阅", f"{OFFICE}=0123")
    assert keepers(before) == [(world.chengguan.id, OFFICE)]
    async with sitting.database.session() as db:
        await hand_over(
            db, sitting.clock, world.actor(LEADER), recording.petition_id, world.xigu.id, "区划调整",
            world.chengguan.id, (follow_custody,),
        )  # fmt: skip
    after = await exported(sitting, recording.id, "移交综合档案馆", f"{OFFICE}=0123")
    assert keepers(after) == [(world.xigu.id, "西固区信访局")]
    assert after.findtext("内容描述/责任者") == after.findtext("标识/全宗名称") == OFFICE
    (act,) = [each for each in after.iter("管理活动实体") if each.findtext("管理行为") == "移交"]
    told = f"由{OFFICE}移交西固区信访局：区划调整"
    assert (act.findtext("行为人"), act.findtext("行为描述")) == (world.officials[LEADER].name, told)
