"""`lianxin ledger`: day roots whose files were lost or damaged, written again from the database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from web.commands.terminal import complain, console
from web.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from cases.organisations import Organisation
    from recordings.watch.day_statement import Restored

app = typer.Typer(help="日根 The day roots of the offices", no_args_is_help=True)


@app.callback()
def ledger() -> None:
    """A group of its own, although it has but one command."""


@app.command()
def restore() -> None:
    """按数据库的登记恢复丢失或损坏的日根文件 Write lost or damaged day roots again, byte for byte."""
    from cases.schema import SchemaTooNew, SchemaTooOld

    try:
        done = asyncio.run(_restore(load()))
    except (SettingsError, SchemaTooOld, SchemaTooNew, OSError) as error:
        complain(error)
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


async def _restore(settings: Settings) -> list[tuple[Organisation, list[Restored]]]:
    from sqlalchemy import select

    from cases.clock import SystemClock
    from cases.database import Database
    from cases.organisations import get_organisation
    from recordings.watch.day_statement import DayStatement, restore_days

    database = Database(settings.database_url)
    done: list[tuple[Organisation, list[Restored]]] = []
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
