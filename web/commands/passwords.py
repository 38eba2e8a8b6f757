"""`lianxin password`: a one-time password, also for an administrator, whom no page gives one."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from web.commands.terminal import complain, console
from web.settings import Settings, SettingsError, load


def password(username: Annotated[str, typer.Argument(help="用户名 username")]) -> None:
    """给一个账号一次性密码，管理员也可以 Give an account, also an administrator's, a one-time password."""
    from cases.errors import RuleError
    from cases.schema import SchemaTooNew, SchemaTooOld

    try:
        given = asyncio.run(_give(load(), username))
    except (SettingsError, SchemaTooOld, SchemaTooNew, RuleError) as error:
        complain(error.message if isinstance(error, RuleError) else error)
        raise typer.Exit(1) from error
    console.print(f"一次性密码 one-time password: {given}", markup=False)


async def _give(settings: Settings, username: str) -> str:
    from sqlalchemy import select

    from cases.administration.accounts import reset_password
    from cases.clock import SystemClock
    from cases.database import Database
    from cases.people import Official
    from cases.policy import SYSTEM

    database = Database(settings.database_url)
    try:
        await database.check_schema()
        async with database.session() as db:
            official_id = await db.scalar(select(Official.id).where(Official.username == username))
            return await reset_password(db, SystemClock(), SYSTEM, official_id or "")
    finally:
        await database.close()
