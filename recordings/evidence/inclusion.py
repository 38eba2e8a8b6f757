"""Inclusion: that a recording stands under its office's day root, from the ledger or from a package alone."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cases.clock import BEIJING
from recordings.evidence.attestations import moment_of, objection_to
from recordings.evidence.day_root import (
    DAY_FORMAT,
    DayRoot,
    LedgerError,
    days_of,
    read_day,
    read_signer,
    read_statement,
)
from recordings.evidence.keys import KeyRegister
from recordings.evidence.manifest import MANIFEST_FILE, canonical, moment_text
from recordings.evidence.merkle import inclusion_path, root_from_path
from recordings.evidence.sm2 import Sm2Unavailable
from recordings.evidence.timestamp import TimeStampError, check_token, outlived
from recordings.evidence.verdict import ExitCode, Finding, Note, Verdict
from recordings.evidence.verification import unchecked

INCLUSION_FORMAT = "lianxin-inclusion"
PROOF_FOLDER = "proof"
INCLUSION_FILE = f"{PROOF_FOLDER}/inclusion.json"
DAY_FILE = f"{PROOF_FOLDER}/day.json"
DAY_SIGNATURE = f"{PROOF_FOLDER}/day.sig"
DAY_TOKEN = f"{PROOF_FOLDER}/day.tsr"


def find_day(directory: Path, number: int, since: date | None = None) -> DayRoot | None:
    """The day of the ledger that has this number of the chain; None while there is none.

    ``since``: the day of the sealing, before which it cannot stand. Raises LedgerError.
    """
    for path in days_of(directory):
        if since is not None and path.stem < since.isoformat():
            continue
        day = read_day(path)
        if number <= day.leaves[-1].number:
            return day if any(leaf.number == number for leaf in day.leaves) else None
    return None


def judge_day(day: DayRoot, register: KeyRegister | None) -> tuple[str, str]:
    """Fingerprint of the key that signed a day, and why the signature does not count; empty when it does."""
    named = str(day.content.get("signing_key") or "")
    try:
        signer = day.signer()
    except Sm2Unavailable as error:
        return named, f"签名未能核对（{error}）。"
    if signer is None:
        return named, "签名不符。"
    if register is not None and register.find(signer) is None:
        return signer, "签名密钥不在登记簿。"
    objection = objection_to(register, signer, day.content.get("made_at"))
    return signer, "" if objection is None else objection.text_zh


def proof_files(directory: Path, manifest: dict[str, Any], manifest_sha256: str) -> dict[str, bytes]:
    """What a package carries: day statement, signature, and the way from the manifest up to the root.

    Empty while the recording stands under no day root. Raises LedgerError, OSError.
    """
    day = find_day(directory, *_place(manifest))
    if day is None:
        return {}
    digests = [leaf.manifest_sha256 for leaf in day.leaves]
    if manifest_sha256 not in digests:
        raise LedgerError(f"日根 {day.path.stem} 登记的是另一份封存清单。")
    index = digests.index(manifest_sha256)
    inclusion = {
        "format": INCLUSION_FORMAT,
        "version": 1,
        "manifest_sha256": manifest_sha256,
        "day": day.path.stem,
        "leaf_index": index,
        "tree_size": len(digests),
        "path": [one.hex() for one in inclusion_path([leaf.data for leaf in day.leaves], index)],
    }
    files = {
        INCLUSION_FILE: canonical(inclusion),
        DAY_FILE: day.statement,
        DAY_SIGNATURE: day.signature_path.read_bytes(),
    }
    if day.token_path.is_file():
        files[DAY_TOKEN] = day.token_path.read_bytes()
    return files


def check_ledger(
    verdict: Verdict, ledgers: Path, register: KeyRegister | None = None, authority: Path | None = None
) -> None:
    """Hold a verified recording folder against its office's ledger; ``ledgers`` holds those of all offices.

    ``authority``: certificate of the time-stamping authority (PEM).
    Adds findings and notes to the verdict; never raises for what is wrong with the files.
    """
    if verdict.manifest_sha256 is None:
        return
    try:
        manifest = json.loads((verdict.folder / MANIFEST_FILE).read_bytes())
        office = Path(str(manifest["recording"]["organisation"]["id"])).name
        day = find_day(ledgers / office, *_place(manifest))
    except LedgerError as error:
        _refuse(verdict, "day_root_wrong", "", f"{error}", "The day root of this recording is wrong.")
        return
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return  # An office is not named, or the manifest is unreadable, which was told before.
    if day is None:
        zh, en = "还没有列入日根（次日生成）。", "Under no day root yet; it is made after the day."
        verdict.notes.append(Note("day_root_none", zh, en))
    elif all(leaf.manifest_sha256 != verdict.manifest_sha256 for leaf in day.leaves):
        zh, en = f"日根 {day.path.stem} 登记的是另一份封存清单。", "The day root has another manifest."
        _refuse(verdict, "recording_replaced", MANIFEST_FILE, zh, en)
    else:
        _check_day(verdict, day.path, day.statement, day.content, register, None, authority)


def check_inclusion(
    verdict: Verdict,
    root: Path,
    manifest_sha256: str,
    trusted: frozenset[str] | None,
    register: KeyRegister | None,
    authority: Path | None = None,
) -> None:
    """The proof in a package: the manifest it names leads to the signed root. Adds to the verdict."""
    try:
        _, inclusion = read_statement(root / INCLUSION_FILE, INCLUSION_FORMAT)
        statement, day = read_statement(root / DAY_FILE, DAY_FORMAT)
        path = [bytes.fromhex(one) for one in inclusion["path"]]
        size, index = inclusion["tree_size"], inclusion["leaf_index"]
        leaf = bytes.fromhex(inclusion["manifest_sha256"])
        fits = root_from_path(leaf, index, size, path).hex() == day["root"]
        fits = fits and inclusion["manifest_sha256"] == manifest_sha256 and size == day["count"]
        fits = fits and inclusion["day"] == day["day"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        zh, en = f"日根证明无法解读（{error}）。", "The proof of inclusion cannot be read."
        _refuse(verdict, "inclusion_unreadable", INCLUSION_FILE, zh, en)
        return
    if not fits:
        zh, en = "日根证明不成立：录像不在这个日根之下。", "The recording is not under this day root."
        _refuse(verdict, "inclusion_wrong", INCLUSION_FILE, zh, en)
        return
    _check_day(verdict, root / DAY_FILE, statement, day, register, trusted, authority)


def _check_day(
    verdict: Verdict,
    path: Path,
    statement: bytes,
    content: dict[str, Any],
    register: KeyRegister | None,
    trusted: frozenset[str] | None,
    authority: Path | None,
) -> None:
    """Signature, key and time stamp of a day's statement."""
    name = path.name
    if trusted is None and register is not None:
        trusted = frozenset(key.fingerprint for key in register.keys)
    try:
        signer = read_signer(statement, path.with_suffix(".sig"), content)
    except Sm2Unavailable as error:
        verdict.findings.append(unchecked(name, error))
        return
    objection = objection_to(register, signer, content.get("made_at"))
    if signer is None:
        zh, en = f"日根 {content['day']} 的签名不符。", "The signature of the day root is wrong."
        _refuse(verdict, "day_signature_wrong", name, zh, en)
    elif trusted is not None and signer not in trusted:
        zh, en = f"日根的签名密钥不在信任名单：{signer}。", f"Day root signed by unknown key {signer}."
        verdict.findings.append(Finding("day_signer_unknown", name, zh, en, ExitCode.UNKNOWN_SIGNER))
    elif objection is not None:
        _refuse(verdict, objection.code, name, objection.text_zh, objection.text_en)
    else:
        zh = f"列在 {content['day']} 的日根之下（当日 {content['count']} 份），日根签名有效。"
        en = f"Under the signed root of {content['day']}, one of {content['count']}."
        verdict.notes.append(Note("day_root", zh, en))
        token = path.with_suffix(".tsr")
        if token.is_file():
            _check_token(verdict, token, statement, register, authority)


