"""Attestations: what else vouches for a sealed recording than its files: the key."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from recordings.evidence.keys import KeyRegister, Objection
from recordings.evidence.manifest import MANIFEST_FILE
from recordings.evidence.verdict import ExitCode, Finding, Note, Verdict


def check_key(verdict: Verdict, manifest: dict[str, Any], register: KeyRegister | None) -> None:
    """The key that signed is the one the manifest names, and it was good at the time of sealing."""
    if verdict.fingerprint is None:
        return
    if manifest.get("signing_key", verdict.fingerprint) != verdict.fingerprint:
        zh = "签名所用密钥不是封存清单写明的那一把：签名被换过。"
        en = "The manifest names another key than the one that signed it: the signature was replaced."
        _refuse(verdict, "signature_replaced", zh, en)
    entry = register.find(verdict.fingerprint) if register is not None else None
    objection = objection_to(register, verdict.fingerprint, manifest.get("sealed_at"))
    if objection is not None:
        _refuse(verdict, objection.code, objection.text_zh, objection.text_en)
    elif entry is not None and entry.revoked_at is not None:
        zh = f"签名密钥后来（{entry.revoked_at}）被吊销；封存在此之前，签名仍然有效。"
        en = f"The key was revoked later ({entry.revoked_at}); the recording was sealed before."
        verdict.notes.append(Note("key_revoked_later", zh, en))


def objection_to(register: KeyRegister | None, fingerprint: str | None, signed_at: Any) -> Objection | None:
    """What the register has against a signature made at ``signed_at`` (text as in the signed statement)."""
    entry = register.find(fingerprint) if register is not None and fingerprint is not None else None
    return None if entry is None else entry.objection(moment_of(signed_at))


def moment_of(text: Any) -> datetime | None:
    """An RFC 3339 time of a manifest; None when there is none."""
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _refuse(verdict: Verdict, code: str, zh: str, en: str, path: str = MANIFEST_FILE) -> None:
    verdict.findings.append(Finding(code, path, zh, en, exit_code=ExitCode.NOT_AS_SEALED))
