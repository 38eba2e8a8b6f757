"""Across the recordings of an office whatever is missing, doubled, swapped or moved is found and named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recordings.evidence.day_root import Leaf, days_of, read_day
from recordings.evidence.keys import open_register, revoke_key, rotate_key
from recordings.evidence.manifest import canonical, moment_text
from recordings.evidence.office_chain import Departed, Link, judge_chain
from recordings.evidence.signing import load_signer
from recordings.evidence.verdict import ExitCode
from recordings.packages.check import verify_path
from recordings.watch.office_check import OfficeVerdict, verify_office
from tests.recordings.offices import FIRST_DAY, NOON, OFFICE, Office, recording_id
from web.cli import app

COUNT = 7


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Office(tmp_path_factory.mktemp("office")).fill(COUNT).home


@pytest.fixture
def office(template: Path, tmp_path: Path) -> Office:
    return Office(Path(shutil.copytree(template, tmp_path / "home")))


def check(office: Office) -> OfficeVerdict:
    return verify_office(office.root, OFFICE["id"], open_register(office.keys))


def codes(office: Office) -> list[str]:
    return [finding.code for finding in check(office).findings]


def text(office: Office) -> str:
    return "\n".join(check(office).lines())


def test_a_whole_office_is_whole_by_id_region_and_name(office: Office) -> None:
    for said in OFFICE.values():
        verdict = verify_office(office.root, said, open_register(office.keys))
        assert verdict.intact, verdict.lines()
        assert (verdict.recordings, verdict.days, verdict.destroyed) == (COUNT, 4, 0)
    assert verify_office(office.root, "620103").exit_code is ExitCode.UNREADABLE
    assert [note.code for note in verify_office(office.root, OFFICE["id"]).notes] == ["keys_unknown"]


@pytest.mark.parametrize(
    ("gone", "named"),
    [
        ((4,), "缺少第 4（04cccccc） 号录像：在第 3（03cccccc） 号之后、第 5（05cccccc） 号之前"),
        ((1,), "缺少第 1（01cccccc） 号录像：在链的开头、第 2（02cccccc） 号之前"),
        ((7,), "缺少第 7（07cccccc） 号录像：在第 6（06cccccc） 号之后、链的末尾"),
        ((3, 4), "缺少第 3（03cccccc）、4（04cccccc） 号录像：在第 2（02cccccc） 号之后、第 5（05cccccc）"),
    ],
)
def test_a_removed_recording_is_named_with_its_neighbours(
    office: Office, gone: tuple[int, ...], named: str
) -> None:
    for number in gone:
        shutil.rmtree(office.folder(number))
    assert codes(office) == ["recording_missing"] and named in text(office)
    assert check(office).exit_code is ExitCode.NOT_AS_SEALED


def test_without_a_ledger_the_chain_itself_tells(office: Office) -> None:
    shutil.rmtree(office.directory)
    assert codes(office) == []
    shutil.rmtree(office.folder(4))
    assert codes(office) == ["recording_missing"] and "第 4 号" in text(office)
    shutil.rmtree(office.folder(7))
    assert codes(office) == ["recording_missing"], "the last one is missed by the ledger only"


def test_a_doubled_a_swapped_and_a_moved_recording(office: Office) -> None:
    copy = office.root / ("f" * 32)
    shutil.copytree(office.folder(2), copy)
    assert codes(office) == ["recording_double", "recording_swapped"] and copy.name in text(office)
    shutil.rmtree(copy)
    a, b = office.folder(3), office.folder(6)
    a.rename(copy)
    b.rename(a)
    copy.rename(b)
    assert codes(office) == ["recording_swapped"] * 2
    assert f"目录 {b.name} 里放的是第 3 号录像 {a.name}" in text(office)


def test_reordered_by_somebody_who_has_the_key(office: Office) -> None:
    """Two recordings exchange their numbers and are signed again with the office's own key."""
    before = {number: office.digest(number) for number in (2, 3)}
    office.edit(3, chain={"number": 4, "previous_manifest_sha256": office.digest(4)})
    office.edit(4, chain={"number": 3, "previous_manifest_sha256": before[2]})
    found = codes(office)
    assert found.count("recording_replaced") == 2 and "recording_reordered" in found
    shutil.rmtree(office.directory)
    assert "chain_broken" in codes(office), "without the ledger the next one still names another manifest"


