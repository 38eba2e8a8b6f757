"""链与时间戳: what disk and rows say stands there, and the proof can be checked."""

from __future__ import annotations

import json
import shutil
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import select

from recordings.evidence.day_root import days_of, ledger_of
from recordings.evidence.keys import open_register
from recordings.evidence.manifest import canonical, moment_text, sha256_hex, write_durably
from recordings.evidence.proof import note_verdict
from recordings.evidence.signing import load_signer
from recordings.evidence.timestamp import make_request
from recordings.evidence.verification import Finding, Verdict
from recordings.packages.check import verify_path
from recordings.packages.day_proof import READ_ME
from recordings.recording import Recording, load_recording
from recordings.review.replay import RecordingAccess
from recordings.watch.chain_watch import check_chains
from recordings.watch.completeness import night_of
from recordings.watch.ledger import keep_ledger
from tests.recordings.authority import Authority
from tests.web.conftest import House
from tests.web.test_replay import sealed_recording

ONE_SYSTEM = pytest.mark.parametrize("database_system", ["sqlite"])
OFFICIAL = "chengguan.receptionist"


async def chained(house: House, count: int = 3) -> list[Recording]:
    """Sealed recordings of one day with their manifests, and the ledger after it."""
    signer, before, rows = load_signer(house.settings.state / "keys"), None, []
    office = house.world.chengguan
    for number in range(1, count + 1):
        house.clock.advance(seconds=60)
        recording_id = await sealed_recording(house)
        async with house.database.session() as db:
            row = await load_recording(db, recording_id)
            data = canonical(
                {
                    "format": "lianxin-manifest", "version": 1, "signing_key": signer.fingerprint,
                    "sealed_at": moment_text(house.clock.now()),
                    "recording": {"id": row.id, "organisation": {"id": office.id, "name": office.name}},
                    "chain": {"number": number, "previous_manifest_sha256": before}, "tracks": [],
                }
            )  # fmt: skip
            folder = row.folder(house.settings.recordings_root)
            folder.mkdir(parents=True, exist_ok=True)
            write_durably(folder / "manifest.json", data)
            write_durably(folder / "manifest.sig", canonical(signer.sign(data)))
            row.manifest_sha256, row.chain_number = sha256_hex(data), number
            row.previous_manifest_sha256, before, row.size = before, sha256_hex(data), 5 << 20
            await db.commit()
            rows.append(row)
    house.clock.advance(days=1)
    async with house.database.session() as db:
        assert await keep_ledger(db, house.clock, house.settings.recordings_root, signer) == 1
    return rows


def with_authority(house: House, tmp_path: Path) -> Authority:
    """The running server has a time-stamping authority from now on."""
    authority = Authority(tmp_path / "authority")
    object.__setattr__(house.settings.stamps, "authority", "http://localhost/stamp")
    object.__setattr__(house.settings.stamps, "certificate", str(authority.certificate))
    return authority


async def test_the_night_the_readings_and_what_is_overdue(house: House) -> None:
    rows, browser = await chained(house), await house.official(OFFICIAL)
    office, root = house.world.chengguan.id, house.settings.recordings_root
    text = await (await browser.get("/chain")).text()
    assert f"/chain/{office}" in text and "没有逾期" in text and "还没有核对过" in text
    async with house.database.session() as db:
        found = await check_chains(db, house.clock, root, None, night_of(house.clock.now()))
        await db.commit()
        assert found == []
        verdict = Verdict(Path(rows[1].id), [], "f" * 64, "a" * 64, 4, 1000)
        await note_verdict(db, house.clock, rows[1], house.clock.now(), 5, verdict)
    text = await (await browser.get(f"/chain/{office}")).text()
    assert "完整" in text and "3 份录像和 1 个日根" in text and "2 份</dd>" in text
    house.clock.advance(days=89, seconds=600)
    browser = await house.official(OFFICIAL)
    text = await (await browser.get(f"/chain/{office}")).text()
    assert "2 份" in text and rows[0].id in text and rows[2].id in text and rows[1].id not in text
    async with house.database.session() as db:
        row = await load_recording(db, rows[1].id)
        damaged = Verdict(Path(row.id), [Finding("x", "y", "坏了。", "")], "f" * 64, "a" * 64, 4, 1000)
        await note_verdict(db, house.clock, row, house.clock.now(), 5, damaged)
    listed = await (await browser.get("/chain")).text()
    assert "1 份与封存时不一致" in listed and "2 份逾期" in listed and "楼道漏水" not in listed
    assert rows[1].id in await (await browser.get(f"/chain/{office}")).text()
    other = await house.official("xigu.receptionist")
    assert office not in await (await other.get("/chain")).text()
    assert (await other.get(f"/chain/{office}")).status == 404
    assert (await (await house.official("city.sysadmin")).get("/chain")).status == 403


