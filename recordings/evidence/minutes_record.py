"""The signed record of final minutes as a file of its own, and its proof without our database.

The file is JSON: `format` lianxin-minutes-record, `version` 1, `statement` (the signed bytes, as a string:
docs/recording-format.md) and `signature`. Any character that is changed in it is found.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recordings.evidence.keys import KeyRegister
from recordings.evidence.signed_minutes import SignedMinutes
from recordings.evidence.signing import check_signature
from recordings.evidence.sm2 import Sm2Unavailable
from recordings.evidence.verdict import ExitCode, Finding, Verdict, visible
from scheduling.minutes.statement import canonical

FORMAT = "lianxin-minutes-record"
# A thousand paragraphs of the longest kind and their signatures stay far below.
LARGEST = 64 * 1024 * 1024


@dataclass
class MinutesRecordVerdict(Verdict):
    """What was found in a record of minutes; `digest` is that of the text, which the printed pages show."""

    digest: str = ""
    paragraphs: int = 0
    signatures: int = 0

    def lines(self) -> list[str]:
        """The report in Chinese and English, one line per finding."""
        head = (
            f"{visible(self.folder.name)}: 笔录 minutes, {self.paragraphs} 段 paragraphs, "
            f"{self.signatures} 个签字 signatures"
        )
        if not self.intact:
            return [head, *(f"✗ {each.text_zh} {each.text_en}" for each in self.findings), *self.noted]
        return [
            head,
            "完整：正文和签字与定稿时一致，签名有效。 Intact: text and signatures are as signed.",
            f"正文摘要 text SHA-256 {self.digest}",
            f"签名密钥指纹 key fingerprint: {self.fingerprint}",
            *self.noted,
        ]

    def add(self, code: str, zh: str, en: str, exit_code: ExitCode) -> None:
        """One more thing that is wrong."""
        self.findings.append(Finding(code, self.folder.name, zh, en, exit_code))


def record_of(signed: SignedMinutes) -> bytes:
    """The file for a signed statement."""
    record = {
        "format": FORMAT,
        "version": 1,
        "statement": signed.statement,
        "signature": json.loads(signed.signature),
    }
    return json.dumps(record, ensure_ascii=False, indent=1).encode()


def is_minutes_record(path: Path) -> bool:
    """Does this file say that it is one?"""
    with path.open("rb") as file:
        return f'"{FORMAT}"'.encode() in file.read(200)


def verify_minutes_record(path: Path, register: KeyRegister | None = None) -> MinutesRecordVerdict:
    """Check a record; with the `register` also whose key it was. Never raises for what it holds."""
    verdict = MinutesRecordVerdict(path)
    try:
        statement, signature = _read(path)
        said = _statement(statement)
    except (OSError, ValueError, RecursionError):
        zh, en = "笔录的签名记录读不出来。", "The record of the minutes cannot be read."
        verdict.add("minutes_record_unreadable", zh, en, ExitCode.UNREADABLE)
        return verdict
    verdict.digest, verdict.size = str(said.get("text_sha256", "")), len(statement)
    text = said["text"]
    verdict.paragraphs, verdict.signatures = len(text.get("paragraphs", ())), len(said.get("signatures", ()))
    try:
        verdict.fingerprint = check_signature(statement, signature)
    except Sm2Unavailable:
        zh = "这台机器不能验证国密 SM2 签名。"
        verdict.add("sm2_unavailable", zh, "SM2 cannot be checked on this machine.", ExitCode.UNREADABLE)
        return verdict
    if verdict.fingerprint is None:
        zh = "笔录与签名不符：正文、签字或签名记录在定稿后被改动。"
        en = "The signature does not fit: text, signatures or record were changed after signing."
        verdict.add("minutes_changed", zh, en, ExitCode.NOT_AS_SEALED)
    if hashlib.sha256(canonical(text)).hexdigest() != verdict.digest:
        zh, en = "正文与记录的正文摘要不符。", "The text does not have the digest that is stated."
        verdict.add("minutes_text_changed", zh, en, ExitCode.NOT_AS_SEALED)
    known = register is None or any(key.fingerprint == verdict.fingerprint for key in register.keys)
    if verdict.intact and not known:
        zh = "签名有效，但签名密钥不在密钥登记簿里。"
        verdict.add("signer_unknown", zh, "Signed by a key that is not registered.", ExitCode.UNKNOWN_SIGNER)
    return verdict


def _read(path: Path) -> tuple[bytes, dict[str, Any]]:
    """Statement and signature. Raises OSError, ValueError."""
    if path.stat().st_size > LARGEST:
        raise ValueError("too large")
    record = json.loads(path.read_bytes())
    if not isinstance(record, dict) or record.get("format") != FORMAT or record.get("version") != 1:
        raise ValueError("not a record of minutes")
    statement, signature = record.get("statement"), record.get("signature")
    if not isinstance(statement, str) or not isinstance(signature, dict):
        raise ValueError("incomplete")
    return statement.encode(), signature


def _statement(raw: bytes) -> dict[str, Any]:
    said = json.loads(raw)
    if not isinstance(said, dict) or not isinstance(said.get("text"), dict):
        raise ValueError("no statement")
    return said
