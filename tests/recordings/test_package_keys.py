"""A package proves with the office's register that its keys were good when they signed."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recordings.evidence import sm2
from recordings.evidence.keys import open_register, revoke_key, rotate_key
from recordings.evidence.manifest import canonical
from recordings.evidence.signing import load_signer
from recordings.evidence.verification import ExitCode, verify_folder
from recordings.packages.check import verify_path
from recordings.packages.package import write_folder, write_zip
from tests.recordings.exports import MADE, make_package, write_recording
from web.cli import app

HOUR = timedelta(hours=1)  # The recording was sealed an hour before MADE, when the package is made.


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("package-keys")
    write_recording(home / "rec", home / "keys")
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "home"))


def export(home: Path, name: str, span: tuple[float, float] | None = None) -> Path:
    write_folder(make_package(home / "rec", home / "keys", home / "room", span), home / name)
    return home / name


def codes(home: Path, path: Path) -> list[str]:
    register = open_register(home / "keys")
    return [finding.code for finding in verify_path(path, register=register).findings]


def test_a_package_signed_by_a_newer_key_is_good_with_the_register(home: Path) -> None:
    old = load_signer(home / "keys").fingerprint
    rotate_key(home / "keys", MADE - HOUR / 2)
    package = export(home, "package")
    assert [finding.code for finding in verify_path(package).findings] == ["package_signer_differs"]
    register = open_register(home / "keys")
    verdict = verify_path(package, register=register)
    assert verdict.intact and verdict.fingerprint == old
    alone = [finding.code for finding in verify_path(package, trusted=frozenset({old})).findings]
    assert "package_signer_unknown" in alone
    (home / "register.json").write_bytes(canonical(register.content()))
    done = CliRunner().invoke(app, ["verify", str(package), "--keys", str(home / "register.json")])
    assert done.exit_code == 0, done.output


def test_what_a_revoked_key_signed_since_is_refused_in_package_clip_and_film(home: Path) -> None:
    package, clip = export(home, "package"), export(home, "clip", (2.5, 3.5))
    stolen = load_signer(home / "keys").fingerprint
    assert codes(home, package) == codes(home, clip) == []
    revoke_key(home / "keys", stolen, "遗失", MADE, since=MADE - HOUR / 2)
    # The manifest was sealed before; the film says no time, so nobody knows that it was.
    assert set(codes(home, package)) == {"key_revoked", "derivative_changed"}
    assert codes(home, clip) == ["key_revoked", "key_revoked"]
    assert verify_path(clip, register=open_register(home / "keys")).exit_code is ExitCode.NOT_AS_SEALED
    said = verify_path(package, register=open_register(home / "keys")).lines()
    assert any(line.startswith("·") and "仍然有效" in line for line in said)


def test_a_film_of_the_time_before_a_revocation_stays_good(home: Path) -> None:
    folder, signer = home / "rec", load_signer(home / "keys")
    for made_at, good in (("2026-11-22T01:00:00Z", True), ("2026-11-22T02:10:00Z", False)):
        statement = canonical(json.loads((folder / "composed.json").read_bytes()) | {"made_at": made_at})
        (folder / "composed.json").write_bytes(statement)
        (folder / "composed.sig").write_bytes(canonical(signer.sign(statement)))
        if good:
            revoke_key(home / "keys", signer.fingerprint, "遗失", MADE, since=MADE - HOUR / 2)
        assert verify_folder(folder, register=open_register(home / "keys")).intact is good


@pytest.mark.skipif(not sm2.available(), reason="the openssl program offers no SM2")
def test_a_package_signed_with_sm2(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rotate_key(home / "keys", MADE - HOUR / 2, "SM2-with-SM3")
    package = make_package(home / "rec", home / "keys", home / "room")
    assert package.length() == write_zip(package, home / "package.zip"), "the length is promised beforehand"
    assert codes(home, home / "package.zip") == codes(home, export(home, "clip", (2.5, 3.5))) == []
    folder = export(home, "package")
    monkeypatch.setenv("PATH", "/nowhere")
    assert codes(home, folder) == codes(home, home / "clip")[:1] == ["signature_unchecked"]


@pytest.mark.skipif(not sm2.available(), reason="the openssl program offers no SM2")
def test_an_sm2_signature_is_checked_by_hand_as_the_package_says(home: Path) -> None:
    rotate_key(home / "keys", MADE - HOUR / 2, "SM2-with-SM3")
    folder = export(home, "package")
    text = (Path(__file__).parents[2] / "web/templates/package/verify.txt").read_text("utf-8")
    lines = [line.strip() for line in text.splitlines()]
    first = next(i for i, line in enumerate(lines) if line.startswith("s=$(sed"))
    setup = ["f=package; room=$(mktemp -d)", next(line for line in lines if line.startswith("hex()"))]
    script = "\n".join(setup + lines[first : first + 5])
    done = subprocess.run(["bash", "-ec", script], cwd=folder, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"Verified OK\n"), done.stderr
    (folder / "package.json").write_bytes((folder / "package.json").read_bytes() + b" ")
    assert subprocess.run(["bash", "-ec", script], cwd=folder, capture_output=True, check=False).returncode
