"""`lianxin ledger`: day roots whose files were lost or damaged, written again from the database."""

from __future__ import annotations

import asyncio

import typer
from rich.console import Console
from sqlalchemy import select

from cases.clock import SystemClock
from cases.database import Database
from cases.organisations import Organisation, get_organisation
from cases.schema import SchemaTooNew, SchemaTooOld
from recordings.watch.day_statement import DayStatement, Restored, restore_days
from web.settings import Settings, SettingsError, load

app = typer.Typer(help="日根 The day roots of the offices", no_args_is_help=True)
console = Console(highlight=False)
Done = list[tuple[Organisation, list[Restored]]]


@app.callback()
def ledger() -> None:
    """A group of its own, although it has but one command."""


@app.command()
def restore() -> None:
    """按数据库的登记恢复丢失或损坏的日根文件 Write lost or damaged day roots again, byte for byte."""
    try:
        done = asyncio.run(_restore(load()))
    except (SettingsError, SchemaTooOld, SchemaTooNew, OSError) as error:
        Console(stderr=True, highlight=False).print(str(error), soft_wrap=True, markup=False)
        raise typer.Exit(1) from error
    failed = False
    for office, days in done:
        for one in days:
            told = one.trouble or "已恢复 restored"
            failed = failed or bool(one.trouble)
            console.print(f"{office.name} {one.day}：{told}", soft_wrap=True, markup=False)
    if not any(days for _, days in done):
        console.print("日根文件与登记一致 Every day root is as it was written", soft_wrap=True)
    raise typer.Exit(1 if failed else 0)


async def _restore(settings: Settings) -> Done:
    database, done = Database(settings.database_url), Done()
    try:
        await database.check_schema()
        async with database.session() as db:
            offices = (await db.scalars(select(DayStatement.organisation_id).distinct())).all()
            for office_id in sorted(offices):
                days = await restore_days(db, SystemClock(), office_id, settings.recordings_root)
                done.append((await get_organisation(db, office_id), days))
    finally:
        await database.close()
    return done