def _check_token(
    verdict: Verdict, path: Path, statement: bytes, register: KeyRegister | None, authority: Path | None
) -> None:
    """The time that somebody else vouches for, and whether it was before a revocation."""
    if authority is None:
        zh = "日根有时间戳；没有给出时间戳机构的证书，未核对。"
        en = "The day root has a time stamp; without the authority's certificate it was not checked."
        verdict.notes.append(Note("time_stamp_unchecked", zh, en))
        return
    try:
        token = path.read_bytes()
        at = check_token(statement, token, authority)
        aged = outlived(statement, token, authority, datetime.now(UTC))
    except TimeStampError as error:
        if error.cause == "no_openssl":
            zh, en = f"时间戳未能核对（{error}）。", "The time stamp could not be checked."
            verdict.findings.append(Finding("time_stamp_unchecked", path.name, zh, en, ExitCode.UNREADABLE))
            return
        if error.cause == "expired":
            zh = "时间戳上的时间不在机构证书的有效期内：证书到期以后（或启用以前）加盖的，不能作证。"
            en = "The time stamp lies outside the validity of the authority's certificate: it proves nothing."
            _refuse(verdict, "time_stamp_expired", path.name, zh, en)
            return
        zh = f"日根的时间戳不成立，或不是这个机构签发的（{error}）。"
        _refuse(verdict, "time_stamp_wrong", path.name, zh, "The time stamp of the day root is wrong.")
        return
    moment = moment_text(at)
    zh = f"时间戳机构证明：日根在 {moment} 已经存在。"
    verdict.notes.append(Note("time_stamp", zh, f"The authority vouches: the day root existed at {moment}."))
    if aged:
        zh = "机构的证书此后已经到期；加盖时有效，时间戳仍然成立，以后的日根和时间戳也为它作证。"
        en = "The authority's certificate has expired since; it was valid then, so the stamp holds."
        verdict.notes.append(Note("time_stamp_outlived", zh, en))
    entry = register.find(verdict.fingerprint) if register is not None and verdict.fingerprint else None
    revoked = None if entry is None else moment_of(entry.revoked_at)
    if revoked is None:
        return
    if at < revoked:
        zh, en = "这早于签名密钥的吊销。", "That is before the key was revoked."
        verdict.notes.append(Note("stamped_before_revocation", zh, en))
    else:
        zh = "这晚于签名密钥的吊销：封存在吊销之前，只有封存清单自己这样说。"
        en = "That is after the revocation: only the manifest itself says that it was sealed before."
        verdict.notes.append(Note("stamped_after_revocation", zh, en))


def _place(manifest: dict[str, Any]) -> tuple[int, date | None]:
    """Number in the chain, and the earliest day of the ledger that can have it."""
    number = (manifest.get("chain") or {}).get("number")
    if type(number) is not int:
        raise KeyError("number")
    sealed_at = moment_of(manifest.get("sealed_at"))
    return number, None if sealed_at is None else sealed_at.astimezone(BEIJING).date()


def _refuse(verdict: Verdict, code: str, path: str, zh: str, en: str) -> None:
    verdict.findings.append(Finding(code, path, zh, en, exit_code=ExitCode.NOT_AS_SEALED))
