"""A package carries the way from its recording up to the signed day root, walked offline."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recordings.evidence.day_root import Leaf, days_of, read_day, write_day
from recordings.evidence.inclusion import DAY_FILE, DAY_SIGNATURE, DAY_TOKEN, INCLUSION_FILE
from recordings.evidence.keys import open_register, revoke_key
from recordings.evidence.manifest import canonical, moment_text, sha256_hex
from recordings.evidence.merkle import inclusion_path
from recordings.evidence.signing import load_signer
from recordings.evidence.timestamp import make_request
from recordings.evidence.verdict import ExitCode
from recordings.packages.check import verify_path
from recordings.packages.package import Package, PackageFile, write_folder, write_zip
from tests.recordings.authority import Authority
from tests.recordings.exports import CHAIN_NUMBER, MADE, RECORDING_ID, make_package, write_recording
from web.cli import app

FACTS = {"organisation": {"id": "o", "name": "城关区信访局", "region_code": "620102"}}
DAY = date(2026, 11, 22)


def write_ledger(home: Path, digest: str) -> None:
    others = [Leaf(n, f"{n:032x}", sha256_hex(bytes([n]))) for n in (1, 2, 4, 5)]
    leaves = [*others[:2], Leaf(CHAIN_NUMBER, RECORDING_ID, digest), *others[2:]]
    facts = FACTS | {"made_at": moment_text(MADE)}
    write_day(home / "ledger", DAY, leaves, None, facts, load_signer(home / "keys"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("inclusion")
    write_recording(home / "rec", home / "keys")
    write_ledger(home, sha256_hex((home / "rec" / "manifest.json").read_bytes()))
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "home"))


def package(home: Path, span: tuple[float, float] | None = None) -> Package:
    return make_package(home / "rec", home / "keys", home / "room", span, home / "ledger")


def signed_again(home: Path, folder: Path, keys: Path) -> Path:
    """The package with whatever was changed in it, listed and signed anew."""
    made = package(home)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    last = {"package.json", "package.sig", "SHA256SUMS"}
    files = [PackageFile(n, p) for n, p in zip(names, paths, strict=True) if n not in last]
    write_folder(Package("x", tuple(files), made.facts, load_signer(keys)), home / "again")
    return home / "again"


def test_the_proof_goes_along_and_is_checked_in_folder_zip_and_clip(home: Path) -> None:
    write_folder(package(home), home / "package")
    write_zip(package(home), home / "package.zip")
    write_folder(package(home, (2.5, 3.5)), home / "clip")
    register = open_register(home / "keys")
    for name in ("package", "package.zip", "clip"):
        verdict = verify_path(home / name, register=register)
        assert verdict.intact and [note.code for note in verdict.notes] == ["day_root"], verdict.lines()
        assert any("2026-11-22" in line and "5" in line for line in verdict.lines())
    said = (home / "package" / INCLUSION_FILE).read_text()
    assert f"{1:032x}" not in said + (home / "package" / DAY_FILE).read_text(), "others stay in the house"
    assert len(json.loads(said)["path"]) == 3


def test_before_the_day_is_over_there_is_none_and_a_wrong_ledger_hinders_no_export(home: Path) -> None:
    path = days_of(home / "ledger")[0]
    path.with_suffix(".leaves").write_bytes(b"")
    write_folder(package(home), home / "wrong")
    shutil.rmtree(home / "ledger")
    write_folder(package(home), home / "early")
    for name in ("wrong", "early"):
        verdict = verify_path(home / name)
        assert verdict.intact and not verdict.notes and not (home / name / "proof").exists()


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        (INCLUSION_FILE, b'"leaf_index":2', b'"leaf_index":1', "inclusion_wrong"),
        (INCLUSION_FILE, b'"tree_size":5', b'"tree_size":6', "inclusion_wrong"),
        (INCLUSION_FILE, b'"tree_size":5', b'"tree_size":1', "inclusion_unreadable"),
        (INCLUSION_FILE, b'"tree_size":5', b'"tree_size":"5"', "inclusion_unreadable"),
        (INCLUSION_FILE, b'"day":"2026-11-22"', b'"day":"2026-11-21"', "inclusion_wrong"),
        (INCLUSION_FILE, b"{", b"[{", "inclusion_unreadable"),
        (DAY_FILE, b'"count":5', b'"count":4', "inclusion_wrong"),
        (DAY_FILE, b'"number":1', b'"number":2', "day_signature_wrong"),
        (DAY_SIGNATURE, b'"signature":"', b'"signature":"0', "day_signature_wrong"),
    ],
)
def test_a_proof_that_lies_in_a_list_signed_by_the_office(
    home: Path, name: str, old: bytes, new: bytes, code: str
) -> None:
    write_folder(package(home), home / "package")
    path = home / "package" / name
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    assert code in [finding.code for finding in verify_path(home / "package").findings]
    verdict = verify_path(signed_again(home, home / "package", home / "keys"))
    assert [finding.code for finding in verdict.findings] == [code]
    assert verdict.exit_code is ExitCode.NOT_AS_SEALED


def test_the_time_stamp_goes_along_and_a_wrong_one_is_found(home: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    day = read_day(days_of(home / "ledger")[0])
    day.token_path.write_bytes(authority.reply(make_request(day.statement)))
    write_folder(package(home), home / "package")
    verdict = verify_path(home / "package", authority=authority.certificate)
    assert verdict.intact and [note.code for note in verdict.notes] == ["day_root", "time_stamp"]
    write_zip(package(home), home / "package.zip")
    given = {"LIANXIN_STAMPS_CERTIFICATE": str(authority.certificate)}
    done = CliRunner().invoke(app, ["verify", str(home / "package.zip")], env=given)
    assert done.exit_code == 0 and "时间戳机构证明" in done.output, done.output
    (home / "package" / DAY_TOKEN).write_bytes(authority.reply(make_request(b"another statement")))
    again = signed_again(home, home / "package", home / "keys")
    found = verify_path(again, authority=authority.certificate).findings
    assert [finding.code for finding in found] == ["time_stamp_wrong"]


def test_half_a_proof_and_the_proof_of_another_recording(home: Path) -> None:
    write_folder(package(home), home / "package")
    (home / "package" / INCLUSION_FILE).unlink()
    found = verify_path(signed_again(home, home / "package", home / "keys")).findings
    assert [finding.code for finding in found] == ["inclusion_unreadable"]
    shutil.rmtree(home / "again")
    shutil.rmtree(home / "package")
    write_folder(package(home), home / "package")
    proof = json.loads((home / "package" / INCLUSION_FILE).read_bytes())
    proof["manifest_sha256"] = sha256_hex(bytes([1]))
    (home / "package" / INCLUSION_FILE).write_bytes(canonical(proof))
    found = verify_path(signed_again(home, home / "package", home / "keys")).findings
    assert [finding.code for finding in found] == ["inclusion_wrong"]


def test_the_true_proof_of_a_neighbour_vouches_for_it_alone(home: Path) -> None:
    leaves = read_day(days_of(home / "ledger")[0]).leaves
    write_folder(package(home), home / "package")
    path = home / "package" / INCLUSION_FILE
    proof = json.loads(path.read_bytes())
    index = (proof["leaf_index"] + 1) % len(leaves)
    beside = [one.hex() for one in inclusion_path([leaf.data for leaf in leaves], index)]
    other = {"manifest_sha256": leaves[index].manifest_sha256, "leaf_index": index, "path": beside}
    path.write_bytes(canonical(proof | other))
    found = verify_path(signed_again(home, home / "package", home / "keys")).findings
    assert [finding.code for finding in found] == ["inclusion_wrong"]


def test_a_root_signed_by_a_stranger_or_by_a_revoked_key(home: Path, tmp_path: Path) -> None:
    register = open_register(home / "keys")
    day = days_of(home / "ledger")[0]
    content = json.loads(day.read_bytes())
    stranger = load_signer(tmp_path / "other")
    statement = canonical(content | {"signing_key": stranger.fingerprint})
    write_folder(package(home), home / "package")
    (home / "package" / DAY_FILE).write_bytes(statement)
    (home / "package" / DAY_SIGNATURE).write_bytes(canonical(stranger.sign(statement)))
    again = signed_again(home, home / "package", home / "keys")
    assert [finding.code for finding in verify_path(again, register=register).findings] == [
        "day_signer_unknown"
    ]
    shutil.rmtree(home / "package")
    write_folder(package(home), home / "package")
    now = MADE + timedelta(days=1)
    revoke_key(home / "keys", load_signer(home / "keys").fingerprint, "遗失", now, since=now)
    register = open_register(home / "keys")
    notes = [note.code for note in verify_path(home / "package", register=register).notes]
    assert notes == ["key_revoked_later", "day_root"]
    assert not any(
        one.path == "day.json" for one in verify_path(home / "package", register=register).findings
    )
    revoke_key(home / "keys", register.keys[0].fingerprint, "更早", now, since=MADE)
    found = verify_path(home / "package", register=open_register(home / "keys")).findings
    assert ("key_revoked", "day.json") in [(one.code, one.path) for one in found]
