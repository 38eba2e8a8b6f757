"""What `lianxin verify-audit` says of the chain and of the heads that were signed each day."""

from __future__ import annotations

from dataclasses import dataclass

from cases.audit_check import AuditFault, AuditFaultKind, AuditVerdict
from recordings.evidence.verdict import ExitCode
from recordings.watch.audit_anchor import AnchorFault

WORDS = {
    AuditFaultKind.CHANGED: ("被改动", "was changed"),
    AuditFaultKind.MISSING: ("缺失", "is missing"),
    AuditFaultKind.ADDED: ("是后来加进去的", "was put in"),
    AuditFaultKind.SWAPPED: ("不在原来的位置", "stands elsewhere"),
    AuditFaultKind.HEAD: ("之后的链尾登记缺失", "is the last; the note of the end is missing"),
}


@dataclass(frozen=True)
class AuditReport:
    """What the command says and how it ends, with the exit codes of `lianxin verify`."""

    lines: tuple[str, ...]
    exit_code: ExitCode


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
