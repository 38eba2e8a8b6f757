"""`lianxin verify-audit`: the whole audit, line by line, and the heads that were signed each day."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from cases.audit_check import AuditFault, AuditFaultKind, AuditVerdict, check_audit
from cases.database import Database
from cases.schema import SchemaTooNew, SchemaTooOld
from recordings.evidence.keys import KeyRegister, RegisterError, read_register
from recordings.evidence.verdict import ExitCode
from recordings.watch.audit_anchor import AnchorFault, anchors_of, check_anchors
from web.settings import Settings, SettingsError, load

WORDS = {
    AuditFaultKind.CHANGED: ("被改动", "was changed"),
    AuditFaultKind.MISSING: ("缺失", "is missing"),
    AuditFaultKind.ADDED: ("是后来加进去的", "was put in"),
    AuditFaultKind.SWAPPED: ("不在原来的位置", "stands elsewhere"),
    AuditFaultKind.HEAD: ("之后的链尾登记缺失", "is the last; the note of the end is missing"),
}
Checked = tuple[AuditVerdict, int, list[AnchorFault]]


@dataclass(frozen=True)
class AuditReport:
    """What the command says and how it ends, with the exit codes of `lianxin verify`."""

    lines: tuple[str, ...]
    exit_code: ExitCode


def verify_audit(
    keys: Annotated[
        Path | None, typer.Option(help="密钥登记簿 register of keys (lianxin keys export)")
    ] = None,
) -> None:
    """核对操作审计 Prove that no line of the audit was changed, taken out, put in or moved."""
    try:
        register = read_register(keys) if keys is not None else None
        report = report_of(*asyncio.run(_check(load(), register)))
    except (SettingsError, RegisterError, SchemaTooOld, SchemaTooNew, SQLAlchemyError, OSError) as error:
        Console(stderr=True, highlight=False).print(str(error), soft_wrap=True, markup=False)
        raise typer.Exit(int(ExitCode.UNREADABLE)) from error
    for line in report.lines:
        Console(highlight=False).print(line, soft_wrap=True, markup=False)
    raise typer.Exit(int(report.exit_code))


def report_of(verdict: AuditVerdict, anchors: int, faults: list[AnchorFault]) -> AuditReport:
    """The lines in Chinese and English; a wrong row is 1, a wrong signature or a chain written anew is 2."""
    head = f"操作审计 audit: {verdict.rows} 条 rows, {anchors} 份每日签名 signed heads"
    told = [f"✗ {fault.day} {fault.text} ({fault.code})" for fault in faults]
    if verdict.fault is not None:
        told.insert(0, f"✗ {_words(verdict.fault)}")
    if not told:
        zh, en = "逐条相连，没有改动、缺失、添加或调换。", "Every line is as it was written, none is missing."
        return AuditReport((head, f"{zh} {en}", f"SHA-256 {verdict.digest}"), ExitCode.INTACT)
    return AuditReport((head, *told), ExitCode.NOT_AS_SEALED if faults else ExitCode.DAMAGED)


def _words(fault: AuditFault) -> str:
    zh, en = WORDS[fault.kind]
    other = f"（第 {fault.other} 条的位置上）" if fault.other else ""
    return f"第 {fault.sequence} 条{zh}{other}。 Row {fault.sequence} {en}."


async def _check(settings: Settings, register: KeyRegister | None) -> Checked:
    database = Database(settings.database_url)
    try:
        await database.check_schema()
        async with database.session() as db:
            verdict = await check_audit(db)
            anchors, faults = await check_anchors(db, anchors_of(settings.recordings_root), register)
    finally:
        await database.close()
    return verdict, anchors, faults