@ONE_SYSTEM
async def test_a_day_says_what_speaks_for_it(house: House, tmp_path: Path) -> None:
    await chained(house)
    browser, office = await house.official(OFFICIAL), house.world.chengguan.id
    directory = ledger_of(house.settings.recordings_root, office)
    (path,) = days_of(directory)
    content = json.loads(path.read_bytes())
    text = await (await browser.get(f"/chain/{office}")).text()
    assert content["root"] in text and content["signing_key"] in text and "根与签名成立" in text
    assert "未设时间戳机构" in text and "排队" not in text
    authority = with_authority(house, tmp_path)
    text = await (await browser.get(f"/chain/{office}")).text()
    assert "排队等时间戳" in text and "起排队" in text
    path.with_suffix(".tsr").write_bytes(authority.reply(make_request(path.read_bytes())))
    assert "已用机构证书核对" in await (await browser.get(f"/chain/{office}")).text()
    path.with_suffix(".tsr").write_bytes(authority.reply(make_request(b"another")))
    assert "时间戳不成立" in await (await browser.get(f"/chain/{office}")).text()
    signature = path.with_suffix(".sig").read_bytes()
    path.with_suffix(".sig").write_bytes(signature[:-9] + b"0" * 9)
    assert "签名不符" in await (await browser.get(f"/chain/{office}")).text()
    path.with_suffix(".leaves").write_bytes(b"1 x y\n")
    assert "叶子清单" in await (await browser.get(f"/chain/{office}")).text()
    for odd in (
        "2026-13-01",
        "0-0-62-%27",
        "9999999999-0-6-x",
        "1-²-6-x",
        "x",
        "9999-12-31",
        "0001-01-01",
        "%00",
        "-1",
    ):
        assert (await browser.get(f"/chain/{office}?before={odd}&after={odd}")).status == 200
        assert (await browser.get(f"/chain?after={odd}")).status == 200


@ONE_SYSTEM
async def test_the_proof_behind_the_badge_is_taken_along_and_checked_offline(
    house: House, tmp_path: Path
) -> None:
    rows, browser = await chained(house), await house.official(OFFICIAL)
    address = f"/recordings/{rows[1].id}"
    assert f"{address}/proof" in await (await browser.get(address)).text()
    text = await (await browser.get(f"{address}/proof")).text()
    assert "证明成立" in text and "3 份中的第 2 份" in text and str(rows[1].manifest_sha256) in text
    answer = await browser.get(f"{address}/proof.zip")
    assert answer.status == 200 and "lianxin-proof-" in answer.headers["Content-Disposition"]
    saved = tmp_path / "proof.zip"
    saved.write_bytes(await answer.read())
    verdict = verify_path(saved, register=open_register(house.settings.state / "keys"))
    assert verdict.intact and [note.code for note in verdict.notes] == ["day_root"], verdict.lines()
    with ZipFile(BytesIO(saved.read_bytes())) as archive:
        names = {name.partition("/")[2] for name in archive.namelist()}
        told = b"".join(archive.read(name) for name in archive.namelist())
    assert {READ_ME, "proof/inclusion.json", "proof/day.json"} <= names and "manifest.json" not in names
    assert "楼道漏水".encode() not in told and rows[0].id.encode() not in told
    data = saved.read_bytes()
    at = data.index(str(rows[1].manifest_sha256).encode())
    saved.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert not verify_path(saved).intact
    async with house.database.session() as db:
        taken = select(RecordingAccess).where(RecordingAccess.purpose == "proof")
        assert (await db.scalars(taken)).one().recording_id == rows[1].id
    (path,) = days_of(ledger_of(house.settings.recordings_root, house.world.chengguan.id))
    signature = path.with_suffix(".sig").read_bytes()
    path.with_suffix(".sig").write_bytes(b"{}")
    text = await (await browser.get(f"{address}/proof")).text()
    assert "签名不符" in text and "证明成立" not in text and "下载证明" not in text
    assert (await browser.get(f"{address}/proof.zip")).status == 409
    path.with_suffix(".sig").write_bytes(signature)
    leaves = path.with_suffix(".leaves").read_bytes()
    path.with_suffix(".leaves").write_bytes(leaves.replace(b"\n2 ", b"\n7 "))
    assert "证明不成立" in await (await browser.get(f"{address}/proof")).text()
    assert (await browser.get(f"{address}/proof.zip")).status == 409
    shutil.rmtree(path.parent)
    assert "还没有列入日根" in await (await browser.get(f"{address}/proof")).text()
