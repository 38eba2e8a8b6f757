"""Office check: all recordings of one office against each other, its day roots and destructions; offline.

Manifests, signatures and the ledger are read, not the journals: whether every byte of a recording is as it
was sealed, ``verify_folder`` tells.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from cases.clock import BEIJING
from recordings.evidence.attestations import moment_of, objection_to
from recordings.evidence.day_root import (
    LEDGER,
    DayRoot,
    LedgerError,
    days_of,
    read_day,
    read_signer,
    read_statement,
)
from recordings.evidence.keys import KeyRegister
from recordings.evidence.manifest import MANIFEST_FILE, SIGNATURE_FILE, canonical, moment_text, sha256_hex
from recordings.evidence.office_chain import Departed, Link, judge_chain
from recordings.evidence.sm2 import Sm2Unavailable
from recordings.evidence.timestamp import TimeStampError, check_token
from recordings.evidence.verdict import ExitCode, Finding, Note, Verdict
from recordings.evidence.verification import unchecked
from recordings.watch.day_statement import restored_at
from recordings.watch.ledger import DESTROYED, DESTRUCTION_FORMAT

MADE_WITHIN = timedelta(days=3)  # A machine may stand still over a weekend.


@dataclass
class OfficeVerdict(Verdict):
    """What was found in the recordings of an office. ``folder`` holds the recording folders."""

    office: str = ""
    recordings: int = 0
    destroyed: int = 0
    days: int = 0

    def lines(self) -> list[str]:
        """The report in Chinese and English, one line per finding."""
        head = (
            f"{self.office}: {self.recordings} 份录像 recordings, {self.destroyed} 份依规定销毁 destroyed, "
            f"{self.days} 个日根 day roots"
        )
        if not self.intact:
            told = (f"✗ {finding.text_zh} {finding.text_en}" for finding in self.findings)
            return [head, *told, *self.noted]
        zh = "录像链完整：没有缺少、重复、调换或改变顺序。"
        en = "The chain is whole: nothing missing, doubled, swapped or reordered."
        return [head, f"{zh} {en}", *self.noted]


@dataclass
class Ledger:
    """An office's ledger as it was read; ``findings`` say what is wrong with it."""

    days: list[DayRoot] = field(default_factory=list)
    departed: list[Departed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def note(self, code: str, path: Path, zh: str, en: str, worst: ExitCode = ExitCode.NOT_AS_SEALED) -> None:
        self.findings.append(Finding(code, f"{LEDGER}/{path.parent.name}/{path.name}", zh, en, worst))


def verify_office(
    root: Path,
    office: str,
    register: KeyRegister | None = None,
    ledgers: Path | None = None,
    authority: Path | None = None,
) -> OfficeVerdict:
    """Check the recordings below ``root`` whose host office has this id, region code or name.

    ``ledgers`` holds the ledgers of all offices, None: beside ``root``. With ``authority``, its
    certificate, the time stamps are checked too. Never raises for what is wrong with
    the files.
    """
    verdict = OfficeVerdict(root, office=office)
    ledgers = ledgers or root.resolve().parent / LEDGER
    known, manifests = _ledgers(ledgers, office), list(_manifests(verdict, root, office))
    ids = {*known, *(str(about["organisation"]["id"]) for _, about, _, _ in manifests)}
    if len(ids) != 1:
        zh = "没有这个单位的录像和日根。" if not ids else "有几个单位叫这个名字，请写单位编号。"
        en = "Nothing of this office is here." if not ids else "Several offices have this name: give the id."
        verdict.findings.append(Finding("office_unknown", "", zh, en, ExitCode.UNREADABLE))
        return verdict
    links = [_link(verdict, *found, register) for found in manifests]
    ledger = read_ledger(ledgers / Path(ids.pop()).name, register)
    if authority is not None:
        _check_stamps(verdict, ledger, authority)
    verdict.findings += ledger.findings
    chained = [link for link in links if link is not None]
    leaves = [leaf for day in ledger.days for leaf in day.leaves]
    for fault in judge_chain(chained, leaves, ledger.departed):
        verdict.findings.append(
            Finding(fault.code, "", fault.text_zh, fault.text_en, exit_code=ExitCode.NOT_AS_SEALED)
        )
    verdict.recordings, verdict.days = len(chained), len(ledger.days)
    verdict.destroyed = len(ledger.departed)
    verdict.notes += _told_of_days(ledger)
    if register is None:
        zh = "没有给出密钥登记簿，签名是谁的没有核对。"
        verdict.notes.append(Note("keys_unknown", zh, "Without a register of keys any key was taken."))
    return verdict


def _told_of_days(ledger: Ledger) -> Iterator[Note]:
    """What is no fault, but must be known: days restored from the database, and days made long after."""
    for day in ledger.days:
        restored = restored_at(day.path)
        if restored is not None:
            zh = f"日根 {day.path.stem} 的文件丢失或损坏过，{restored} 按数据库的登记恢复。"
            yield Note("day_restored", zh, f"Day root {day.path.stem} was restored at {restored}.")
        made_at, over = moment_of(day.content.get("made_at")), datetime.combine(day.day, time.max, BEIJING)
        if made_at is not None and made_at - over > MADE_WITHIN:
            zh = f"日根 {day.path.stem} 是 {moment_text(made_at)} 补做的。"
            yield Note("day_late", zh, f"Day root {day.path.stem} was made long after its day.")


def _manifests(
    verdict: OfficeVerdict, root: Path, office: str
) -> Iterator[tuple[Path, dict[str, Any], dict[str, Any], bytes]]:
    """(folder, ``recording`` and ``chain`` of its manifest, the manifest's bytes) of the office."""
    for path in sorted(root.glob(f"*/{MANIFEST_FILE}")):
        try:
            data = path.read_bytes()
            manifest = json.loads(data)
            about, chain = manifest["recording"], manifest.get("chain") or {}
            mine = office in (about["organisation"][name] for name in ("id", "region_code", "name"))
            whole = canonical(manifest) == data and isinstance(chain, dict)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            zh = f"目录 {path.parent.name} 的封存清单无法解读（{error}）。"
            en = f"The manifest in folder {path.parent.name} cannot be read."
            verdict.findings.append(Finding("manifest_unreadable", path.parent.name, zh, en))
            continue
        if mine and not whole:
            zh, en = "的封存清单不是规范形式。", "is not in canonical form."
            text = f"目录 {path.parent.name} {zh}", f"The manifest in {path.parent.name} {en}"
            verdict.findings.append(Finding("manifest_form", path.parent.name, *text, ExitCode.NOT_AS_SEALED))
        if mine:
            yield path.parent, about, chain, data


def _link(
    verdict: OfficeVerdict,
    folder: Path,
    about: dict[str, Any],
    chain: dict[str, Any],
    data: bytes,
    register: KeyRegister | None,
) -> Link | None:
    name, manifest = folder.name, json.loads(data)
    try:
        # Manifests of the first version do not name their key.
        signer = read_signer(data, folder / SIGNATURE_FILE, manifest, strict=False)
    except Sm2Unavailable as error:
        verdict.findings.append(unchecked(name, error))
        signer = None
    else:
        text = _doubt(signer, register, manifest.get("sealed_at"))
        if text is not None:
            zh, en = f"目录 {name} 的封存清单：{text[0]}", f"The manifest in folder {name}: {text[1]}"
            verdict.findings.append(Finding("manifest_signature", name, zh, en, ExitCode.NOT_AS_SEALED))
    number, previous = chain.get("number"), chain.get("previous_manifest_sha256")
    if type(number) is not int or number < 1:
        zh = f"目录 {name} 的录像没有链中的编号。"
        verdict.findings.append(
            Finding("number_missing", name, zh, f"The recording in folder {name} has no number in the chain.")
        )
        return None
    said = previous if isinstance(previous, str) else None
    return Link(number, str(about.get("id")), sha256_hex(data), said, name)


def _doubt(signer: str | None, register: KeyRegister | None, signed_at: Any) -> tuple[str, str] | None:
    """Why a signature does not count; None when it does."""
    if signer is None:
        return "签名不符。", "the signature is wrong."
    if register is not None and register.find(signer) is None:
        return f"签名密钥不在登记簿：{signer}。", f"signed by an unknown key {signer}."
    objection = objection_to(register, signer, signed_at)
    return None if objection is None else (objection.text_zh, objection.text_en)


def _check_stamps(verdict: OfficeVerdict, ledger: Ledger, authority: Path) -> None:
    """The token of each day that has one; the rest is a number."""
    stamped = 0
    for day in ledger.days:
        if not day.token_path.is_file():
            continue
        try:
            check_token(day.statement, day.token_path.read_bytes(), authority)
            stamped += 1
        except (TimeStampError, OSError) as error:
            if isinstance(error, TimeStampError) and error.cause == "expired":
                zh = f"日根 {day.path.stem} 的时间戳不在机构证书的有效期内，不能作证。"
                en = f"The time stamp of {day.path.stem} lies outside the certificate's validity."
                ledger.note("time_stamp_expired", day.token_path, zh, en)
                continue
            zh = f"日根 {day.path.stem} 的时间戳不成立（{error}）。"
            en = f"The time stamp of {day.path.stem} is wrong."
            ledger.note("time_stamp_wrong", day.token_path, zh, en)
    zh = f"{len(ledger.days)} 个日根中 {stamped} 个有时间戳，已核对。"
    en = f"{stamped} of {len(ledger.days)} day roots have a time stamp that holds."
    verdict.notes.append(Note("time_stamps", zh, en))


# The ledger


def _ledgers(ledgers: Path, office: str) -> list[str]:
    """Ids of the ledgers of an office with this id, region code or name."""
    found = []
    for directory in sorted(ledgers.glob("*/")):
        names = [directory.name]
        for path in (*days_of(directory)[-1:], *sorted((directory / DESTROYED).glob("*.json"))[:1]):
            try:
                said = json.loads(path.read_bytes())["organisation"]
                names += [said["region_code"], said["name"]]
            except (OSError, ValueError, KeyError, TypeError, RecursionError):
                continue
        found += [directory.name] * (office in names)
    return found


def read_ledger(directory: Path, register: KeyRegister | None) -> Ledger:
    """Every statement of an office's ledger, checked: signature, key, root, and the chain of the days."""
    ledger, last = Ledger(), None
    doubtful = False  # Of the day before; whether this one follows it cannot be told.
    for path in days_of(directory):
        try:
            day = read_day(path)
        except LedgerError as error:
            zh, en = str(error), f"The day root {path.stem} cannot be read or does not fit its leaves."
            ledger.note("day_root_wrong", path, zh, en)
            doubtful = True
            continue
        if not _signed(ledger, "日根", path, day.statement, day.content, register):
            doubtful = True
            continue
        if not doubtful and not _follows(day, last):
            zh = f"日根 {path.stem} 没有接在前一个日根之后：日根被取走、换过或改变了顺序。"
            en = f"Day root {path.stem} does not follow the one before: one was taken out, swapped or moved."
            ledger.note("day_chain_broken", path, zh, en)
        ledger.days.append(day)
        last, doubtful = day, False
    for path in sorted((directory / DESTROYED).glob("*.json")):
        departed = _departed(ledger, path, register)
        if departed is not None:
            ledger.departed.append(departed)
    return ledger


def _follows(day: DayRoot, last: DayRoot | None) -> bool:
    if last is None:
        return day.content["previous_sha256"] is None and day.content["number"] == 1
    return (
        day.content["previous_sha256"] == last.sha256
        and day.content["number"] == last.content["number"] + 1
        and day.leaves[0].number > last.leaves[-1].number
    )


def _signed(
    ledger: Ledger,
    what: str,
    path: Path,
    statement: bytes,
    content: dict[str, Any],
    register: KeyRegister | None,
) -> bool:
    try:
        signer = read_signer(statement, path.with_suffix(".sig"), content)
    except Sm2Unavailable as error:
        found = unchecked(path.name, error)
        ledger.note(found.code, path, found.text_zh, found.text_en, ExitCode.UNREADABLE)
        return True
    text = _doubt(signer, register, content.get("made_at"))
    if text is not None:
        ledger.note("ledger_signature", path, f"{what} {path.stem}：{text[0]}", f"{path.name}: {text[1]}")
    return text is None


def _departed(ledger: Ledger, path: Path, register: KeyRegister | None) -> Departed | None:
    """A statement of destruction that can be believed."""
    try:
        statement, content = read_statement(path, DESTRUCTION_FORMAT)
        number, recording_id, digest = (content[n] for n in ("number", "recording_id", "manifest_sha256"))
        people = content["proposed_by"], content["approved_by"]
        datetime.fromisoformat(content["destroyed_at"])
        if type(number) is not int or str(number) != path.stem or not all(people):
            raise LedgerError(f"销毁记录 {path.name} 无法解读。")
    except (LedgerError, KeyError, TypeError, ValueError) as error:
        zh, en = f"{error}", f"The destruction record {path.name} cannot be read."
        ledger.note("destruction_unreadable", path, zh, en)
        return None
    if not _signed(ledger, "销毁记录", path, statement, content, register):
        return None
    return Departed(number, str(recording_id), digest)
