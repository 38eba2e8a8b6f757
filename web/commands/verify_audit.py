"""`lianxin verify-audit`: the whole audit, line by line, and the heads that were signed each day."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from web.commands.terminal import complain, console
from web.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from recordings.evidence.keys import KeyRegister
    from web.commands.audit_report import AuditReport


def verify_audit(
    keys: Annotated[
        Path | None, typer.Option(help="密钥登记簿 register of keys (lianxin keys export)")
    ] = None,
) -> None:
    """核对操作审计 Prove that no line of the audit was changed, taken out, put in or moved."""
    from sqlalchemy.exc import SQLAlchemyError

    from cases.schema import SchemaTooNew, SchemaTooOld
    from recordings.evidence.keys import RegisterError, read_register
    from recordings.evidence.verdict import ExitCode

    try:
        register = read_register(keys) if keys is not None else None
        report = asyncio.run(_check(load(), register))
    except (SettingsError, RegisterError, SchemaTooOld, SchemaTooNew, SQLAlchemyError, OSError) as error:
        complain(error)
        raise typer.Exit(int(ExitCode.UNREADABLE)) from error
    for line in report.lines:
        console.print(line, soft_wrap=True, markup=False)
    raise typer.Exit(int(report.exit_code))


async def _check(settings: Settings, register: KeyRegister | None) -> AuditReport:
    from cases.audit_check import check_audit
    from cases.database import Database
    from recordings.watch.audit_anchor import anchors_of, check_anchors
    from web.commands.audit_report import report_of

    database = Database(settings.database_url)
    try:
        await database.check_schema()
        async with database.session() as db:
            verdict = await check_audit(db)
            anchors, faults = await check_anchors(db, anchors_of(settings.recordings_root), register)
    finally:
        await database.close()
    return report_of(verdict, anchors, faults)