def test_an_edited_manifest_signed_again_or_not(office: Office, tmp_path: Path) -> None:
    office.edit(5, note="x")
    assert codes(office) == ["recording_replaced"], "the day root remembers the one before"
    office.edit(5, load_signer(tmp_path / "other"), note="y")
    assert set(codes(office)) == {"manifest_signature", "recording_replaced"}
    (office.folder(5) / "manifest.json").write_bytes(b"{")
    assert set(codes(office)) == {"manifest_unreadable", "recording_missing"}


def test_what_was_lawfully_destroyed_is_explained(office: Office) -> None:
    for number in (3, 7):
        office.destroyed(number)
        shutil.rmtree(office.folder(number))
    verdict = check(office)
    assert verdict.intact and (verdict.recordings, verdict.destroyed) == (5, 2), verdict.lines()
    shutil.rmtree(office.folder(4))
    assert codes(office) == ["recording_missing"] and "第 3（03cccccc） 号之后" in text(office)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"approved_by": ""}, "destruction_unreadable"),
        ({"destroyed_at": "x"}, "destruction_unreadable"),
        ({"number": 4}, "destruction_unreadable"),
        ({"signing_key": "0" * 64}, "ledger_signature"),
        ({"manifest_sha256": "0" * 64}, "recording_replaced"),
        ({"manifest_sha256": None}, "recording_replaced"),
    ],
)
def test_a_destruction_record_that_lies_explains_nothing(
    office: Office, changes: dict[str, object], found: str
) -> None:
    office.destroyed(3, **changes)
    shutil.rmtree(office.folder(3))
    assert found in codes(office)


def test_a_destroyed_recording_that_is_still_there(office: Office) -> None:
    office.destroyed(3)
    assert codes(office) == ["recording_undead"]


def edit(path: Path, old: bytes, new: bytes) -> None:
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))


def take_out(path: Path) -> None:
    for other in path.parent.glob(f"{path.stem}.*"):
        other.unlink()


@pytest.mark.parametrize(
    ("act", "found"),
    [
        (lambda days: take_out(days[1]), "day_chain_broken"),
        (lambda days: days[1].with_suffix(".sig").unlink(), "ledger_signature"),
        (lambda days: days[1].with_suffix(".leaves").unlink(), "day_root_wrong"),
        (lambda days: days[1].with_suffix(".leaves").write_bytes(b"\xff"), "day_root_wrong"),
        (lambda days: days[1].write_bytes(b"[" * 100_000), "day_root_wrong"),
        (lambda days: days[1].write_bytes(days[2].read_bytes()), "day_root_wrong"),
        (lambda days: edit(days[1], b'"count":2', b'"count":3'), "day_root_wrong"),
        (lambda days: edit(days[1], b'"day":"2024-11-03"', b'"day":"2024-11-02"'), "day_root_wrong"),
        (lambda days: edit(days[1], b'"number":2', b'"number":"2"'), "day_root_wrong"),
    ],
)
def test_a_day_that_was_taken_out_or_changed(
    office: Office, act: Callable[[list[Path]], object], found: str
) -> None:
    act(days_of(office.directory))
    assert codes(office) == [found]


def test_a_day_written_anew_by_who_has_the_key_breaks_the_days_after_it(office: Office) -> None:
    path = days_of(office.directory)[1]
    content = json.loads(path.read_bytes())
    statement = canonical(content | {"made_at": content["made_at"].replace("2024-11", "2024-10")})
    path.write_bytes(statement)
    path.with_suffix(".sig").write_bytes(canonical(office.signer.sign(statement)))
    assert codes(office) == ["day_chain_broken"] and days_of(office.directory)[2].stem in text(office)


def test_swapped_leaves_do_not_fit_the_root(office: Office) -> None:
    path = days_of(office.directory)[0].with_suffix(".leaves")
    one, two = path.read_text().splitlines()
    swapped = [f"{a.split()[0]} {b.split(maxsplit=1)[1]}" for a, b in ((one, two), (two, one))]
    path.write_text("".join(f"{line}\n" for line in swapped))
    assert codes(office) == ["day_root_wrong"]


def test_a_day_made_with_a_key_after_its_revocation(office: Office) -> None:
    since, told = NOON + timedelta(days=2), NOON + timedelta(days=9)
    revoke_key(office.keys, office.signer.fingerprint, "遗失", told, since)
    # Days one and two were made before; of three and four nobody can say who did.
    found = codes(office)
    assert found.count("ledger_signature") == 2 and found.count("manifest_signature") == 3
    assert "不予承认" in text(office)


