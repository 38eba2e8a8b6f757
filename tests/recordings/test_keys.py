"""Keys are replaced and revoked; what was signed before stays verifiable."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from recordings.evidence import sm2
from recordings.evidence.keys import (
    HANDOVER,
    KEY_FILE,
    REGISTER_FILE,
    KeyRegister,
    RegisterError,
    open_register,
    read_register,
    revoke_key,
    rotate_key,
)
from recordings.evidence.manifest import canonical, moment_text
from recordings.evidence.sealing import seal_folder
from recordings.evidence.signing import check_signature, load_signer
from recordings.evidence.verification import ExitCode, verify_folder
from tests.recordings.synthetic import PARTIES, START, write_session
from web.cli import app

needs_sm2 = pytest.mark.skipif(not sm2.available(), reason="the openssl program offers no SM2")
DAY = timedelta(days=1)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture(scope="module")
def journals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("journals") / "rec"
    root.mkdir()
    write_session(root, 0.5, PARTIES[:1], (160, 90))
    return root


@pytest.fixture
def seal(journals: Path, tmp_path: Path, keys: Path) -> Callable[..., Path]:
    """Seal a copy of the journals ``after`` the start with the key in use, or with ``signer``."""

    def work(name: str, after: timedelta, signer: Any = None) -> Path:
        folder = tmp_path / name
        shutil.copytree(journals, folder)
        facts = {"sealed_at": moment_text(START + after), "recording": {"id": name, "stopped_at": None}}
        seal_folder(folder, facts, signer or load_signer(keys))
        return folder

    return work


def codes(folder: Path, register: KeyRegister) -> list[str]:
    return [finding.code for finding in verify_folder(folder, register=register).findings]


def test_what_was_signed_before_a_rotation_stays_good(seal: Callable[..., Path], keys: Path) -> None:
    old = seal("old", DAY)
    first = open_register(keys).active
    second = rotate_key(keys, START + 2 * DAY)
    new = seal("new", 3 * DAY)
    register = open_register(keys)
    assert [key.active for key in register.keys] == [False, True] and first is not None
    assert register.keys[1] == second and load_signer(keys).fingerprint == second.fingerprint
    assert (codes(old, register), codes(new, register)) == ([], [])
    assert verify_folder(old).fingerprint == first.fingerprint != verify_folder(new).fingerprint
    assert not (keys / KEY_FILE).exists(), "the private half of a retired key is destroyed"
    assert stat.S_IMODE((keys / second.file).stat().st_mode) == 0o600


def test_a_revoked_key_is_refused_from_then_on_and_not_before(seal: Callable[..., Path], keys: Path) -> None:
    stolen = load_signer(keys)
    before, within = seal("before", DAY), seal("within", 2 * DAY)
    revoked = revoke_key(keys, stolen.fingerprint[:12], "遗失", START + 3 * DAY, since=START + 2 * DAY)
    after = seal("after", 4 * DAY, signer=stolen)
    register = open_register(keys)
    assert codes(after, register) == ["key_revoked"]
    verdict = verify_folder(after, register=register)
    assert verdict.exit_code is ExitCode.NOT_AS_SEALED
    assert "遗失" in verdict.findings[0].text_zh and "refused" in verdict.findings[0].text_en
    assert codes(before, register) == []
    assert codes(within, register) == ["key_revoked"], "of the moment itself nothing is believed"
    assert [note.code for note in verify_folder(before, register=register).notes] == ["key_revoked_later"]
    assert load_signer(keys).fingerprint != revoked.fingerprint, "another key took over"
    with pytest.raises(RegisterError, match="吊销"):
        revoke_key(keys, stolen.fingerprint, "again", START + 5 * DAY)
    revoke_key(keys, stolen.fingerprint, "更早就遗失", START + 5 * DAY, since=START)
    assert codes(before, open_register(keys)) == ["key_revoked"], "the theft was older than it seemed"


def test_a_key_outside_its_time_and_a_key_nobody_published(seal: Callable[..., Path], keys: Path) -> None:
    old = load_signer(keys)
    second = rotate_key(keys, START + 2 * DAY)
    register = open_register(keys)
    late = seal("late", 2 * DAY + HANDOVER + timedelta(seconds=1), signer=old)
    handed_over = seal("handed over", 2 * DAY + HANDOVER, signer=old)
    early = seal("early", DAY)
    assert codes(late, register) == ["key_retired"]
    assert codes(handed_over, register) == []
    assert codes(early, register) == ["key_not_yet_valid"]
    stranger = verify_folder(old_folder := early, register=KeyRegister(register.keys[:1]))
    assert (
        stranger.exit_code is ExitCode.UNKNOWN_SIGNER and second.fingerprint in stranger.findings[0].text_zh
    )
    assert verify_folder(old_folder).intact, "without a register any key is taken"


def test_the_same_manifest_signed_by_another_key_is_told(
    seal: Callable[..., Path], keys: Path, tmp_path: Path
) -> None:
    folder = seal("rec", DAY)
    other = load_signer(tmp_path / "other").sign((folder / "manifest.json").read_bytes())
    (folder / "manifest.sig").write_bytes(canonical(other))
    assert [finding.code for finding in verify_folder(folder).findings] == ["signature_replaced"]


@needs_sm2
def test_sm2_signs_and_is_checked_like_any_other(seal: Callable[..., Path], keys: Path) -> None:
    entry = rotate_key(keys, START, "SM2-with-SM3")
    folder = seal("rec", DAY)
    signature = json.loads((folder / "manifest.sig").read_bytes())
    assert signature["algorithm"] == "SM2-with-SM3" and len(signature["public_key"]) == 130
    verdict = verify_folder(folder, register=open_register(keys))
    assert verdict.intact and verdict.fingerprint == entry.fingerprint
    data = (folder / "manifest.json").read_bytes()
    assert check_signature(data + b" ", signature) is None
    assert check_signature(data, signature | {"public_key": "04" + "00" * 64}) is None
    assert check_signature(data, signature | {"public_key": "00"}) is None


@needs_sm2
def test_without_openssl_an_sm2_signature_is_unchecked_and_not_called_wrong(
    seal: Callable[..., Path], keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotate_key(keys, START, "SM2-with-SM3")
    folder = seal("rec", DAY)
    monkeypatch.setenv("PATH", "/nowhere")
    (finding,) = verify_folder(folder).findings
    assert (finding.code, finding.exit_code) == ("signature_unchecked", ExitCode.UNREADABLE)
    with pytest.raises(RegisterError, match="openssl"):
        rotate_key(keys, START, "SM2-with-SM3")
    stolen = open_register(keys).keys[-1]
    assert revoke_key(keys, stolen.fingerprint, "遗失", START).revoked_at is not None
    assert load_signer(keys).sign(b"x")["algorithm"] == "Ed25519", "a theft is told whatever openssl offers"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format":"lianxin-key-register","version":1}'])
def test_a_register_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / REGISTER_FILE).write_bytes(content)
    with pytest.raises(RegisterError, match="无法解读"):
        read_register(tmp_path / REGISTER_FILE)


def test_a_register_whose_key_was_exchanged_is_refused(keys: Path) -> None:
    content = open_register(keys).content()
    content["keys"][0]["public_key"] = "00" * 32
    (keys / REGISTER_FILE).write_bytes(canonical(content))
    with pytest.raises(RegisterError, match="fingerprint"):
        load_signer(keys)


def test_a_register_that_is_lost_is_not_begun_anew(keys: Path) -> None:
    open_register(keys)
    rotate_key(keys, START)
    (keys / REGISTER_FILE).rename(keys / "elsewhere")
    with pytest.raises(RegisterError, match="备份"):
        load_signer(keys)
    (keys / "elsewhere").rename(keys / REGISTER_FILE)
    entry = open_register(keys).keys[1]
    (keys / entry.file).write_bytes(b"garbage")
    with pytest.raises(RegisterError, match="读不了"):
        load_signer(keys)


def test_a_time_without_zone_is_no_time(keys: Path) -> None:
    content = open_register(keys).content()
    content["keys"][0]["valid_from"] = "2026-11-20T01:30:00"
    (keys / REGISTER_FILE).write_bytes(canonical(content))
    with pytest.raises(RegisterError, match="zone"):
        read_register(keys / REGISTER_FILE)


def test_the_command_line(seal: Callable[..., Path], keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANXIN_STATE", str(keys.parent))
    stolen = load_signer(keys)
    run = CliRunner().invoke
    assert run(app, ["keys", "rotate"]).exit_code == 0
    assert run(app, ["keys", "rotate", "--algorithm", "RSA"]).exit_code == 1
    assert run(app, ["keys", "revoke", stolen.fingerprint[:4], "--reason", "x"]).exit_code == 1
    assert run(app, ["keys", "revoke", stolen.fingerprint, "--reason", "遗失", "--since", "x"]).exit_code == 1
    since = ["--since", (START + DAY).isoformat()]
    assert run(app, ["keys", "revoke", stolen.fingerprint, "--reason", "遗失", *since]).exit_code == 0
    listed = run(app, ["keys", "list"]).output
    assert "遗失" in listed and "在用" in listed and listed.count("\n") == 2
    published = keys.parent / "published.json"
    assert run(app, ["keys", "export", str(published)]).exit_code == 0
    folder = seal("rec", 2 * DAY, signer=stolen)
    checked = run(app, ["verify", str(folder), "--keys", str(published)])
    assert checked.exit_code == ExitCode.NOT_AS_SEALED and "不予承认" in checked.output
    assert run(app, ["verify", str(folder), "--keys", str(keys / KEY_FILE)]).exit_code == 1