def test_a_rotation_breaks_nothing(office: Office) -> None:
    rotate_key(office.keys, NOON + timedelta(days=4))
    office.seal(9, office.digest(7))  # It belongs to the fifth day; number eight is not there.
    assert codes(office) == ["recording_missing", "recording_reordered"] and "缺少第 8 号" in text(office)
    office.seal(8, office.digest(7), sealed_at=moment_text(office.sealed_at(9)))
    office.seal(9, office.digest(8))
    leaves = [Leaf(number, recording_id(number), office.digest(number)) for number in (8, 9)]
    office.add_day(FIRST_DAY + timedelta(days=4), leaves)
    assert codes(office) == []


def test_numbers_out_of_this_world_are_no_trouble(office: Office) -> None:
    office.edit(7, chain={"number": 10**17, "previous_manifest_sha256": None})
    assert {"recording_missing", "chain_broken"} & set(codes(office))
    for number in (0, -1, "7", None, True):
        content = json.loads((office.folder(7) / "manifest.json").read_bytes())
        content["chain"] = {"number": number}
        (office.folder(7) / "manifest.json").write_bytes(json.dumps(content).encode())
        assert "number_missing" in codes(office)


def test_the_recordings_of_another_office_are_none_of_it(office: Office) -> None:
    other = OFFICE | {"id": "b" * 32, "name": "七里河区信访局", "region_code": "620103"}
    content = json.loads((office.folder(1) / "manifest.json").read_bytes())
    content["recording"] = {"id": "9" * 32, "organisation": other}
    office.write(office.root / ("9" * 32), content)
    assert codes(office) == []
    assert verify_office(office.root, "620103", open_register(office.keys)).recordings == 1
    content["recording"]["organisation"] = other | {"region_code": "620102"}
    office.write(office.root / ("9" * 32), content)
    assert verify_office(office.root, "620102").findings[0].code == "office_unknown", "which one is meant?"


def test_the_command_line(office: Office, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(canonical(open_register(office.keys).content()))
    command = ["verify", str(office.root), "--office", "620102", "--keys", str(tmp_path / "keys.json")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0 and "录像链完整" in done.output, done.output
    elsewhere = office.home / "ledger"
    elsewhere.rename(tmp_path / "elsewhere")
    shutil.rmtree(office.folder(7))
    assert CliRunner().invoke(app, command).exit_code == 0
    done = CliRunner().invoke(app, [*command, "--ledger", str(tmp_path / "elsewhere")])
    assert done.exit_code == 2 and "07cccccc" in done.output


def test_one_recording_in_its_place_is_held_against_the_ledger(office: Office) -> None:
    register = open_register(office.keys)
    verdict = verify_path(office.folder(5), register=register)
    assert verdict.intact and [note.code for note in verdict.notes] == ["day_root"], verdict.lines()
    assert "2024-11-04" in verdict.lines()[-1]
    office.edit(5, note="signed again with the office's own key")
    found = [finding.code for finding in verify_path(office.folder(5), register=register).findings]
    assert found == ["recording_replaced"]
    office.seal(8, office.digest(7))
    verdict = verify_path(office.folder(8), register=register)
    assert verdict.intact and [note.code for note in verdict.notes] == ["day_root_none"]
    days_of(office.directory)[0].with_suffix(".sig").write_bytes(b"{}")
    found = [finding.code for finding in verify_path(office.folder(1), register=register).findings]
    assert found == ["day_signature_wrong"]
    assert not any(read_day(path).leaves == () for path in days_of(office.directory))


def test_of_several_faults_each_is_told() -> None:
    links = [Link(n, f"{n}", f"d{n}", f"d{n - 1}" if n > 1 else None, f"{n}") for n in (1, 2, 5, 6, 9)]
    assert [fault.number for fault in judge_chain(links, [], [])] == [3, 7]
    departed = [Departed(n, f"{n}", f"d{n}") for n in (3, 4, 7, 8)]
    assert list(judge_chain(links, [], departed)) == []
    wrong = [*departed[:1], Departed(4, "4", "other"), *departed[2:]]
    assert [fault.code for fault in judge_chain(links, [], wrong)] == ["chain_broken"]
